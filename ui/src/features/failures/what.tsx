import type { Retry } from "./queries";

/** What is delivered: of which event, that one row isn't named as the next one is. */
export function What({ part, offset }: { part: Retry["part"]; offset: number }) {
  return (
    <>
      {part === "event" ? "Event" : "User of event"} <span className="mono numbers">{offset}</span>
    </>
  );
}
