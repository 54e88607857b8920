import { Alert, Button, Modal, MultiSelect, PasswordInput, Select, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconKey } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api, ProblemError, take, type Schemas } from "@/api/client";
import { useCreationKeys } from "@/api/idempotency";
import { useChecks } from "@/components/checks";
import { confirmDanger } from "@/components/confirm";
import { CopyField } from "@/components/copy";
import { Listing } from "@/components/listing";
import { Time } from "@/components/moment";
import { done, failed } from "@/components/notices";
import { ListHead } from "@/components/page";
import { Empty, Failed } from "@/components/states";
import { type Column, DataTable } from "@/components/table";
import { type Permission, useMay, useOrganisation } from "@/features/access/me";

const route = getRouteApi("/shell/o/$organisation/settings/tokens");

type Token = Schemas["TokenView"];

/** Tokens for programs: one's own, and all of them for those who look after them. */
export function TokensPage() {
  const { organisation } = route.useParams();
  const client = useQueryClient();
  const may = useMay(organisation, "tokens:create");
  const [opened, { open, close }] = useDisclosure(false);
  const tokens = useInfiniteQuery({
    queryKey: ["tokens", organisation],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/organisations/{organisation}/tokens", {
          params: { path: { organisation }, query: { limit: 50, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const revoke = useMutation({
    mutationFn: (token: string) =>
      take(
        api.DELETE("/api/v1/organisations/{organisation}/tokens/{token}", {
          params: { path: { organisation, token } },
        }),
      ),
    onSuccess: ({ revoked }) => {
      void client.invalidateQueries({ queryKey: ["tokens", organisation] });
      done(`Revoked: ${revoked.map((token) => token.name).join(", ")}.`);
    },
    onError: failed("The token wasn't revoked"),
  });
  const make = may && <Button onClick={open}>Create token</Button>;
  const columns: Column<Token>[] = [
    {
      name: "Name",
      cell: (token) => (
        <>
          <b>{token.name}</b>
          <div className="muted">
            Created <Time at={token.created_at} />
          </div>
        </>
      ),
    },
    {
      name: "Permissions",
      cell: (token) => (token.scopes == null ? "Everything its creator may do" : token.scopes.join(", ")),
    },
    { name: "Last used", cell: (token) => (token.used_at == null ? "Never" : <Time at={token.used_at} />) },
    { name: "Expires", cell: (token) => (token.expires_at == null ? "Never" : <Time at={token.expires_at} />) },
    {
      name: "Actions",
      quiet: true,
      end: true,
      cell: (token) => (
        <Button
          variant="subtle"
          color="red"
          size="xs"
          aria-label={`Revoke ${token.name}`}
          onClick={() => {
            confirmDanger({
              title: `Revoke ${token.name}?`,
              what: "Programs that use it lose access immediately. Tokens created with it are revoked, too.",
              action: "Revoke token",
              onConfirm: () => {
                revoke.mutate(token.id);
              },
            });
          }}
        >
          Revoke
        </Button>
      ),
    },
  ];
  return (
    <>
      <Listing
        query={tokens}
        failed="Tokens can't be shown"
        empty={
          <Empty icon={<IconKey size={22} />} title="No tokens yet" action={make}>
            Give programs and the command line a token each, with only the permissions they need.
          </Empty>
        }
      >
        {(items) => (
          <>
            <ListHead action={make}>Programs and the command line authenticate with these.</ListHead>
            <DataTable label="Tokens" columns={columns} rows={items} keyOf={(token) => token.id} />
          </>
        )}
      </Listing>
      <Modal opened={opened} onClose={close} title="Create token">
        <TokenForm organisation={organisation} />
      </Modal>
    </>
  );
}

const LIVES = [
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "1 year" },
  { value: "never", label: "No expiry" },
];
const DAY = 24 * 3600 * 1000;

function TokenForm({ organisation }: { organisation: string }) {
  const checks = useChecks();
  const client = useQueryClient();
  const permissions = useOrganisation(organisation)?.permissions ?? [];
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Permission[]>([]);
  const [life, setLife] = useState("90");
  const keys = useCreationKeys();
  // The end counts from when the form was opened: what is sent twice is the same to the second.
  const [begun] = useState(() => Date.now());
  const [password, setPassword] = useState<string>();
  const create = useMutation<Schemas["NewTokenView"]>({
    mutationFn: () => {
      const body = {
        name,
        scopes: scopes.length === 0 ? null : scopes,
        expires_at: life === "never" ? null : new Date(begun + Number(life) * DAY).toISOString(),
        password: password ?? null,
      };
      return take(
        api.POST("/api/v1/organisations/{organisation}/tokens", {
          params: { path: { organisation }, header: { "idempotency-key": keys.of(body) } },
          body,
        }),
      );
    },
    onSuccess: () => void client.invalidateQueries({ queryKey: ["tokens", organisation] }),
    onError: (error) => {
      if (error instanceof ProblemError && error.code === "recent_sign_in_needed") setPassword(password ?? "");
    },
  });
  if (create.data !== undefined) {
    return (
      <Stack>
        <Alert color="yellow">The token is not shown again. Store it where you keep secrets.</Alert>
        <CopyField value={create.data.text} label="Token" />
      </Stack>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form {...checks.form(submit)}>
      <Stack>
        <TextInput
          label="Name"
          placeholder="CI"
          required
          withAsterisk={false}
          data-autofocus
          value={name}
          {...checks.field("name", create.error instanceof ProblemError ? create.error.at("/name") : undefined)}
          onChange={(event) => {
            setName(event.currentTarget.value);
          }}
        />
        <MultiSelect
          label="Permissions"
          description="Empty: everything you may do."
          searchable
          data={permissions}
          value={scopes}
          onChange={(values) => {
            setScopes(values as Permission[]);
          }}
        />
        <Select
          label="Expires after"
          data={LIVES}
          value={life}
          onChange={(value) => {
            if (value !== null) setLife(value);
          }}
        />
        {password !== undefined && (
          <PasswordInput
            label="Your password"
            description="You signed in a while ago. If you have no password, sign out and in again, then create the token."
            autoComplete="current-password"
            data-autofocus
            value={password}
            error={create.error instanceof ProblemError ? create.error.at("/password") : undefined}
            onChange={(event) => {
              setPassword(event.currentTarget.value);
            }}
          />
        )}
        {create.error !== null && <Failed error={create.error} what="The token wasn't created" />}
        <Button type="submit" loading={create.isPending}>
          Create token
        </Button>
      </Stack>
    </form>
  );
}
