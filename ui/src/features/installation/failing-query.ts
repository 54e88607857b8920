import { queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { PAGE } from "@/api/pages";
import type { Sync, SyncStatus } from "@/features/syncs/queries";

/** How many enabled syncs are looked at, and how many at once. */
export const MOST = 2_000;
const AT_ONCE = 6;

const EVERY_MILLISECONDS = 60_000;

/** A sync that can't deliver, and how it does. */
export interface Failing {
  sync: Sync;
  status: SyncStatus;
}

/** What was found of the enabled syncs of some projects. */
export interface Found {
  failing: Failing[];
  /** How many were looked at. */
  looked: number;
  /** Whether there are more. */
  more: boolean;
}

/** Whether deliveries fail, or can't be made. */
const fails = ({ health }: SyncStatus) => health === "failing" || health === "misconfigured" || health === "stalled";

/** The enabled syncs of these projects, page by page. */
async function* enabledOf(projects: string[], signal: AbortSignal): AsyncGenerator<Sync> {
  for (const project of projects) {
    let cursor: string | undefined;
    do {
      const query = { limit: PAGE, cursor };
      const page = await take(api.GET("/api/v1/projects/{project}/syncs", { params: { path: { project }, query }, signal }));
      yield* page.items.filter(({ enabled }) => enabled);
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
  }
}

/** Looks at the enabled syncs one after the other, some at once. */
export async function look(syncs: AsyncGenerator<Sync>, statusOf: (sync: Sync) => Promise<SyncStatus>): Promise<Found> {
  const found: Found = { failing: [], looked: 0, more: false };
  const work = async () => {
    for (;;) {
      if (found.more) return;
      const { done, value: sync } = await syncs.next();
      if (done === true) return;
      if (found.looked >= MOST) {
        found.more = true;
        return;
      }
      found.looked += 1;
      const status = await statusOf(sync);
      if (fails(status)) found.failing.push({ sync, status });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

/** The enabled syncs of these projects that don't deliver. */
export function failingQuery(projects: string[]) {
  return queryOptions({
    queryKey: ["failing", ...projects],
    queryFn: ({ signal }) =>
      look(enabledOf(projects, signal), ({ project, id: sync }) =>
        take(api.GET("/api/v1/projects/{project}/syncs/{sync}/status", { params: { path: { project, sync } }, signal })),
      ),
    refetchInterval: EVERY_MILLISECONDS,
  });
}
