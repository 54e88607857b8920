import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";

export type Rules = Schemas["AlertRulesView"];
/** By which way incidents are told. The document says it beside an object, which no text is. */
export type Way = "mail" | "webhook" | "slack";
export type Channel = Omit<Schemas["AlertChannelView"], "kind"> & { kind: Way };
export type Incident = Schemas["IncidentView"];

/** Whose rules: a project's, or those of one of its syncs. */
export interface RulesOf {
  project: string;
  sync?: string;
}

/** Rules, with the tag that a change of them has to name. */
export function rulesQuery({ project, sync }: RulesOf) {
  return queryOptions({
    queryKey: ["alert-rules", project, sync ?? null],
    queryFn: async () => {
      const asked =
        sync === undefined
          ? api.GET("/api/v1/projects/{project}/alerts", { params: { path: { project } } })
          : api.GET("/api/v1/projects/{project}/syncs/{sync}/alerts", { params: { path: { project, sync } } });
      const rules = await take(asked);
      return { rules, tag: (await asked).response.headers.get("etag") ?? "*" };
    },
  });
}

/** Changes rules; what is absent stays. A sync has rules of its own from then on. */
export function changeRules({ project, sync }: RulesOf, tag: string, body: Schemas["AlertRulesInput"]): Promise<Rules> {
  const header = { "if-match": tag };
  return take(
    sync === undefined
      ? api.PATCH("/api/v1/projects/{project}/alerts", { params: { path: { project }, header }, body })
      : api.PATCH("/api/v1/projects/{project}/syncs/{sync}/alerts", { params: { path: { project, sync }, header }, body }),
  );
}

/** Lets a sync go by its project's rules again. */
export function resetRules({ project, sync = "" }: RulesOf): Promise<Rules> {
  return take(api.DELETE("/api/v1/projects/{project}/syncs/{sync}/alerts", { params: { path: { project, sync } } }));
}

/** Where incidents are told, the oldest first. */
export function channelsQuery(project: string) {
  return infiniteQueryOptions({
    queryKey: ["alert-channels", project],
    queryFn: async ({ pageParam }) => {
      const page = await take(
        api.GET("/api/v1/projects/{project}/alert-channels", {
          params: { path: { project }, query: { limit: 50, cursor: pageParam } },
        }),
      );
      return page as { items: Channel[]; next?: string | null };
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

/** What is wrong and what was: open incidents first. */
export function incidentsQuery(project: string, sync?: string) {
  return infiniteQueryOptions({
    queryKey: ["incidents", project, sync ?? null],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/projects/{project}/incidents", {
          params: { path: { project }, query: { sync, limit: 20, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: 15_000,
  });
}

/** What a rule watches, in a few words. */
export const RULES: Record<Incident["rule"], string> = {
  state: "Failing, misconfigured or stalled",
  error_rate: "High failure rate",
  backlog_age: "Delivery is delayed",
  expiry: "A delivery expired",
  credentials: "Credentials are rejected",
  loss: "Held events are lost",
};
