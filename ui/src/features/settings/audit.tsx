import { Button, Drawer, Group, Text, TextInput } from "@mantine/core";
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

import classes from "./audit.module.css";

const route = getRouteApi("/shell/o/$organisation/settings/audit");

type Entry = Schemas["AuditView"];

/** What was changed, by whom, from where, and what it was before. */
export function AuditPage() {
  const { organisation } = route.useParams();
  const { action } = route.useSearch();
  const navigate = route.useNavigate();
  const [text, setText] = useState(action ?? "");
  const [opened, setOpened] = useState<Entry>();
  const seek = useDebouncedCallback((value: string) => {
    void navigate({ search: { action: value === "" ? undefined : value }, replace: true });
  }, 300);
  const entries = useInfiniteQuery({
    queryKey: ["audit", organisation, action ?? ""],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/organisations/{organisation}/audit", {
          params: { path: { organisation }, query: { limit: 50, cursor: pageParam, action } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const columns: Column<Entry>[] = [
    { name: "When", whole: true, cell: (entry) => <Time at={entry.at} /> },
    { name: "Who", cell: (entry) => <span className={classes.who}>{entry.actor.who}</span> },
    { name: "What", whole: true, cell: (entry) => <span className="mono">{entry.action}</span> },
    { name: "Of", cell: (entry) => entry.target.name },
    {
      name: "Details",
      quiet: true,
      end: true,
      cell: (entry) => (
        <Button
          variant="subtle"
          color="gray"
          size="xs"
          aria-label={`Details of ${entry.action} of ${entry.target.name}`}
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
      <Group justify="space-between" mb="md">
        <TextInput
          aria-label="Kind of change"
          placeholder="Kind of change, such as sync or project.create"
          w={{ base: "100%", xs: 340 }}
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            seek(event.currentTarget.value.trim());
          }}
        />
        <Button
          variant="default"
          component="a"
          href={`/api/v1/organisations/${encodeURIComponent(organisation)}/audit/export`}
          download="audit.jsonl"
        >
          Export
        </Button>
      </Group>
      <Listing
        query={entries}
        failed="The audit log can't be shown"
        more="Show older"
        rows={8}
        empty={
          <Empty icon={<IconHistory size={22} />} title="No such changes">
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
        title={opened === undefined ? "" : `${opened.action} · ${opened.target.name}`}
      >
        {opened !== undefined && <Details entry={opened} />}
      </Drawer>
    </>
  );
}

function Details({ entry }: { entry: Entry }) {
  const both = entry.before != null && entry.after != null;
  return (
    <>
      <Text size="sm" mb="md">
        {entry.actor.who} from <span className="mono">{entry.address}</span>, <Time at={entry.at} />
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
