import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";
import { type DeliveriesSearch, queryOf } from "./search";

export type KnownDelivery = Schemas["KnownDelivery"];

interface Of {
  project: string;
  sync: string;
}

/** How many pages are asked for again and again: who looks further back looks at what was. */
const LIVE_PAGES = 2;

/** Attempts that failed, that ended a delivery, or that delivered after others had failed; the newest first. */
export function outcomesQuery({ project, sync }: Of, { open, import: ofImport, ...search }: DeliveriesSearch) {
  void open;
  void ofImport;
  return infiniteQueryOptions({
    queryKey: ["outcomes", project, sync, search],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/projects/{project}/syncs/{sync}/outcomes", {
          params: { path: { project, sync }, query: { ...queryOf(search, Date.now()), limit: 50, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) <= LIVE_PAGES ? 10_000 : false),
  });
}

/** What became of one event's deliveries by a sync, with their attempts; `of` an import, where it is one's. */
export function deliveriesQuery({ project, sync }: Of, offset: number, of: string | undefined) {
  return queryOptions({
    queryKey: ["deliveries", project, sync, offset, of],
    queryFn: () =>
      take(
        api.GET("/api/v1/projects/{project}/syncs/{sync}/deliveries/{offset}", {
          params: { path: { project, sync, offset }, query: { import: of } },
        }),
      ),
    refetchInterval: 10_000,
  });
}
