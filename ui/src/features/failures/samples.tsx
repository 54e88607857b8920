import { SegmentedControl, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { Absent } from "@/components/absent";
import { Code } from "@/components/code";
import { pretty } from "@/components/highlight";
import { laidOut } from "@/components/json-text";
import { absolute } from "@/components/time";
import { sampleQuery } from "@/features/why/queries";
import classes from "@/features/why/why.module.css";
import type { FailureGroup } from "./groups";
import { failuresQuery } from "./queries";

interface Of {
  project: string;
  sync: string;
}

/** Samples of a kind of failure: the event, the request that was made of it and the answer, side by side. */
export function Samples({ project, sync, group }: Of & { group: FailureGroup }) {
  const failures = useQuery(failuresQuery({ project, sync }));
  const [chosen, setChosen] = useState<number>();
  if (failures.data === undefined) return <Absent query={failures} failed="Samples can't be shown" rows={2} />;
  const { failed, discarded } = failures.data;
  const own = (group.attempted ? failed : discarded).find((each) => each.category === group.reason);
  const samples = own?.samples ?? [];
  const shown = samples.find((each) => each.id === chosen) ?? samples[0];
  if (shown === undefined) {
    return (
      <Text size="sm" c="dimmed">
        No sample is kept.
      </Text>
    );
  }
  return (
    <>
      {samples.length > 1 && (
        <SegmentedControl
          size="xs"
          aria-label="Sample"
          value={String(shown.id)}
          data={samples.map((each, index) => ({ value: String(each.id), label: index === 0 ? "Newest" : `${String(index + 1)}.` }))}
          onChange={(value) => {
            setChosen(Number(value));
          }}
        />
      )}
      <Sample project={project} sync={sync} id={shown.id} />
    </>
  );
}

/** One sample. */
export function Sample({ project, sync, id }: Of & { id: number }) {
  const sample = useQuery(sampleQuery(project, sync, id));
  if (sample.data === undefined) return <Absent query={sample} failed="The sample can't be shown" rows={3} />;
  const { at, attempt, message, event_text: event, request, response, timing } = sample.data;
  return (
    <>
      <Text size="sm" mt={8}>
        Attempt {attempt}, {absolute(at)}: {message}
        <span className="muted numbers"> {inTimes(timing)}</span>
      </Text>
      <div className={classes.sides} data-answered={response != null}>
        <Side title="Event">
          {event == null ? (
            <Text size="sm">It is larger than 64 KiB.</Text>
          ) : (
            <Code json text={laidOut(event)} label="The event" maxHeight={320} />
          )}
        </Side>
        <Side title="Request">
          {request == null ? (
            <Text size="sm">It could not be built.</Text>
          ) : (
            <Code text={`${request.method} ${request.url}\n${headers(request.headers)}\n\n${pretty(request.body).text}`} label="The request" maxHeight={320} />
          )}
        </Side>
        <Side title="Response">
          {response == null ? (
            <Text size="sm">No response.</Text>
          ) : (
            <Code text={`${String(response.status)}\n${headers(response.headers)}\n\n${pretty(response.body).text}`} label="The response" maxHeight={320} />
          )}
        </Side>
      </div>
    </>
  );
}

function Side({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <div>
      <Text fw={600} size="sm" mb={4}>
        {title}
      </Text>
      {children}
    </div>
  );
}

function headers(all: Schemas["SampledHeader"][]): string {
  return all.map(({ name, value }) => `${name}: ${value}`).join("\n");
}

/** Where the time went, in words. */
function inTimes({ queue_ms, connect_ms, wait_ms, took_ms }: Schemas["AttemptTiming"]): string {
  const parts = [`${String(took_ms)} ms in total`, `${String(queue_ms)} ms queued`];
  if (connect_ms != null) parts.push(`${String(connect_ms)} ms to connect`);
  if (wait_ms != null) parts.push(`${String(wait_ms)} ms until the response`);
  return parts.join(", ");
}
