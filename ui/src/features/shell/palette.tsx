import { Kbd, UnstyledButton, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { Spotlight, spotlight, type SpotlightActionData } from "@mantine/spotlight";
import {
  type Icon,
  IconApi,
  IconBook,
  IconFolder,
  IconHistory,
  IconKey,
  IconLogout,
  IconMoon,
  IconPlus,
  IconRoute,
  IconSearch,
  IconSun,
  IconUser,
  IconUsers,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useMay } from "@/features/access/me";
import { syncsQuery } from "@/features/syncs/queries";
import { useSignOut } from "./me-menu";
import { usePlaces } from "./navigation";
import type { Project } from "./projects";
import classes from "./palette.module.css";

/** Opens the palette; says which keys do. */
export function PaletteButton() {
  const apple = /Mac|iPhone|iPad/.test(navigator.userAgent);
  return (
    <UnstyledButton className={classes.button} onClick={spotlight.open}>
      <IconSearch size={15} aria-hidden />
      <span className={classes.words}>Go to…</span>
      <Kbd size="xs" className={classes.keys} aria-hidden>
        {apple ? "⌘ K" : "Ctrl K"}
      </Kbd>
    </UnstyledButton>
  );
}

/** The command palette: every place, command, sync and project, by typing. */
export function Palette({ projects, project }: { projects: Project[]; project: Project | undefined }) {
  const router = useRouter();
  const groups = usePlaces(project);
  const commands = useCommands(project);
  const syncs = useQuery({ ...syncsQuery(project?.id ?? ""), enabled: project !== undefined });
  const places = groups
    .flatMap((group) => group.places)
    .map((place) => action(`place-${place.label}`, place.label, place.icon, () => void router.navigate(place.link)));
  const own = (syncs.data?.items ?? []).map((sync) => ({
    ...action(sync.id, sync.name, IconRoute, () =>
      void router.navigate({ to: "/p/$project/syncs/$sync", params: { project: sync.project, sync: sync.id } }),
    ),
    description: `Sync to ${sync.definition.name}`,
  }));
  const others = projects.map((each) =>
    action(each.id, each.name, IconFolder, () => void router.navigate({ to: "/p/$project", params: { project: each.id } })),
  );
  return (
    <Spotlight
      actions={[
        { group: "Go to", actions: places },
        { group: "Syncs", actions: own },
        { group: "Actions", actions: commands },
        { group: "Projects", actions: others },
      ].filter((group) => group.actions.length > 0)}
      limit={30}
      scrollable
      maxHeight={420}
      overlayProps={{ backgroundOpacity: 0.24, blur: 0 }}
      shortcut={["mod + K"]}
      nothingFound="Nothing found"
      highlightQuery
      attributes={{ content: { "aria-label": "Go to a page, sync or project" } }}
      searchProps={{
        leftSection: <IconSearch size={17} />,
        placeholder: "Go to a page, sync or project",
        "aria-label": "Go to a page, sync or project",
      }}
    />
  );
}

function action(id: string, label: string, Sign: Icon, onClick: () => void): SpotlightActionData {
  return { id, label, leftSection: <Sign size={17} stroke={1.6} />, onClick };
}

/** What can be done from everywhere, given what one may. */
function useCommands(project: Project | undefined): SpotlightActionData[] {
  const router = useRouter();
  const signOut = useSignOut();
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme() === "dark";
  const connects = useMay(project?.organisation, "syncs:write");
  const invites = useMay(project?.organisation, "members:write");
  const audits = useMay(project?.organisation, "audit:read");
  const commands: SpotlightActionData[] = [];
  if (project !== undefined) {
    const of = { project: project.id };
    const organisation = { organisation: project.organisation };
    if (connects) {
      commands.push(action("connect", "Connect a destination", IconPlus, () => void router.navigate({ to: "/p/$project/catalog", params: of })));
    }
    commands.push(
      action("members", invites ? "Invite someone, members and roles" : "Members and roles", IconUsers, () => void router.navigate({ to: "/o/$organisation/settings/members", params: organisation })),
      action("tokens", "API tokens", IconKey, () => void router.navigate({ to: "/o/$organisation/settings/tokens", params: organisation })),
    );
    if (audits) {
      commands.push(action("audit", "Audit log", IconHistory, () => void router.navigate({ to: "/o/$organisation/settings/audit", params: organisation })));
    }
  }
  commands.push(
    action("account", "Your account", IconUser, () => void router.navigate({ to: "/account" })),
    action("guide", "Read the guide", IconBook, () => window.open("/docs", "_blank", "noreferrer")),
    action("reference", "API reference", IconApi, () => window.open("/api/reference", "_blank", "noreferrer")),
    action("scheme", dark ? "Switch to light mode" : "Switch to dark mode", dark ? IconSun : IconMoon, () => {
      setColorScheme(dark ? "light" : "dark");
    }),
    action("sign-out", "Sign out", IconLogout, () => {
      signOut.mutate();
    }),
  );
  return commands;
}
