import { Badge, Button, Group, Progress, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api, take } from "@/api/client";
import { confirmDanger } from "@/components/confirm";
import { Listing, type PagedQuery } from "@/components/listing";
import { Time } from "@/components/moment";
import { failed } from "@/components/notices";
import { Section } from "@/components/page";
import { inNumbers } from "@/features/overview/figures";
import { statusQuery } from "@/features/syncs/queries";
import { type Replay, replaysQuery } from "./queries";
import { EndedOf } from "./ended-of";
import { replayWords } from "./replay-words";
import classes from "./failures.module.css";

interface ReplaysProps {
  of: { project: string; sync: string };
  query: PagedQuery<Replay>;
  may: boolean;
  /** Only those of deliveries that failed; otherwise all, also that there are none. */
  only?: "failed";
}

const STATES: Record<Replay["state"], { word: string; colour: string }> = {
  running: { word: "Running", colour: "water" },
  paused: { word: "Paused", colour: "gray" },
  cancelled: { word: "Cancelled", colour: "gray" },
  done: { word: "Done", colour: "green" },
};

/** What is or was sent again, with how far it is. */
export function Replays({ of, query, may, only }: ReplaysProps) {
  const client = useQueryClient();
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const shown = (all: Replay[]) => [...all].reverse().filter(({ failed: deliveries }) => only === undefined || deliveries != null);
  // With each delivery that they settle, lists of failures are other ones.
  const settledByNow = items.reduce((sum, { progress }) => sum + progress.looked_at + progress.delivered + progress.failed, 0);
  const before = useRef<number>(undefined);
  useEffect(() => {
    if (query.data === undefined) return;
    if (before.current !== undefined && before.current !== settledByNow) {
      void client.invalidateQueries({ queryKey: ["ended", of.project, of.sync] });
      void client.invalidateQueries({ queryKey: statusQuery(of.project, of.sync).queryKey });
      void client.invalidateQueries({ queryKey: ["figures", of.project, of.sync] });
    }
    before.current = settledByNow;
  }, [query.data, settledByNow, client, of.project, of.sync]);
  if (query.data !== undefined && only !== undefined && shown(items).length === 0) return null;
  return (
    <Section title={only === undefined ? "Replays and backfills" : "Replays"} about="They continue in the background, also when this page is closed.">
      <Listing
        query={query}
        failed="Replays can't be shown"
        rows={1}
        rowHeight={90}
        empty={<Text c="dimmed">Nothing was replayed yet.</Text>}
      >
        {(all) => (
          <ul className={classes.replays} aria-label="Replays">
            {shown(all).map((replay) => (
              <li key={replay.id} className={classes.replay}>
                <OneReplay of={of} replay={replay} may={may} />
              </li>
            ))}
          </ul>
        )}
      </Listing>
    </Section>
  );
}

function OneReplay({ of, replay, may }: { of: ReplaysProps["of"]; replay: Replay; may: boolean }) {
  const client = useQueryClient();
  const path = { ...of, replay: replay.id };
  const step = useMutation({
    mutationFn: (what: "pause" | "resume" | "cancel") => {
      switch (what) {
        case "pause":
          return take(api.POST("/api/v1/projects/{project}/syncs/{sync}/replays/{replay}/pause", { params: { path } }));
        case "resume":
          return take(api.POST("/api/v1/projects/{project}/syncs/{sync}/replays/{replay}/resume", { params: { path } }));
        case "cancel":
          return take(api.POST("/api/v1/projects/{project}/syncs/{sync}/replays/{replay}/cancel", { params: { path } }));
      }
    },
    onSuccess: () => void client.invalidateQueries({ queryKey: replaysQuery(of).queryKey }),
    onError: failed("The replay wasn't changed"),
  });
  const { state, progress, per_minute, made_by, created_at, waits_for } = replay;
  const { word, colour } = STATES[state];
  const share = (count: number) => (progress.total === 0 ? 0 : (100 * count) / progress.total);
  const counts: [number, string][] = [
    [progress.delivered, "delivered"],
    [progress.outstanding, "in progress"],
    [progress.failed, "failed again"],
    [progress.unsent, "not sent"],
    [progress.erased, "erased"],
    [progress.total - progress.looked_at, "remaining"],
  ];
  return (
    <>
      <Group justify="space-between" mb={8}>
        <Group gap={10}>
          <b>{replayWords(replay)}</b>
          <Badge color={colour}>{word}</Badge>
        </Group>
        {may && (state === "running" || state === "paused") && (
          <Group gap={8}>
            <Button
              size="xs"
              variant="default"
              loading={step.isPending && step.variables !== "cancel"}
              onClick={() => {
                step.mutate(state === "running" ? "pause" : "resume");
              }}
            >
              {state === "running" ? "Pause" : "Resume"}
            </Button>
            <Button
              size="xs"
              variant="subtle"
              color="gray"
              onClick={() => {
                confirmDanger({
                  title: "Cancel this replay?",
                  what:
                    replay.failed != null
                      ? "What was started is retried like any other delivery. The rest stays among the failed deliveries."
                      : "Pending retries are given up, and the rest isn't sent. What was delivered stays with the destination.",
                  action: "Cancel replay",
                  keep: "Keep replay",
                  onConfirm: () => {
                    step.mutate("cancel");
                  },
                });
              }}
            >
              Cancel…
            </Button>
          </Group>
        )}
      </Group>
      <Progress.Root size={8} aria-label="Progress">
        <Progress.Section value={share(progress.delivered)} color="water" aria-label="Delivered" />
        <Progress.Section value={share(progress.outstanding)} color="gray" aria-label="In progress" />
        <Progress.Section value={share(progress.failed + progress.unsent)} color="red" aria-label="Failed again or not sent" />
      </Progress.Root>
      <p className={`numbers ${classes.counts ?? ""}`}>
        {counts
          .filter(([count, words]) => count > 0 || words === "delivered")
          .map(([count, words]) => (
            <span key={words}>
              <b>{inNumbers(count)}</b> {words}
            </span>
          ))}
        <span>of {inNumbers(progress.total)}</span>
      </p>
      {waits_for != null && (
        <Text size="sm" mt={4}>
          It waits: {waits_for}.
          {replay.import != null && waits_for.includes("archive") && " Choose the same files again to continue."}
        </Text>
      )}
      <Text size="sm" c="dimmed" mt={4}>
        By {made_by} <Time at={created_at} />
        {per_minute != null && `, ${inNumbers(per_minute)} per minute at most`}
      </Text>
      {replay.failed == null && progress.failed > 0 && <EndedOf of={path} />}
    </>
  );
}
