import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";

export type Rules = Schemas["AlertRulesView"];
/** By which way incidents are told. The document says it beside an object, which no text is. */
export type Way = "mail" | "webhook" | "slack";
export type Channel = Omit<Schemas["AlertChannelView"], "kind"> & { kind: Way };
export type Incident = Schemas["IncidentView"];

/** A project's rules, with the tag that a change of them has to name. */
export function rulesQuery(project: string) {
  return queryOptions({
    queryKey: ["alert-rules", project],
    queryFn: async () => {
      const asked = api.GET("/api/v1/projects/{project}/alerts", { params: { path: { project } } });
      const rules = await take(asked);
      return { rules, tag: (await asked).response.headers.get("etag") ?? "*" };
    },
  });
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
export function incidentsQuery(project: string) {
  return infiniteQueryOptions({
    queryKey: ["incidents", project],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/projects/{project}/incidents", {
          params: { path: { project }, query: { limit: 20, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: 15_000,
  });
}

/** What a rule watches, in a few words. */
export const RULES: Record<Incident["rule"], string> = {
  state: "Failing, misconfigured or standing still",
  error_rate: "Too many attempts fail",
  backlog_age: "Events wait too long",
  expiry: "A delivery has expired",
  credentials: "The credentials are refused",
};
