import { Button, Text } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";
import { confirmDanger } from "@/components/confirm";
import { Listing } from "@/components/listing";
import { Time } from "@/components/moment";
import { done, failed } from "@/components/notices";
import { type Column, DataTable } from "@/components/table";
import { providersQuery } from "@/features/access/providers";

type Identity = Schemas["IdentityView"];

/** Accounts at providers that this one can be signed in with. */
export function Identities() {
  const client = useQueryClient();
  const providers = useQuery(providersQuery).data?.providers ?? [];
  const identities = useInfiniteQuery({
    queryKey: ["identities"],
    queryFn: ({ pageParam }) => take(api.GET("/api/v1/me/identities", { params: { query: { limit: 50, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const remove = useMutation({
    mutationFn: (identity: string) => take(api.DELETE("/api/v1/me/identities/{identity}", { params: { path: { identity } } })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["identities"] });
      done("You can no longer sign in with it.");
    },
    onError: failed("It wasn't unlinked"),
  });
  const nameOf = ({ provider, issuer }: Identity) => providers.find(({ id }) => id === provider)?.name ?? issuer;
  const columns: Column<Identity>[] = [
    {
      name: "Provider",
      cell: (identity) => (
        <>
          <b>{nameOf(identity)}</b>
          <div className="muted">{identity.email}</div>
        </>
      ),
    },
    { name: "Linked", cell: ({ created_at }) => <Time at={created_at} /> },
    {
      name: "Actions",
      quiet: true,
      end: true,
      cell: (identity) => (
        <Button
          variant="subtle"
          color="gray"
          size="xs"
          aria-label={`Unlink ${nameOf(identity)}`}
          onClick={() => {
            confirmDanger({
              title: `Unlink ${nameOf(identity)}?`,
              what: "You can't sign in with it until you sign in with your password and allow it again.",
              action: "Unlink",
              onConfirm: () => {
                remove.mutate(identity.id);
              },
            });
          }}
        >
          Unlink
        </Button>
      ),
    },
  ];
  return (
    <Listing
      query={identities}
      failed="Linked accounts can't be shown"
      rows={1}
      empty={
        <Text c="dimmed" size="sm">
          {providers.length === 0
            ? "None. This installation has no providers to sign in with."
            : `None. Sign out, then sign in at ${providers.map(({ name }) => name).join(" or ")} with the same e-mail address.`}
        </Text>
      }
    >
      {(items) => <DataTable label="Linked accounts" columns={columns} rows={items} keyOf={({ id }) => id} />}
    </Listing>
  );
}
