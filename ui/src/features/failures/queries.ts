import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";

export type Replay = Schemas["ReplayView"];
export type ReplayInput = Schemas["ReplayInput"];
export type Ended = Schemas["EndedView"];
export type Retry = Schemas["RetryView"];

interface Of {
  project: string;
  sync: string;
}

/** Deliveries that wait for another attempt, the next one first. */
export function retriesQuery({ project, sync }: Of) {
  return infiniteQueryOptions({
    queryKey: ["retries", project, sync],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/projects/{project}/syncs/{sync}/retries", {
          params: { path: { project, sync }, query: { limit: 50, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: 10_000,
  });
}

/** Deliveries that ended without success, the newest first. */
export function endedQuery({ project, sync }: Of) {
  return infiniteQueryOptions({
    queryKey: ["ended", project, sync],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/projects/{project}/syncs/{sync}/ended", {
          params: { path: { project, sync }, query: { limit: 50, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: 15_000,
  });
}

/** A sync's replays, oldest first; while one of them goes on, they are asked for again. */
export function replaysQuery({ project, sync }: Of) {
  return infiniteQueryOptions({
    queryKey: ["replays", project, sync],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/projects/{project}/syncs/{sync}/replays", {
          params: { path: { project, sync }, query: { limit: 200, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: ({ state }) => {
      const goesOn = state.data?.pages.some((page) => page.items.some(({ state: how }) => how === "running"));
      return goesOn === true ? 1500 : 15_000;
    },
  });
}

/** Failures by their kind, with the samples that are kept. */
export function failuresQuery({ project, sync }: Of) {
  return queryOptions({
    queryKey: ["failures", project, sync],
    queryFn: () =>
      take(
        api.GET("/api/v1/projects/{project}/syncs/{sync}/failures", {
          params: { path: { project, sync }, query: { step: "hour" } },
        }),
      ),
    staleTime: 10_000,
  });
}
