import { Alert, Button, Group, NumberInput, Radio, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ProblemError, take, type Schemas } from "@/api/client";
import { done } from "@/components/notices";
import { Failed } from "@/components/states";
import { inDuration } from "@/features/failures/words";
import { inNumbers } from "@/features/overview/figures";
import { noteSync, preconditionOf } from "./actions";
import { statusQuery, type Sync, type SyncStatus } from "./queries";
import classes from "./held.module.css";

type Backlog = Schemas["Backlog"];

const CHOICES: Record<Backlog, { label: string; about: string; done: string }> = {
  all: {
    label: "Deliver everything",
    about: "All waiting events, oldest first. New events follow.",
    done: "is enabled and delivers its backlog.",
  },
  newest_per_user: {
    label: "Only the newest event of each user",
    about: "The newest of each user and event type; older ones are skipped. Pending retries, and what waits for these, continue.",
    done: "is enabled and delivers the newest events of each user.",
  },
  drop: {
    label: "Drop everything",
    about: "Waiting events are never sent: the sync starts with the next event.",
    done: "is enabled and starts with the next event.",
  },
};

interface ResumeProps {
  sync: Sync;
  status: SyncStatus;
  /** Keeps what isn't saved yet, before the sync goes on; gives the sync as it is then. */
  save?: () => Promise<Sync>;
  onDone: () => void;
}

/** Enables a sync that owes something: what becomes of that, and how fast. */
export function ResumeForm({ sync, status, save, onDone }: ResumeProps) {
  const client = useQueryClient();
  const [backlog, setBacklog] = useState<Backlog>("all");
  const [rate, setRate] = useState<number | null>(null);
  // What a refusal said: what came meanwhile is asked about again.
  const [owed, setOwed] = useState<{ events: number; retries: number }>();
  const events = owed?.events ?? status.backlog + status.waiting_in_order;
  const retries = owed?.retries ?? status.pending;
  const resume = useMutation({
    mutationFn: async () => {
      const current = save === undefined ? sync : await save();
      return take(
        api.POST("/api/v1/projects/{project}/syncs/{sync}/resume", {
          params: { path: { project: sync.project, sync: sync.id }, header: preconditionOf(current) },
          body: {
            backlog,
            requests_per_minute: backlog === "drop" ? null : rate,
            confirm: backlog === "drop" ? events + retries : null,
          },
        }),
      );
    },
    onSuccess: (changed) => {
      noteSync(client, changed);
      done(`${changed.name} ${CHOICES[backlog].done}`);
      onDone();
    },
    onError: (error) => {
      void client.invalidateQueries({ queryKey: statusQuery(sync.project, sync.id).queryKey });
      const lost = error instanceof ProblemError ? error.wouldDrop : null;
      if (lost !== null) setOwed({ events: lost.backlog + lost.waiting_in_order, retries: lost.pending });
    },
  });
  const more = resume.error instanceof ProblemError && resume.error.wouldDrop !== null;
  return (
    <Stack>
      <Text size="sm">
        <b className="numbers">{inNumbers(events)}</b> {events === 1 ? "event waits" : "events wait"}
        {retries > 0 && (
          <>
            , and <b className="numbers">{inNumbers(retries)}</b> {retries === 1 ? "delivery is" : "deliveries are"} pending retry
          </>
        )}
        . Events that the sync doesn&apos;t select are among them; they are skipped.
      </Text>
      <Radio.Group
        label="What to do with the backlog"
        value={backlog}
        onChange={(value) => {
          setBacklog(value as Backlog);
        }}
      >
        <div className={classes.choices}>
          {(Object.keys(CHOICES) as Backlog[]).map((value) => (
            <Radio key={value} value={value} label={CHOICES[value].label} description={CHOICES[value].about} />
          ))}
        </div>
      </Radio.Group>
      {backlog !== "drop" && (
        <NumberInput
          label="Maximum requests per minute"
          description={
            rate !== null && rate > 0 && events > rate
              ? `Until the backlog is delivered: ${inDuration((60 * events) / rate)} at most.`
              : "Until the backlog is delivered; then as fast as before."
          }
          placeholder="As fast as the sync sends"
          w={{ base: "100%", xs: 380 }}
          min={1}
          max={1_000_000}
          allowDecimal={false}
          value={rate ?? ""}
          onChange={(value) => {
            setRate(typeof value === "number" ? value : null);
          }}
        />
      )}
      {backlog === "drop" && (
        <Alert color="red" title="This can't be undone">
          {inNumbers(events)} {events === 1 ? "event" : "events"}
          {retries > 0 && ` and ${inNumbers(retries)} ${retries === 1 ? "delivery" : "deliveries"} pending retry`} will never be sent to
          this destination. Events that the project keeps can be backfilled later.
        </Alert>
      )}
      {more && <Text size="sm">More events arrived meanwhile: check the numbers again.</Text>}
      {resume.error !== null && !more && <Failed error={resume.error} what="The sync isn't enabled" />}
      <Group justify="flex-end">
        <Button
          color={backlog === "drop" ? "red" : undefined}
          loading={resume.isPending}
          onClick={() => {
            resume.mutate();
          }}
        >
          {backlog === "drop" ? `Drop ${inNumbers(events + retries)} and enable` : save === undefined ? "Enable" : "Save and enable"}
        </Button>
      </Group>
    </Stack>
  );
}
