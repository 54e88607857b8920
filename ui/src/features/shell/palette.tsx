import { Kbd, UnstyledButton } from "@mantine/core";
import { Spotlight, spotlight, type SpotlightActionData } from "@mantine/spotlight";
import { IconFolder, IconRoute, IconSearch, IconUser } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { syncsQuery } from "@/features/syncs/queries";
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

/** The command palette: every place, sync and project, by typing. */
export function Palette({ projects, project }: { projects: Project[]; project: Project | undefined }) {
  const router = useRouter();
  const groups = usePlaces(project);
  const syncs = useQuery({ ...syncsQuery(project?.id ?? ""), enabled: project !== undefined });
  const actions: SpotlightActionData[] = [];
  for (const place of groups.flatMap((group) => group.places)) {
    actions.push({
      id: `place-${place.label}`,
      label: place.label,
      leftSection: <place.icon size={17} stroke={1.6} />,
      onClick: () => void router.navigate(place.link),
    });
  }
  actions.push({
    id: "account",
    label: "Your account",
    leftSection: <IconUser size={17} stroke={1.6} />,
    onClick: () => void router.navigate({ to: "/account" }),
  });
  for (const sync of syncs.data?.items ?? []) {
    actions.push({
      id: sync.id,
      label: sync.name,
      description: `Sync to ${sync.definition.name}`,
      leftSection: <IconRoute size={17} stroke={1.6} />,
      onClick: () =>
        void router.navigate({
          to: "/p/$project/syncs/$sync",
          params: { project: sync.project, sync: sync.id },
        }),
    });
  }
  for (const each of projects) {
    actions.push({
      id: each.id,
      label: each.name,
      description: "Project",
      leftSection: <IconFolder size={17} stroke={1.6} />,
      onClick: () => void router.navigate({ to: "/p/$project/syncs", params: { project: each.id } }),
    });
  }
  return (
    <Spotlight
      actions={actions}
      limit={12}
      scrollable
      maxHeight={420}
      shortcut={["mod + K"]}
      nothingFound="Nothing has this name"
      highlightQuery
      searchProps={{
        leftSection: <IconSearch size={17} />,
        placeholder: "Go to a page, sync or project",
        "aria-label": "Go to a page, sync or project",
      }}
    />
  );
}
