import { Navigate } from "@tanstack/react-router";
import { Page } from "@/components/page";
import { lastProject, useOwnProjects } from "./projects";

/** Leads to the project that was looked at last, or to making the first one. */
export function Home() {
  const { items: projects, pending, error } = useOwnProjects();
  const last = lastProject();
  const project = projects.find((each) => each.id === last) ?? projects[0];
  // That there are none is known only where they can be listed; the frame says so otherwise.
  if (project === undefined && (error !== null || pending)) return <Page title="Overview">{null}</Page>;
  if (project === undefined) return <Navigate to="/welcome" replace />;
  return <Navigate to="/p/$project" params={{ project: project.id }} replace />;
}
