import { Button, Drawer, Group, Select, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconHistory } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { api, take, type Schemas } from "@/api/client";
import { Code } from "@/components/code";
import { Listing } from "@/components/listing";
import { Time } from "@/components/moment";
import { Empty } from "@/components/states";
import { type Column, DataTable } from "@/components/table";
import { Changes } from "@/features/syncs/changes";
import { differences } from "@/features/syncs/difference";
import { type Range, rangeOf, RANGES } from "@/features/overview/range";
import { actionOptions, actionWords } from "./audit-actions";
import classes from "./audit.module.css";

const route = getRouteApi("/shell/o/$organisation/settings/audit");

type Entry = Schemas["AuditView"];

interface AuditSearch {
  action?: string | undefined;
  who?: string | undefined;
  range?: Range | undefined;
}

/** What the API is asked, with the time that a range begins at. */
function queryOf({ action, who, range }: AuditSearch, now: number) {
  return { action, actor: who, from: range === undefined ? undefined : new Date(now - RANGES[range].length).toISOString() };
}

/** What was changed, by whom, from where, and what it was before. */
export function AuditPage() {
  const { organisation } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [opened, setOpened] = useState<Entry>();
  const entries = useInfiniteQuery({
    queryKey: ["audit", organisation, search],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/organisations/{organisation}/audit", {
          params: { path: { organisation }, query: { ...queryOf(search, Date.now()), limit: 50, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const columns: Column<Entry>[] = [
    { name: "When", whole: true, cell: (entry) => <Time at={entry.at} /> },
    { name: "Who", cell: (entry) => <span className={classes.who}>{entry.actor.who}</span> },
    { name: "What", whole: true, cell: (entry) => <span title={entry.action}>{actionWords(entry.action)}</span> },
    { name: "Of", cell: (entry) => (entry.target.name === "" ? "–" : entry.target.name) },
    {
      name: "Details",
      quiet: true,
      end: true,
      cell: (entry) => (
        <Button
          variant="subtle"
          color="gray"
          size="xs"
          aria-label={`Details: ${actionWords(entry.action)}, ${entry.target.name}`}
          onClick={() => {
            setOpened(entry);
          }}
        >
          Details
        </Button>
      ),
    },
  ];
  return (
    <>
      <Group justify="space-between" align="flex-start" mb="md">
        <Filters search={search} onChange={(next) => void navigate({ search: next, replace: true })} />
        <ExportButton organisation={organisation} search={search} />
      </Group>
      <Listing
        query={entries}
        failed="The audit log can't be shown"
        more="Show older"
        rows={8}
        empty={
          <Empty
            icon={<IconHistory size={22} />}
            title="No such changes"
            action={
              Object.values(search).some((value) => value !== undefined) && (
                <Button variant="default" onClick={() => void navigate({ search: {}, replace: true })}>
                  Clear filters
                </Button>
              )
            }
          >
            Every change of this organisation appears here, with who made it and what was before.
          </Empty>
        }
      >
        {(items) => <DataTable label="Changes" columns={columns} rows={items} keyOf={(entry) => entry.id} />}
      </Listing>
      <Drawer
        opened={opened !== undefined}
        onClose={() => {
          setOpened(undefined);
        }}
        position="right"
        size="lg"
        title={opened === undefined ? "" : `${actionWords(opened.action)} · ${opened.target.name}`}
      >
        {opened !== undefined && <Details entry={opened} />}
      </Drawer>
    </>
  );
}

interface FiltersProps {
  search: AuditSearch;
  onChange: (search: AuditSearch) => void;
}

/** What was done, by whom and since when: each choice is in the address at once. */
function Filters({ search, onChange }: FiltersProps) {
  const [who, setWho] = useState(search.who ?? "");
  const [at, setAt] = useState(search.who);
  if (at !== search.who) {
    setAt(search.who);
    if ((search.who ?? "") !== who.trim()) setWho(search.who ?? "");
  }
  const seek = useDebouncedCallback((value: string) => {
    onChange({ ...search, who: value === "" ? undefined : value });
  }, 300);
  return (
    <fieldset className={classes.filters}>
      <legend className="sr-only">Which changes</legend>
      <Select
        aria-label="What was done"
        placeholder="All changes"
        clearable
        searchable
        data={actionOptions(search.action)}
        value={search.action ?? null}
        onChange={(value) => {
          onChange({ ...search, action: value ?? undefined });
        }}
      />
      <TextInput
        aria-label="Who did it: e-mail address, or ID of a person or token"
        placeholder="Anyone: e-mail address or ID"
        value={who}
        onChange={(event) => {
          setWho(event.currentTarget.value);
          seek(event.currentTarget.value.trim());
        }}
      />
      <Select
        aria-label="Time"
        placeholder="Any time"
        clearable
        data={(Object.keys(RANGES) as Range[]).map((each) => ({ value: each, label: `In ${RANGES[each].words}` }))}
        value={search.range ?? null}
        onChange={(value) => {
          onChange({ ...search, range: rangeOf(value) });
        }}
      />
    </fieldset>
  );
}

/** All that is listed as a file, however much it is. */
function ExportButton({ organisation, search }: { organisation: string; search: AuditSearch }) {
  const path = `/api/v1/organisations/${encodeURIComponent(organisation)}/audit/export`;
  const [now] = useState(() => Date.now());
  const given = Object.entries(queryOf(search, now)).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const query = new URLSearchParams(given).toString();
  return (
    <Button variant="default" component="a" href={query === "" ? path : `${path}?${query}`} download="audit.jsonl">
      Export
    </Button>
  );
}

function Details({ entry }: { entry: Entry }) {
  const both = entry.before != null && entry.after != null;
  return (
    <>
      <Text size="sm" mb="md">
        {entry.actor.who}
        {entry.address !== "" && (
          <>
            {" "}
            from <span className="mono">{entry.address}</span>
          </>
        )}
        , <Time at={entry.at} /> <span className="mono muted">{entry.action}</span>
      </Text>
      {both ? (
        <Changes changes={differences(entry.before, entry.after)} />
      ) : (
        <Code
          json
          label="What it was"
          text={JSON.stringify(entry.after ?? entry.before ?? {}, null, 2)}
        />
      )}
    </>
  );
}
