import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconArrowUpCircle } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take, type Schemas } from "@/api/client";
import { Absent } from "@/components/absent";
import { done } from "@/components/notices";
import { Failed } from "@/components/states";
import { destinationQuery } from "@/features/catalog/queries";
import { WINDOW } from "@/features/events/queries";
import { ParameterField } from "@/features/setup/connection";
import type { SecretField } from "@/features/setup/form";
import { noteSync, preconditionOf } from "./actions";
import { Changes } from "./changes";
import type { Sync } from "./queries";
import { TrafficView } from "./traffic";

interface NoticeProps {
  sync: Sync;
  organisation: string | undefined;
  may: boolean;
}

/** Says that the catalog has a later version, and shows what it would bring. */
export function UpgradeNotice({ sync, organisation, may }: NoticeProps) {
  const { id, version, name } = sync.definition;
  const destination = useQuery({
    ...destinationQuery(organisation ?? "", id),
    enabled: organisation !== undefined,
    retry: false,
  });
  const newest = destination.data?.tile.version;
  if (newest === undefined || newest <= version) return null;
  return (
    <Alert color="blue" icon={<IconArrowUpCircle size={18} />} mb="lg">
      <Group justify="space-between">
        <Text size="sm">
          There is version {newest} of {name}. This sync stays with version {version} until you upgrade it.
        </Text>
        <Button
          size="xs"
          variant="default"
          onClick={() => {
            modals.open({
              title: `Upgrade to version ${String(newest)}`,
              size: "xl",
              children: <Upgrade sync={sync} to={newest} parameters={destination.data?.content.parameters ?? []} may={may} />,
            });
          }}
        >
          See what changes
        </Button>
      </Group>
    </Alert>
  );
}

interface UpgradeProps {
  sync: Sync;
  to: number;
  parameters: Schemas["Parameter"][];
  may: boolean;
}

function Upgrade({ sync, to, parameters, may }: UpgradeProps) {
  const client = useQueryClient();
  const path = { project: sync.project, sync: sync.id };
  const [given, setGiven] = useState<Record<string, SecretField>>({});
  const preview = useQuery({
    queryKey: ["upgrade", sync.project, sync.id, to],
    queryFn: () =>
      take(
        api.GET("/api/v1/projects/{project}/syncs/{sync}/upgrade", {
          params: { path, query: { to, events: WINDOW } },
        }),
      ),
  });
  const upgrade = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/projects/{project}/syncs/{sync}/upgrade", {
          params: { path, header: preconditionOf(sync) },
          body: { to, changes: { parameters: given } },
        }),
      ),
    onSuccess: (changed) => {
      noteSync(client, changed);
      modals.closeAll();
      done(`${changed.name} is at version ${String(to)}. You can go back in its history.`);
    },
  });
  if (preview.data === undefined) return <Absent query={preview} failed="The upgrade can't be shown" rows={4} />;
  const { definition, missing, secrets_needed, dropped, traffic } = preview.data;
  const needed = parameters.filter((parameter) =>
    [...missing, ...secrets_needed].some((each) => each.pointer.startsWith(`/parameters/${parameter.name}`)),
  );
  const rows = [
    ...definition.parameters.map(({ name, before, after }) => ({ path: `parameters.${name}`, before, after })),
    ...definition.mappings.map(({ name, before, after }) => ({ path: `mappings.${name}`, before, after })),
    ...definition.others.map(({ pointer, before, after }) => ({ path: pointer.slice(1).replaceAll("/", "."), before, after })),
  ].map(({ path: at, before, after }) => ({
    path: at,
    ...(before == null ? {} : { before: typeof before === "string" ? before : JSON.stringify(before, null, 2) }),
    ...(after == null ? {} : { after: typeof after === "string" ? after : JSON.stringify(after, null, 2) }),
  }));
  const templates = definition.templates.map(({ pointer, lines }) => ({
    path: pointer.slice(1).replaceAll("/", "."),
    before: lines.filter((line) => line.change === "removed").map((line) => line.text).join("\n"),
    after: lines.filter((line) => line.change === "added").map((line) => line.text).join("\n"),
  }));
  return (
    <Stack>
      {traffic != null && <TrafficView traffic={traffic} />}
      <div>
        <Text fw={600}>Changes in the destination</Text>
        <Changes changes={[...rows, ...templates]} />
      </div>
      {dropped.length > 0 && (
        <Text size="sm">
          The new version no longer uses: <span className="mono">{dropped.join(", ")}</span>
        </Text>
      )}
      {needed.length > 0 && (
        <Stack gap="sm">
          <Text fw={600}>What it needs</Text>
          {needed.map((parameter) => (
            <ParameterField
              key={parameter.name}
              parameter={parameter}
              field={given[parameter.name]}
              stored={false}
              problems={[]}
              disabled={!may}
              onChange={(field) => {
                setGiven({ ...given, [parameter.name]: field });
              }}
            />
          ))}
        </Stack>
      )}
      {upgrade.error !== null && <Failed error={upgrade.error} what="The sync wasn't upgraded" />}
      {may && (
        <Group justify="flex-end">
          <Button
            loading={upgrade.isPending}
            onClick={() => {
              upgrade.mutate();
            }}
          >
            Upgrade
          </Button>
        </Group>
      )}
    </Stack>
  );
}
