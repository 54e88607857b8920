import { Button, Text } from "@mantine/core";
import { IconRoute } from "@tabler/icons-react";
import { useQueries, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { Absent } from "@/components/absent";
import { HealthMark } from "@/components/health";
import { ButtonLink } from "@/components/links";
import { Page } from "@/components/page";
import { Empty } from "@/components/states";
import { type Column, DataTable } from "@/components/table";
import { useMay } from "@/features/access/me";
import { inNumbers } from "@/features/overview/figures";
import { projectQuery } from "@/features/shell/projects";
import { leftToDo, unreadyQuery } from "@/features/setup/unready";
import { SyncLogo } from "./logo";
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
      Connect a destination
    </ButtonLink>
  );
  return (
    <Page
      title="Syncs"
      about="Each sync streams this project's events to one destination."
      actions={syncs.data !== undefined && syncs.data.items.length > 0 ? add : undefined}
    >
      {syncs.data === undefined && <Absent query={syncs} failed="Syncs can't be shown" height={56} />}
      {syncs.data?.items.length === 0 && (
        <Empty icon={<IconRoute size={22} />} title="No syncs yet" action={add === false ? undefined : add}>
          Connect a destination from the catalog, and events flow there as they arrive.
        </Empty>
      )}
      {syncs.data !== undefined && syncs.data.items.length > 0 && (
        <List syncs={syncs.data.items} more={syncs.data.more} />
      )}
    </Page>
  );
}

const count = new Intl.NumberFormat();

/** What is left to do before a sync can be enabled for the first time. */
function DraftWords({ sync }: { sync: Sync }) {
  const problems = useQuery(unreadyQuery(sync)).data;
  if (problems === undefined) return "Not enabled yet";
  return problems.length === 0 ? "Not enabled yet: nothing is missing" : `Not enabled yet: ${leftToDo(problems, sync)}`;
}

/** How many are shown at a time: each is asked again and again how it does. */
const SHOWN = 50;

/** Some of the syncs, with a way to more of them. */
function List({ syncs, more }: { syncs: Sync[]; more: boolean }) {
  const [shown, setShown] = useState(SHOWN);
  const left = syncs.length - shown;
  return (
    <>
      <Rows syncs={syncs.slice(0, shown)} />
      {left > 0 && (
        <Button
          variant="default"
          mt="sm"
          onClick={() => {
            setShown(shown + SHOWN);
          }}
        >
          Show {inNumbers(Math.min(left, SHOWN))} more of {inNumbers(left)}
        </Button>
      )}
      {left <= 0 && more && (
        <Text c="dimmed" mt="sm">
          Only the first {inNumbers(syncs.length)} syncs are listed. The API and the command line list all.
        </Text>
      )}
    </>
  );
}

/** Each sync with its state, which is asked for sync by sync: a slow one holds nobody up. */
function Rows({ syncs }: { syncs: Sync[] }) {
  const answers = useQueries({ queries: syncs.map((sync) => statusQuery(sync.project, sync.id)) });
  const rows = syncs.map((sync, index) => ({
    sync,
    how: answers[index]?.data,
    unknown: answers[index]?.isError === true,
  }));
  const columns: Column<(typeof rows)[number]>[] = [
    {
      name: "Sync",
      cell: ({ sync }) => (
        <Link
          to="/p/$project/syncs/$sync"
          params={{ project: sync.project, sync: sync.id }}
          className={classes.name}
        >
          <SyncLogo sync={sync} size={34} />
          <span>
            <span className={classes.title}>{sync.name}</span>
            <span className={classes.about}>{sync.definition.name}</span>
          </span>
        </Link>
      ),
    },
    {
      name: "State",
      cell: ({ sync, how, unknown }) =>
        how === undefined ? (
          <span className="muted">{unknown ? "Unknown" : "…"}</span>
        ) : (
          <div>
            <HealthMark status={how} />
            <div className={classes.about}>{how.never_enabled ? <DraftWords sync={sync} /> : inWords(how)}</div>
          </div>
        ),
    },
    {
      name: "Delivered",
      end: true,
      cell: ({ how }) => how !== undefined && count.format(how.counts.delivered_first + how.counts.delivered_retry),
    },
    { name: "Waiting", end: true, cell: ({ how }) => how !== undefined && count.format(how.pending + how.waiting_in_order + how.backlog) },
    { name: "Failed", end: true, cell: ({ how }) => how !== undefined && count.format(how.ended) },
  ];
  return <DataTable label="Syncs" columns={columns} rows={rows} keyOf={({ sync }) => sync.id} />;
}
