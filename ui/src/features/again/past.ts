import type { Schemas } from "@/api/client";
import type { Condition } from "@/features/setup/condition";

const HOUR = 3_600_000;

/** Times that one chooses at once. */
export const PERIODS = {
  hour: { label: "Last hour", milliseconds: HOUR },
  day: { label: "Last day", milliseconds: 24 * HOUR },
  week: { label: "Last 7 days", milliseconds: 7 * 24 * HOUR },
} as const;

export type Period = keyof typeof PERIODS | "own";

/** Which past events somebody means. */
export interface Wanted {
  period: Period;
  /** As fields for day and time have them, in the viewer's zone; empty: not given. */
  from: string;
  until: string;
  types: string[];
  condition: Condition | null;
}

/** The same as the API takes it; a text: what is missing. `now` is when the period was chosen. */
export function eventsOf({ period, from, until, types, condition }: Wanted, now: number): Schemas["ReplayEvents"] | string {
  const select = selectionOf(types, condition);
  const narrowed = select === null ? {} : { select };
  if (period !== "own") return { from: new Date(now - PERIODS[period].milliseconds).toISOString(), ...narrowed };
  const [begin, end] = [Date.parse(from), Date.parse(until)];
  if (Number.isNaN(begin)) return "Choose a start.";
  if (until !== "" && Number.isNaN(end)) return "The end is not a valid time.";
  if (end <= begin) return "The end must be after the start.";
  const ends = until === "" ? {} : { until: new Date(end).toISOString() };
  return { from: new Date(begin).toISOString(), ...ends, ...narrowed };
}

/** Of what the sync selects, those of some types, or for which a condition holds; null: all. */
export function selectionOf(types: string[], condition: Condition | null): Schemas["Selection"] | null {
  const held = condition === null ? {} : { condition };
  if (types.length > 0) return { types: types.map((event_type) => ({ event_type, ...held })) };
  return condition === null ? null : { all: held };
}
