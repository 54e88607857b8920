import { Button, Group, Text } from "@mantine/core";
import { IconRepeat } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Absent } from "@/components/absent";
import { Code } from "@/components/code";
import { sentenceCase } from "@/components/highlight";
import { laidOut } from "@/components/json-text";
import { TextLink } from "@/components/links";
import { Time } from "@/components/moment";
import { Section } from "@/components/page";
import { Failed, LoadingRows } from "@/components/states";
import { inZone } from "@/components/time";
import { useMay } from "@/features/access/me";
import { eventQuery, typeOf } from "@/features/events/queries";
import { useReplayDialog } from "@/features/failures/open-replay";
import { failuresQuery } from "@/features/failures/queries";
import { Sample } from "@/features/failures/samples";
import { StateMark } from "@/features/why/verdict";
import { deliveriesQuery, type KnownDelivery } from "./queries";
import { standing, stateOf } from "./words";
import classes from "./deliveries.module.css";

interface DeliveryProps {
  project: string;
  sync: string;
  organisation: string | undefined;
  offset: number;
  /** The import that the event is of, where it is no event of the project's own. */
  ofImport: string | undefined;
}

/** What a sync did with an event: how its deliveries stand, each attempt, and what was sent where that is kept. */
export function Delivery({ project, sync, organisation, offset, ofImport }: DeliveryProps) {
  const of = { project, sync };
  const may = useMay(organisation, "syncs:write");
  const again = useReplayDialog(of);
  const deliveries = useQuery(deliveriesQuery(of, offset, ofImport));
  if (deliveries.data === undefined) return <Absent query={deliveries} failed="The delivery can't be shown" rows={4} />;
  const known = deliveries.data.deliveries;
  const ended = known.filter(({ state }) => state === "expired" || state === "discarded").map(({ delivery_id }) => delivery_id);
  return (
    <>
      <About project={project} offset={offset} ofImport={ofImport} />
      {known.length === 0 && (
        <Text mb="md">This sync has no record of delivering it, or none is kept any more.</Text>
      )}
      {known.map((delivery) => (
        <OneDelivery key={delivery.delivery_id} delivery={delivery} both={known.length > 1} />
      ))}
      <Group gap="xs" mb="lg">
        {may && ended.length > 0 && (
          <Button
            size="xs"
            leftSection={<IconRepeat size={14} />}
            onClick={() => {
              again({ deliveries: ended });
            }}
          >
            Replay…
          </Button>
        )}
        {ofImport === undefined && (
          <TextLink to="/p/$project/events" params={{ project }} search={{ event: offset }} fw={500}>
            See what every sync did with it
          </TextLink>
        )}
      </Group>
      <Sent {...of} offset={offset} ofImport={ofImport} />
    </>
  );
}

/** Whose event it is, and when it came. */
function About({ project, offset, ofImport }: { project: string; offset: number; ofImport: string | undefined }) {
  const event = useQuery(eventQuery(project, offset, ofImport));
  if (event.data == null) return null;
  const { user_id: user, device_id: device } = event.data.event as Record<string, unknown>;
  const facts: [string, React.ReactNode][] = [
    ["Type", <b>{typeOf(event.data)}</b>],
    ["Received", <Time at={event.data.received_at} />],
  ];
  if (typeof user === "string") {
    facts.push([
      "User",
      <TextLink to="/p/$project/users" params={{ project }} search={{ user }} className="mono">
        {user}
      </TextLink>,
    ]);
  } else if (typeof device === "string") {
    facts.push([
      "Device",
      <TextLink to="/p/$project/users" params={{ project }} search={{ device }} className="mono">
        {device}
      </TextLink>,
    ]);
  }
  return (
    <dl className={classes.facts} aria-label="About the event">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function OneDelivery({ delivery, both }: { delivery: KnownDelivery; both: boolean }) {
  return (
    <section className={classes.delivery} aria-label={delivery.part === "event" ? "Delivery of the event" : "Delivery of its user"}>
      <StateMark state={stateOf(delivery)} part={both ? delivery.part : undefined} />
      <Text size="sm">{standing(delivery)}</Text>
      {delivery.replay != null && (
        <Text size="sm" c="dimmed">
          By the replay <span className="mono">{delivery.replay}</span>
        </Text>
      )}
      {delivery.attempts.length > 0 && (
        <ol className={classes.attempts} aria-label="Attempts">
          {delivery.attempts.map((each) => (
            <li key={`${String(each.attempt)} ${each.outcome}`}>
              <b>{each.tries === 0 ? "No request" : `Attempt ${String(each.attempt)}`}</b>
              <span className="muted">
                <Time at={each.at} />
              </span>
              <span>
                {each.status != null && <b className="numbers">{each.status} </b>}
                {sentenceCase(inZone(each.message))}
              </span>
              <span className="muted numbers">{each.tries > 0 && `${String(each.timing.took_ms)} ms`}</span>
            </li>
          ))}
        </ol>
      )}
      <Text size="xs" c="dimmed" mt={4} className="mono">
        {delivery.delivery_id}
      </Text>
    </section>
  );
}

/** The request and its answer, of the few that are kept whole; otherwise the event alone. */
function Sent({ project, sync, offset, ofImport }: Omit<DeliveryProps, "organisation">) {
  const failures = useQuery(failuresQuery({ project, sync }));
  const event = useQuery(eventQuery(project, offset, ofImport));
  if (failures.isPending || event.isPending) return <LoadingRows rows={2} />;
  const kept = [...(failures.data?.failed ?? []), ...(failures.data?.discarded ?? [])]
    .flatMap(({ samples }) => samples)
    .filter((each) => each.offset === offset && (each.imported ? (each.replay ?? undefined) : undefined) === ofImport)
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at))[0];
  if (kept !== undefined) {
    return (
      <Section title="Request and response">
        <Sample project={project} sync={sync} id={kept.id} />
      </Section>
    );
  }
  return (
    <Section title="The event" about="Its request isn't kept: only the newest of each failure category are.">
      {event.isError && <Failed error={event.error} what="The event can't be shown" />}
      {event.data === null && <Text size="sm">The project no longer keeps this event.</Text>}
      {event.data != null && <Code json text={laidOut(event.data.event_text)} label="The event" />}
    </Section>
  );
}
