import { Group, Text } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { api, take, type Schemas } from "@/api/client";
import { ButtonLink } from "@/components/links";
import { Listing } from "@/components/listing";
import { Time } from "@/components/moment";
import { Section } from "@/components/page";
import { Failed, LoadingRows } from "@/components/states";
import { type Column, DataTable } from "@/components/table";
import { Charts } from "./charts";
import { statusQuery, type SyncStatus } from "./queries";
import { inWords } from "./words";
import classes from "./overview.module.css";

const route = getRouteApi("/shell/p/$project/syncs/$sync/");
const count = new Intl.NumberFormat();

/** How a sync does: figures since it exists, what waits, and what ended without success. */
export function SyncOverview() {
  const { project, sync } = route.useParams();
  const status = useQuery(statusQuery(project, sync));
  if (status.isError) {
    return <Failed error={status.error} what="It isn't known how the sync does" again={() => void status.refetch()} />;
  }
  if (status.data === undefined) return <LoadingRows rows={3} height={72} />;
  return (
    <div className={classes.page}>
      <Text size="lg">{inWords(status.data)}.</Text>
      <Charts project={project} sync={sync} />
      <Figures status={status.data} />
      <Retries project={project} sync={sync} pending={status.data.pending} />
      <Ended project={project} sync={sync} ended={status.data.ended} />
      {!status.data.enabled && (
        <Group mt="xl">
          <ButtonLink variant="default" to="/p/$project/syncs/$sync/settings" params={{ project, sync }}>
            Look at the settings
          </ButtonLink>
        </Group>
      )}
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

interface ListProps {
  project: string;
  sync: string;
}

function Retries({ project, sync, pending }: ListProps & { pending: number }) {
  const retries = useInfiniteQuery({
    queryKey: ["retries", project, sync],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/projects/{project}/syncs/{sync}/retries", {
          params: { path: { project, sync }, query: { limit: 20, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: 10_000,
    enabled: pending > 0,
  });
  if (pending === 0) return null;
  return (
    <Section title="Waiting for another attempt" about="Ten attempts over four hours; then a delivery expires.">
      <Listing query={retries} failed="Retries can't be shown" empty={null} rows={3}>
        {(items) => <DataTable label="Retries" columns={RETRIES} rows={items} keyOf={(each) => each.delivery_id} />}
      </Listing>
    </Section>
  );
}

const RETRIES: Column<Schemas["RetryView"]>[] = [
  { name: "Next attempt", cell: (each) => <Time at={each.due_at} /> },
  { name: "Made", cell: (each) => <span className="numbers">{each.attempts} of 10</span> },
  { name: "What", cell: (each) => (each.part === "event" ? "Event" : "User") },
  { name: "The last one met", cell: (each) => <Failure failure={each.failure} /> },
];

function Ended({ project, sync, ended }: ListProps & { ended: number }) {
  const list = useInfiniteQuery({
    queryKey: ["ended", project, sync],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/projects/{project}/syncs/{sync}/ended", {
          params: { path: { project, sync }, query: { limit: 20, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: 15_000,
    enabled: ended > 0,
  });
  if (ended === 0) return null;
  return (
    <Section title="Ended without success" about="Kept for seven days, the newest first.">
      <Listing query={list} failed="Ended deliveries can't be shown" empty={null} rows={3}>
        {(items) => <DataTable label="Ended deliveries" columns={ENDED} rows={items} keyOf={(each) => each.delivery_id} />}
      </Listing>
    </Section>
  );
}

const ENDED: Column<Schemas["EndedView"]>[] = [
  { name: "Ended", cell: (each) => <Time at={each.at} /> },
  { name: "What", cell: (each) => (each.part === "event" ? "Event" : "User") },
  { name: "Attempts", cell: (each) => <span className="numbers">{each.attempts}</span> },
  { name: "Why", cell: (each) => (each.outcome === "expired" ? <Failure failure={each.failure} /> : each.message) },
];

function Failure({ failure }: { failure: Schemas["FailureView"] }) {
  return (
    <div>
      {failure.status != null && <b className="numbers">{failure.status} </b>}
      {failure.message}
      {failure.response !== "" && (
        <div className={`mono muted ${classes.answer ?? ""}`}>{failure.response.slice(0, 200)}</div>
      )}
    </div>
  );
}
