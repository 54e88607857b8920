import { Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { inTime } from "@/components/amounts";
import { sentenceCase } from "@/components/highlight";
import { TextLink } from "@/components/links";
import { Section } from "@/components/page";
import { inZone } from "@/components/time";
import { retriesQuery } from "@/features/failures/queries";
import { inNumbers } from "@/features/overview/figures";
import type { Sync, SyncStatus } from "./queries";
import classes from "./held.module.css";

/** Deliveries that wait for something else than their next attempt: how many, and for what. */
export function Waits({ sync, status }: { sync: Sync; status: SyncStatus }) {
  const { awaiting_properties: awaiting, waiting_in_order: behind } = status;
  const wait = sync.wait_for_properties_seconds ?? null;
  const ordered = sync.order === "per_user";
  const facts: [string, React.ReactNode][] = [];
  if (awaiting > 0 || wait !== null) {
    facts.push(["For user properties", <AwaitsProperties sync={sync} awaiting={awaiting} wait={wait} />]);
  }
  if (behind > 0 || ordered) {
    facts.push(["For an earlier delivery", <Behind behind={behind} ordered={ordered} retried={status.pending - awaiting} />]);
  }
  if (facts.length === 0) return null;
  return (
    <Section
      title="Waiting deliveries"
      actions={
        <TextLink to="/p/$project/syncs/$sync/settings" params={{ project: sync.project, sync: sync.id }} search={{ step: "advanced" }} size="sm">
          Change this
        </TextLink>
      }
    >
      <dl className={classes.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <Text component="dd" size="sm">
              {value}
            </Text>
          </div>
        ))}
      </dl>
    </Section>
  );
}

function AwaitsProperties({ sync, awaiting, wait }: { sync: Sync; awaiting: number; wait: number | null }) {
  const of = { project: sync.project, sync: sync.id };
  const retries = useInfiniteQuery({ ...retriesQuery(of), enabled: awaiting > 0 });
  if (awaiting === 0) return `None is waiting. An event that lacks a property waits up to ${inTime(wait ?? 0)}, then it is discarded.`;
  const first = retries.data?.pages[0]?.items.find(({ failure }) => failure.category === "awaiting_property");
  return (
    <>
      <b className="numbers">{inNumbers(awaiting)}</b> {awaiting === 1 ? "delivery waits" : "deliveries wait"}.{" "}
      {first !== undefined && <>The first one {inZone(sentenceCase(first.failure.message)).replace(/^W/, "w")} </>}
      <TextLink to="/p/$project/syncs/$sync/failures" params={of} fw={500}>
        See which
      </TextLink>
    </>
  );
}

function Behind({ behind, ordered, retried }: { behind: number; ordered: boolean; retried: number }) {
  if (behind === 0) return "None is waiting. Each user's events are delivered in order.";
  return (
    <>
      <b className="numbers">{inNumbers(behind)}</b> {behind === 1 ? "delivery waits, or has waited and is" : "deliveries wait, or have waited and are"} under way
      now.{" "}
      {retried > 0
        ? `They go on once the earlier ones are done: ${inNumbers(retried)} pending ${retried === 1 ? "retry" : "retries"}.`
        : "They go on once the earlier ones are done."}
      {!ordered && " New events are no longer delivered in order."}
    </>
  );
}
