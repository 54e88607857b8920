import { Alert, Badge, Button, Group, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Absent } from "@/components/absent";
import { Copy } from "@/components/copy";
import { TextLink } from "@/components/links";
import { Time } from "@/components/moment";
import { Section } from "@/components/page";
import { EventCard } from "@/features/why/event-card";
import { whyQuery } from "@/features/why/queries";
import { Properties } from "./properties";
import type { User, Whom } from "./queries";
import classes from "./users.module.css";

/** What is known of them beside their events. */
export function UserDetails({ project, user, whom }: { project: string; user: User; whom: Whom }) {
  const groups = Object.entries(user.groups);
  const facts: [string, React.ReactNode][] = [
    [
      "User ID",
      user.user_id == null ? (
        "None yet: known by device only"
      ) : whom.user === user.user_id ? (
        <Group gap={2} wrap="nowrap">
          <span className={`mono ${classes.id ?? ""}`} title={user.user_id}>{user.user_id}</span> <Copy text={user.user_id} what="Copy user ID" />
        </Group>
      ) : (
        <TextLink to="/p/$project/users" params={{ project }} search={{ user: user.user_id }} className="mono">
          {user.user_id}
        </TextLink>
      ),
    ],
    ["First event", <Time at={user.created_at} />],
    ["Amplitude ID", <span className="mono numbers">{user.amplitude_id}</span>],
    ["First app version", user.start_version == null ? "–" : <span className="mono">{user.start_version}</span>],
    ["Paying", user.paying ? "Yes" : "Unknown"],
    ...(groups.length === 0
      ? []
      : ([
          [
            "Groups",
            <Group gap={6}>
              {groups.map(([type, names]) => (
                <Badge key={type} color="gray">
                  {type}: {names.join(", ")}
                </Badge>
              ))}
            </Group>,
          ],
        ] as [string, React.ReactNode][])),
  ];
  return (
    <>
      <dl className={classes.facts} aria-label="About the user">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div className={classes.columns}>
        <Section title="Properties" about="Current values, as syncs send them.">
          {user.masked && (
            <Alert color="gray" mb="sm" py={8}>
              Values of this project&apos;s sensitive properties are masked here. Deliveries contain them unmasked.
            </Alert>
          )}
          <Properties properties={user.properties_text} />
        </Section>
        <Section title="Devices" about="Devices that last belonged to this user.">
          {user.devices.length === 0 ? (
            <Text c="dimmed">None: their events had no device ID.</Text>
          ) : (
            <ul className={classes.devices} aria-label="Devices">
              {user.devices.map((device) => (
                <li key={device}>
                  <TextLink to="/p/$project/users" params={{ project }} search={{ device }} className="mono">
                    {device}
                  </TextLink>
                </li>
              ))}
            </ul>
          )}
          {user.more_devices && (
            <Text size="sm" c="dimmed" mt={6}>
              There are more: these are the first {user.devices.length}.
            </Text>
          )}
        </Section>
      </div>
    </>
  );
}

/** Their newest events, each with what every sync did with it. */
export function UserEvents({ project, whom }: { project: string; whom: Whom }) {
  const found = useInfiniteQuery(whyQuery(project, whom));
  const events = found.data?.pages.flatMap((page) => page.events) ?? [];
  return (
    <Section title="Newest events" about="With what each sync did with them, and why.">
      {found.data === undefined && <Absent query={found} failed="Events can't be shown" rows={3} height={90} />}
      {found.data !== undefined && events.length === 0 && (
        <Text c="dimmed">
          {found.data.pages[0]?.complete === false
            ? "The event index is being rebuilt: try again in a moment."
            : "No events of this user are kept any more."}
        </Text>
      )}
      {events.map((event) => (
        <EventCard key={event.offset} project={project} event={event} of={whom} />
      ))}
      {found.hasNextPage && (
        <Button variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
          Show earlier events
        </Button>
      )}
    </Section>
  );
}
