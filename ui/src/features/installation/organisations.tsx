import { Button, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ProblemError, take, type Schemas } from "@/api/client";
import { useCreationKeys } from "@/api/idempotency";
import { useChecks } from "@/components/checks";
import { Listing } from "@/components/listing";
import { Time } from "@/components/moment";
import { done } from "@/components/notices";
import { ListHead } from "@/components/page";
import { Failed } from "@/components/states";
import { type Column, DataTable } from "@/components/table";
import { organisationsQuery } from "@/features/access/me";
import { useSendsMail } from "@/features/access/providers";
import { HandOn } from "./hand-on";

type Organisation = Schemas["OrganisationView"];

/** All organisations; making one, and inviting an owner to one that has lost its own. */
export function OrganisationsPage() {
  const [opened, { open, close }] = useDisclosure(false);
  const [inviting, setInviting] = useState<Organisation>();
  const organisations = useInfiniteQuery({
    queryKey: ["all-organisations"],
    queryFn: ({ pageParam }) =>
      take(api.GET("/api/v1/installation/organisations", { params: { query: { limit: 50, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const columns: Column<Organisation>[] = [
    { name: "Name", cell: ({ name }) => <b>{name}</b> },
    { name: "ID", cell: ({ id }) => <span className="mono">{id}</span> },
    { name: "Created", cell: ({ created_at }) => <Time at={created_at} /> },
    {
      name: "Actions",
      quiet: true,
      end: true,
      cell: (organisation) => (
        <Button
          variant="subtle"
          size="xs"
          aria-label={`Invite an owner of ${organisation.name}`}
          onClick={() => {
            setInviting(organisation);
          }}
        >
          Invite an owner
        </Button>
      ),
    },
  ];
  return (
    <>
      <ListHead action={<Button onClick={open}>Create organisation</Button>}>
        Organisations are isolated from each other.
      </ListHead>
      <Listing query={organisations} failed="Organisations can't be shown" empty={<Text>There are no organisations yet.</Text>}>
        {(items) => <DataTable label="Organisations" columns={columns} rows={items} keyOf={({ id }) => id} />}
      </Listing>
      <Modal opened={opened} onClose={close} title="Create organisation">
        <MakeForm onDone={close} />
      </Modal>
      <Modal
        opened={inviting !== undefined}
        onClose={() => {
          setInviting(undefined);
        }}
        title={`Invite an owner of ${inviting?.name ?? ""}`}
      >
        {inviting !== undefined && (
          <OwnerForm
            organisation={inviting}
            onDone={() => {
              setInviting(undefined);
            }}
          />
        )}
      </Modal>
    </>
  );
}

function MakeForm({ onDone }: { onDone: () => void }) {
  const checks = useChecks();
  const client = useQueryClient();
  const keys = useCreationKeys();
  const sendsMail = useSendsMail();
  const [name, setName] = useState("");
  const [owner, setOwner] = useState("");
  const body = { name, ...(owner === "" ? {} : { owner }) };
  const make = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/installation/organisations", {
          params: { header: { "idempotency-key": keys.of(body) } },
          body,
        }),
      ),
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: ["all-organisations"] });
      void client.invalidateQueries({ queryKey: organisationsQuery.queryKey });
      if (owner !== "" && sendsMail === false) return;
      done(owner === "" ? `${made.name} is created; you own it.` : `${made.name} is created. A mail with the link is on its way to ${owner}.`);
      onDone();
    },
  });
  if (make.isSuccess && owner !== "" && sendsMail === false) {
    return <HandOn recipient={owner} kind="invitation" what={`${make.data.name} is created, and ${owner} is invited`} onDone={onDone} />;
  }
  const problem = make.error instanceof ProblemError ? make.error : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <form {...checks.form(submit)}>
      <Stack>
        <TextInput
          label="Name"
          required
          withAsterisk={false}
          data-autofocus
          maxLength={200}
          value={name}
          {...checks.field("name", problem?.at("/name"))}
          onChange={(event) => {
            setName(event.currentTarget.value);
          }}
        />
        <TextInput
          label="E-mail address of its owner"
          description="Gets an invitation. Leave empty to own it yourself."
          type="email"
          value={owner}
          {...checks.field("owner", problem?.at("/owner"))}
          onChange={(event) => {
            setOwner(event.currentTarget.value);
          }}
        />
        {make.error !== null && <Failed error={make.error} what="The organisation wasn't created" />}
        <Button type="submit" loading={make.isPending}>
          Create organisation
        </Button>
      </Stack>
    </form>
  );
}

function OwnerForm({ organisation, onDone }: { organisation: Organisation; onDone: () => void }) {
  const checks = useChecks();
  const keys = useCreationKeys();
  const sendsMail = useSendsMail();
  const [email, setEmail] = useState("");
  const invite = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/installation/organisations/{organisation}/owner", {
          params: { path: { organisation: organisation.id }, header: { "idempotency-key": keys.of(email) } },
          body: { email },
        }),
      ),
    onSuccess: () => {
      if (sendsMail === false) return;
      done(`A mail with the link is on its way to ${email}.`);
      onDone();
    },
  });
  if (invite.isSuccess && sendsMail === false) {
    return <HandOn recipient={email} kind="invitation" what={`The invitation for ${email} is ready`} onDone={onDone} />;
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    invite.mutate();
  };
  return (
    <form {...checks.form(submit)}>
      <Stack>
        <TextInput
          label="E-mail address"
          type="email"
          required
          withAsterisk={false}
          data-autofocus
          value={email}
          {...checks.field("email", invite.error instanceof ProblemError ? invite.error.at("/email") : undefined)}
          onChange={(event) => {
            setEmail(event.currentTarget.value);
          }}
        />
        {invite.error !== null && <Failed error={invite.error} what="Nobody was invited" />}
        <Button type="submit" loading={invite.isPending}>
          Invite as owner
        </Button>
      </Stack>
    </form>
  );
}
