import { Kbd, UnstyledButton, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { Spotlight, spotlight, type SpotlightActionData } from "@mantine/spotlight";
import {
  type Icon,
  IconApi,
  IconBook,
  IconBuildingFactory2,
  IconFolder,
  IconFolderPlus,
  IconLogout,
  IconMoon,
  IconPlayerPause,
  IconPlus,
  IconRepeat,
  IconRoute,
  IconSearch,
  IconSettings,
  IconSun,
  IconUser,
  IconUserPlus,
  IconWebhook,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMatch, useRouter } from "@tanstack/react-router";
import { useMay, usePerson } from "@/features/access/me";
import { INSTALLATION } from "@/features/installation/places";
import { SETTINGS } from "@/features/settings/places";
import { SYNC_PARTS } from "@/features/syncs/places";
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

const NAME = "Go to a page, sync or project";

/** Opens the palette, or closes it. Not above another dialog: Escape would close both, with all that was typed there. */
function toggle() {
  if (document.querySelector(`[aria-modal=true]:not([aria-label="${NAME}"])`) === null) spotlight.toggle();
}

/** How many are listed at once: more than there are places and commands, of syncs and projects the first. */
const LISTED = 60;

/** The command palette: every place, command, sync and project, by typing. */
export function Palette({ projects, project }: { projects: Project[]; project: Project | undefined }) {
  const router = useRouter();
  // Also from where somebody types.
  useHotkeys([["mod+K", toggle]], [], true);
  const groups = usePlaces(project);
  const commands = useCommands(project);
  const steps = useSyncCommands(project);
  const settings = useSettings(project);
  const syncs = useQuery({ ...syncsQuery(project?.id ?? ""), enabled: project !== undefined });
  const places = groups
    .flatMap((group) => group.places)
    .map((place) => action(`place-${place.label}`, place.label, place.icon, () => void router.navigate(place.link)));
  const open = useOpenSync();
  const opened = syncs.data?.items.find((each) => each.id === open?.sync);
  const parts = open === undefined ? [] : SYNC_PARTS.map((part) =>
    found(action(`part-${part.label}`, opened === undefined ? part.label : `${opened.name}: ${part.label}`, IconRoute, () => void router.navigate({ to: part.to, params: open })), part.keywords),
  );
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
        { group: "This sync", actions: parts },
        { group: "Go to", actions: places },
        { group: "Syncs", actions: own },
        { group: "Actions", actions: [...steps, ...commands] },
        { group: "Settings", actions: settings },
        { group: "Projects", actions: others },
      ].filter((group) => group.actions.length > 0)}
      limit={LISTED}
      scrollable
      maxHeight={420}
      overlayProps={{ backgroundOpacity: 0.24, blur: 0 }}
      shortcut={null}
      nothingFound="Nothing found"
      highlightQuery
      attributes={{ content: { "aria-label": NAME } }}
      searchProps={{
        leftSection: <IconSearch size={17} />,
        placeholder: NAME,
        "aria-label": NAME,
      }}
    />
  );
}

function action(id: string, label: string, Sign: Icon, onClick: () => void): SpotlightActionData {
  return { id, label, leftSection: <Sign size={17} stroke={1.6} />, onClick };
}

/** The same, also found by other words. */
function found(what: SpotlightActionData, keywords: readonly string[]): SpotlightActionData {
  return { ...what, keywords: [...keywords] };
}

/** The sync whose page is open. */
function useOpenSync(): { project: string; sync: string } | undefined {
  return useMatch({ from: "/shell/p/$project/syncs/$sync", shouldThrow: false })?.params;
}

/** All parts of the settings and of the installation that one may see. */
function useSettings(project: Project | undefined): SpotlightActionData[] {
  const router = useRouter();
  const audits = useMay(project?.organisation, "audit:read");
  const { operator } = usePerson().installation;
  const own = project === undefined ? [] : SETTINGS.filter((part) => !("permission" in part) || audits).map((part) =>
    found(action(`settings-${part.label}`, part.label, IconSettings, () => void router.navigate({ to: part.to, params: { organisation: project.organisation } })), part.keywords),
  );
  const whole = !operator ? [] : INSTALLATION.map((part) =>
    found(action(`installation-${part.label}`, `Installation: ${part.label}`, IconBuildingFactory2, () => void router.navigate({ to: part.to })), part.keywords),
  );
  return [...own, ...whole];
}

/** What is done to a sync, where none is open: it leads to the only one, or to where one is chosen. */
function useSyncCommands(project: Project | undefined): SpotlightActionData[] {
  const router = useRouter();
  const may = useMay(project?.organisation, "syncs:write");
  const open = useOpenSync();
  const syncs = useQuery({ ...syncsQuery(project?.id ?? ""), enabled: project !== undefined }).data?.items ?? [];
  if (project === undefined || !may || open !== undefined || syncs.length === 0) return [];
  const [only, ...others] = syncs;
  const go = (to: "/p/$project/syncs/$sync" | "/p/$project/syncs/$sync/again") => () => {
    if (only !== undefined && others.length === 0) void router.navigate({ to, params: { project: project.id, sync: only.id } });
    else void router.navigate({ to: "/p/$project/syncs", params: { project: project.id } });
  };
  return [
    found(action("pause", "Pause or enable a sync", IconPlayerPause, go("/p/$project/syncs/$sync")), ["resume", "disable", "stop", "unpause"]),
    found(action("again", "Replay or backfill with a sync", IconRepeat, go("/p/$project/syncs/$sync/again")), ["send again", "resend", "import", "archive", "failed deliveries"]),
  ];
}

/** What can be done from everywhere, given what one may. */
function useCommands(project: Project | undefined): SpotlightActionData[] {
  const router = useRouter();
  const signOut = useSignOut();
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme() === "dark";
  const connects = useMay(project?.organisation, "syncs:write");
  const invites = useMay(project?.organisation, "members:write");
  const makes = useMay(project?.organisation, "projects:write");
  const commands: SpotlightActionData[] = [];
  if (project !== undefined) {
    if (connects) {
      commands.push(
        action("connect", "Connect a destination", IconPlus, () => void router.navigate({ to: "/p/$project/catalog", params: { project: project.id } })),
        found(
          action("webhook", "Connect a webhook", IconWebhook, () => void router.navigate({ to: "/p/$project/catalog", params: { project: project.id }, search: { q: "Webhook" } })),
          ["HTTP", "endpoint", "URL"],
        ),
      );
    }
    if (makes) commands.push(action("project", "Create project", IconFolderPlus, () => void router.navigate({ to: "/welcome" })));
    if (invites) {
      commands.push(
        action("invite", "Invite someone", IconUserPlus, () => void router.navigate({ to: "/o/$organisation/settings/members", params: { organisation: project.organisation } })),
      );
    }
  }
  commands.push(
    found(action("account", "Your account", IconUser, () => void router.navigate({ to: "/account" })), ["two-factor", "2FA", "second factor", "password", "sessions", "profile", "linked accounts"]),
    found(action("guide", "Read the guide", IconBook, () => window.open("/docs", "_blank", "noreferrer")), ["docs", "documentation", "help"]),
    found(action("configuration", "Guide: configuration of the server", IconBook, () => window.open("/docs/configuration", "_blank", "noreferrer")), [
      "networks",
      "egress",
      "OIDC",
      "OpenID Connect",
      "single sign-on",
      "SSO",
      "mail server",
      "environment",
    ]),
    action("reference", "API reference", IconApi, () => window.open("/api/reference", "_blank", "noreferrer")),
    found(
      action("scheme", dark ? "Switch to light mode" : "Switch to dark mode", dark ? IconSun : IconMoon, () => {
        setColorScheme(dark ? "light" : "dark");
      }),
      ["theme", "colours", "appearance"],
    ),
    action("sign-out", "Sign out", IconLogout, () => {
      signOut.mutate();
    }),
  );
  return commands;
}
