import { ActionIcon, Badge, Button, Group, Modal, Select, Stack, Table, TextInput, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconShieldCheck, IconTrash } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api, idempotencyKey, matching, ProblemError, take, type Schemas } from "@/api/client";
import { confirmDanger } from "@/components/confirm";
import { Time } from "@/components/moment";
import { done, failed } from "@/components/notices";
import { Section } from "@/components/page";
import { Failed, LoadingRows } from "@/components/states";
import { useMay, usePerson } from "@/features/access/me";

const route = getRouteApi("/shell/o/$organisation/settings/members");

type Role = Schemas["Role"];

/** What each role may, in a few words. */
const ROLES: Record<Role, string> = {
  viewer: "Viewer: looks",
  partner: "Partner: defines destinations",
  member: "Member: makes and changes syncs",
  admin: "Admin: projects, keys, members too",
  owner: "Owner: everything",
};

/** Who belongs to the organisation, as what, and who is invited. */
export function MembersPage() {
  const { organisation } = route.useParams();
  const client = useQueryClient();
  const me = usePerson();
  const may = useMay(organisation, "members:write");
  const mayOwners = useMay(organisation, "owners:write");
  const [opened, { open, close }] = useDisclosure(false);
  const members = useInfiniteQuery({
    queryKey: ["members", organisation],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/organisations/{organisation}/members", {
          params: { path: { organisation }, query: { limit: 50, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const change = useMutation({
    mutationFn: ({ person, version, role }: { person: string; version: number; role: Role }) =>
      take(
        api.PATCH("/api/v1/organisations/{organisation}/members/{person}", {
          params: { path: { organisation, person }, header: matching(version) },
          body: { role },
        }),
      ),
    onSuccess: (member) => {
      void client.invalidateQueries({ queryKey: ["members", organisation] });
      done(`${member.name} is ${member.role} now.`);
    },
    onError: failed("The role stays as it was"),
  });
  const remove = useMutation({
    mutationFn: (person: string) =>
      take(
        api.DELETE("/api/v1/organisations/{organisation}/members/{person}", {
          params: { path: { organisation, person } },
        }),
      ),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["members", organisation] }),
    onError: failed("The member stays"),
  });
  if (members.isError) {
    return <Failed error={members.error} what="Members can't be shown" again={() => void members.refetch()} />;
  }
  if (members.data === undefined) return <LoadingRows />;
  const items = members.data.pages.flatMap((page) => page.items);
  return (
    <>
      {may && (
        <Group justify="flex-end" mb="md">
          <Button onClick={open}>Invite</Button>
        </Group>
      )}
      <Table.ScrollContainer minWidth={640}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th>Role</Table.Th>
              <Table.Th>Joined</Table.Th>
              <Table.Th aria-label="Actions" />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {items.map((member) => (
              <Table.Tr key={member.person}>
                <Table.Td>
                  <Group gap={8}>
                    <b>{member.name}</b>
                    {member.person === me.id && <Badge size="sm">You</Badge>}
                    {member.second_factor && (
                      <Tooltip label="Has a second factor">
                        <IconShieldCheck size={16} color="var(--ms-healthy)" aria-label="Has a second factor" />
                      </Tooltip>
                    )}
                  </Group>
                  <span className="muted">{member.email}</span>
                </Table.Td>
                <Table.Td>
                  {may && (mayOwners || member.role !== "owner") ? (
                    <Select
                      aria-label={`Role of ${member.name}`}
                      w={260}
                      value={member.role}
                      data={choices(mayOwners)}
                      onChange={(role) => {
                        if (role !== null && role !== member.role) {
                          change.mutate({ person: member.person, version: member.version, role: role as Role });
                        }
                      }}
                    />
                  ) : (
                    ROLES[member.role]
                  )}
                </Table.Td>
                <Table.Td>
                  <Time at={member.joined_at} />
                </Table.Td>
                <Table.Td ta="right">
                  {may && member.person !== me.id && (
                    <ActionIcon
                      aria-label={`Remove ${member.name}`}
                      onClick={() => {
                        confirmDanger({
                          title: `Remove ${member.name}?`,
                          what: "They see nothing of this organisation any more, and the tokens that they made here end.",
                          action: "Remove member",
                          onConfirm: () => {
                            remove.mutate(member.person);
                          },
                        });
                      }}
                    >
                      <IconTrash size={16} />
                    </ActionIcon>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {members.hasNextPage && (
        <Button variant="default" mt="sm" loading={members.isFetchingNextPage} onClick={() => void members.fetchNextPage()}>
          Show more
        </Button>
      )}
      {may && <Invitations organisation={organisation} />}
      <Modal opened={opened} onClose={close} title="Invite someone">
        <InviteForm organisation={organisation} mayOwners={mayOwners} onDone={close} />
      </Modal>
    </>
  );
}

function choices(owners: boolean) {
  const roles = Object.entries(ROLES).filter(([role]) => owners || role !== "owner");
  return roles.map(([value, label]) => ({ value, label }));
}

function Invitations({ organisation }: { organisation: string }) {
  const client = useQueryClient();
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
      done("The invitation is withdrawn; its link ends.");
    },
    onError: failed("The invitation stays"),
  });
  const items = invitations.data?.pages.flatMap((page) => page.items) ?? [];
  if (invitations.isError) return <Failed error={invitations.error} what="Invitations can't be shown" />;
  if (items.length === 0) return null;
  return (
    <Section title="Invited" about="They join by the link in their mail.">
      <Table.ScrollContainer minWidth={520}>
        <Table>
          <Table.Tbody>
            {items.map((invitation) => (
              <Table.Tr key={invitation.id}>
                <Table.Td>{invitation.email ?? "Whoever has the link"}</Table.Td>
                <Table.Td>{ROLES[invitation.role]}</Table.Td>
                <Table.Td>
                  Ends <Time at={invitation.expires_at} />
                </Table.Td>
                <Table.Td ta="right">
                  <Button
                    variant="subtle"
                    color="gray"
                    size="xs"
                    onClick={() => {
                      withdraw.mutate(invitation.id);
                    }}
                  >
                    Withdraw
                  </Button>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {invitations.hasNextPage && (
        <Button variant="default" mt="sm" onClick={() => void invitations.fetchNextPage()}>
          Show more
        </Button>
      )}
    </Section>
  );
}

interface InviteProps {
  organisation: string;
  mayOwners: boolean;
  onDone: () => void;
}

function InviteForm({ organisation, mayOwners, onDone }: InviteProps) {
  const client = useQueryClient();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("member");
  const [key] = useState(idempotencyKey);
  const invite = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/organisations/{organisation}/invitations", {
          params: { path: { organisation }, header: { "idempotency-key": `${key}-${role}-${email}` } },
          body: { email, role },
        }),
      ),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["invitations", organisation] });
      done(`${email} is invited.`);
      onDone();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    invite.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="E-mail address"
          type="email"
          required
          withAsterisk={false}
          data-autofocus
          value={email}
          error={invite.error instanceof ProblemError ? invite.error.at("/email") : undefined}
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
        {invite.error !== null && <Failed error={invite.error} what="Nobody was invited" />}
        <Button type="submit" loading={invite.isPending}>
          Invite
        </Button>
      </Stack>
    </form>
  );
}
