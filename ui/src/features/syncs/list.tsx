import { Table } from "@mantine/core";
import { IconRoute } from "@tabler/icons-react";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { HealthMark } from "@/components/health";
import { ButtonLink } from "@/components/links";
import { Logo } from "@/components/logo";
import { Page } from "@/components/page";
import { Empty, Failed, LoadingRows } from "@/components/states";
import { useMay } from "@/features/access/me";
import { projectQuery } from "@/features/shell/projects";
import { statusQuery, type Sync, syncsQuery } from "./queries";
import { inWords } from "./words";
import classes from "./list.module.css";

const route = getRouteApi("/shell/p/$project/syncs");

/** A project's syncs, and how each of them does. */
export function SyncsPage() {
  const { project } = route.useParams();
  const { organisation } = useSuspenseQuery(projectQuery(project)).data;
  const syncs = useQuery(syncsQuery(project));
  const may = useMay(organisation, "syncs:write");
  const add = may && (
    <ButtonLink to="/p/$project/catalog" params={{ project }}>
      Add destination
    </ButtonLink>
  );
  return (
    <Page
      title="Syncs"
      about="Each sync streams this project's events to one destination."
      actions={syncs.data !== undefined && syncs.data.items.length > 0 ? add : undefined}
    >
      {syncs.isError && <Failed error={syncs.error} what="Syncs can't be shown" again={() => void syncs.refetch()} />}
      {syncs.isPending && <LoadingRows height={56} />}
      {syncs.data?.items.length === 0 && (
        <Empty icon={<IconRoute size={22} />} title="No syncs yet" action={add === false ? undefined : add}>
          Connect a destination from the catalog, and events flow there as they arrive.
        </Empty>
      )}
      {syncs.data !== undefined && syncs.data.items.length > 0 && (
        <Table.ScrollContainer minWidth={640}>
          <Table highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Sync</Table.Th>
                <Table.Th>State</Table.Th>
                <Table.Th ta="right">Delivered</Table.Th>
                <Table.Th ta="right">Waiting</Table.Th>
                <Table.Th ta="right">Ended without success</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {syncs.data.items.map((sync) => (
                <Row key={sync.id} sync={sync} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Page>
  );
}

const count = new Intl.NumberFormat();

function Row({ sync }: { sync: Sync }) {
  const status = useQuery(statusQuery(sync.project, sync.id));
  const how = status.data;
  const delivered = how === undefined ? null : how.counts.delivered_first + how.counts.delivered_retry;
  return (
    <Table.Tr>
      <Table.Td>
        <Link
          to="/p/$project/syncs/$sync"
          params={{ project: sync.project, sync: sync.id }}
          className={classes.name}
        >
          <Logo name={sync.definition.name} size={34} />
          <span>
            <span className={classes.title}>{sync.name}</span>
            <span className={classes.about}>{sync.definition.name}</span>
          </span>
        </Link>
      </Table.Td>
      <Table.Td>
        {status.isError ? (
          <span className="muted">Not known</span>
        ) : how === undefined ? (
          <span className="muted">…</span>
        ) : (
          <>
            <HealthMark health={how.health} />
            <div className={classes.about}>{inWords(how)}</div>
          </>
        )}
      </Table.Td>
      <Table.Td ta="right" className="numbers">
        {delivered === null ? "" : count.format(delivered)}
      </Table.Td>
      <Table.Td ta="right" className="numbers">
        {how === undefined ? "" : count.format(how.pending + how.backlog)}
      </Table.Td>
      <Table.Td ta="right" className="numbers">
        {how === undefined ? "" : count.format(how.ended)}
      </Table.Td>
    </Table.Tr>
  );
}
