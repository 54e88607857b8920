import { Badge, Button, Group, Progress, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ProblemError, take, type Schemas } from "@/api/client";
import { useCreationKeys } from "@/api/idempotency";
import { useChecks } from "@/components/checks";
import { confirmDanger } from "@/components/confirm";
import { Listing } from "@/components/listing";
import { Time } from "@/components/moment";
import { Failed } from "@/components/states";
import type { Project } from "@/features/shell/projects";

type Erasure = Schemas["ErasureView"];
type Kind = "user_id" | "device_id";

/** Erasing a user with all that is kept of them, and how far earlier erasures are. */
export function Erasures({ project }: { project: Project }) {
  const checks = useChecks();
  const client = useQueryClient();
  const keys = useCreationKeys();
  const [kind, setKind] = useState<Kind>("user_id");
  const [id, setId] = useState("");
  const queryKey = ["erasures", project.id];
  const erasures = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/projects/{project}/erasures", {
          params: { path: { project: project.id }, query: { limit: 20, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some((each) => each.state !== "done")) === true ? 1500 : false,
  });
  const erase = useMutation({
    mutationFn: () => {
      const body = kind === "user_id" ? { user_id: id } : { device_id: id };
      return take(
        api.POST("/api/v1/projects/{project}/erasures", {
          params: { path: { project: project.id }, header: { "idempotency-key": keys.of(body) } },
          body,
        }),
      );
    },
    onSuccess: () => {
      setId("");
      void client.invalidateQueries({ queryKey });
    },
  });
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        Erases the user's properties, devices and events, and everything derived from them. Destinations keep what they have received.
      </Text>
      <form
        {...checks.form(() => {
          confirmDanger({
            title: `Erase ${id}?`,
            what: "Everything that this project keeps of this user is deleted. This can't be undone.",
            action: "Erase user",
            onConfirm: () => {
              erase.mutate();
            },
          });
        })}
      >
        <Stack gap="sm">
          <SegmentedControl
            size="xs"
            aria-label="Identified by"
            value={kind}
            data={[
              { value: "user_id", label: "User ID" },
              { value: "device_id", label: "Device ID" },
            ]}
            onChange={(value) => {
              setKind(value === "device_id" ? "device_id" : "user_id");
            }}
          />
          <TextInput
            label={kind === "user_id" ? "User ID" : "Device ID"}
            description={kind === "device_id" ? "The user that it last belonged to is erased." : undefined}
            required
            withAsterisk={false}
            classNames={{ input: "mono" }}
            value={id}
            {...checks.field("id", erase.error instanceof ProblemError ? erase.error.at(`/${kind}`) : undefined)}
            onChange={(event) => {
              setId(event.currentTarget.value);
            }}
          />
          {erase.error !== null && <Failed error={erase.error} what="Nothing was erased" />}
          <Button type="submit" color="red" loading={erase.isPending} style={{ alignSelf: "flex-start" }}>
            Erase…
          </Button>
        </Stack>
      </form>
      <Listing query={erasures} failed="Erasures can't be shown" rows={1} empty={<Text size="sm" c="dimmed">Nobody was erased yet.</Text>}>
        {(items) => (
          <Stack gap="sm" component="ul" p={0} m={0} style={{ listStyle: "none" }} aria-label="Erasures">
            {items.map((erasure) => (
              <li key={erasure.id}>
                <OneErasure erasure={erasure} />
              </li>
            ))}
          </Stack>
        )}
      </Listing>
    </Stack>
  );
}

function OneErasure({ erasure: { state, requested_at, looked_at, until, found, done_at } }: { erasure: Erasure }) {
  const kinds = Object.entries(found as Record<string, number>).filter(([, count]) => count > 0);
  return (
    <>
      <Group gap={10} mb={6}>
        <Badge color={state === "done" ? "green" : "water"}>{state === "done" ? "Done" : "In progress"}</Badge>
        <Text size="sm" c="dimmed">
          Requested <Time at={requested_at} />
          {done_at != null && (
            <>
              , done <Time at={done_at} />
            </>
          )}
        </Text>
      </Group>
      {state !== "done" && until > 0 && <Progress value={(100 * looked_at) / until} size={6} aria-label="Progress" />}
      <Text size="sm">
        {kinds.length === 0 ? "Nothing found" : `Erased: ${kinds.map(([kind, count]) => `${String(count)} ${kind.replaceAll("_", " ")}`).join(", ")}`}.
      </Text>
    </>
  );
}
