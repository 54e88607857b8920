import { Alert, Button, Group, Select, Text, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { Absent } from "@/components/absent";
import { BESIDE_FIELD, useChecks } from "@/components/checks";
import { Code } from "@/components/code";
import { Time } from "@/components/moment";
import { Page, Section } from "@/components/page";
import { Empty } from "@/components/states";
import { EventCard } from "./event-card";
import { type Refused, whyQuery } from "./queries";
import classes from "./why.module.css";

const route = getRouteApi("/shell/p/$project/why");

type Kind = "id" | "user" | "device";
const KINDS: { value: Kind; label: string }[] = [
  { value: "user", label: "User ID" },
  { value: "device", label: "Device ID" },
  { value: "id", label: "Insert ID or event ID" },
];

/** What became of an event, or of all of a user's: found by what it carries. */
export function WhyPage() {
  const checks = useChecks();
  const { project } = route.useParams();
  const sought = route.useSearch();
  const navigate = route.useNavigate();
  const given = KINDS.find(({ value }) => sought[value] !== undefined)?.value;
  const [kind, setKind] = useState<Kind>(given ?? "user");
  const [text, setText] = useState(given === undefined ? "" : (sought[given] ?? ""));
  const found = useInfiniteQuery(whyQuery(project, sought));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const value = text.trim();
    void navigate({ search: value === "" ? {} : { [kind]: value } });
  };
  const pages = found.data?.pages ?? [];
  const events = pages.flatMap((page) => page.events);
  const refused = pages.flatMap((page) => page.refused);
  return (
    <Page title="Find events" about="What happened to an event on every sync, and why: by user, device or ID.">
      <form {...checks.form(submit)}>
        <Group gap={8} align="flex-start">
          <Select
            label="Search by"
            w={{ base: "100%", xs: 200 }}
            data={KINDS}
            value={kind}
            onChange={(value) => {
              if (value === "id" || value === "user" || value === "device") setKind(value);
            }}
          />
          <TextInput
            label={KINDS.find(({ value }) => value === kind)?.label ?? ""}
            w={{ base: "100%", xs: 340 }}
            required
            withAsterisk={false}
            classNames={{ input: "mono" }}
            value={text}
            {...checks.field("sought")}
            onChange={(event) => {
              setText(event.currentTarget.value);
            }}
          />
          <Button type="submit" mt={{ base: 0, xs: BESIDE_FIELD }} leftSection={<IconSearch size={15} />}>
            Find
          </Button>
        </Group>
      </form>
      <div className={classes.found}>
        {given === undefined && (
          <Empty icon={<IconSearch size={22} />} title="Find an event">
            A user ID shows their newest events, each with what every sync did with it.
          </Empty>
        )}
        {given !== undefined && found.data === undefined && <Absent query={found} failed="The events can't be shown" rows={4} height={90} />}
        {found.data !== undefined && events.length === 0 && refused.length === 0 && (
          <Empty icon={<IconSearch size={22} />} title="No event found">
            {pages[0]?.complete === false
              ? "The event index is being rebuilt: try again in a moment."
              : "It never arrived, or is no longer kept. IDs are case-sensitive."}
          </Empty>
        )}
        {pages.some((page) => page.syncs_left_out) && (
          <Alert color="gray" mb="md">
            This project has more than 2,000 syncs: what the first 2,000 did is shown. What another one did is on its own page, under Deliveries.
          </Alert>
        )}
        {refused.map((each, index) => (
          <RefusedCard key={index} refused={each} />
        ))}
        {events.map((event) => (
          <EventCard key={`${event.import ?? ""} ${String(event.offset)}`} project={project} event={event} />
        ))}
        {found.hasNextPage && (
          <Button variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            Show earlier events
          </Button>
        )}
      </div>
    </Page>
  );
}

/** A request that was refused: nothing of it was taken. */
function RefusedCard({ refused }: { refused: Refused }) {
  return (
    <Alert color="red" mb="md" title={`A request with it was refused (${String(refused.status)})`}>
      <Text size="sm" mb={8}>
        <Time at={refused.at} /> on <code className="mono">{refused.path}</code>: nothing of it was taken. The client got:
      </Text>
      <Section title="The response">
        <Code json text={JSON.stringify(refused.answer, null, 2)} label="What the client got" maxHeight={200} />
      </Section>
    </Alert>
  );
}
