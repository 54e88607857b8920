import { ActionIcon, Badge, Group, Menu, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconDots, IconUsers } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { DANGER } from "@/app/colours";
import { api, matching, take, type Schemas } from "@/api/client";
import { confirmDanger } from "@/components/confirm";
import { Listing } from "@/components/listing";
import { Time } from "@/components/moment";
import { done, failed } from "@/components/notices";
import { Empty } from "@/components/states";
import { type Column, DataTable } from "@/components/table";
import { meQuery, type Person, usePerson } from "@/features/access/me";

const route = getRouteApi("/shell/installation/people");

/** Everybody who has an account: rights in the installation, locks, sessions, second factors. */
export function PeoplePage() {
  const { email } = route.useSearch();
  const navigate = route.useNavigate();
  const [text, setText] = useState(email ?? "");
  const seek = useDebouncedCallback((value: string) => {
    void navigate({ search: { email: value === "" ? undefined : value }, replace: true });
  }, 300);
  const people = useInfiniteQuery({
    queryKey: ["people", email ?? ""],
    queryFn: ({ pageParam }) =>
      take(api.GET("/api/v1/installation/people", { params: { query: { email, limit: 50, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  return (
    <>
      <TextInput
        aria-label="Search by start of e-mail address"
        placeholder="Search by start of e-mail address"
        w={{ base: "100%", xs: 340 }}
        mb="md"
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          seek(event.currentTarget.value.trim());
        }}
      />
      <Listing
        query={people}
        failed="People can't be shown"
        empty={
          <Empty icon={<IconUsers size={22} />} title="Nobody found">
            The search compares the start of addresses.
          </Empty>
        }
      >
        {(items) => <DataTable label="People" columns={COLUMNS} rows={items} keyOf={({ id }) => id} />}
      </Listing>
    </>
  );
}

const COLUMNS: Column<Person>[] = [
  {
    name: "Name",
    cell: (person) => (
      <>
        <Group gap={8}>
          <b>{person.name}</b>
          {person.installation.operator && <Badge size="sm">Operator</Badge>}
          {person.installation.reviewer && (
            <Badge size="sm" color="blue">
              Reviewer
            </Badge>
          )}
          {person.locked_at != null && (
            <Badge size="sm" color="red">
              Locked
            </Badge>
          )}
        </Group>
        <span className="muted">{person.email}</span>
      </>
    ),
  },
  { name: "Two-factor", cell: (person) => (person.second_factor ? "On" : "Off") },
  { name: "Joined", cell: (person) => <Time at={person.created_at} /> },
  { name: "Actions", quiet: true, end: true, cell: (person) => <Actions person={person} /> },
];

type Step = "lock" | "unlock" | "sessions" | "second-factor" | Schemas["RightsPatch"];

function Actions({ person }: { person: Person }) {
  const client = useQueryClient();
  const me = usePerson();
  const path = { person: person.id };
  const step = useMutation({
    mutationFn: async (what: Step): Promise<void> => {
      if (typeof what === "object") {
        await take(
          api.PATCH("/api/v1/installation/people/{person}/rights", {
            params: { path, header: matching(person.version) },
            body: what,
          }),
        );
        return;
      }
      switch (what) {
        case "lock":
          return void (await take(api.POST("/api/v1/installation/people/{person}/lock", { params: { path } })));
        case "unlock":
          return void (await take(api.POST("/api/v1/installation/people/{person}/unlock", { params: { path } })));
        case "sessions":
          return void (await take(api.DELETE("/api/v1/installation/people/{person}/sessions", { params: { path } })));
        case "second-factor":
          return void (await take(api.DELETE("/api/v1/installation/people/{person}/second-factor", { params: { path } })));
      }
    },
    onSuccess: (_, what) => {
      void client.invalidateQueries({ queryKey: ["people"] });
      if (person.id === me.id) void client.invalidateQueries({ queryKey: meQuery.queryKey });
      done(typeof what === "object" ? `The rights of ${person.name} are changed.` : `${person.name}: ${DONE[what]}`);
    },
    onError: failed("Nothing was changed"),
  });
  const ask = (what: Exclude<Step, object>, title: string, meaning: string, action: string) => () => {
    confirmDanger({
      title,
      what: meaning,
      action,
      onConfirm: () => {
        step.mutate(what);
      },
    });
  };
  const { operator, reviewer } = person.installation;
  return (
    <Menu width={250}>
      <Menu.Target>
        <ActionIcon aria-label={`Actions for ${person.name}`} loading={step.isPending}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          onClick={() => {
            step.mutate({ reviewer: !reviewer });
          }}
        >
          {reviewer ? "Remove as reviewer" : "Make reviewer"}
        </Menu.Item>
        <Menu.Item
          onClick={() => {
            step.mutate({ operator: !operator });
          }}
        >
          {operator ? "Remove as operator" : "Make operator"}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          onClick={ask("sessions", `End all sessions of ${person.name}?`, "They sign in again wherever they were.", "End sessions")}
        >
          End all sessions…
        </Menu.Item>
        {person.second_factor && (
          <Menu.Item
            onClick={ask(
              "second-factor",
              `Turn off two-factor authentication of ${person.name}?`,
              "They can sign in with their password alone then. Make sure that the request is really theirs.",
              "Turn off",
            )}
          >
            Turn off two-factor…
          </Menu.Item>
        )}
        {person.locked_at != null ? (
          <Menu.Item
            onClick={() => {
              step.mutate("unlock");
            }}
          >
            Unlock
          </Menu.Item>
        ) : (
          <Menu.Item
            color={DANGER}
            disabled={person.id === me.id}
            onClick={ask(
              "lock",
              `Lock the account of ${person.name}?`,
              "All their sessions end, and they can't sign in until somebody unlocks it.",
              "Lock account",
            )}
          >
            Lock…
          </Menu.Item>
        )}
        {person.locked_at != null && (
          <Text size="xs" c="dimmed" px={12} py={4}>
            Locked <Time at={person.locked_at} />
          </Text>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

const DONE: Record<Exclude<Step, object>, string> = {
  lock: "the account is locked.",
  unlock: "the account is unlocked.",
  sessions: "all sessions have ended.",
  "second-factor": "two-factor authentication is off.",
};
