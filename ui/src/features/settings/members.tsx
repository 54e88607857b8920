import { ActionIcon, Badge, Button, Group, Modal, Select, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconShieldCheck, IconTrash } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { api, matching, take, type Schemas } from "@/api/client";
import { confirmDanger } from "@/components/confirm";
import { Listing } from "@/components/listing";
import { Time } from "@/components/moment";
import { done, failed } from "@/components/notices";
import { ListHead } from "@/components/page";
import { type Column, DataTable } from "@/components/table";
import { useMay, usePerson } from "@/features/access/me";
import { Invitations, InviteForm } from "./invitations";
import { choices, type Role, ROLES } from "./roles";

const route = getRouteApi("/shell/o/$organisation/settings/members");

type Member = Schemas["MemberView"];

/** Who belongs to the organisation, as what, and who is invited. */
export function MembersPage() {
  const { organisation } = route.useParams();
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
  return (
    <>
      <ListHead action={may && <Button onClick={open}>Invite</Button>}>
        People with access to this organisation, and their roles.
      </ListHead>
      <Listing query={members} failed="Members can't be shown" empty={null}>
        {(items) => <Members organisation={organisation} items={items} may={may} mayOwners={mayOwners} />}
      </Listing>
      {may && <Invitations organisation={organisation} />}
      <Modal opened={opened} onClose={close} title="Invite someone">
        <InviteForm organisation={organisation} mayOwners={mayOwners} onDone={close} />
      </Modal>
    </>
  );
}

interface MembersProps {
  organisation: string;
  items: Member[];
  may: boolean;
  mayOwners: boolean;
}

function Members({ organisation, items, may, mayOwners }: MembersProps) {
  const client = useQueryClient();
  const me = usePerson();
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
    onError: failed("The role wasn't changed"),
  });
  const remove = useMutation({
    mutationFn: (person: string) =>
      take(
        api.DELETE("/api/v1/organisations/{organisation}/members/{person}", {
          params: { path: { organisation, person } },
        }),
      ),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["members", organisation] }),
    onError: failed("The member wasn't removed"),
  });
  const columns: Column<Member>[] = [
    {
      name: "Name",
      cell: (member) => (
        <>
          <Group gap={8}>
            <b>{member.name}</b>
            {member.person === me.id && <Badge size="sm">You</Badge>}
            {member.second_factor && (
              <Tooltip label="Uses two-factor authentication">
                <IconShieldCheck size={16} color="var(--ms-healthy)" aria-label="Uses two-factor authentication" />
              </Tooltip>
            )}
          </Group>
          <span className="muted">{member.email}</span>
        </>
      ),
    },
    {
      name: "Role",
      cell: (member) =>
        may && (mayOwners || member.role !== "owner") ? (
          <Select
            aria-label={`Role of ${member.name}`}
            maw={280}
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
        ),
    },
    { name: "Joined", cell: (member) => <Time at={member.joined_at} /> },
    {
      name: "Actions",
      quiet: true,
      end: true,
      cell: (member) =>
        may && member.person !== me.id ? (
          <ActionIcon
            aria-label={`Remove ${member.name}`}
            onClick={() => {
              confirmDanger({
                title: `Remove ${member.name}?`,
                what: "They lose access to this organisation, and tokens that they created here stop working.",
                action: "Remove member",
                onConfirm: () => {
                  remove.mutate(member.person);
                },
              });
            }}
          >
            <IconTrash size={16} />
          </ActionIcon>
        ) : null,
    },
  ];
  return <DataTable label="Members" columns={columns} rows={items} keyOf={(member) => member.person} />;
}
