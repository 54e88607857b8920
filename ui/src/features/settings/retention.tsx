import { Button, NumberInput, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, matching, ProblemError, take } from "@/api/client";
import { Time } from "@/components/moment";
import { done } from "@/components/notices";
import { Failed } from "@/components/states";
import type { Project } from "@/features/shell/projects";

const DAY_HOURS = 24;

/** How long a project keeps its events, and what it holds now. */
export function RetentionForm({ project, onDone }: { project: Project; onDone: () => void }) {
  const client = useQueryClient();
  const [events, setEvents] = useState(project.retention.events_hours ?? null);
  const [outcomes, setOutcomes] = useState(project.retention.outcomes_hours ?? null);
  const held = useQuery({
    queryKey: ["retention", project.id],
    queryFn: () => take(api.GET("/api/v1/projects/{project}/retention", { params: { path: { project: project.id } } })),
  });
  const save = useMutation({
    mutationFn: () =>
      take(
        api.PATCH("/api/v1/projects/{project}", {
          params: { path: { project: project.id }, header: matching(project.version) },
          body: { retention: { events_hours: events, outcomes_hours: outcomes } },
        }),
      ),
    onSuccess: () => {
      for (const key of [["projects"], ["project", project.id], ["retention", project.id]]) {
        void client.invalidateQueries({ queryKey: key });
      }
      done("The new retention applies from now on.");
      onDone();
    },
  });
  const problem = save.error instanceof ProblemError ? save.error : undefined;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Stack>
        {held.data !== undefined && (
          <Text size="sm">
            Currently events are kept for <b>{inDays(held.data.events_hours)}</b> and failed deliveries for{" "}
            <b>{inDays(held.data.outcomes_hours)}</b>. <b className="numbers">{inBytes(held.data.bytes)}</b> are held
            {held.data.oldest_received_at != null && (
              <>
                , the oldest received <Time at={held.data.oldest_received_at} />
              </>
            )}
            .
          </Text>
        )}
        {held.isError && held.data === undefined && <Failed error={held.error} what="What is kept can't be shown" again={() => void held.refetch()} />}
        <Hours
          label="Keep events for"
          about="In hours. Leave empty for the installation's default. Undelivered events are kept until they are delivered or have failed."
          value={events}
          error={problem?.at("/retention/events_hours")}
          onChange={setEvents}
        />
        <Hours
          label="Keep failed deliveries for"
          about="In hours, at most as long as events. They can be replayed for that long."
          value={outcomes}
          error={problem?.at("/retention/outcomes_hours")}
          onChange={setOutcomes}
        />
        {save.error !== null && <Failed error={save.error} what="Nothing was changed" />}
        <Button type="submit" loading={save.isPending}>
          Save
        </Button>
      </Stack>
    </form>
  );
}

interface HoursProps {
  label: string;
  about: string;
  value: number | null;
  error: string | undefined;
  onChange: (hours: number | null) => void;
}

function Hours({ label, about, value, error, onChange }: HoursProps) {
  return (
    <NumberInput
      label={label}
      description={about}
      min={1}
      allowDecimal={false}
      suffix={value === null ? undefined : value === 1 ? " hour" : " hours"}
      value={value ?? ""}
      error={error}
      onChange={(next) => {
        onChange(typeof next === "number" ? next : null);
      }}
    />
  );
}

/** Hours as people say them: whole days where they are. */
export function inDays(hours: number): string {
  if (hours % DAY_HOURS !== 0) return hours === 1 ? "1 hour" : `${String(hours)} hours`;
  const days = hours / DAY_HOURS;
  return days === 1 ? "1 day" : `${String(days)} days`;
}

/** Bytes as people say them, such as `1.2 MB`. */
export function inBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? String(Math.round(value)) : value.toFixed(1)} ${units[power] ?? ""}`;
}
