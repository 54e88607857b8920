import { ActionIcon, Tooltip } from "@mantine/core";
import {
  IconActivity,
  IconBell,
  IconChecklist,
  IconBuildingFactory2,
  IconLayoutDashboard,
  IconLayoutGrid,
  IconLayoutSidebarLeftCollapse,
  IconLayoutSidebarLeftExpand,
  IconPuzzle,
  IconRoute,
  IconRocket,
  IconSettings,
  IconUsers,
  IconZoomQuestion,
  type Icon,
} from "@tabler/icons-react";
import { Link, type LinkProps } from "@tanstack/react-router";
import { useMay, usePerson } from "@/features/access/me";
import type { Project } from "./projects";
import classes from "./navigation.module.css";

interface Place {
  label: string;
  icon: Icon;
  link: LinkProps;
}

interface NavigationProps {
  project: Project | undefined;
  collapsed: boolean;
  onCollapse: (collapsed: boolean) => void;
}

/** The left navigation, by task. */
export function Navigation({ project, collapsed, onCollapse }: NavigationProps) {
  const groups = usePlaces(project);
  return (
    <div className={classes.rail} data-collapsed={collapsed}>
      <nav aria-label="Main" className={classes.groups}>
        {groups.map(({ name, places }) => (
          <div key={name ?? ""} className={classes.group}>
            {name !== null && <div className={classes.name}>{name}</div>}
            {places.map((place) => (
              <Tooltip key={place.label} label={place.label} position="right" disabled={!collapsed}>
                <Link
                  {...place.link}
                  className={classes.place}
                  activeProps={{ "data-active": true }}
                  aria-label={collapsed ? place.label : undefined}
                >
                  <place.icon size={17} stroke={1.6} aria-hidden />
                  <span className={classes.label}>{place.label}</span>
                </Link>
              </Tooltip>
            ))}
          </div>
        ))}
      </nav>
      <ActionIcon
        className={classes.collapse}
        aria-label={collapsed ? "Expand navigation" : "Collapse navigation"}
        onClick={() => {
          onCollapse(!collapsed);
        }}
      >
        {collapsed ? <IconLayoutSidebarLeftExpand size={17} /> : <IconLayoutSidebarLeftCollapse size={17} />}
      </ActionIcon>
    </div>
  );
}

/** Where one can go, given what one may. */
export function usePlaces(project: Project | undefined): { name: string | null; places: Place[] }[] {
  const organisation = project?.organisation;
  const seesEvents = useMay(organisation, "deliveries:read");
  const defines = useMay(organisation, "definitions:read");
  const person = usePerson();
  if (project === undefined) {
    return [{ name: null, places: [{ label: "Get started", icon: IconRocket, link: { to: "/welcome" } }] }];
  }
  const params = { project: project.id };
  const own: Place[] = [
    { label: "Syncs", icon: IconRoute, link: { to: "/p/$project/syncs", params } },
    { label: "Catalog", icon: IconLayoutGrid, link: { to: "/p/$project/catalog", params } },
  ];
  if (seesEvents) {
    own.unshift({ label: "Find events", icon: IconZoomQuestion, link: { to: "/p/$project/why", params } });
    own.unshift({ label: "Users", icon: IconUsers, link: { to: "/p/$project/users", params } });
    own.unshift({ label: "Live events", icon: IconActivity, link: { to: "/p/$project/events", params } });
  }
  own.unshift({ label: "Overview", icon: IconLayoutDashboard, link: { to: "/p/$project", params, activeOptions: { exact: true, includeSearch: false } } });
  own.push({ label: "Alerts", icon: IconBell, link: { to: "/p/$project/alerts", params } });
  own.push({ label: "Send events", icon: IconRocket, link: { to: "/p/$project/start", params } });
  const settings: Place = {
    label: "Settings",
    icon: IconSettings,
    link: {
      to: "/o/$organisation/settings/projects",
      params: { organisation: project.organisation },
    },
  };
  const portal: Place[] = [];
  if (defines) {
    portal.push({
      label: "My destinations",
      icon: IconPuzzle,
      link: { to: "/o/$organisation/destinations", params: { organisation: project.organisation } },
    });
  }
  if (person.installation.reviewer) {
    portal.push({ label: "Reviews", icon: IconChecklist, link: { to: "/reviews" } });
  }
  const rest: Place[] = [settings];
  if (person.installation.operator) {
    rest.push({ label: "Installation", icon: IconBuildingFactory2, link: { to: "/installation" } });
  }
  return [
    { name: null, places: own },
    ...(portal.length > 0 ? [{ name: "Integration Portal", places: portal }] : []),
    { name: "Organisation", places: rest },
  ];
}
