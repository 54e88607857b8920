import { Button, Group, Table, Text } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { api, take, type Schemas } from "@/api/client";
import { ButtonLink } from "@/components/links";
import { Time } from "@/components/moment";
import { Section } from "@/components/page";
import { Failed, LoadingRows } from "@/components/states";
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
    <dl className={classes.figures} aria-label="Since the sync exists">
      {figures.map(([name, value, about]) => (
        <div key={name} className={classes.figure}>
          <dt>{name}</dt>
          <dd className={`${classes.value ?? ""} numbers`}>{value}</dd>
          <dd className={classes.about}>{about}</dd>
        </div>
      ))}
    </dl>
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
  const items = retries.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Section title="Waiting for another attempt" about="Ten attempts over four hours; then a delivery expires.">
      {retries.isPending && <LoadingRows rows={3} />}
      {retries.isError && <Failed error={retries.error} what="Retries can't be shown" />}
      {items.length > 0 && (
        <Table.ScrollContainer minWidth={620}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Next attempt</Table.Th>
                <Table.Th>Made</Table.Th>
                <Table.Th>What</Table.Th>
                <Table.Th>The last one met</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {items.map((each) => (
                <Table.Tr key={each.delivery_id}>
                  <Table.Td>
                    <Time at={each.due_at} />
                  </Table.Td>
                  <Table.Td className="numbers">{each.attempts} of 10</Table.Td>
                  <Table.Td>{each.part === "event" ? "Event" : "User"}</Table.Td>
                  <Table.Td>
                    <Failure failure={each.failure} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <More query={retries} />
    </Section>
  );
}

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
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Section title="Ended without success" about="Kept for seven days, the newest first.">
      {list.isPending && <LoadingRows rows={3} />}
      {list.isError && <Failed error={list.error} what="Ended deliveries can't be shown" />}
      {items.length > 0 && (
        <Table.ScrollContainer minWidth={620}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Ended</Table.Th>
                <Table.Th>What</Table.Th>
                <Table.Th>Attempts</Table.Th>
                <Table.Th>Why</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {items.map((each) => (
                <Table.Tr key={each.delivery_id}>
                  <Table.Td>
                    <Time at={each.at} />
                  </Table.Td>
                  <Table.Td>{each.part === "event" ? "Event" : "User"}</Table.Td>
                  <Table.Td className="numbers">{each.attempts}</Table.Td>
                  <Table.Td>
                    {each.outcome === "expired" ? <Failure failure={each.failure} /> : each.message}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <More query={list} />
    </Section>
  );
}

function Failure({ failure }: { failure: Schemas["FailureView"] }) {
  return (
    <>
      {failure.status != null && <b className="numbers">{failure.status} </b>}
      {failure.message}
      {failure.response !== "" && (
        <div className={`mono muted ${classes.answer ?? ""}`}>{failure.response.slice(0, 200)}</div>
      )}
    </>
  );
}

interface Pages {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => Promise<unknown>;
}

function More({ query }: { query: Pages }) {
  if (!query.hasNextPage) return null;
  return (
    <Button variant="default" mt="sm" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
      Show more
    </Button>
  );
}
