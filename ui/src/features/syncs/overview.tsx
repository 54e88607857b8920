import { Group, Modal, Text } from "@mantine/core";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { ButtonLink, TextLink } from "@/components/links";
import { Section } from "@/components/page";
import { Failed, LoadingRows } from "@/components/states";
import { useMay } from "@/features/access/me";
import { useOrganisationOf } from "@/features/shell/projects";
import { Charts } from "./charts";
import { Held } from "./held";
import { statusQuery, type SyncStatus, syncQuery } from "./queries";
import { ResumeForm } from "./resume";
import { inWords } from "./words";
import classes from "./overview.module.css";

const route = getRouteApi("/shell/p/$project/syncs/$sync/");
const count = new Intl.NumberFormat();

/** How a sync does: in a sentence, over time, and since it exists. */
export function SyncOverview() {
  const { project, sync } = route.useParams();
  const { resume } = route.useSearch();
  const navigate = route.useNavigate();
  const may = useMay(useOrganisationOf(project), "syncs:write");
  const whole = useSuspenseQuery(syncQuery(project, sync)).data;
  const status = useQuery(statusQuery(project, sync));
  if (status.isError) {
    return <Failed error={status.error} what="It isn't known how the sync does" again={() => void status.refetch()} />;
  }
  if (status.data === undefined) return <LoadingRows rows={3} height={72} />;
  const closeResume = () => {
    void navigate({ search: ({ resume: asked, ...before }) => (void asked, before), replace: true });
  };
  return (
    <div className={classes.page}>
      <Text size="lg">{inWords(status.data)}.</Text>
      <Held status={status.data} />
      <Charts project={project} sync={sync} />
      <Figures status={status.data} />
      {(status.data.pending > 0 || status.data.ended > 0) && (
        <Text mt="lg">
          <TextLink to="/p/$project/syncs/$sync/failures" params={{ project, sync }}>
            Why deliveries failed, what waits for another attempt, and sending it again
          </TextLink>
        </Text>
      )}
      {!status.data.enabled && (
        <Group mt="xl">
          <ButtonLink variant="default" to="/p/$project/syncs/$sync/settings" params={{ project, sync }}>
            Look at the settings
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

function Figures({ status }: { status: SyncStatus }) {
  const { counts } = status;
  const delivered = counts.delivered_first + counts.delivered_retry;
  const waiting = status.pending + status.backlog;
  const tried = delivered + counts.expired + counts.discarded;
  const share = tried === 0 ? "–" : `${((100 * delivered) / tried).toFixed(2)} %`;
  const figures: [string, string, string][] = [
    ["Delivered", count.format(delivered), share !== "–" ? `${share} of what has ended` : waiting > 0 ? `None of ${count.format(waiting)} yet` : "Nothing was to deliver yet"],
    ["At a later attempt", count.format(counts.delivered_retry), `${count.format(counts.failed_attempts)} attempts failed`],
    ["Not meant for it", count.format(counts.filtered), "Filtered by type or condition"],
    ["Ended without success", count.format(counts.expired + counts.discarded), `${count.format(counts.discarded)} could not be made a request`],
    ["Waiting", count.format(waiting), `${count.format(status.pending)} to be tried again`],
  ];
  return (
    <Section title="Since the sync exists">
    <dl className={classes.figures} aria-label="Since the sync exists">
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
