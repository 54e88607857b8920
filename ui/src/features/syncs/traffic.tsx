import { Button, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, ProblemError, take, type Schemas } from "@/api/client";
import { Code } from "@/components/code";
import { fieldName } from "@/components/field-name";
import { atLine, plainly, pretty } from "@/components/highlight";
import { isUnreached } from "@/components/reach";
import { Failed, LoadingRows } from "@/components/states";
import { WINDOW } from "@/features/events/queries";
import type { Sync } from "./queries";
import classes from "./traffic.module.css";

type Traffic = Schemas["TrafficDifference"];

interface QuestionProps {
  sync: Sync;
  changes: Schemas["SyncInput"];
  onSave: () => void;
}

/** Shows what a change means for recent events, then asks whether to make it. */
export function TrafficQuestion({ sync, changes, onSave }: QuestionProps) {
  const difference = useQuery({
    queryKey: ["difference", sync.project, sync.id, sync.version, changes],
    queryFn: () =>
      take(
        api.POST("/api/v1/projects/{project}/syncs/{sync}/difference", {
          params: { path: { project: sync.project, sync: sync.id } },
          body: { changes, events: WINDOW },
        }),
      ),
    staleTime: 0,
  });
  const missing = difference.data?.missing ?? [];
  // While the server is away it is asked again and again: that is said meanwhile.
  const away = difference.isPending && isUnreached(difference.failureReason) ? difference.failureReason : null;
  return (
    <>
      <Text size="sm" c="dimmed" mb="sm">
        This sync is running. The change applies from the next event on; pending retries stay as they are.
      </Text>
      {away !== null && <Failed error={away} what="The effect of this change can't be shown yet, and the change can't be saved" />}
      {difference.isPending && away === null && <LoadingRows rows={4} height={32} />}
      {difference.isError && <Failed error={difference.error} what="The effect of this change can't be shown" />}
      {missing.length > 0 && (
        <Text size="sm" mb="sm">
          Placeholders stand in for what isn't filled in yet:{" "}
          {missing.map((each) => `${fieldName(each.pointer)} (${each.message})`).join(", ")}
        </Text>
      )}
      {difference.data !== undefined && <TrafficView traffic={difference.data} />}
      <Group justify="flex-end" mt="lg">
        <Button onClick={onSave} disabled={difference.isPending || missing.length > 0 || (difference.error instanceof ProblemError && difference.error.status === 422)} data-autofocus>
          Save change
        </Button>
      </Group>
    </>
  );
}

/** What becomes of recent events: counts, and a sample of each kind of difference. */
export function TrafficView({ traffic }: { traffic: Traffic }) {
  if (traffic.events === 0) return <Text size="sm">No events have arrived yet to compare with.</Text>;
  const invalid = traffic.newly_invalid.samples[0]?.found;
  const changed = traffic.changed.samples[0]?.found;
  const gained = traffic.newly_matched.samples[0]?.found ?? traffic.newly_valid.samples[0]?.found;
  const rows: [string, number, boolean][] = [
    ["newly sent", traffic.newly_matched.count, false],
    ["no longer sent", traffic.no_longer_matched.count, false],
    ["sent differently", traffic.changed.count, false],
    ["can no longer be sent", traffic.newly_invalid.count, true],
    ["can be sent now", traffic.newly_valid.count, false],
    ["sent as before", traffic.unchanged, false],
    ["not sent, as before", traffic.still_unmatched, false],
    ["can't be sent, as before", traffic.still_invalid, true],
  ];
  const deliveries = rows.reduce((sum, [, count]) => sum + count, 0);
  // What an SDK says of users or groups makes no delivery where users are not sent.
  if (deliveries < traffic.events) rows.push(["not relevant for this sync", traffic.events - deliveries, false]);
  const body = gained === undefined ? null : pretty(gained.body);
  return (
    <div>
      <Text size="sm" mb={6}>
        {deliveries > traffic.events ? (
          <>
            The last <b className="numbers">{traffic.events}</b> events make{" "}
            <b className="numbers">{deliveries}</b> deliveries, of events and of users:
          </>
        ) : (
          <>
            Of the last <b className="numbers">{traffic.events}</b> events:
          </>
        )}
      </Text>
      <ul className={classes.counts}>
        {rows
          .filter(([words, count]) => count > 0 || words === "sent as before")
          .map(([words, count, bad]) => (
            <li key={words} data-bad={bad}>
              <b className="numbers">{count}</b> {words}
            </li>
          ))}
      </ul>
      {invalid !== undefined && (
        <Text size="sm" mt="sm">
          For example: {atLine(plainly(invalid.message), invalid.line)}
        </Text>
      )}
      {changed !== undefined && <ChangedSample changed={changed} />}
      {changed === undefined && gained !== undefined && body !== null && (
        <>
          <Text size="sm" mt="sm" mb={4}>
            For example {gained.method} <span className="mono">{gained.url}</span>
          </Text>
          <Code text={body.text} json={body.json} label="Body of an example" maxHeight={220} />
        </>
      )}
    </div>
  );
}

function ChangedSample({ changed }: { changed: Schemas["Sample_RequestChanges"]["found"] }) {
  const rows: { name: string; before?: string | null; after?: string | null }[] = [
    ...(changed.method == null ? [] : [{ name: "Method", ...changed.method }]),
    ...(changed.url == null ? [] : [{ name: "URL", ...changed.url }]),
    ...changed.headers.map((header) => ({ ...header, name: `Header ${header.name}` })),
    ...changed.body.map(({ pointer, before, after }) => ({ name: pointer === "" ? "Body" : `Body ${pointer.slice(1).replaceAll("/", ".")}`, before, after })),
  ] as { name: string; before?: string | null; after?: string | null }[];
  return (
    <div className={classes.sample}>
      <Text size="sm" fw={500}>
        For example
      </Text>
      {rows.slice(0, 12).map((row) => (
        <div key={row.name} className={classes.row}>
          <span className="mono">{row.name}</span>
          <span className={`mono ${classes.before ?? ""}`}>{row.before ?? "absent"}</span>
          <span className={`mono ${classes.after ?? ""}`}>{row.after ?? "absent"}</span>
        </div>
      ))}
      {changed.lines.filter((line) => line.change !== "same").slice(0, 16).map((line, index) => (
        <div key={index} className={`mono ${(line.change === "added" ? classes.after : classes.before) ?? ""}`}>
          {line.change === "added" ? "+ " : "− "}
          {line.text}
        </div>
      ))}
    </div>
  );
}
