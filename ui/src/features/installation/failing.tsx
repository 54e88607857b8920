import { Alert, Text } from "@mantine/core";
import { IconAlertTriangle, IconInfoCircle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { TextLink } from "@/components/links";
import { Failed } from "@/components/states";
import { inNumbers } from "@/features/overview/figures";
import { useProjects } from "@/features/shell/projects";
import { failingQuery } from "./failing-query";
import classes from "./installation.module.css";

/** So many are named. */
const NAMED = 8;

/** The enabled syncs that don't deliver, of the projects that whoever looks has access to. */
export function FailingSyncs() {
  const projects = useProjects();
  const found = useQuery(failingQuery(projects.map(({ id }) => id)));
  if (found.data === undefined) {
    return found.isError ? <Failed error={found.error} what="Syncs can't be checked" again={() => void found.refetch()} /> : null;
  }
  const { failing, looked, more } = found.data;
  const rest = more ? ` Only the first ${inNumbers(looked)} enabled syncs were checked.` : "";
  if (failing.length === 0) {
    return rest === "" ? null : (
      <Alert mt="md" color="gray" icon={<IconInfoCircle size={18} />}>
        {`Only the first ${inNumbers(looked)} enabled syncs were checked: all of them deliver.`}
      </Alert>
    );
  }
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
        Of {inNumbers(looked)} enabled {looked === 1 ? "sync" : "syncs"} in the projects that you have access to
        {pending > 0 && `; ${inNumbers(pending)} ${pending === 1 ? "retry is" : "retries are"} pending`}.{rest}
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
