import { queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";
import { parts, type Span, sums } from "@/components/chart/scale";
import type { Counted } from "@/features/overview/figures";
import { type Range, RANGES, spanOf } from "@/features/overview/range";
import { statusQuery, type Sync } from "./queries";

/** How old, in milliseconds, a backlog may be that figures are reckoned back from. */
const SAME_MOMENT = 1_000;

type Step = Pick<Schemas["FiguresOfStep"], "at" | "received">;

/** What a sync did over time, and how many events it had not come to. */
export interface OverTime extends Counted {
  backlog: (number | null)[];
}

/**
 * A sync's figures with its backlog, which nobody counts by the minute: it is reckoned back from how much it is now, by
 * what the project received and what the sync moved past, which are asked for at once.
 */
export function overTimeQuery({ project, id: sync, created_at: made }: Sync, range: Range) {
  const { step } = RANGES[range];
  return queryOptions({
    queryKey: ["over-time", project, sync, range],
    queryFn: async ({ client }): Promise<OverTime> => {
      const span = spanOf(range, Date.now());
      const query = { step, from: new Date(span.from).toISOString() };
      const [figures, all, status] = await Promise.all([
        take(api.GET("/api/v1/projects/{project}/syncs/{sync}/figures", { params: { path: { project, sync }, query } })),
        take(api.GET("/api/v1/projects/{project}/figures", { params: { path: { project }, query } })),
        client.fetchQuery({ ...statusQuery(project, sync), staleTime: SAME_MOMENT }),
      ]);
      return { span, figures, backlog: backlogOver(span, all.series, figures.series, status.backlog, Date.parse(made)) };
    },
    refetchInterval: step === "minute" ? 10_000 : 60_000,
  });
}

/**
 * The backlog at the end of each part of a span, from the last one back: what came in a part wasn't there before it, and what
 * was moved past in it still was, dropped or lost events among it. Before the sync was made there is none. Less than nothing
 * is nothing.
 */
export function backlogOver(span: Span, received: Step[], passed: Step[], now: number, made: number): (number | null)[] {
  const at = (step: Step) => Date.parse(step.at);
  const came = sums(span, received, at, (step) => step.received);
  const went = sums(span, passed, at, (step) => step.received);
  const levels: (number | null)[] = parts(span).map(() => null);
  let level = now;
  for (let index = levels.length - 1; index >= 0; index -= 1) {
    if (span.from + (index + 1) * span.part <= made) break;
    levels[index] = level;
    level = Math.max(0, level - (came[index] ?? 0) + (went[index] ?? 0));
  }
  return levels;
}
