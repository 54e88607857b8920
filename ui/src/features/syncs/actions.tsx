import { useMutation, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api, idempotencyKey, matching, ProblemError, take } from "@/api/client";
import { confirmDanger } from "@/components/confirm";
import { done, failed } from "@/components/notices";
import { stepOf } from "@/features/setup/form";
import { openNotReady } from "@/features/setup/not-ready";
import { type Sync, statusQuery, syncQuery, syncsQuery } from "./queries";

/** Takes what a change answered; everything that tells of the sync is asked for anew. */
export function noteSync(client: QueryClient, sync: Sync): void {
  client.setQueryData(syncQuery(sync.project, sync.id).queryKey, sync);
  void client.invalidateQueries({ queryKey: syncsQuery(sync.project).queryKey });
  void client.invalidateQueries({ queryKey: statusQuery(sync.project, sync.id).queryKey });
  void client.invalidateQueries({ queryKey: ["versions", sync.project, sync.id] });
  void client.invalidateQueries({ queryKey: ["upgrade", sync.project, sync.id] });
}

/** Enables or pauses; says all that is missing when it can't be enabled. */
export function useSwitch(sync: Sync) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const path = { project: sync.project, sync: sync.id };
  return useMutation({
    mutationFn: (enabled: boolean) =>
      take(
        enabled
          ? api.POST("/api/v1/projects/{project}/syncs/{sync}/enable", { params: { path } })
          : api.POST("/api/v1/projects/{project}/syncs/{sync}/disable", { params: { path } }),
      ),
    onSuccess: (changed) => {
      noteSync(client, changed);
      done(changed.enabled ? `${changed.name} is enabled.` : `${changed.name} is paused. Events wait until it is enabled again.`);
    },
    onError: (error, enabled) => {
      const first = error instanceof ProblemError ? error.errors[0] : undefined;
      openNotReady({
        error,
        title: enabled ? "The sync isn't enabled" : "The sync isn't paused",
        settings: sync,
        onSetup: () =>
          void navigate({
            to: "/p/$project/syncs/$sync/settings",
            params: path,
            search: first === undefined ? {} : { step: stepOf(first) },
          }),
      });
    },
  });
}

export function useDuplicate(sync: Sync) {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/projects/{project}/syncs/{sync}/duplicate", {
          params: {
            path: { project: sync.project, sync: sync.id },
            header: { "idempotency-key": idempotencyKey() },
          },
          body: {},
        }),
      ),
    onSuccess: async (made) => {
      noteSync(client, made);
      done(`${made.name} is a copy with the same settings. It is not enabled yet.`);
      await navigate({
        to: "/p/$project/syncs/$sync/settings",
        params: { project: made.project, sync: made.id },
      });
    },
    onError: failed("The sync wasn't duplicated"),
  });
}

/** Deletes a sync after asking; asks once more when deliveries would be lost. */
export function useDelete(sync: Sync): () => void {
  const client = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: (confirm: number | undefined) =>
      take(
        api.DELETE("/api/v1/projects/{project}/syncs/{sync}", {
          params: { path: { project: sync.project, sync: sync.id }, query: { confirm } },
        }),
      ),
    onSuccess: async () => {
      void client.invalidateQueries({ queryKey: syncsQuery(sync.project).queryKey });
      done(`${sync.name} is deleted.`);
      await navigate({ to: "/p/$project/syncs", params: { project: sync.project } });
    },
    onError: (error) => {
      const lost = error instanceof ProblemError ? error.wouldDrop : null;
      if (lost === null) {
        failed("The sync wasn't deleted")(error);
        return;
      }
      confirmDanger({
        title: "It has undelivered events",
        what: `With ${sync.name} go ${String(lost.pending)} deliveries that wait for another attempt, ${String(
          lost.backlog + lost.waiting_in_order,
        )} events not sent yet, and ${String(lost.ended)} records of failures.`,
        action: "Delete everything",
        onConfirm: () => {
          // No more than was just shown: what is booked meanwhile is asked about again.
          remove.mutate(lost.pending + lost.backlog + lost.waiting_in_order);
        },
      });
    },
  });
  return () => {
    confirmDanger({
      title: `Delete ${sync.name}?`,
      what: "Its settings, secrets and history are deleted. This can't be undone.",
      action: "Delete sync",
      onConfirm: () => {
        remove.mutate(undefined);
      },
    });
  };
}

/** The sync's version as a precondition: nobody's change is overwritten unseen. */
export function preconditionOf(sync: Sync): { "if-match": string } {
  return matching(sync.version);
}
