import { Alert, Text } from "@mantine/core";
import { IconAlertTriangle, IconInfoCircle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { TextLink } from "@/components/links";
import { Failed } from "@/components/states";
import { inNumbers } from "@/features/overview/figures";
import { useProjects } from "@/features/shell/projects";
import { failingQuery } from "./failing-query";
import classes from "./installation.module.css";

/** The enabled syncs that don't deliver, of the projects that whoever looks has access to. */
export function FailingSyncs() {
  const projects = useProjects();
  const found = useQuery(failingQuery(projects.map(({ id }) => id)));
  if (found.data === undefined) {
    return found.isError ? <Failed error={found.error} what="Syncs can't be checked" again={() => void found.refetch()} /> : null;
  }
  const { named, failing, looked, more } = found.data;
  const rest = more ? " Of a project's syncs only the first 20,000 were checked." : "";
  if (failing === 0) {
    return rest === "" ? null : (
      <Alert mt="md" color="gray" icon={<IconInfoCircle size={18} />}>
        Only the first 20,000 syncs of a project were checked: all of them deliver.
      </Alert>
    );
  }
  return (
    <Alert
      mt="md"
      color="yellow"
      icon={<IconAlertTriangle size={18} />}
      title={failing === 1 ? "1 sync can't deliver" : `${inNumbers(failing)} syncs can't deliver`}
      role="status"
    >
      <Text size="sm" mb={6}>
        Of {inNumbers(looked)} enabled {looked === 1 ? "sync" : "syncs"} in the projects that you have access to.{rest}
      </Text>
      <ul className={classes.reasons} aria-label="Syncs that can't deliver">
        {named.map(({ project, sync, name }) => (
          <li key={sync}>
            <TextLink to="/p/$project/syncs/$sync" params={{ project, sync }} fw={500}>
              {name}
            </TextLink>{" "}
            ({projects.find(({ id }) => id === project)?.name})
          </li>
        ))}
        {failing > named.length && <li>and {inNumbers(failing - named.length)} more</li>}
      </ul>
    </Alert>
  );
}
