import { Navigate } from "@tanstack/react-router";
import { lastProject, useProjects } from "./projects";

/** Leads to the project that was looked at last, or to making the first one. */
export function Home() {
  const projects = useProjects();
  const last = lastProject();
  const project = projects.find((each) => each.id === last) ?? projects[0];
  if (project === undefined) return <Navigate to="/welcome" replace />;
  return <Navigate to="/p/$project" params={{ project: project.id }} replace />;
}
