import { Alert, Group, Modal, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Absent } from "@/components/absent";
import { ButtonLink, TextLink } from "@/components/links";
import { Section } from "@/components/page";
import { useMay } from "@/features/access/me";
import { useOrganisationOf } from "@/features/shell/projects";
import { Charts } from "./charts";
import { Draft } from "./draft";
import { Held } from "./held";
import { statusQuery, type SyncStatus, syncQuery } from "./queries";
import { ResumeForm } from "./resume";
import { Waits } from "./waits";
import { inWords } from "./words";
import classes from "./overview.module.css";

const route = getRouteApi("/shell/p/$project/syncs/$sync/");
const count = new Intl.NumberFormat();

/** A share in percent; what is not all of it is never rounded to 100. */
function inShare(share: number): string {
  return share === 1 ? "100 %" : `${String(Math.min(99.99, Number((100 * share).toFixed(2))))} %`;
}

/** How a sync does: in a sentence, over time, and since it exists. */
export function SyncOverview() {
  const { project, sync } = route.useParams();
  const { resume } = route.useSearch();
  const navigate = route.useNavigate();
  const may = useMay(useOrganisationOf(project), "syncs:write");
  const whole = useSuspenseQuery(syncQuery(project, sync)).data;
  const status = useQuery(statusQuery(project, sync));
  if (status.data === undefined) return <Absent query={status} failed="The sync's state can't be shown" rows={3} height={72} />;
  const closeResume = () => {
    void navigate({ search: ({ resume: asked, ...before }) => (void asked, before), replace: true });
  };
  if (status.data.never_enabled) return <Draft sync={whole} may={may} />;
  return (
    <div>
      <HowItDoes project={project} sync={sync} status={status.data} />
      <Held status={status.data} />
      <Waits sync={whole} status={status.data} />
      <Charts sync={whole} />
      <Figures status={status.data} />
      {!status.data.enabled && (
        <Group mt="xl">
          <ButtonLink variant="default" to="/p/$project/syncs/$sync/settings" params={{ project, sync }}>
            Review the settings
          </ButtonLink>
        </Group>
      )}
      <Modal
        opened={resume === true && may && !whole.enabled}
        onClose={closeResume}
        title={`Enable ${whole.name}`}
        size="lg"
      >
        <ResumeForm sync={whole} status={status.data} onDone={closeResume} />
      </Modal>
    </div>
  );
}

/** In a sentence; what needs somebody stands out, and leads to where it is mended. */
function HowItDoes({ project, sync, status }: { project: string; sync: string; status: SyncStatus }) {
  const failures = (
    <TextLink to="/p/$project/syncs/$sync/failures" params={{ project, sync }} fw={500}>
      See what failed
    </TextLink>
  );
  const { health } = status;
  if (health === "healthy" || health === "paused") {
    return (
      <Group gap="xs">
        <Text size="lg">{inWords(status)}.</Text>
        {(status.pending > status.awaiting_properties || status.ended > 0) && failures}
      </Group>
    );
  }
  const grave = health === "failing" || health === "misconfigured";
  return (
    <Alert color={grave ? "red" : "yellow"} icon={<IconAlertTriangle size={18} />} role="status">
      <Text mb={4}>{inWords(status)}.</Text>
      <Group gap="md">
        {failures}
        {health === "misconfigured" && (
          <TextLink to="/p/$project/syncs/$sync/settings" params={{ project, sync }} fw={500}>
            Fix the settings
          </TextLink>
        )}
      </Group>
    </Alert>
  );
}

function Figures({ status }: { status: SyncStatus }) {
  const { counts } = status;
  const delivered = counts.delivered_first + counts.delivered_retry;
  const waiting = status.pending + status.waiting_in_order + status.backlog;
  const awaiting = status.awaiting_properties;
  const tried = delivered + counts.expired + counts.discarded;
  const share = tried === 0 ? "–" : inShare(delivered / tried);
  const figures: [string, string, string][] = [
    ["Delivered", count.format(delivered), share !== "–" ? `${share} of completed deliveries` : waiting > 0 ? `None of ${count.format(waiting)} yet` : "Nothing to deliver yet"],
    ["Delivered after retries", count.format(counts.delivered_retry), `${count.format(counts.failed_attempts)} attempts failed`],
    ["Filtered out", count.format(counts.filtered), "By event type or condition"],
    ["Failed", count.format(counts.expired + counts.discarded), counts.discarded === 0 ? "Expired after ten attempts" : `${count.format(counts.discarded)} with no request`],
    ["Waiting", count.format(waiting), `${count.format(status.pending - awaiting)} pending ${status.pending - awaiting === 1 ? "retry" : "retries"}${awaiting > 0 ? `, ${count.format(awaiting)} waiting for a property` : ""}${status.waiting_in_order > 0 ? `, ${count.format(status.waiting_in_order)} for an earlier delivery` : ""}`],
  ];
  return (
    <Section title="Since the sync was created">
    <dl className={classes.figures} aria-label="Since the sync was created">
      {figures.map(([name, value, about]) => (
        <div key={name} className={classes.figure}>
          <dt>{name}</dt>
          <dd className={`${classes.value ?? ""} numbers`}>{value}</dd>
          <dd className={classes.about}>{about}</dd>
        </div>
      ))}
    </dl>
    </Section>
  );
}
