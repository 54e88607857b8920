import { Badge, Button, Group, Title } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQueries, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useSuspenseQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { Absent } from "@/components/absent";
import { confirmDanger } from "@/components/confirm";
import { fieldName } from "@/components/field-name";
import { Time } from "@/components/moment";
import { done, failed } from "@/components/notices";
import { Failed, LoadingRows } from "@/components/states";
import { useMay } from "@/features/access/me";
import { useOrganisationOf } from "@/features/shell/projects";
import { noteSync, preconditionOf } from "./actions";
import { Changes } from "./changes";
import { differences, stated } from "./difference";
import { type Sync, syncQuery, versionsQuery } from "./queries";
import classes from "./history.module.css";

const route = getRouteApi("/shell/p/$project/syncs/$sync/history");

/** Every change of a sync: who made it, what differed, and the way back. */
export function SyncHistory() {
  const { project, sync: id } = route.useParams();
  const { version } = route.useSearch();
  const navigate = route.useNavigate();
  const sync = useSuspenseQuery(syncQuery(project, id)).data;
  const versions = useInfiniteQuery(versionsQuery(project, id));
  if (versions.data === undefined) return <Absent query={versions} failed="The history can't be shown" />;
  const items = versions.data.pages.flatMap((page) => page.items);
  const chosen = version ?? items[0]?.version;
  const index = items.findIndex((each) => each.version === chosen);
  // An older one than those that are listed so far is named by its address all the same.
  const former = items[index + 1]?.version ?? (chosen !== undefined && chosen > 1 ? chosen - 1 : undefined);
  return (
    <div className={classes.columns}>
      <div>
        <ul className={classes.list} aria-label="Versions">
          {items.map((each) => (
            <li key={each.version}>
              <button
                type="button"
                className={classes.version}
                aria-pressed={each.version === chosen}
                onClick={() => void navigate({ search: { version: each.version }, replace: true })}
              >
                <span className={classes.head}>
                  <b className="numbers">Version {each.version}</b>
                  {each.version === sync.version && (
                    <Badge size="sm" color="water">
                      Current
                    </Badge>
                  )}
                </span>
                <span className={classes.what}>
                  {each.changed.length === 0 ? "Created" : each.changed.map((pointer) => fieldName(pointer)).join(", ")}
                </span>
                <span className={classes.who}>
                  {each.by ?? "Millstream"} · <Time at={each.at} />
                </span>
              </button>
            </li>
          ))}
        </ul>
        {versions.hasNextPage && (
          <Button
            variant="default"
            fullWidth
            mt="sm"
            loading={versions.isFetchingNextPage}
            onClick={() => void versions.fetchNextPage()}
          >
            Show older
          </Button>
        )}
      </div>
      {chosen !== undefined && <Version sync={sync} version={chosen} former={former} />}
    </div>
  );
}

interface VersionProps {
  sync: Sync;
  version: number;
  former: number | undefined;
}

function Version({ sync, version, former }: VersionProps) {
  const client = useQueryClient();
  const may = useMay(useOrganisationOf(sync.project), "syncs:write");
  const path = { project: sync.project, sync: sync.id };
  const wanted = former === undefined ? [version] : [version, former];
  const [now, before] = useQueries({
    queries: wanted.map((each) => ({
      queryKey: ["version", sync.project, sync.id, each],
      queryFn: () =>
        take(
          api.GET("/api/v1/projects/{project}/syncs/{sync}/versions/{version}", {
            params: { path: { ...path, version: each } },
          }),
        ),
      staleTime: Infinity,
    })),
  });
  const restore = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/projects/{project}/syncs/{sync}/versions/{version}/restore", {
          params: { path: { ...path, version }, header: preconditionOf(sync) },
        }),
      ),
    onSuccess: (restored) => {
      noteSync(client, restored);
      done(`${restored.name} is restored to version ${String(version)}.`);
    },
    onError: failed("The version wasn't restored"),
  });
  // What was read stays when it can't be read anew.
  const problem = [now, before].find((each) => each !== undefined && each.data === undefined && each.error !== null)?.error;
  return (
    <section className={classes.detail} aria-label={`Version ${String(version)}`}>
      <Group justify="space-between" mb="sm">
        <Title order={2}>{former === undefined ? "As it was created" : `What version ${String(version)} changed`}</Title>
        {may && version !== sync.version && (
          <Button
            variant="default"
            loading={restore.isPending}
            onClick={() => {
              confirmDanger({
                title: `Restore version ${String(version)}?`,
                what: "Settings, name, secrets and the destination's version are restored; whether it is enabled stays. This creates a new version, so you can go back.",
                action: "Restore",
                onConfirm: () => {
                  restore.mutate();
                },
              });
            }}
          >
            Restore this version
          </Button>
        )}
      </Group>
      {problem != null && <Failed error={problem} what="The version can't be shown" />}
      {now?.data !== undefined && (former === undefined || before?.data !== undefined) ? (
        <Changes changes={before?.data === undefined ? stated(said(now.data)) : differences(said(before.data), said(now.data))} of={now.data} />
      ) : (
        problem == null && <LoadingRows rows={3} />
      )}
    </section>
  );
}

/** What people chose: without what every version has anew. */
function said(sync: Sync): Partial<Sync> {
  const { id, project, version, created_at, updated_at, ...chosen } = sync;
  void [id, project, version, created_at, updated_at];
  return chosen;
}
