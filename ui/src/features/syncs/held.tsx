import { Text } from "@mantine/core";
import { Time } from "@/components/moment";
import { Section } from "@/components/page";
import { inNumbers } from "@/features/overview/figures";
import { inBytes, inTime } from "@/components/amounts";
import type { SyncStatus } from "./queries";
import classes from "./held.module.css";

/** What a sync that stands still keeps, within which bounds, and what it lost to them; how it catches up afterwards. */
export function Held({ status }: { status: SyncStatus }) {
  const { held, draining, backlog, pending } = status;
  const stands = status.health === "paused" || status.health === "misconfigured" || status.next_probe_at != null;
  const lost = held.lost_events + held.lost_retries;
  const dropped = held.dropped_events + held.dropped_retries;
  if (!stands && draining == null && lost + dropped + held.superseded === 0) return null;
  const facts: [string, React.ReactNode][] = [];
  if (draining != null) {
    facts.push([
      "Catching up",
      <>
        <b className="numbers">{inNumbers(draining.events_left)}</b> {draining.events_left === 1 ? "event" : "events"} to go through
        {draining.newest_per_user && ", of which only the newest of each user and type is sent"}
        {draining.requests_per_minute != null && `, ${inNumbers(draining.requests_per_minute)} requests a minute at most`}
      </>,
    ]);
  }
  if (stands) {
    facts.push([
      "Waiting",
      backlog + pending === 0 ? (
        "Nothing at present."
      ) : (
        <>
          {backlog > 0 && (
            <>
              <b className="numbers">{inNumbers(backlog)}</b> {backlog === 1 ? "event" : "events"} ({inBytes(held.bytes)})
            </>
          )}
          {backlog > 0 && status.oldest_unsettled_at != null && (
            <>
              , the oldest received <Time at={status.oldest_unsettled_at} />
            </>
          )}
          {pending > 0 && `${backlog > 0 ? ", and " : ""}${inNumbers(pending)} ${pending === 1 ? "delivery" : "deliveries"} pending retry`}
        </>
      ),
    ]);
    facts.push(["Limits", `Events are kept for ${inTime(held.max_age_seconds)}, up to ${inBytes(held.max_bytes)}. What is older, or more than that, may be dropped.`]);
  }
  if (lost > 0) {
    facts.push([
      "Dropped by these limits",
      <>
        <b className="numbers">{inNumbers(held.lost_events)}</b> events{held.lost_retries > 0 && ` and ${inNumbers(held.lost_retries)} deliveries`}
        {held.lost_at != null && (
          <>
            , the last <Time at={held.lost_at} />
          </>
        )}
      </>,
    ]);
  }
  if (dropped > 0) facts.push(["Dropped by a person", `${inNumbers(held.dropped_events)} events and ${inNumbers(held.dropped_retries)} deliveries`]);
  if (held.superseded > 0) facts.push(["Skipped for newer ones", `${inNumbers(held.superseded)} deliveries`]);
  return (
    <Section title={stands ? "Backlog" : "Former backlog"}>
      <dl className={classes.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <Text component="dd" size="sm">
              {value}
            </Text>
          </div>
        ))}
      </dl>
    </Section>
  );
}
