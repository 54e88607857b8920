import { Button, Drawer, Text } from "@mantine/core";
import { IconListCheck, IconLock } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { sentenceCase } from "@/components/highlight";
import { ButtonLink, TextLink } from "@/components/links";
import { Listing } from "@/components/listing";
import { Time } from "@/components/moment";
import { Empty } from "@/components/states";
import { type Column, DataTable } from "@/components/table";
import { inZone } from "@/components/time";
import { useMay, useOrganisation } from "@/features/access/me";
import { whoseOf } from "@/features/failures/names";
import { inNumbers } from "@/features/overview/figures";
import { useOrganisationOf } from "@/features/shell/projects";
import { statusQuery } from "@/features/syncs/queries";
import { Delivery } from "./delivery";
import { Filters } from "./filters";
import { OutcomeMark } from "./outcome-mark";
import { outcomesQuery } from "./queries";
import { type Attempt, type DeliveriesSearch, isFiltered } from "./search";
import classes from "./deliveries.module.css";

const route = getRouteApi("/shell/p/$project/syncs/$sync/deliveries");

/** A sync's attempts, one by one: sought by how they ended, what of, and when. */
export function DeliveriesPage() {
  const { project, sync } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const organisation = useOrganisationOf(project);
  const known = useOrganisation(organisation) !== undefined;
  const looks = useMay(organisation, "deliveries:read");
  const of = { project, sync };
  const outcomes = useInfiniteQuery({ ...outcomesQuery(of, search), enabled: looks });
  const change = (next: DeliveriesSearch) => void navigate({ search: next, replace: true });
  if (known && !looks) {
    return (
      <Empty icon={<IconLock size={22} />} title="Your role can't see deliveries">
        Ask an admin of your organisation for a role that can.
      </Empty>
    );
  }
  const pages = outcomes.data?.pages ?? [];
  return (
    <div>
      <AtOnce {...of} />
      <Filters project={project} search={search} onChange={change} />
      <Listing
        query={outcomes}
        failed="Deliveries can't be shown"
        more="Show earlier"
        rows={8}
        empty={<Nothing project={project} filtered={isFiltered(search)} onClear={() => void navigate({ search: {}, replace: true })} />}
      >
        {(items) => <DataTable label="Attempts" columns={columnsOf(of, search)} rows={items} keyOf={keyOf} />}
      </Listing>
      {pages.length > 0 && pages.every((page) => page.items.length === 0) && outcomes.hasNextPage && (
        <Text c="dimmed" mt="sm">
          None of the newest 50,000 attempts matches. Show earlier ones to search on.
        </Text>
      )}
      {pages.some((page) => !page.complete) && (
        <Text c="dimmed" mt="sm">
          More than 1,000 events match, or the event index is being rebuilt: only the newest were searched.
        </Text>
      )}
      <Drawer
        opened={search.open !== undefined}
        onClose={() => {
          change({ ...search, open: undefined, import: undefined });
        }}
        position="right"
        size="xl"
        title="Delivery"
      >
        {search.open !== undefined && (
          <Delivery key={`${search.import ?? ""} ${String(search.open)}`} {...of} organisation={organisation} offset={search.open} ofImport={search.import} />
        )}
      </Drawer>
    </div>
  );
}

const openOf = (search: DeliveriesSearch, { offset, imported, replay }: Attempt): DeliveriesSearch => ({
  ...search,
  open: offset,
  import: imported ? (replay ?? undefined) : undefined,
});

const keyOf = ({ delivery_id, attempt, outcome }: Attempt) => `${delivery_id} ${String(attempt)} ${outcome}`;

/** What isn't in the list: that would be nearly all. */
function AtOnce({ project, sync }: { project: string; sync: string }) {
  const counts = useQuery(statusQuery(project, sync)).data?.counts;
  return (
    <Text c="dimmed" mb="md" maw={760}>
      Failed attempts, and deliveries that needed more than one attempt.{" "}
      {counts !== undefined && counts.delivered_first > 0 && (
        <>
          The <b className="numbers">{inNumbers(counts.delivered_first)}</b> delivered at the first attempt aren&apos;t listed:{" "}
        </>
      )}
      <TextLink to="/p/$project/why" params={{ project }} underline="always">
        Find events
      </TextLink>{" "}
      shows any event.
    </Text>
  );
}

function Nothing({ project, filtered, onClear }: { project: string; filtered: boolean; onClear: () => void }) {
  if (filtered) {
    return (
      <Empty
        icon={<IconListCheck size={22} />}
        title="No attempt matches"
        action={
          <Button variant="default" onClick={onClear}>
            Clear filters
          </Button>
        }
      >
        No attempt that is kept has this outcome, for these events, in this period.
      </Empty>
    );
  }
  return (
    <Empty
      icon={<IconListCheck size={22} />}
      title="Nothing to show"
      action={
        <ButtonLink to="/p/$project/why" params={{ project }} variant="default">
          Find an event
        </ButtonLink>
      }
    >
      No attempt failed so far. Failed attempts appear here with event, request and response.
    </Empty>
  );
}

function columnsOf(of: { project: string; sync: string }, search: DeliveriesSearch): Column<Attempt>[] {
  return [
    {
      name: "Event",
      cell: (each) => (
        <>
          <TextLink to="/p/$project/syncs/$sync/deliveries" params={of} search={openOf(search, each)} replace fw={600}>
            {each.event_type === "" ? "(no type)" : each.event_type}
          </TextLink>
          {whoseOf(each) !== null && <div className={classes.whose}>{whoseOf(each)}</div>}
          {each.part === "user" && <div className={classes.part}>User</div>}
          {each.replay != null && <div className={classes.part}>{each.imported ? "Import" : "Backfill"}</div>}
        </>
      ),
    },
    { name: "When", whole: true, cell: (each) => <Time at={each.at} /> },
    { name: "Outcome", whole: true, cell: (each) => <OutcomeMark outcome={each.outcome} /> },
    { name: "Attempt", end: true, cell: (each) => (each.tries === 0 ? "–" : each.attempt) },
    {
      name: "What happened",
      cell: (each) => (
        <>
          {each.status != null && <b className="numbers">{each.status} </b>}
          {sentenceCase(inZone(each.message))}
        </>
      ),
    },
    { name: "Took", end: true, cell: (each) => (each.tries === 0 ? "–" : `${String(each.timing.took_ms)} ms`) },
  ];
}
