import { Alert, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQueries } from "@tanstack/react-query";
import { TextLink } from "@/components/links";
import { inNumbers } from "@/features/overview/figures";
import { useProjects } from "@/features/shell/projects";
import { statusQuery, type SyncStatus, syncsQuery } from "@/features/syncs/queries";
import classes from "./installation.module.css";

/** Of how many syncs at most it is asked how they do, and how often. */
const MOST = 100;
const EVERY_MILLISECONDS = 30_000;
/** So many are named. */
const NAMED = 8;

/** Whether deliveries fail, or can't be made. */
const fails = ({ health }: SyncStatus) => health === "failing" || health === "misconfigured" || health === "stalled";

/** The enabled syncs that don't deliver, of the projects that whoever looks has access to. */
export function FailingSyncs() {
  const projects = useProjects();
  const lists = useQueries({ queries: projects.map(({ id }) => ({ ...syncsQuery(id), staleTime: EVERY_MILLISECONDS })) });
  const enabled = lists.flatMap((list) => list.data?.items ?? []).filter((sync) => sync.enabled);
  const asked = enabled.slice(0, MOST);
  const answers = useQueries({
    queries: asked.map((sync) => ({ ...statusQuery(sync.project, sync.id), refetchInterval: EVERY_MILLISECONDS })),
  });
  const failing = asked.flatMap((sync, index) => {
    const status = answers[index]?.data;
    return status !== undefined && fails(status) ? [{ sync, status }] : [];
  });
  if (failing.length === 0) return null;
  const pending = failing.reduce((sum, { status }) => sum + status.pending, 0);
  return (
    <Alert
      mt="md"
      color="yellow"
      icon={<IconAlertTriangle size={18} />}
      title={failing.length === 1 ? "1 sync can't deliver" : `${inNumbers(failing.length)} syncs can't deliver`}
      role="status"
    >
      <Text size="sm" mb={6}>
        Of the projects that you have access to
        {enabled.length > MOST && `, among their first ${inNumbers(MOST)} enabled syncs`}
        {pending > 0 && `; ${inNumbers(pending)} ${pending === 1 ? "retry is" : "retries are"} pending`}.
      </Text>
      <ul className={classes.reasons} aria-label="Syncs that can't deliver">
        {failing.slice(0, NAMED).map(({ sync }) => (
          <li key={sync.id}>
            <TextLink to="/p/$project/syncs/$sync" params={{ project: sync.project, sync: sync.id }} fw={500}>
              {sync.name}
            </TextLink>{" "}
            ({projects.find(({ id }) => id === sync.project)?.name})
          </li>
        ))}
        {failing.length > NAMED && <li>and {inNumbers(failing.length - NAMED)} more</li>}
      </ul>
    </Alert>
  );
}
