import { dateTime } from "@/components/time";
import type { Replay } from "./queries";
import { reasonWords } from "./words";

/** What a replay is about. */
export function replayWords({ failed, events, import: archive }: Pick<Replay, "failed" | "events" | "import">): string {
  if (archive != null) return `Archive ${archive.name}`;
  if (events != null) {
    const types = events.select != null && "types" in events.select ? events.select.types.map((each) => each.event_type) : [];
    const narrowed = events.select != null && "all" in events.select && events.select.all.condition != null ? ", filtered" : "";
    const what = types.length === 0 ? "Events" : types.length > 3 ? `Events of ${String(types.length)} types` : types.join(", ");
    return `${what} from ${dateTime(events.from)}${events.until == null ? "" : ` until ${dateTime(events.until)}`}${narrowed}`;
  }
  if (failed == null) return "A replay";
  const parts = [
    ...((failed.deliveries ?? []).length > 0 ? [`${String(failed.deliveries?.length ?? 0)} selected deliveries`] : []),
    ...(failed.reasons ?? []).map(reasonWords),
    ...(failed.statuses ?? []).map((status) => `status ${String(status)}`),
    ...(failed.event_types ?? []),
    ...(failed.outcome == null ? [] : [failed.outcome === "expired" ? "expired" : "request not built"]),
  ];
  return parts.length === 0 ? "All failed deliveries" : parts.join(", ").replace(/^1 selected deliveries/, "1 selected delivery");
}
