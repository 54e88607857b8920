import { Alert, Loader, Tabs, Text } from "@mantine/core";
import { IconCircleCheck } from "@tabler/icons-react";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Code } from "@/components/code";
import { CopyField } from "@/components/copy";
import { laidOut } from "@/components/json-text";
import { ButtonLink, TextLink } from "@/components/links";
import { Page, Section } from "@/components/page";
import { Failed } from "@/components/states";
import { useMay } from "@/features/access/me";
import { eventsQuery, typeOf } from "@/features/events/queries";
import { projectQuery } from "@/features/shell/projects";
import { snippets } from "./snippets";
import { Steps } from "./steps";
import classes from "./first-event.module.css";

const route = getRouteApi("/shell/p/$project/start");

/** Sending events with the project's own key; the page turns when the first one arrives. */
export function FirstEventPage() {
  const { project: id } = route.useParams();
  const { begun } = route.useSearch();
  const project = useSuspenseQuery(projectQuery(id)).data;
  const newest = useQuery({ ...eventsQuery(id, { limit: 1 }), refetchInterval: 1500 });
  const event = newest.data?.items[0];
  const connects = useMay(project.organisation, "syncs:write");
  const ways = snippets(window.location.origin, project.api_key);
  return (
    <Page title="Send events" about={`Point an SDK at this server, with the key of ${project.name}.`}>
      <Steps current={event === undefined ? 1 : 2} />
      <div className={classes.columns}>
        <div>
          <Text fw={600} mb={4}>
            API key
          </Text>
          <CopyField value={project.api_key} label="API key" />
          {begun === true && (
            <Alert color="yellow" mt="sm" py={8}>
              The project is created; its secret key was shown once. If you didn&apos;t store it, rotate it in{" "}
              <TextLink to="/o/$organisation/settings/projects" params={{ organisation: project.organisation }}>
                Projects and keys
              </TextLink>
              .
            </Alert>
          )}
          <Tabs defaultValue="curl" mt="lg">
            <Tabs.List aria-label="Code examples">
              {ways.map((way) => (
                <Tabs.Tab key={way.id} value={way.id}>
                  {way.name}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            {ways.map((way) => (
              <Tabs.Panel key={way.id} value={way.id} pt="sm">
                {way.install !== null && (
                  <div className={classes.install}>
                    <Code text={way.install} label={`Installing for ${way.name}`} />
                  </div>
                )}
                <Code text={way.code} label={`Sending by ${way.name}`} />
              </Tabs.Panel>
            ))}
          </Tabs>
          <Text size="xs" c="dimmed" mt="xs">
            If your installation receives events at another address, replace {window.location.origin}.
          </Text>
        </div>
        <div aria-live="polite">
          {newest.isError && newest.data === undefined && (
            <Failed
              error={newest.error}
              what="Whether events arrive can't be checked"
              again={() => void newest.refetch()}
            />
          )}
          {event === undefined && (!newest.isError || newest.data !== undefined) && (
            <div className={classes.waiting}>
              <Loader size="sm" type="dots" data-lasting />
              <Text fw={600}>Waiting for the first event</Text>
              <Text c="dimmed" size="sm">
                Run one of these. This page updates by itself when the event arrives.
              </Text>
            </div>
          )}
          {event !== undefined && (
            <Section title="The newest event">
              <Alert color="water" icon={<IconCircleCheck size={18} />} mb="sm">
                <b>{typeOf(event)}</b> has arrived.{connects && " Next, connect a destination."}
              </Alert>
              <Code text={laidOut(event.event_text)} label="The event" json maxHeight={360} />
              {connects && (
                <ButtonLink mt="md" to="/p/$project/catalog" params={{ project: id }}>
                  Connect a destination
                </ButtonLink>
              )}
            </Section>
          )}
        </div>
      </div>
    </Page>
  );
}
