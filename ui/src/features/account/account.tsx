import { Badge, Button, Group, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, matching, ProblemError, take, type Schemas } from "@/api/client";
import { Absent } from "@/components/absent";
import { BESIDE_FIELD, useChecks } from "@/components/checks";
import { Time } from "@/components/moment";
import { done, failed } from "@/components/notices";
import { Page, Section } from "@/components/page";
import { Failed } from "@/components/states";
import { type Column, DataTable } from "@/components/table";
import { meQuery, usePerson } from "@/features/access/me";
import { browserOf } from "./browser";
import { Identities } from "./identities";
import { SecondFactor } from "./second-factor";

/** One's own account: name, password, second factor, sessions. */
export function AccountPage() {
  const person = usePerson();
  return (
    <Page title="Your account" about={person.email}>
      <Name name={person.name} version={person.version} />
      <Section title="Password" about="All other sessions end when it changes.">
        <Password />
      </Section>
      <Section
        title="Two-factor authentication"
        about="Signing in also asks for a code of your authenticator app, so that a stolen password alone is not enough."
      >
        <SecondFactor active={person.second_factor} />
      </Section>
      <Section title="Linked accounts" about="Identity providers that you can sign in with.">
        <Identities />
      </Section>
      <Section title="Sessions" about="Where you are signed in.">
        <Sessions />
      </Section>
    </Page>
  );
}

function Name({ name: stored, version }: { name: string; version: number }) {
  const checks = useChecks();
  const client = useQueryClient();
  const [name, setName] = useState(stored);
  const change = useMutation({
    mutationFn: () => take(api.PATCH("/api/v1/me", { params: { header: matching(version) }, body: { name } })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: meQuery.queryKey });
      done("Your name is changed.");
    },
    onError: failed("Your name wasn't changed"),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  return (
    <form {...checks.form(submit)}>
      <Group align="flex-start" gap={8}>
        <TextInput
          label="Name"
          w={320}
          required
          withAsterisk={false}
          value={name}
          {...checks.field("name")}
          onChange={(event) => {
            setName(event.currentTarget.value);
          }}
        />
        <Button type="submit" variant="default" mt={{ base: 0, xs: BESIDE_FIELD }} disabled={name === stored} loading={change.isPending}>
          Change name
        </Button>
      </Group>
    </form>
  );
}

function Password() {
  const checks = useChecks();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const change = useMutation({
    mutationFn: () => take(api.PUT("/api/v1/me/password", { body: { current, new: next } })),
    onSuccess: () => {
      setCurrent("");
      setNext("");
      done("Your password is changed.");
    },
  });
  const problem = change.error instanceof ProblemError ? change.error : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  return (
    <form {...checks.form(submit)}>
      <Stack maw={320}>
        <PasswordInput
          label="Current password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          value={current}
          {...checks.field("current", problem?.at("/current"))}
          onChange={(event) => {
            setCurrent(event.currentTarget.value);
          }}
        />
        <PasswordInput
          label="New password"
          description="At least 10 characters."
          autoComplete="new-password"
          required
          minLength={10}
          withAsterisk={false}
          value={next}
          {...checks.field("new", problem?.at("/new"))}
          onChange={(event) => {
            setNext(event.currentTarget.value);
          }}
        />
        {change.error !== null && <Failed error={change.error} what="The password wasn't changed" />}
        <Button type="submit" variant="default" loading={change.isPending} style={{ alignSelf: "flex-start" }}>
          Change password
        </Button>
      </Stack>
    </form>
  );
}

function Sessions() {
  const client = useQueryClient();
  const sessions = useQuery({
    queryKey: ["sessions"],
    queryFn: () => take(api.GET("/api/v1/me/sessions", { params: { query: { limit: 100 } } })),
  });
  const end = useMutation({
    mutationFn: (session: string) =>
      take(api.DELETE("/api/v1/me/sessions/{session}", { params: { path: { session } } })),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["sessions"] }),
    onError: failed("The session wasn't ended"),
  });
  if (sessions.data === undefined) return <Absent query={sessions} failed="Sessions can't be shown" rows={2} />;
  const columns: Column<Schemas["SessionView"]>[] = [
    {
      name: "Where",
      cell: (session) => (
        <>
          <Group gap={8}>
            <span title={session.user_agent}>
              <b>{browserOf(session.user_agent)}</b>
            </span>
            {session.present && <Badge size="sm">This one</Badge>}
          </Group>
          <Text size="sm" c="dimmed">
            From <span className="mono">{session.address}</span>
          </Text>
        </>
      ),
    },
    { name: "Last used", cell: (session) => <Time at={session.seen_at} /> },
    {
      name: "Actions",
      quiet: true,
      end: true,
      cell: (session) =>
        session.present ? null : (
          <Button
            variant="subtle"
            color="gray"
            size="xs"
            aria-label={`End the session from ${session.address}`}
            onClick={() => {
              end.mutate(session.id);
            }}
          >
            End
          </Button>
        ),
    },
  ];
  return (
    <DataTable label="Sessions" columns={columns} rows={sessions.data.items} keyOf={(session) => session.id} />
  );
}
