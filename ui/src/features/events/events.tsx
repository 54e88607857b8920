import { Button, Drawer, Group, Select, Text } from "@mantine/core";
import { IconActivity, IconEyeOff, IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { Absent } from "@/components/absent";
import { Code } from "@/components/code";
import { laidOut, members, onOneLine, textAt } from "@/components/json-text";
import { ButtonLink, TextLink } from "@/components/links";
import { Time } from "@/components/moment";
import { Page } from "@/components/page";
import { Empty, Failed } from "@/components/states";
import { absolute, clock } from "@/components/time";
import { soughtOf, whyQuery } from "@/features/why/queries";
import { Verdicts } from "@/features/why/verdict";
import { earlierEventsQuery, eventQuery, eventsQuery, type EventView, observedQuery, typeOf, userOf, WINDOW } from "./queries";
import { TextField } from "./text-field";
import { useTail } from "./tail";
import classes from "./events.module.css";

const route = getRouteApi("/shell/p/$project/events");

/** How often it is asked for new events. */
const LOOK_MILLISECONDS = 2000;
const AT_ONCE = 50;

/** What arrives, as it arrives; with a pause, a filter, and the whole event. */
export function EventsPage() {
  const { project } = route.useParams();
  const { type, q: text, event: opened } = route.useSearch();
  const navigate = route.useNavigate();
  const [paused, setPaused] = useState(false);
  const filter = { limit: AT_ONCE, type, text };
  // The tail joins on to the list as it was when it was asked for; without a tail the list is asked for again.
  const [polls, setPolls] = useState(false);
  const newest = useQuery({
    ...eventsQuery(project, filter),
    staleTime: Infinity,
    refetchOnMount: "always",
    refetchInterval: polls && !paused ? LOOK_MILLISECONDS : false,
    refetchOnWindowFocus: polls && !paused,
    refetchOnReconnect: polls,
  });
  const fresh = newest.isFetchedAfterMount ? newest.data : undefined;
  const tail = useTail({
    project,
    type,
    text,
    after: fresh === undefined ? undefined : (fresh.newest ?? null),
    active: !paused && !polls,
  });
  if (tail.state === "off" && !polls) setPolls(true);
  const observed = useQuery(observedQuery(project));
  const items = tail.full ? tail.events : tail.events.concat(newest.data?.items ?? []);
  const next = tail.full ? tail.events.at(-1)?.offset : (newest.data?.next ?? undefined);
  // Older pages go on from where the list ended when they were first asked for; until then it moves.
  const [olderFrom, setOlderFrom] = useState<number>();
  const earlier = useInfiniteQuery(
    earlierEventsQuery(project, filter, olderFrom ?? next),
  );
  const shown = items.concat(olderFrom === undefined ? [] : (earlier.data?.pages.flatMap((page) => page.items) ?? []));
  const more = olderFrom === undefined ? next !== undefined : earlier.hasNextPage;
  // The list moves on; what somebody looks at stays, also when its address is opened later.
  const current = useQuery({ ...eventQuery(project, opened ?? 0), enabled: opened !== undefined });

  const types = new Set(observed.data?.event_types.map((each) => each.event_type) ?? []);
  if (type !== undefined) types.add(type);

  return (
    <Page
      title="Live events"
      about="What this project receives, newest first, as templates see it."
      actions={
        <>
          <span className={classes.state} role="status" data-live={!paused && (polls || tail.state === "live")}>
            {paused ? "Paused" : polls ? "Updated every 2 s" : tail.state === "live" ? "Live" : "Connecting"}
          </span>
          <TextField
            text={text}
            onChange={(value) => {
              setOlderFrom(undefined);
              void navigate({ search: { type, q: value }, replace: true });
            }}
          />
          <Select
            aria-label="Event type"
            placeholder="All types"
            // Beside the button also where it is narrow.
            w={{ base: 200, xs: 220 }}
            clearable
            searchable
            value={type ?? null}
            data={[...types]}
            onChange={(value) => {
              setOlderFrom(undefined);
              void navigate({ search: { type: value ?? undefined, q: text }, replace: true });
            }}
          />
          <Button
            variant="default"
            miw={104}
            leftSection={paused ? <IconPlayerPlay size={15} /> : <IconPlayerPause size={15} />}
            onClick={() => {
              // What is shown from here on joins what is there: older pages are asked for anew.
              if (paused) {
                setOlderFrom(undefined);
                void newest.refetch();
              }
              setPaused(!paused);
            }}
          >
            {paused ? "Resume" : "Pause"}
          </Button>
        </>
      }
    >
      {newest.data === undefined && <Absent query={newest} failed="Events can't be shown" rows={10} height={36} />}
      {newest.data !== undefined && shown.length === 0 && (
        <Empty
          icon={<IconActivity size={22} />}
          title={text !== undefined ? "No recent events match" : type === undefined ? "No events yet" : "No recent events of this type"}
          action={
            text === undefined ? (
              <ButtonLink to="/p/$project/start" params={{ project }}>
                Send an event
              </ButtonLink>
            ) : undefined
          }
        >
          {text !== undefined
            ? `None of the last ${WINDOW.toLocaleString()}${type === undefined ? "" : " of this type"} has “${text}” in it. Those that come appear here ${paused ? "once you resume" : "at once"}.`
            : type === undefined
              ? paused ? "This list is paused. Resume it to see events that come." : "Events appear here as soon as an SDK or curl sends them."
              : "Choose another type, or send one."}
        </Empty>
      )}
      {shown.length > 0 && (
        <>
          <Rows
            events={shown}
            opened={opened}
            onOpen={(event) => void navigate({ search: { type, q: text, event: event.offset }, replace: true })}
          />
          {tail.skipped > 0 && (
            <Text size="sm" c="dimmed" mt={8}>
              {tail.skipped} events arrived faster than they could be shown. They are in the list when you open it again.
            </Text>
          )}
        </>
      )}
      {more && newest.data !== undefined && (
        <Group justify="center" mt="md">
          <Button
            variant="default"
            loading={earlier.isFetching}
            onClick={() => {
              if (olderFrom === undefined) {
                setOlderFrom(next);
                setPaused(true);
                void earlier.refetch();
              } else {
                void earlier.fetchNextPage();
              }
            }}
          >
            Show earlier events
          </Button>
        </Group>
      )}
      {earlier.isError && <Failed error={earlier.error} what="Earlier events can't be shown" />}
      <Drawer
        opened={opened !== undefined}
        onClose={() => void navigate({ search: { type, q: text }, replace: true })}
        position="right"
        size="lg"
        title={current.data == null ? "Event" : typeOf(current.data)}
      >
        {opened !== undefined && current.data === undefined && <Absent query={current} failed="The event can't be shown" rows={3} />}
        {current.data === null && <Text>The project no longer keeps this event.</Text>}
        {current.data != null && <Details project={project} event={current.data} />}
      </Drawer>
    </Page>
  );
}

interface RowsProps {
  events: EventView[];
  opened: number | undefined;
  onOpen: (event: EventView) => void;
}

function Rows({ events, opened, onOpen }: RowsProps) {
  const [seen] = useState(() => new Set(events.map((each) => each.offset)));
  return (
    <div className={classes.list} role="list" aria-label="Events">
      {events.map((event) => (
        <div role="listitem" key={event.offset}>
          <button
            type="button"
            className={`${classes.row ?? ""} ${seen.has(event.offset) ? "" : "arrived"}`}
            data-opened={event.offset === opened}
            onClick={() => {
              onOpen(event);
            }}
          >
            <span className={`${classes.time ?? ""} numbers`} title={absolute(event.received_at)}>
              {clock(event.received_at)}
            </span>
            <span className={classes.type}>
              {typeOf(event)}
              {event.masked && <IconEyeOff size={14} aria-label="Sensitive values are masked" />}
            </span>
            <span className={`${classes.user ?? ""} mono`}>{userOf(event) ?? "nobody"}</span>
            <span className={`${classes.glimpse ?? ""} mono`}>
              {glimpse(event).map(([name, value]) => (
                <span key={name}>
                  <i>{name}:</i> {value}{" "}
                </span>
              ))}
            </span>
          </button>
        </div>
      ))}
    </div>
  );
}

/** The event's own properties on one line. */
function glimpse(event: EventView): [string, string][] {
  return members(textAt(event.event_text, ["event_properties"]) ?? "")
    .slice(0, 6)
    .map(({ name, text }) => [name, short(text)]);
}

function short(value: string): string {
  const text = value.startsWith('"') ? (JSON.parse(value) as string) : onOneLine(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

function Details({ project, event }: { project: string; event: EventView }) {
  const user = (event.event as Record<string, unknown>).user_id;
  return (
    <>
      <Group gap="lg" mb="md">
        <div>
          <Text size="xs" c="dimmed">
            Received
          </Text>
          <Time at={event.received_at} />
        </div>
        <div>
          <Text size="xs" c="dimmed">
            User
          </Text>
          {typeof user === "string" ? (
            <TextLink to="/p/$project/users" params={{ project }} search={{ user }} className="mono">
              {user}
            </TextLink>
          ) : (
            <span className="mono">{userOf(event) ?? "nobody"}</span>
          )}
        </div>
        <div>
          <Text size="xs" c="dimmed">
            Position
          </Text>
          <span className="mono numbers">{event.offset}</span>
        </div>
      </Group>
      <Fate project={project} event={event} />
      {event.masked && (
        <Text size="sm" c="dimmed" mb="sm">
          Values of this project&apos;s sensitive properties are masked here. Deliveries contain them unmasked.
        </Text>
      )}
      <Code text={laidOut(event.event_text)} label="The event as templates see it" json />
    </>
  );
}

/** What each sync did with the event: found by what it carries. */
function Fate({ project, event }: { project: string; event: EventView }) {
  const found = useInfiniteQuery(whyQuery(project, soughtOf(event.event as Record<string, unknown>)));
  const explained = found.data?.pages.flatMap((page) => page.events).find((each) => each.offset === event.offset);
  if (found.isError && found.data === undefined) return <Failed error={found.error} what="What each sync did with it can't be shown" />;
  if (explained === undefined) return null;
  return (
    <div style={{ marginBottom: 16 }}>
      <Verdicts project={project} event={explained} />
    </div>
  );
}
