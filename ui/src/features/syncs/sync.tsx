import { ActionIcon, Button, Group, Menu, Text } from "@mantine/core";
import { IconCopy, IconDots, IconPlayerPause, IconPlayerPlay, IconRoute, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, Outlet, useMatch } from "@tanstack/react-router";
import { DANGER } from "@/app/colours";
import { ProblemError } from "@/api/client";
import { Absent } from "@/components/absent";
import { HealthMark } from "@/components/health";
import { BackLink, ButtonLink } from "@/components/links";
import { Page } from "@/components/page";
import { Parts } from "@/components/parts";
import { Empty } from "@/components/states";
import { useMay } from "@/features/access/me";
import { useOrganisationOf } from "@/features/shell/projects";
import { useDelete, useDuplicate, useSwitch } from "./actions";
import { SyncLogo } from "./logo";
import { SYNC_PARTS } from "./places";
import { statusQuery, type Sync, syncQuery } from "./queries";
import { UpgradeNotice } from "./upgrade";
import classes from "./sync.module.css";

const route = getRouteApi("/shell/p/$project/syncs/$sync");

/** A sync's frame: what it is, how it does, what one can do with it, and its parts. */
export function SyncPage() {
  const { project, sync: id } = route.useParams();
  const sync = useQuery(syncQuery(project, id));
  // Deleted while it is looked at, it stays in view: something may be typed.
  if (sync.data === undefined && sync.error instanceof ProblemError && sync.error.status === 404) {
    return (
      <Page title="Sync">
        <Empty
          icon={<IconRoute size={22} />}
          title="Sync not found"
          action={
            <ButtonLink to="/p/$project/syncs" params={{ project }}>
              Show all syncs
            </ButtonLink>
          }
        >
          It was deleted, or the link is incomplete. The audit log shows who deleted it.
        </Empty>
      </Page>
    );
  }
  if (sync.data === undefined) {
    return (
      <Page title="Sync">
        <Absent query={sync} failed="This sync can't be shown" rows={6} />
      </Page>
    );
  }
  return <Frame sync={sync.data} />;
}

function Frame({ sync }: { sync: Sync }) {
  const params = { project: sync.project, sync: sync.id };
  const status = useQuery(statusQuery(sync.project, sync.id));
  const organisation = useOrganisationOf(sync.project);
  const may = useMay(organisation, "syncs:write");
  return (
    <Page
      wide
      title={sync.name}
      above={
        <BackLink to="/p/$project/syncs" params={{ project: sync.project }}>
          Syncs
        </BackLink>
      }
      heading={
        <Group gap={12} wrap="nowrap">
          <SyncLogo sync={sync} size={38} />
          <span>{sync.name}</span>
        </Group>
      }
      about={
        <Group gap={14} mt={6}>
          {status.data !== undefined && <HealthMark status={status.data} />}
          <Text c="dimmed" size="sm">
            {sync.definition.name}, version {sync.definition.version}
          </Text>
        </Group>
      }
      actions={may && <Actions sync={sync} />}
    >
      <UpgradeNotice sync={sync} organisation={organisation} may={may} />
      <Parts label="Parts of the sync">
        {SYNC_PARTS.map((part) => (
          <Link
            key={part.label}
            to={part.to}
            params={params}
            activeOptions={{ exact: true, includeSearch: false }}
            className={classes.part}
            activeProps={{ "data-active": true }}
          >
            {part.label}
          </Link>
        ))}
      </Parts>
      <Outlet />
    </Page>
  );
}

function Actions({ sync }: { sync: Sync }) {
  // The set-up has a button of its own, which knows what isn't saved yet.
  const settingUp = useMatch({ from: "/shell/p/$project/syncs/$sync/settings", shouldThrow: false }) !== undefined;
  // What it owes is asked about before it goes on.
  const owed = useQuery(statusQuery(sync.project, sync.id)).data;
  const owes = owed !== undefined && owed.backlog + owed.pending > 0;
  const onOff = useSwitch(sync);
  const duplicate = useDuplicate(sync);
  const remove = useDelete(sync);
  return (
    <>
      {sync.enabled ? (
        <Button
          variant="default"
          leftSection={<IconPlayerPause size={15} />}
          loading={onOff.isPending}
          onClick={() => {
            onOff.mutate(false);
          }}
        >
          Pause
        </Button>
      ) : settingUp ? null : owes ? (
        <ButtonLink
          to="/p/$project/syncs/$sync"
          params={{ project: sync.project, sync: sync.id }}
          search={{ resume: true }}
          leftSection={<IconPlayerPlay size={15} />}
        >
          Enable…
        </ButtonLink>
      ) : (
        <Button
          // What a draft lacks comes first.
          variant={owed?.never_enabled === true ? "default" : "filled"}
          leftSection={<IconPlayerPlay size={15} />}
          loading={onOff.isPending}
          onClick={() => {
            onOff.mutate(true);
          }}
        >
          Enable
        </Button>
      )}
      <Menu width={220}>
        <Menu.Target>
          <ActionIcon variant="default" size={34} aria-label="More actions">
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconCopy size={16} />}
            onClick={() => {
              duplicate.mutate();
            }}
          >
            Duplicate
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item color={DANGER} leftSection={<IconTrash size={16} />} onClick={remove}>
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
