import { Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, ProblemError, take, type Schemas } from "@/api/client";
import { useSettled } from "@/components/settled";
import { WINDOW } from "@/features/events/queries";
import type { Sync } from "@/features/syncs/queries";
import { changesOf, type Form, formOf, type SyncInput } from "./form";

/** How many of the newest events the choice takes: the server's own answer. */
export function MatchCount({ sync, form }: { sync: Sync; form: Form }) {
  const changes: SyncInput = {
    ...changesOf(form, formOf(sync)),
    events: { ...form.events, send: true },
    // Users apart, each event is one delivery at most.
    users: { send: false },
  };
  const settled = useSettled(changes, 400);
  const counted = useQuery({
    queryKey: ["match-count", sync.project, sync.id, sync.version, settled],
    queryFn: () =>
      take(
        api.POST("/api/v1/projects/{project}/syncs/{sync}/difference", {
          params: { path: { project: sync.project, sync: sync.id } },
          body: { changes: settled, events: WINDOW },
        }),
      ),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
    retry: false,
  });
  if (counted.error !== null && counted.data === undefined) {
    const unready = counted.error instanceof ProblemError && counted.error.status === 422;
    return (
      <Text size="sm" c="dimmed">
        {unready
          ? "Matching events are counted once nothing is missing."
          : `Recent events can't be counted. ${counted.error.message}`}
      </Text>
    );
  }
  if (counted.data === undefined) return null;
  const { events, decided_masked } = counted.data;
  if (events === 0) {
    return (
      <Text size="sm" c="dimmed">
        No events have arrived yet, so matches can't be counted.
      </Text>
    );
  }
  const matching = matched(counted.data);
  return (
    <Text size="sm" aria-live="polite">
      <b className="numbers">{matching.toLocaleString()}</b> of the last <span className="numbers">{events.toLocaleString()}</span> events match.
      {decided_masked > 0 && " Sensitive values are masked for you, so filters on them may match others."}
    </Text>
  );
}

/** Deliveries that there would be after the change, be they possible or not. */
export function matched(difference: Schemas["TrafficDifference"]): number {
  const { newly_matched, changed, newly_invalid, newly_valid, unchanged, still_invalid } = difference;
  return (
    newly_matched.count +
    changed.count +
    newly_invalid.count +
    newly_valid.count +
    unchanged +
    still_invalid
  );
}
