import { Badge, Button, Group, Text } from "@mantine/core";
import { IconCircleCheck } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { sentenceCase } from "@/components/highlight";
import { TextLink } from "@/components/links";
import { Listing } from "@/components/listing";
import { Time } from "@/components/moment";
import { done, failed } from "@/components/notices";
import { Empty } from "@/components/states";
import { type Column, DataTable } from "@/components/table";
import { inZone } from "@/components/time";
import { syncsQuery } from "@/features/syncs/queries";
import { type Incident, incidentsQuery, RULES } from "./queries";
import classes from "./incidents.module.css";

const HOUR = 3_600_000;

interface IncidentsProps {
  project: string;
  /** Only those of this sync. */
  sync?: string;
  may: boolean;
}

/** What is wrong and what was, and who sees to it. */
export function Incidents({ project, sync, may }: IncidentsProps) {
  const client = useQueryClient();
  const incidents = useInfiniteQuery(incidentsQuery(project, sync));
  const syncs = useQuery(syncsQuery(project)).data?.items ?? [];
  const nameOf = (id: string) => syncs.find((sync) => sync.id === id)?.name ?? id;
  const note = {
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["incidents", project] });
      done("Acknowledged.");
    },
    onError: failed("Nothing was changed"),
  };
  const acknowledge = useMutation({
    mutationFn: (incident: string) =>
      take(
        api.POST("/api/v1/projects/{project}/incidents/{incident}/acknowledge", { params: { path: { project, incident } } }),
      ),
    ...note,
  });
  const mute = useMutation({
    mutationFn: ({ incident, until }: { incident: string; until: string | null }) =>
      take(
        api.POST("/api/v1/projects/{project}/incidents/{incident}/mute", {
          params: { path: { project, incident } },
          body: { until },
        }),
      ),
    ...note,
  });
  const columns: Column<Incident>[] = [
    {
      name: "Incident",
      cell: (incident) => (
        <>
          <Group gap={8}>
            <TextLink to="/p/$project/syncs/$sync" params={{ project, sync: incident.sync }} fw={600}>
              {nameOf(incident.sync)}
            </TextLink>
            <Badge size="sm" color={incident.ended == null ? "red" : "green"}>
              {incident.ended == null ? "Open" : "Resolved"}
            </Badge>
          </Group>
          <Text size="sm">{RULES[incident.rule]}</Text>
          <Text size="sm" c="dimmed">
            {sentenceCase(inZone(incident.reason))}
          </Text>
        </>
      ),
    },
    { name: "Opened", whole: true, cell: (incident) => <Time at={incident.opened_at} /> },
    { name: "Resolved", whole: true, cell: (incident) => incident.ended != null && <Time at={incident.ended.at} /> },
    {
      name: "Acknowledged by",
      cell: (incident) =>
        incident.acknowledged != null && (
          <span>
            {incident.acknowledged.by}, <Time at={incident.acknowledged.at} />
          </span>
        ),
    },
    {
      name: "Actions",
      quiet: true,
      end: true,
      cell: (incident) =>
        may && incident.ended == null ? (
          <Group gap={6} justify="flex-end" wrap="nowrap" className={classes.actions ?? ""}>
            {incident.acknowledged == null && (
              <Button
                size="compact-sm"
                variant="default"
                onClick={() => {
                  acknowledge.mutate(incident.id);
                }}
              >
                Acknowledge
              </Button>
            )}
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => {
                const until = incident.muted_until == null ? new Date(Date.now() + 4 * HOUR).toISOString() : null;
                mute.mutate({ incident: incident.id, until });
              }}
            >
              {incident.muted_until == null ? "Mute for 4 h" : "Unmute"}
            </Button>
          </Group>
        ) : null,
    },
  ];
  return (
    <Listing
      query={incidents}
      failed="Incidents can't be shown"
      rows={2}
      empty={
        <Empty icon={<IconCircleCheck size={22} />} title="No incidents">
          {sync === undefined ? "When a sync has a problem" : "When this sync has a problem"}, it appears here and people are notified.
        </Empty>
      }
    >
      {(items) => <DataTable label="Incidents" columns={columns} rows={items} keyOf={({ id }) => id} />}
    </Listing>
  );
}
