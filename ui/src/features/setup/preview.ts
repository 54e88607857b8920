import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ProblemError, take, type Schemas } from "@/api/client";
import { eventsQuery, type EventView } from "@/features/events/queries";
import type { Sync } from "@/features/syncs/queries";
import { newestOf } from "./choice";
import type { FieldProblem, SyncInput } from "./form";
import { ofSync } from "./unready";

/** Which event the live request is made of: at first the newest one of a type that is sent. */
export type Source =
  | { kind: "sent" }
  | { kind: "newest"; type?: string }
  | { kind: "pasted"; event: Record<string, unknown> };

/** How many of the newest events are looked through for one that is sent. */
const LOOKED_THROUGH = 50;

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
export function usePreview(sync: Sync, changes: SyncInput, types: string[] | null): Preview {
  const [source, setSource] = useState<Source>({ kind: "sent" });
  const recent = useQuery({ ...eventsQuery(sync.project, { limit: LOOKED_THROUGH }), refetchInterval: 10_000 });
  const items = recent.data?.items ?? [];
  const sought = source.kind === "sent" ? types : source.kind === "newest" && source.type !== undefined ? [source.type] : null;
  const near = newestOf(items, sought);
  // A type that is rare is asked for; one that never came gets the newest event of all.
  const rare = sought?.[0];
  const found = useQuery({
    ...eventsQuery(sync.project, { limit: 1, type: rare }),
    enabled: recent.isSuccess && near === undefined && rare !== undefined,
  });
  const waits = recent.isPending || (near === undefined && rare !== undefined && found.isPending);
  // The event stays while somebody types; only another choice takes another one.
  const choice = JSON.stringify(sought);
  const [held, setHeld] = useState<{ choice: string; event: Record<string, unknown> }>();
  const first = (near ?? found.data?.items[0] ?? items[0])?.event as Record<string, unknown> | undefined;
  if (!waits && first !== undefined && held?.choice !== choice) setHeld({ choice, event: first });
  const event = source.kind === "pasted" ? source.event : (held?.event ?? null);

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
  const refused = preview.error instanceof ProblemError ? preview.error.errors.map(ofSync) : [];
  return {
    source,
    setSource,
    event,
    recent: items,
    answer: preview.data,
    error: preview.error,
    problems: preview.isError ? refused : (preview.data?.problems ?? []).map(ofSync),
    pending: preview.isFetching,
  };
}
