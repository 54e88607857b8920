import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";
import { ofAllSyncs } from "./all-syncs";

export type Explained = Schemas["ExplainedEvent"];
export type ExplainedSync = Explained["syncs"][number];
export type Verdict = Schemas["Verdict"];
export type Refused = Schemas["RefusedView"];

/** By what events are sought: one of these is given. */
export interface Sought {
  id?: string | undefined;
  user?: string | undefined;
  device?: string | undefined;
}

/** By what an event is found again: its own id, or else by whom it is; among the newest of those it may not be. */
export function soughtOf(event: Record<string, unknown>): Sought {
  const { $insert_id, event_id, user_id, device_id } = event;
  if (typeof $insert_id === "string") return { id: $insert_id };
  if (typeof event_id === "number") return { id: String(event_id) };
  if (typeof user_id === "string") return { user: user_id };
  return typeof device_id === "string" ? { device: device_id } : {};
}

/** What happened to events on every sync, the newest first. */
export function whyQuery(project: string, { id, user, device }: Sought) {
  return infiniteQueryOptions({
    queryKey: ["why", project, id ?? "", user ?? "", device ?? ""],
    queryFn: ({ pageParam, signal }) =>
      ofAllSyncs((syncs_after) =>
        take(
          api.GET("/api/v1/projects/{project}/why", {
            params: { path: { project }, query: { id, user, device, limit: 10, cursor: pageParam, syncs_after } },
            signal,
          }),
        ),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    enabled: id !== undefined || user !== undefined || device !== undefined,
    // Where there are more syncs than one answer tells of, it is asked for again by those who want to know.
    refetchInterval: ({ state }) => (state.data?.pages.some(({ asked }) => asked > 1) === true ? false : 10_000),
  });
}

/** A sample, and the JSON of its event as it was streamed. */
export type Sample = Schemas["SampleView"] & { event_text?: string };

/** A sample of a failure: the event, the request and the answer. */
export function sampleQuery(project: string, sync: string, sample: number) {
  return queryOptions({
    queryKey: ["sample", project, sync, sample],
    queryFn: () =>
      take<Sample>(
        api.GET("/api/v1/projects/{project}/syncs/{sync}/samples/{sample}", {
          params: { path: { project, sync, sample } },
        }),
      ),
    staleTime: Infinity,
  });
}
