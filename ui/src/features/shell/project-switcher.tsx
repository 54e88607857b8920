import { Menu, UnstyledButton } from "@mantine/core";
import { IconCheck, IconPlus, IconSelector } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { organisationsQuery } from "@/features/access/me";
import type { Project } from "./projects";
import classes from "./project-switcher.module.css";

interface SwitcherProps {
  projects: Project[];
  project: Project | undefined;
}

/** Which project one looks at. */
export function ProjectSwitcher({ projects, project }: SwitcherProps) {
  const navigate = useNavigate();
  const organisations = useQuery(organisationsQuery).data?.items ?? [];
  if (project === undefined) return <span className={classes.name}>Millstream</span>;
  return (
    <Menu position="bottom-start" width={280}>
      <Menu.Target>
        <UnstyledButton className={classes.button} aria-label={`Project: ${project.name}. Switch project`}>
          <span className={classes.name}>{project.name}</span>
          <IconSelector size={15} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown mah={420} className={classes.list}>
        {organisations.map((organisation) => {
          const own = projects.filter((each) => each.organisation === organisation.id);
          return (
            <div key={organisation.id}>
              <Menu.Label>{organisation.name}</Menu.Label>
              {own.map((each) => (
                <Menu.Item
                  key={each.id}
                  rightSection={each.id === project.id ? <IconCheck size={15} /> : undefined}
                  onClick={() => void navigate({ to: "/p/$project", params: { project: each.id } })}
                >
                  {each.name}
                </Menu.Item>
              ))}
              {own.length === 0 && <Menu.Item disabled>No projects yet</Menu.Item>}
            </div>
          );
        })}
        <Menu.Divider />
        <Menu.Item leftSection={<IconPlus size={15} />} onClick={() => void navigate({ to: "/welcome" })}>
          New project
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
