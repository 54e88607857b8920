import type { Schemas } from "@/api/client";
import type { Span } from "@/components/chart/scale";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How far back somebody looks. */
export type Range = "1h" | "4h" | "1d" | "7d" | "90d";

interface About {
  words: string;
  step: Schemas["FigureStep"];
  length: number;
  /** How long a column is. */
  part: number;
}

export const RANGES: Record<Range, About> = {
  "1h": { words: "the last hour", step: "minute", length: HOUR, part: MINUTE },
  "4h": { words: "the last 4 hours", step: "minute", length: 4 * HOUR, part: 2 * MINUTE },
  "1d": { words: "the last day", step: "hour", length: DAY, part: HOUR },
  "7d": { words: "the last 7 days", step: "hour", length: 7 * DAY, part: 3 * HOUR },
  "90d": { words: "the last 90 days", step: "hour", length: 90 * DAY, part: DAY },
};

/** What somebody sees who chose nothing. */
export const FIRST_RANGE: Range = "1h";

export function rangeOf(value: unknown): Range | undefined {
  return typeof value === "string" && Object.hasOwn(RANGES, value) ? (value as Range) : undefined;
}

/** The span of a range that ends now: whole columns, the last one still under way. */
export function spanOf(range: Range, now: number): Span {
  const { length, part } = RANGES[range];
  const until = Math.ceil(now / part) * part;
  return { from: until - length, until, part };
}
