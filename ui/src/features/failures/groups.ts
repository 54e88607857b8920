import { parts, type Span, sums } from "@/components/chart/scale";
import type { Counted } from "@/features/overview/figures";

/** Failures of one kind: how many, and when. */
export interface FailureGroup {
  key: string;
  /** A category, or why no request could be made. */
  reason: string;
  status: number | null;
  /** Attempts that failed, or events of which no request could be made. */
  count: number;
  /** Whether attempts were made at all. */
  attempted: boolean;
  trend: number[];
  /** When it happened last: the end of the step in which it did, or now while that goes on. */
  lastSeen: number;
}

const STEPS = { minute: 60_000, hour: 3_600_000 };

/** The failures of a time by their kind, the most frequent first. */
export function groupsOf({ span, figures }: Counted): FailureGroup[] {
  interface Entry {
    at: number;
    count: number;
  }
  const found = new Map<string, { reason: string; status: number | null; attempted: boolean; entries: Entry[] }>();
  const add = (reason: string, status: number | null, attempted: boolean, entry: Entry) => {
    const key = `${attempted ? "attempt" : "discard"}:${reason}:${String(status)}`;
    const group = found.get(key) ?? { reason, status, attempted, entries: [] };
    group.entries.push(entry);
    found.set(key, group);
  };
  for (const step of figures.series) {
    const at = Date.parse(step.at);
    for (const { category, status, count } of step.failures) add(category, status ?? null, true, { at, count });
    for (const [reason, count] of Object.entries(step.discarded_by_reason)) add(reason, null, false, { at, count: Number(count) });
  }
  const groups = [...found.entries()].map(([key, { entries, ...kind }]) => ({
    key,
    ...kind,
    count: entries.reduce((sum, each) => sum + each.count, 0),
    trend: trendOf(span, entries),
    lastSeen: Math.min(Date.parse(figures.until), Math.max(...entries.map((each) => each.at)) + STEPS[figures.step]),
  }));
  return groups.sort((a, b) => b.count - a.count || a.key.localeCompare(b.key));
}

function trendOf(span: Span, entries: { at: number; count: number }[]): number[] {
  const all = sums(span, entries, (each) => each.at, (each) => each.count);
  // As many columns as a small picture shows.
  const columns = Math.min(24, parts(span).length);
  const each = Math.ceil(all.length / columns);
  return Array.from({ length: Math.ceil(all.length / each) }, (_, index) =>
    all.slice(index * each, (index + 1) * each).reduce((sum, value) => sum + value, 0),
  );
}
