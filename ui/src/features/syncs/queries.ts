import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";
import { allOf, PAGE } from "@/api/pages";

export type Sync = Schemas["SyncView"];

/** How a sync does. */
export type SyncStatus = Schemas["SyncStatus"];

/** How many syncs of a project the page holds. */
export const MOST_SYNCS = 2_000;

/** A project's syncs. */
export function syncsQuery(project: string) {
  return queryOptions({
    queryKey: ["syncs", project],
    queryFn: ({ signal }) =>
      allOf(MOST_SYNCS, (cursor) =>
        take(api.GET("/api/v1/projects/{project}/syncs", { params: { path: { project }, query: { limit: PAGE, cursor } }, signal })),
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

/** How a sync does; asked for again while somebody looks. */
export function statusQuery(project: string, sync: string) {
  return queryOptions({
    queryKey: ["status", project, sync],
    queryFn: () =>
      take(api.GET("/api/v1/projects/{project}/syncs/{sync}/status", { params: { path: { project, sync } } })),
    refetchInterval: 5_000,
  });
}

/** Which of all of a project's syncs wait for somebody, the worst first; asked for again while somebody looks. */
export function projectHealthQuery(project: string) {
  return queryOptions({
    queryKey: ["project-health", project],
    queryFn: () => take(api.GET("/api/v1/projects/{project}/health", { params: { path: { project } } })),
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
