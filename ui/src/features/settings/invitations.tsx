import { Button, Select, Stack, TextInput } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ProblemError, take, type Schemas } from "@/api/client";
import { useCreationKeys } from "@/api/idempotency";
import { useChecks } from "@/components/checks";
import { Listing } from "@/components/listing";
import { Time } from "@/components/moment";
import { done, failed } from "@/components/notices";
import { Section } from "@/components/page";
import { Failed } from "@/components/states";
import { type Column, DataTable } from "@/components/table";
import { useSendsMail } from "@/features/access/providers";
import { HandOn } from "@/features/installation/hand-on";
import { choices, type Role, ROLES } from "./roles";

type Invitation = Schemas["InvitationView"];

/** Who is invited and hasn't joined yet. */
export function Invitations({ organisation }: { organisation: string }) {
  const client = useQueryClient();
  const sendsMail = useSendsMail();
  const invitations = useInfiniteQuery({
    queryKey: ["invitations", organisation],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/organisations/{organisation}/invitations", {
          params: { path: { organisation }, query: { limit: 50, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const withdraw = useMutation({
    mutationFn: (invitation: string) =>
      take(
        api.DELETE("/api/v1/organisations/{organisation}/invitations/{invitation}", {
          params: { path: { organisation, invitation } },
        }),
      ),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["invitations", organisation] });
      done("The invitation is withdrawn; its link no longer works.");
    },
    onError: failed("The invitation wasn't withdrawn"),
  });
  const columns: Column<Invitation>[] = [
    { name: "Who", cell: ({ email }) => email ?? "Anyone with the link" },
    { name: "Role", cell: ({ role }) => ROLES[role] },
    { name: "Expires", cell: ({ expires_at }) => <Time at={expires_at} /> },
    {
      name: "Actions",
      quiet: true,
      end: true,
      cell: ({ id, email }) => (
        <Button
          variant="subtle"
          color="gray"
          size="xs"
          aria-label={`Withdraw the invitation of ${email ?? "anyone with the link"}`}
          onClick={() => {
            withdraw.mutate(id);
          }}
        >
          Withdraw
        </Button>
      ),
    },
  ];
  return (
    <Listing query={invitations} failed="Invitations can't be shown" empty={null} rows={2}>
      {(items) => (
        <Section
          title="Invited"
          about={
            sendsMail === false
              ? "They join by a link, which waits in the outbox: no mail server is set up."
              : "They join by the link in their mail."
          }
        >
          <DataTable label="Invitations" columns={columns} rows={items} keyOf={({ id }) => id} />
        </Section>
      )}
    </Listing>
  );
}

interface InviteProps {
  organisation: string;
  mayOwners: boolean;
  onDone: () => void;
}

/** Invites somebody; where no mail server is set up, it goes on with the link. */
export function InviteForm({ organisation, mayOwners, onDone }: InviteProps) {
  const checks = useChecks();
  const client = useQueryClient();
  const sendsMail = useSendsMail();
  const keys = useCreationKeys();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("member");
  const invite = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/organisations/{organisation}/invitations", {
          params: { path: { organisation }, header: { "idempotency-key": keys.of({ email, role }) } },
          body: { email, role },
        }),
      ),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["invitations", organisation] });
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
        <Select
          label="Role"
          value={role}
          data={choices(mayOwners)}
          onChange={(value) => {
            if (value !== null) setRole(value as Role);
          }}
        />
        {invite.error !== null && <Failed error={invite.error} what="The invitation wasn't sent" />}
        <Button type="submit" loading={invite.isPending}>
          Invite
        </Button>
      </Stack>
    </form>
  );
}
