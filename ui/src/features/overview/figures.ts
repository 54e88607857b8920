import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";
import type { Series } from "@/components/chart/chart";
import { parts, type Span, sums } from "@/components/chart/scale";
import { type Range, RANGES, spanOf } from "./range";

export type Figures = Schemas["FiguresView"];
type Step = Schemas["FiguresOfStep"];

/** What was counted, with the span that it is shown in. */
export interface Counted {
  span: Span;
  figures: Figures;
}

/** The figures of a project, or of one of its syncs; asked for again while somebody looks. */
export function figuresQuery(project: string, sync: string | null, range: Range) {
  const { step } = RANGES[range];
  return queryOptions({
    queryKey: ["figures", project, sync, range],
    queryFn: async (): Promise<Counted> => {
      const span = spanOf(range, Date.now());
      const query = { step, from: new Date(span.from).toISOString() };
      const figures = await take(
        sync === null
          ? api.GET("/api/v1/projects/{project}/figures", { params: { path: { project }, query } })
          : api.GET("/api/v1/projects/{project}/syncs/{sync}/figures", { params: { path: { project, sync }, query } }),
      );
      return { span, figures };
    },
    placeholderData: keepPreviousData,
    refetchInterval: step === "minute" ? 10_000 : 60_000,
  });
}

const at = (step: Step) => Date.parse(step.at);

/** A count over time, as columns. */
export function counted({ span, figures }: Counted, name: string, look: Pick<Series, "tone" | "as">, of: (step: Step) => number): Series {
  return { name, ...look, values: sums(span, figures.series, at, of) };
}

/** A measure over time, as a line; of several steps in a part, the highest. */
export function measured({ span, figures }: Counted, name: string, tone: Series["tone"], of: (step: Step) => number | null): Series {
  const values: (number | null)[] = parts(span).map(() => null);
  for (const step of figures.series) {
    const index = Math.floor((at(step) - span.from) / span.part);
    const [value, before] = [of(step), values[index]];
    if (value !== null && before !== undefined) values[index] = Math.max(value, before ?? value);
  }
  return { name, tone, as: "line", values };
}

/** All that a series counted. */
export function sumOf(series: Series): number {
  return series.values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}

/** The highest that a series measured; null: nothing was. */
export function highestOf(series: Series): number | null {
  const found = series.values.filter((value) => value !== null);
  return found.length === 0 ? null : Math.max(...found);
}

/** How many in a second, of the last whole minute. */
export function rateOf(figures: Figures, now: number, of: (step: Step) => number): number {
  const minute = 60_000;
  const last = Math.floor(now / minute) * minute - minute;
  const step = figures.series.find((each) => at(each) === last);
  return step === undefined ? 0 : of(step) / 60;
}

export const delivered = (step: Schemas["FiguresOfTime"]) => step.delivered_first + step.delivered_retry;
export const failedOf = (step: Schemas["FiguresOfTime"]) => step.expired + step.discarded;

/** What was received and not sent, by the sync's own doing or by a person's: of these there are no requests. */
export const LET_GO = [
  ["Dropped", "soft", (step) => step.dropped],
  ["Skipped for newer ones", "second", (step) => step.superseded],
  ["Lost beyond the limits", "bad", (step) => step.lost],
  ["Erased", "quiet", (step) => step.erased],
] as const satisfies readonly (readonly [string, Series["tone"], (step: Schemas["FiguresOfTime"]) => number])[];

/** The series of what was let go, of each kind that there was any of; none where there was nothing. */
export function letGo(shown: Counted): Series[] {
  const all = LET_GO.map(([name, tone, of]) => counted(shown, name, { tone, as: "up" }, of));
  return all.filter((series) => sumOf(series) > 0);
}

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });

export const inNumbers = (value: number): string => (value < 100_000 ? whole.format(value) : short.format(value));

/** A rate such as `12.4/s`; below one in a second, by the minute. */
export function inRate(perSecond: number): string {
  if (perSecond === 0) return "0/s";
  if (perSecond < 1) return `${whole.format(perSecond * 60)}/min`;
  return `${perSecond < 100 ? perSecond.toFixed(1) : short.format(perSecond)}/s`;
}

/** A duration such as `35 ms`, `1.2 s`, `4 min`. */
export function inSeconds(seconds: number): string {
  if (seconds === 0) return "0";
  if (seconds < 1) return `${String(Math.round(seconds * 1000))} ms`;
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1).replace(/\.0$/, "") : String(Math.round(seconds))} s`;
  if (seconds < 5400) return `${String(Math.round(seconds / 60))} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
