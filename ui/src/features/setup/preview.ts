import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ProblemError, take, type Schemas } from "@/api/client";
import { Written } from "@/components/json-text";
import { isUnreached } from "@/components/reach";
import { eventQuery, eventsQuery, type EventView, WINDOW } from "@/features/events/queries";
import type { Sync } from "@/features/syncs/queries";
import { newestOf, selectionOf } from "./choice";
import type { FieldProblem, SyncInput } from "./form";
import { ofSync } from "./unready";

/** Which event the live request is made of: at first the newest one that is sent. */
export type Source =
  | { kind: "sent" }
  | { kind: "newest"; type?: string }
  | { kind: "pasted"; event: Record<string, unknown>; text: string };

/** How many of the newest events are looked through for one that is sent. */
const LOOKED_THROUGH = 50;

export interface Preview {
  source: Source;
  setSource: (source: Source) => void;
  /** Null: the project has received none; the server takes a sample. */
  event: Record<string, unknown> | null;
  /** The event as it is streamed: JSON text. */
  text: string | null;
  recent: EventView[];
  /** Whether the event was found as the newest one that the filter takes. */
  matches: boolean;
  /** How many of the newest events were looked through where the filter takes none of them; null: it does. */
  unmatched: number | null;
  answer: Schemas["PreviewView"] | undefined;
  /** Why there is no answer. */
  error: Error | null;
  /** All that is wrong or missing, whether it was refused or said beside the request. */
  problems: FieldProblem[];
  pending: boolean;
  /** Why there is no newer answer yet: the server is away. */
  away: Error | null;
}

/** The event as a part of what is asked for: to the character, where there is one. */
export function sentEvent(text: string | null): { event?: Record<string, never> } {
  return text === null ? {} : { event: new Written(text) as unknown as Record<string, never> };
}

/** The newest event that the sync would take with these changes, as far as that can be told. */
function useNewestMatch(sync: Sync, changes: SyncInput, enabled: boolean) {
  const selection = selectionOf(sync, changes);
  const sought = useQuery({
    queryKey: ["newest-match", sync.project, sync.id, sync.version, selection],
    queryFn: () =>
      take(
        api.POST("/api/v1/projects/{project}/syncs/{sync}/difference", {
          params: { path: { project: sync.project, sync: sync.id } },
          body: { changes: selection, events: WINDOW },
        }),
      ),
    enabled,
    staleTime: 30_000,
    retry: false,
    // One that matches may still come.
    refetchInterval: ({ state }) => (state.data !== undefined && state.data.first_matched == null ? 10_000 : false),
  });
  const offset = enabled ? (sought.data?.first_matched ?? null) : null;
  const found = useQuery({ ...eventQuery(sync.project, offset ?? 0), enabled: offset !== null });
  return {
    selection,
    pending: enabled && (sought.isPending || (offset !== null && found.isPending)),
    event: offset === null ? undefined : (found.data ?? undefined),
    unmatched: enabled && sought.data !== undefined && offset === null && sought.data.events > 0 ? sought.data.events : null,
  };
}

/** The event that was chosen, and for what. */
interface Held {
  choice: string;
  event: EventView;
  matches: boolean;
  unmatched: number | null;
}

/** What a sync would send with these changes, for a real event where there is one. */
export function usePreview(sync: Sync, changes: SyncInput, types: string[] | null, may: boolean): Preview {
  const [source, setSource] = useState<Source>({ kind: "sent" });
  const recent = useQuery({ ...eventsQuery(sync.project, { limit: LOOKED_THROUGH }), refetchInterval: 10_000 });
  const items = recent.data?.items ?? [];
  const sought = source.kind === "sent" ? types : source.kind === "newest" && source.type !== undefined ? [source.type] : null;
  // Whoever may not change the sync isn't told what a filter takes: theirs is the newest of a type.
  const match = useNewestMatch(sync, changes, source.kind === "sent" && may);
  const near = match.event ?? newestOf(items, sought);
  // A type that is rare is asked for; one that never came gets the newest event of all.
  const rare = sought?.[0];
  const found = useQuery({
    ...eventsQuery(sync.project, { limit: 1, type: rare }),
    enabled: recent.isSuccess && !match.pending && near === undefined && rare !== undefined,
  });
  const waits = recent.isPending || match.pending || (near === undefined && rare !== undefined && found.isPending);
  // The event stays while somebody types; only another choice takes another one.
  const choice = JSON.stringify([source, sought, source.kind === "sent" ? match.selection : null]);
  const [held, setHeld] = useState<Held>();
  const first = near ?? found.data?.items[0] ?? items[0];
  const better = held?.unmatched != null && match.event !== undefined;
  if (!waits && first !== undefined && (held?.choice !== choice || better)) {
    setHeld({ choice, event: first, matches: match.event !== undefined, unmatched: match.unmatched });
  }
  const event = source.kind === "pasted" ? source.event : ((held?.event.event as Record<string, unknown> | undefined) ?? null);

  const text = source.kind === "pasted" ? source.text : (held?.event.event_text ?? null);

  const preview = useQuery({
    queryKey: ["preview", sync.project, sync.id, sync.version, changes, text],
    queryFn: () =>
      take(
        api.POST("/api/v1/projects/{project}/syncs/{sync}/preview", {
          params: { path: { project: sync.project, sync: sync.id } },
          body: { changes, ...sentEvent(text) },
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
    text,
    recent: items,
    matches: source.kind === "sent" && held?.matches === true,
    unmatched: source.kind === "sent" ? (held?.unmatched ?? null) : null,
    answer: preview.data,
    error: preview.error,
    problems: preview.isError ? refused : (preview.data?.problems ?? []).map(ofSync),
    pending: preview.isFetching,
    away: isUnreached(preview.failureReason) ? preview.failureReason : null,
  };
}
