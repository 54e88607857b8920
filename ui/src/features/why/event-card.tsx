import { Group, Text } from "@mantine/core";
import { TextLink } from "@/components/links";
import { Time } from "@/components/moment";
import type { Explained } from "./queries";
import { Verdicts } from "./verdict";
import classes from "./why.module.css";

interface CardProps {
  project: string;
  event: Explained;
  /** Whose page it stands on: its own ids lead nowhere else. */
  of?: { user?: string | undefined; device?: string | undefined };
}

/** An event with what each sync did with it. */
export function EventCard({ project, event, of = {} }: CardProps) {
  const { user_id, device_id, insert_id } = event;
  return (
    <article className={classes.card} aria-label={event.event_type ?? "Event"}>
      <Group justify="space-between" gap="xs" mb={6}>
        {event.import == null ? (
          <TextLink to="/p/$project/events" params={{ project }} search={{ event: event.offset }} fw={600}>
            {event.event_type ?? "Event without a type"}
          </TextLink>
        ) : (
          <Text fw={600}>{event.event_type ?? "Event without a type"}</Text>
        )}
        <Text size="sm" c="dimmed">
          {event.import == null ? "Received" : "Imported"} <Time at={event.received_at} />
        </Text>
      </Group>
      <p className={classes.ids}>
        {user_id != null && (
          <Id project={project} search={{ user: user_id }} text={user_id} here={of.user === user_id} />
        )}
        {device_id != null && (
          <Id project={project} search={{ device: device_id }} text={device_id} here={of.device === device_id} />
        )}
        {insert_id != null && <span className="mono muted">{insert_id}</span>}
      </p>
      <Verdicts project={project} event={event} />
    </article>
  );
}

function Id({ project, search, text, here }: { project: string; search: { user?: string; device?: string }; text: string; here: boolean }) {
  if (here) return <span className={`mono muted ${classes.id ?? ""}`} title={text}>{text}</span>;
  return (
    <TextLink to="/p/$project/users" params={{ project }} search={search} className={`mono ${classes.id ?? ""}`} title={text}>
      {text}
    </TextLink>
  );
}
