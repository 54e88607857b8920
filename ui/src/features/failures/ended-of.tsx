import { Button, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { infiniteQueryOptions, useInfiniteQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { sentenceCase } from "@/components/highlight";
import { Listing } from "@/components/listing";
import { Time } from "@/components/moment";
import { type Column, DataTable } from "@/components/table";
import { FailureWords } from "./failure-words";
import { What } from "./what";
import type { Ended } from "./queries";

interface Of {
  project: string;
  sync: string;
  replay: string;
}

/** What of a backfill or an import ended without success: its deliveries are in no other list. */
export function EndedOf({ of }: { of: Of }) {
  const [opened, { toggle }] = useDisclosure(false);
  return (
    <>
      <Button size="xs" variant="subtle" color="gray" mt={6} aria-expanded={opened} onClick={toggle}>
        {opened ? "Hide what failed" : "Show what failed"}
      </Button>
      {opened && <List of={of} />}
    </>
  );
}

function endedOfQuery({ project, sync, replay }: Of) {
  return infiniteQueryOptions({
    queryKey: ["ended-of-replay", project, sync, replay],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/projects/{project}/syncs/{sync}/replays/{replay}/ended", {
          params: { path: { project, sync, replay }, query: { limit: 20, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

function List({ of }: { of: Of }) {
  const ended = useInfiniteQuery(endedOfQuery(of));
  const columns: Column<Ended>[] = [
    { name: "Ended", cell: (each) => <Time at={each.at} /> },
    { name: "What", cell: (each) => <What {...each} /> },
    { name: "Attempts", cell: (each) => <span className="numbers">{each.attempts}</span> },
    { name: "Why", cell: (each) => (each.outcome === "expired" ? <FailureWords failure={each.failure} /> : sentenceCase(each.message)) },
  ];
  return (
    <Listing query={ended} failed="What failed can't be shown" rows={2} empty={<Text c="dimmed">It is no longer kept.</Text>}>
      {(items) => <DataTable label="What failed" columns={columns} rows={items} keyOf={(each) => each.delivery_id} />}
    </Listing>
  );
}
