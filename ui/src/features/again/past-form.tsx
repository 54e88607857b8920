import { Button, Group, NumberInput, SegmentedControl, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ProblemError, take } from "@/api/client";
import { useCreationKeys } from "@/api/idempotency";
import { Time } from "@/components/moment";
import { done } from "@/components/notices";
import { useSettled } from "@/components/settled";
import { Failed, LoadingRows } from "@/components/states";
import { asField } from "@/components/time";
import { observedQuery } from "@/features/events/queries";
import { replaysQuery, type ReplayInput } from "@/features/failures/queries";
import { Trial } from "@/features/failures/trial";
import { inNumbers } from "@/features/overview/figures";
import { Filter } from "@/features/setup/events-step";
import type { Sync } from "@/features/syncs/queries";
import { eventsOf, type Period, PERIODS, type Wanted } from "./past";

/** Which past events are sent, how fast, and what that would be: nothing is sent before it is asked for. */
export function PastForm({ sync, onDone }: { sync: Sync; onDone: () => void }) {
  const client = useQueryClient();
  const keys = useCreationKeys();
  const path = { project: sync.project, sync: sync.id };
  const [now, setNow] = useState(() => Date.now());
  const [wanted, setWanted] = useState<Wanted>({ period: "day", from: "", until: "", types: [], condition: null });
  const [rate, setRate] = useState<number | null>(null);
  const observed = useQuery(observedQuery(sync.project)).data;
  const events = eventsOf(wanted, now);
  const settled = useSettled(events, 400);
  const trial = useQuery({
    queryKey: ["past-trial", sync.project, sync.id, settled],
    queryFn: () =>
      take(
        api.POST("/api/v1/projects/{project}/syncs/{sync}/replays/dry-run", {
          params: { path },
          body: { events: typeof settled === "string" ? null : settled },
        }),
      ),
    enabled: typeof settled !== "string",
    placeholderData: keepPreviousData,
    retry: false,
  });
  const make = useMutation({
    mutationFn: (body: ReplayInput) =>
      take(
        api.POST("/api/v1/projects/{project}/syncs/{sync}/replays", {
          params: { path, header: { "idempotency-key": keys.of(body) } },
          body,
        }),
      ),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: replaysQuery(path).queryKey });
      done(sync.enabled ? "They are being sent." : "They are sent as soon as the sync is enabled.");
      onDone();
    },
  });
  const change = (part: Partial<Wanted>) => {
    setWanted((before) => ({ ...before, ...part }));
  };
  const count = trial.data?.estimate ?? 0;
  const known = trial.data !== undefined && typeof events !== "string" && !trial.isPlaceholderData;
  const refused = trial.error instanceof ProblemError ? trial.error : null;
  return (
    <Stack>
      <Kept project={sync.project} />
      <div>
        <Text size="sm" fw={500} mb={6} id="past-period">
          Received
        </Text>
        <SegmentedControl
          size="xs"
          aria-labelledby="past-period"
          value={wanted.period}
          data={[...Object.entries(PERIODS).map(([value, { label }]) => ({ value, label })), { value: "own", label: "Custom…" }]}
          onChange={(period) => {
            setNow(Date.now());
            const begun = wanted.from === "" ? { from: asField(new Date(Date.now() - PERIODS.day.milliseconds)) } : {};
            change({ period: period as Period, ...begun });
          }}
        />
      </div>
      {wanted.period === "own" && (
        <Group align="flex-start" gap="sm">
          <TextInput
            type="datetime-local"
            label="From"
            w={{ base: "100%", xs: 220 }}
            value={wanted.from}
            error={typeof events === "string" ? events : refused?.at("/events/from")}
            onChange={(event) => {
              change({ from: event.currentTarget.value });
            }}
          />
          <TextInput
            type="datetime-local"
            label="Until"
            description="Empty: until now."
            inputWrapperOrder={["label", "input", "description", "error"]}
            w={{ base: "100%", xs: 220 }}
            value={wanted.until}
            error={refused?.at("/events/until")}
            onChange={(event) => {
              change({ until: event.currentTarget.value });
            }}
          />
        </Group>
      )}
      <TagsInput
        label="Event types"
        description={`Of those that ${sync.name} sends. What it doesn't select isn't sent.`}
        placeholder={wanted.types.length === 0 ? "All" : undefined}
        acceptValueOnBlur
        data={observed?.event_types.map((each) => each.event_type) ?? []}
        value={wanted.types}
        onChange={(types) => {
          change({ types });
        }}
      />
      <Filter
        sync={sync}
        condition={wanted.condition}
        observed={observed}
        disabled={false}
        {...(wanted.types.length === 1 && wanted.types[0] !== undefined ? { eventType: wanted.types[0] } : {})}
        onChange={(condition) => {
          change({ condition });
        }}
      />
      <NumberInput
        label="Maximum requests per minute"
        description="New events don't wait behind these."
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
      {trial.isError && <Failed error={trial.error} what="The dry run failed" again={() => void trial.refetch()} />}
      {trial.isLoading && <LoadingRows rows={2} />}
      {trial.data !== undefined && !trial.isError && typeof events !== "string" && <Trial trial={trial.data} of="events" perMinute={rate} />}
      {make.error !== null && <Failed error={make.error} what="Nothing is sent" />}
      <Group justify="flex-end">
        <Button
          loading={make.isPending}
          disabled={!known || count === 0}
          onClick={() => {
            if (typeof events !== "string") make.mutate({ events, per_minute: rate });
          }}
        >
          {count === 0 ? "Send" : `Send ${trial.data?.exact === false ? "about " : ""}${inNumbers(count)}`}
        </Button>
      </Group>
    </Stack>
  );
}

/** How far back there is anything to send. */
function Kept({ project }: { project: string }) {
  const held = useQuery({
    queryKey: ["held-events", project],
    queryFn: () => take(api.GET("/api/v1/projects/{project}/retention", { params: { path: { project } } })),
    staleTime: 60_000,
  });
  if (held.data === undefined) return null;
  const { events_hours, oldest_received_at } = held.data;
  return (
    <Text size="sm" c="dimmed">
      Events are kept for {events_hours >= 48 ? `${String(Math.floor(events_hours / 24))} days` : `${String(events_hours)} hours`}.
      {oldest_received_at != null && (
        <>
          {" "}
          The oldest was received <Time at={oldest_received_at} />.
        </>
      )}
    </Text>
  );
}
