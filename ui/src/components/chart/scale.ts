/** Steps of a scale that people count in. */
const NICE = [1, 2, 2.5, 5, 10];

/**
 * Values to mark on an axis from 0 to at least `highest`: three or four, the last one on top. What is counted has
 * no marks between whole numbers.
 */
export function ticks(highest: number, whole = false): number[] {
  if (!(highest > 0)) return [0, 1];
  const rough = whole ? Math.max(1, highest / 3) : highest / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = (NICE.find((each) => each * power >= rough && !(whole && (each * power) % 1 !== 0)) ?? 10) * power;
  const count = Math.ceil(highest / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** A span of time, and how it is divided. */
export interface Span {
  /** Milliseconds since 1970. */
  from: number;
  until: number;
  /** How long a part is, in milliseconds. */
  part: number;
}

/** When each part begins. */
export function parts({ from, until, part }: Span): number[] {
  const count = Math.max(1, Math.ceil((until - from) / part - 1e-9));
  return Array.from({ length: count }, (_, index) => from + index * part);
}

/** What was counted in each part: steps without an entry count nothing. */
export function sums<T>(span: Span, entries: T[], at: (entry: T) => number, value: (entry: T) => number): number[] {
  const found = parts(span).map(() => 0);
  for (const entry of entries) {
    const index = Math.floor((at(entry) - span.from) / span.part);
    const before = found[index];
    if (before !== undefined) found[index] = before + value(entry);
  }
  return found;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** How far apart marks of time may be. */
const APART = [5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY];

/** Times to mark on an axis, at most `most`, on the hours and days of the viewer's zone. */
export function timeMarks({ from, until }: Span, most: number): number[] {
  const apart = APART.find((each) => (until - from) / each <= most) ?? 90 * DAY;
  const zone = new Date(from).getTimezoneOffset() * MINUTE;
  const first = Math.ceil((from - zone) / apart) * apart + zone;
  const marks: number[] = [];
  for (let at = first; at < until; at += apart) marks.push(at);
  return marks;
}

/** A mark of time in as few letters as its span allows. */
export function timeMark(at: number, { from, until }: Span): string {
  const days = until - from > 2 * DAY;
  const format: Intl.DateTimeFormatOptions = days ? { day: "numeric", month: "short" } : { hour: "numeric", minute: "2-digit" };
  return new Intl.DateTimeFormat(undefined, format).format(at);
}
