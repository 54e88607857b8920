import { Badge, Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api, ProblemError, take } from "@/api/client";
import { useCreationKeys } from "@/api/idempotency";
import { Absent } from "@/components/absent";
import { useChecks } from "@/components/checks";
import { BackLink } from "@/components/links";
import { Logo } from "@/components/logo";
import { Page, Section } from "@/components/page";
import { Prose } from "@/components/prose";
import { Failed } from "@/components/states";
import { useMay } from "@/features/access/me";
import { projectQuery } from "@/features/shell/projects";
import { syncsQuery } from "@/features/syncs/queries";
import { CATEGORIES, type Destination, destinationQuery } from "./queries";
import classes from "./destination.module.css";

const route = getRouteApi("/shell/p/$project/catalog/$definition");

/** A destination: what it does, what its set-up asks for, and the way to connect it. */
export function DestinationPage() {
  const { project, definition } = route.useParams();
  const { organisation } = useSuspenseQuery(projectQuery(project)).data;
  const destination = useQuery(destinationQuery(organisation, definition));
  if (destination.data === undefined) {
    return (
      <Page title="Destination">
        <Absent query={destination} failed="This destination can't be shown" />
      </Page>
    );
  }
  return <About destination={destination.data} project={project} organisation={organisation} />;
}

interface AboutProps {
  destination: Destination;
  project: string;
  organisation: string;
}

function About({ destination, project, organisation }: AboutProps) {
  const { tile, content } = destination;
  const [opened, { open, close }] = useDisclosure(false);
  const may = useMay(organisation, "syncs:write");
  const closed = tile.listing !== "listed";
  return (
    <Page
      title={tile.display_name}
      above={
        <BackLink to="/p/$project/catalog" params={{ project }}>
          Catalog
        </BackLink>
      }
      heading={
        <Group gap={14} wrap="nowrap">
          <Logo name={tile.display_name} logo={tile.logo} size={52} />
          <span>{tile.display_name}</span>
        </Group>
      }
      about={tile.summary}
      actions={
        <Button onClick={open} disabled={!may || closed}>
          Add sync
        </Button>
      }
    >
      <Group gap={6} mb="md">
        <Badge color="gray">{CATEGORIES[tile.category]}</Badge>
        <Badge color="gray">Version {tile.version}</Badge>
        {!tile.approved && <Badge color="blue">Only your organisation</Badge>}
        {closed && <Badge color="yellow">No new syncs</Badge>}
      </Group>
      {!may && (
        <Text c="dimmed" mb="md">
          Your role can view syncs, but not create them. Ask an admin of your organisation.
        </Text>
      )}
      <div className={classes.columns}>
        <div className={classes.description}>
          <h2 className="sr-only">Description</h2>
          {destination.description_html === "" ? (
            <Text c="dimmed">There is no full description.</Text>
          ) : (
            <Prose html={destination.description_html} />
          )}
          <Links links={content.about.links ?? []} />
        </div>
        <Needs destination={destination} />
      </div>
      <Modal opened={opened} onClose={close} title={`Connect ${tile.display_name}`}>
        <NameForm project={project} definition={tile.definition} suggested={tile.display_name} />
      </Modal>
    </Page>
  );
}

/** Links of the definition's author: only those of the web are links. */
function Links({ links }: { links: { title: string; url: string }[] }) {
  const safe = links.filter((link) => /^https?:\/\//i.test(link.url));
  if (safe.length === 0) return null;
  return (
    <ul className={classes.links}>
      {safe.map((link) => (
        <li key={link.url}>
          <a href={link.url} target="_blank" rel="noreferrer noopener">
            {link.title}
          </a>
        </li>
      ))}
    </ul>
  );
}

function Needs({ destination: { content, extra_headers, own_templates } }: { destination: Destination }) {
  const sends = [content.events != null ? "events" : null, content.users != null ? "users" : null];
  return (
    <aside className={classes.needs}>
      <Section title="What it needs">
        <dl className={classes.facts}>
          {content.parameters.map((parameter) => (
            <div key={parameter.name}>
              <dt>{parameter.display_name}</dt>
              <dd>
                {parameter.required === true ? "Required" : "Optional"}
                {parameter.kind === "secret" ? ", kept secret" : ""}
              </dd>
            </div>
          ))}
          {content.mappings.map((mapping) => (
            <div key={mapping.name}>
              <dt className="mono">{mapping.name}</dt>
              <dd>{mapping.required === true ? "A property, required" : "A property, optional"}</dd>
            </div>
          ))}
          {extra_headers > 0 && (
            <div>
              <dt>Headers</dt>
              <dd>Up to {extra_headers} of your own</dd>
            </div>
          )}
          <div>
            <dt>Sends</dt>
            <dd>{sends.filter((each) => each !== null).join(" and ")}</dd>
          </div>
          <div>
            <dt>Payload</dt>
            <dd>{own_templates ? "The default, or your own template" : "Defined by the destination"}</dd>
          </div>
        </dl>
      </Section>
    </aside>
  );
}

interface NameFormProps {
  project: string;
  definition: string;
  suggested: string;
}

function NameForm({ project, definition, suggested }: NameFormProps) {
  const checks = useChecks();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState(suggested);
  const keys = useCreationKeys();
  const create = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/projects/{project}/syncs", {
          params: { path: { project }, header: { "idempotency-key": keys.of(name) } },
          body: { name, definition: { id: definition } },
        }),
      ),
    onSuccess: async (sync) => {
      void client.invalidateQueries({ queryKey: syncsQuery(project).queryKey });
      await navigate({ to: "/p/$project/syncs/$sync/settings", params: { project, sync: sync.id } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form {...checks.form(submit)}>
      <Stack>
        <TextInput
          label="Name of the sync"
          description="As your colleagues will know it, such as “Webhook – production”."
          data-autofocus
          required
          withAsterisk={false}
          maxLength={200}
          value={name}
          {...checks.field("name", create.error instanceof ProblemError ? create.error.at("/name") : undefined)}
          onChange={(event) => {
            setName(event.currentTarget.value);
          }}
        />
        {create.error !== null && <Failed error={create.error} what="The sync wasn't created" />}
        <Button type="submit" loading={create.isPending}>
          Create sync
        </Button>
      </Stack>
    </form>
  );
}
