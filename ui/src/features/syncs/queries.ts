import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";

export type Sync = Schemas["SyncView"];

/** How a sync does. */
export type SyncStatus = Schemas["SyncStatus"] & {
  /** Whether it was never enabled: it sent nothing, keeps nothing, and begins with the next event. */
  draft?: boolean;
};

export function syncsQuery(project: string) {
  return queryOptions({
    queryKey: ["syncs", project],
    queryFn: () =>
      take(
        api.GET("/api/v1/projects/{project}/syncs", {
          params: { path: { project }, query: { limit: 200 } },
        }),
      ),
  });
}

export function syncQuery(project: string, sync: string) {
  return queryOptions({
    queryKey: ["sync", project, sync],
    queryFn: () =>
      take(api.GET("/api/v1/projects/{project}/syncs/{sync}", { params: { path: { project, sync } } })),
  });
}

async function statusOf(project: string, sync: string): Promise<SyncStatus> {
  const path = { project, sync };
  const status = await take(api.GET("/api/v1/projects/{project}/syncs/{sync}/status", { params: { path } }));
  if (!untouched(status)) return status;
  // Where the log's first event stands to it tells one that was paused from one that never began.
  const first = api.GET("/api/v1/projects/{project}/syncs/{sync}/deliveries/{offset}", { params: { path: { ...path, offset: 0 } } });
  const standing = await take(first).then(
    (found) => found.standing,
    () => null,
  );
  return { ...status, draft: standing === "never_enabled" };
}

/** Whether a sync that is off has nothing to show that it ever was on. */
function untouched({ enabled, backlog, pending, ended, counts }: Schemas["SyncStatus"]): boolean {
  return !enabled && backlog + pending + ended === 0 && Object.values(counts).every((count) => count === 0);
}

/** How a sync does; asked for again while somebody looks. */
export function statusQuery(project: string, sync: string) {
  return queryOptions({
    queryKey: ["status", project, sync],
    queryFn: () => statusOf(project, sync),
    refetchInterval: 5_000,
  });
}

export function versionsQuery(project: string, sync: string) {
  return infiniteQueryOptions({
    queryKey: ["versions", project, sync],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/projects/{project}/syncs/{sync}/versions", {
          params: { path: { project, sync }, query: { limit: 50, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
}
