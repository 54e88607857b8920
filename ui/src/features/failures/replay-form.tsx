import { Button, Group, NumberInput, Select, Stack, TagsInput, Text } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import { useCreationKeys } from "@/api/idempotency";
import { done } from "@/components/notices";
import { useSettled } from "@/components/settled";
import { Failed, LoadingRows } from "@/components/states";
import { observedQuery } from "@/features/events/queries";
import { inNumbers } from "@/features/overview/figures";
import { type ReplayInput, replaysQuery } from "./queries";
import { Trial, unbuilt } from "./trial";
import { reasonWords } from "./words";

type Failures = NonNullable<ReplayInput["failed"]>;

interface FormProps {
  project: string;
  sync: string;
  begin: Failures;
  onDone: () => void;
  /** Leads to the sync's settings. */
  onFix: () => void;
}

/** Which failed deliveries are sent again, how fast, and what that would be: nothing is sent before it is asked for. */
export function ReplayForm({ project, sync, begin, onDone, onFix }: FormProps) {
  const client = useQueryClient();
  const keys = useCreationKeys();
  const [wanted, setWanted] = useState<Failures>(begin);
  const [rate, setRate] = useState<number | null>(null);
  const observed = useQuery(observedQuery(project)).data;
  const path = { project, sync };
  const settled = useSettled(wanted, 300);
  const trial = useQuery({
    queryKey: ["replay-trial", project, sync, settled],
    queryFn: () =>
      take(api.POST("/api/v1/projects/{project}/syncs/{sync}/replays/dry-run", { params: { path }, body: { failed: settled } })),
    placeholderData: keepPreviousData,
    staleTime: 0,
  });
  const make = useMutation({
    mutationFn: () => {
      const body: ReplayInput = { failed: wanted, per_minute: rate };
      return take(
        api.POST("/api/v1/projects/{project}/syncs/{sync}/replays", {
          params: { path, header: { "idempotency-key": keys.of(body) } },
          body,
        }),
      );
    },
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: replaysQuery(path).queryKey });
      done("They are being replayed.");
      onDone();
    },
  });
  const change = (part: Partial<Failures>) => {
    setWanted((before) => ({ ...before, ...part }));
  };
  const count = trial.data?.estimate ?? 0;
  const samples = trial.data?.examples.length ?? 0;
  const hopeless = trial.data !== undefined && samples > 0 && unbuilt(trial.data) === samples;
  return (
    <Stack>
      <Group grow align="flex-start" preventGrowOverflow={false}>
        <Select
          label="Which"
          miw={200}
          value={wanted.outcome ?? "all"}
          data={[
            { value: "all", label: "All failed deliveries" },
            { value: "expired", label: "Expired after ten attempts" },
            { value: "discarded", label: "Request could not be built" },
          ]}
          onChange={(outcome) => {
            change({ outcome: outcome === "expired" || outcome === "discarded" ? outcome : null });
          }}
        />
        <TagsInput
          label="Event types"
          placeholder={(wanted.event_types ?? []).length === 0 ? "All" : undefined}
          miw={200}
          acceptValueOnBlur
          data={observed?.event_types.map((each) => each.event_type) ?? []}
          value={wanted.event_types ?? []}
          onChange={(event_types) => {
            change({ event_types });
          }}
        />
        <NumberInput
          label="Maximum requests per minute"
          placeholder="As fast as the sync sends"
          miw={200}
          min={1}
          allowDecimal={false}
          value={rate ?? ""}
          onChange={(value) => {
            setRate(typeof value === "number" ? value : null);
          }}
        />
      </Group>
      <Reasons wanted={wanted} onChange={change} />
      {trial.isError && <Failed error={trial.error} what="The dry run failed" again={() => void trial.refetch()} />}
      {trial.isPending && <LoadingRows rows={2} />}
      {trial.data !== undefined && <Trial trial={trial.data} of="failed" />}
      {make.error !== null && <Failed error={make.error} what="The replay wasn't started" />}
      <Group justify="flex-end">
        <Button
          variant={hopeless ? "default" : "filled"}
          loading={make.isPending}
          disabled={trial.data === undefined || count === 0}
          onClick={() => {
            make.mutate();
          }}
        >
          {count === 0 ? "Replay" : `Replay ${trial.data?.exact === false ? "about " : ""}${inNumbers(count)}${hopeless ? " all the same" : ""}`}
        </Button>
        {hopeless && <Button onClick={onFix}>Fix the template first</Button>}
      </Group>
    </Stack>
  );
}

/** What narrows the choice beside the form's fields: it came from a kind of failure. */
function Reasons({ wanted, onChange }: { wanted: Failures; onChange: (part: Partial<Failures>) => void }) {
  const { deliveries = [], reasons = [], statuses = [] } = wanted;
  if (deliveries.length + reasons.length + statuses.length === 0) return null;
  const chosen = deliveries.length === 0 ? [] : [deliveries.length === 1 ? "the selected one" : `the ${String(deliveries.length)} selected`];
  return (
    <Group gap={8}>
      <Text size="sm">
        Only: <b>{[...chosen, ...statuses.map(String), ...reasons.map(reasonWords)].join(" ")}</b>
      </Text>
      <Button
        size="xs"
        variant="subtle"
        onClick={() => {
          onChange({ deliveries: [], reasons: [], statuses: [] });
        }}
      >
        All categories
      </Button>
    </Group>
  );
}
