import { Badge, Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPuzzle } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api, ProblemError, take } from "@/api/client";
import { useCreationKeys } from "@/api/idempotency";
import { Absent } from "@/components/absent";
import { useChecks } from "@/components/checks";
import { Logo } from "@/components/logo";
import { Time } from "@/components/moment";
import { Page } from "@/components/page";
import { Empty, Failed } from "@/components/states";
import { useMay } from "@/features/access/me";
import classes from "@/features/catalog/catalog.module.css";
import { definitionsQuery } from "./queries";
import { ReviewBadge } from "./review-badge";

const route = getRouteApi("/shell/o/$organisation/destinations");

/** The destinations that an organisation defines. */
export function DefinitionsPage() {
  const { organisation } = route.useParams();
  const may = useMay(organisation, "definitions:write");
  const [opened, { open, close }] = useDisclosure(false);
  const definitions = useInfiniteQuery(definitionsQuery(organisation));
  const items = definitions.data?.pages.flatMap((page) => page.items) ?? [];
  const add = may && <Button onClick={open}>Add new destination</Button>;
  return (
    <Page
      title="My destinations"
      about="Define a destination once; people connect it from the catalog."
      actions={items.length > 0 ? add : undefined}
    >
      {definitions.data === undefined && <Absent query={definitions} failed="Destinations can't be shown" rows={3} height={92} />}
      {definitions.data !== undefined && items.length === 0 && (
        <Empty icon={<IconPuzzle size={22} />} title="No destinations of your own" action={add}>
          Define what users fill in and which request each event makes; test it, then release it.
        </Empty>
      )}
      <ul className={classes.tiles}>
        {items.map(({ id, draft, newest, approved, listing, updated_at }) => (
          <li key={id}>
            <Link
              to="/o/$organisation/destinations/$definition"
              params={{ organisation, definition: id }}
              className={classes.tile}
            >
              <Logo name={draft.display_name} logo={draft.about.logo} size={44} />
              <span className={classes.words}>
                <span className={classes.name}>{draft.display_name}</span>
                <span className={classes.summary}>
                  {draft.about.summary === "" ? "No summary yet" : draft.about.summary}
                </span>
                <span className={classes.marks}>
                  <Badge size="sm" color={newest == null ? "gray" : "water"}>
                    {newest == null ? "Draft" : `Version ${String(newest)}`}
                  </Badge>
                  {approved != null && (
                    <Badge size="sm" color="green">
                      In everyone&apos;s catalog
                    </Badge>
                  )}
                  <ReviewBadge organisation={organisation} definition={{ id, newest, approved }} size="sm" />
                  {listing !== "listed" && (
                    <Badge size="sm" color="yellow">
                      {listing.charAt(0).toUpperCase() + listing.slice(1)}
                    </Badge>
                  )}
                  <span className="muted" style={{ fontSize: 12 }}>
                    Changed <Time at={updated_at} />
                  </span>
                </span>
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {definitions.hasNextPage && (
        <Group justify="center" mt="lg">
          <Button variant="default" onClick={() => void definitions.fetchNextPage()}>
            Show more
          </Button>
        </Group>
      )}
      <Modal opened={opened} onClose={close} title="Add new destination">
        <NewDefinition organisation={organisation} />
      </Modal>
    </Page>
  );
}

function NewDefinition({ organisation }: { organisation: string }) {
  const checks = useChecks();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const keys = useCreationKeys();
  const create = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/organisations/{organisation}/definitions", {
          params: { path: { organisation }, header: { "idempotency-key": keys.of(name) } },
          body: { display_name: name },
        }),
      ),
    onSuccess: async ({ id }) => {
      void client.invalidateQueries({ queryKey: ["definitions", organisation] });
      await navigate({ to: "/o/$organisation/destinations/$definition", params: { organisation, definition: id } });
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
          label="Display name"
          description="Shown in the catalog. It must be unique."
          placeholder="Acme Messaging"
          required
          withAsterisk={false}
          data-autofocus
          value={name}
          {...checks.field("display_name", create.error instanceof ProblemError ? create.error.at("/display_name") : undefined)}
          onChange={(event) => {
            setName(event.currentTarget.value);
          }}
        />
        {create.error !== null && <Failed error={create.error} what="The destination wasn't created" />}
        <Button type="submit" loading={create.isPending}>
          Create
        </Button>
      </Stack>
    </form>
  );
}
