import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ProblemError, take, type Schemas } from "@/api/client";
import { eventsQuery, type EventView } from "@/features/events/queries";
import type { Sync } from "@/features/syncs/queries";
import type { FieldProblem, SyncInput } from "./form";

/** Which event the live request is made of. */
export type Source = { kind: "newest"; type?: string } | { kind: "pasted"; event: Record<string, unknown> };

export interface Preview {
  source: Source;
  setSource: (source: Source) => void;
  /** Null: the project has received none; the server takes a sample. */
  event: Record<string, unknown> | null;
  recent: EventView[];
  answer: Schemas["PreviewView"] | undefined;
  /** Why there is no answer. */
  error: Error | null;
  /** All that is wrong or missing, whether it was refused or said beside the request. */
  problems: FieldProblem[];
  pending: boolean;
}

/** What a sync would send with these changes, for a real event where there is one. */
export function usePreview(sync: Sync, changes: SyncInput): Preview {
  const [source, setSource] = useState<Source>({ kind: "newest" });
  const type = source.kind === "newest" ? source.type : undefined;
  const recent = useQuery({ ...eventsQuery(sync.project, { limit: 20, type }), refetchInterval: 10_000 });
  const items = recent.data?.items ?? [];
  // The event stays while somebody types; only another choice takes another one.
  const [held, setHeld] = useState<{ type: string | undefined; event: Record<string, unknown> }>();
  const first = items[0]?.event as Record<string, unknown> | undefined;
  if (first !== undefined && (held === undefined || held.type !== type) && !recent.isFetching) {
    setHeld({ type, event: first });
  }
  const event = source.kind === "pasted" ? source.event : held?.type === type ? (held?.event ?? null) : null;

  const preview = useQuery({
    queryKey: ["preview", sync.project, sync.id, sync.version, changes, event],
    queryFn: () =>
      take(
        api.POST("/api/v1/projects/{project}/syncs/{sync}/preview", {
          params: { path: { project: sync.project, sync: sync.id } },
          body: { changes, ...(event === null ? {} : { event: event as Record<string, never> }) },
        }),
      ),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
  const refused = preview.error instanceof ProblemError ? preview.error.errors.map(ofField) : [];
  return {
    source,
    setSource,
    event,
    recent: items,
    answer: preview.data,
    error: preview.error,
    problems: preview.isError ? refused : (preview.data?.problems ?? []).map(ofField),
    pending: preview.isFetching,
  };
}

/** A problem of the request, which holds the changes, as one of the form's field. */
function ofField(problem: FieldProblem): FieldProblem {
  return { ...problem, pointer: problem.pointer.replace(/^\/changes(?=\/)/, "") };
}
