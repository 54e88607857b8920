import { Button, Drawer, Group, Table, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconHistory } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { api, take, type Schemas } from "@/api/client";
import { Code } from "@/components/code";
import { Time } from "@/components/moment";
import { Empty, Failed, LoadingRows } from "@/components/states";
import { Changes } from "@/features/syncs/changes";
import { differences } from "@/features/syncs/difference";

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
  const items = entries.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <Group justify="space-between" mb="md">
        <TextInput
          aria-label="Kind of change"
          placeholder="Kind of change, such as sync or project.create"
          w={340}
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
      {entries.isError && (
        <Failed error={entries.error} what="The audit log can't be shown" again={() => void entries.refetch()} />
      )}
      {entries.isPending && <LoadingRows rows={8} />}
      {entries.isSuccess && items.length === 0 && (
        <Empty icon={<IconHistory size={22} />} title="No such changes">
          Every change of this organisation appears here, with who made it and what was before.
        </Empty>
      )}
      {items.length > 0 && (
        <Table.ScrollContainer minWidth={700}>
          <Table highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>When</Table.Th>
                <Table.Th>Who</Table.Th>
                <Table.Th>What</Table.Th>
                <Table.Th>Of</Table.Th>
                <Table.Th aria-label="Details" />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {items.map((entry) => (
                <Table.Tr key={entry.id}>
                  <Table.Td>
                    <Time at={entry.at} />
                  </Table.Td>
                  <Table.Td>{entry.actor.who}</Table.Td>
                  <Table.Td className="mono">{entry.action}</Table.Td>
                  <Table.Td>{entry.target.name}</Table.Td>
                  <Table.Td ta="right">
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
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {entries.hasNextPage && (
        <Button variant="default" mt="sm" loading={entries.isFetchingNextPage} onClick={() => void entries.fetchNextPage()}>
          Show older
        </Button>
      )}
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
