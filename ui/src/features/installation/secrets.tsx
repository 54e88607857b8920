import { Badge, Button, Group, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";
import { Absent } from "@/components/absent";
import { confirmDanger } from "@/components/confirm";
import { done, failed } from "@/components/notices";
import { Section } from "@/components/page";
import { type Column, DataTable } from "@/components/table";

const QUERY = ["secrets"];

/** The keys that seal secrets: which one seals, what is left of former ones, and changing it. */
export function SecretsPage() {
  const client = useQueryClient();
  const secrets = useQuery({
    queryKey: QUERY,
    queryFn: () => take(api.GET("/api/v1/installation/secrets")),
    refetchInterval: ({ state }) => (state.data?.resealing?.running === true ? 1000 : false),
  });
  const rotate = useMutation({
    mutationFn: (new_key: boolean) => take(api.POST("/api/v1/installation/secrets/rotate", { body: { new_key } })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: QUERY });
      done("All secrets are being re-encrypted.");
    },
    onError: failed("The key wasn't rotated"),
  });
  const remove = useMutation({
    mutationFn: () => take(api.POST("/api/v1/installation/secrets/remove-unused-keys")),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: QUERY });
      done("Unused keys are removed from the key file.");
    },
    onError: failed("The keys weren't removed"),
  });
  if (secrets.data === undefined) return <Absent query={secrets} failed="The keys can't be shown" rows={3} />;
  const { keys, left, resealing } = secrets.data;
  const unused = keys.filter((key) => !key.seals && key.values === 0);
  return (
    <>
      <Text c="dimmed" maw={640} mb="md">
        Secrets of syncs are stored encrypted with the first key of the key file. Rotate it when somebody may have seen it; the server keeps running.
      </Text>
      <DataTable label="Keys" columns={COLUMNS} rows={keys} keyOf={({ id }) => id} />
      <Section title="Re-encryption">
        <Text role="status">
          {resealing?.running === true
            ? `In progress: ${String(resealing.seen)} values checked, ${String(left)} left.`
            : left > 0
              ? `${String(left)} values are encrypted with a former key.`
              : "Everything is encrypted with the first key."}
        </Text>
        {resealing?.error != null && (
          <Text c="var(--ms-failing)" size="sm">
            It stopped early: {resealing.error}
          </Text>
        )}
        <Group mt="md">
          <Button
            loading={rotate.isPending}
            disabled={resealing?.running === true}
            onClick={() => {
              confirmDanger({
                title: "Rotate the key?",
                what: "A new key is written to the key file, and all secrets are re-encrypted with it. Keep a copy of the key file apart from your backups.",
                action: "Rotate key",
                safe: true,
                onConfirm: () => {
                  rotate.mutate(true);
                },
              });
            }}
          >
            Rotate key…
          </Button>
          {left > 0 && resealing?.running !== true && (
            <Button
              variant="default"
              loading={rotate.isPending}
              onClick={() => {
                rotate.mutate(false);
              }}
            >
              Re-encrypt the rest
            </Button>
          )}
          {unused.length > 0 && (
            <Button
              variant="default"
              loading={remove.isPending}
              onClick={() => {
                confirmDanger({
                  title: "Remove unused keys?",
                  what: "Backups made while they were in use can't be read without them: keep a copy as long as you keep those.",
                  action: "Remove keys",
                  onConfirm: () => {
                    remove.mutate();
                  },
                });
              }}
            >
              Remove unused keys…
            </Button>
          )}
        </Group>
      </Section>
    </>
  );
}

const COLUMNS: Column<Schemas["KeyView"]>[] = [
  {
    name: "Key",
    cell: (key) => (
      <Group gap={8}>
        <span className="mono">{key.id}</span>
        {key.seals && <Badge size="sm">Active</Badge>}
      </Group>
    ),
  },
  { name: "Encrypted values", end: true, cell: (key) => key.values },
];
