import { queryOptions, useQueries, useQuery } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";
import { allOf, PAGE } from "@/api/pages";
import { organisationsQuery } from "@/features/access/me";

export type Project = Schemas["ProjectView"];

/** How many projects of an organisation the page holds. */
const MOST_PROJECTS = 2_000;

export function projectsQuery(organisation: string) {
  return queryOptions({
    queryKey: ["projects", organisation],
    queryFn: ({ signal }) =>
      allOf(MOST_PROJECTS, (cursor) =>
        take(
          api.GET("/api/v1/organisations/{organisation}/projects", {
            params: { path: { organisation }, query: { limit: PAGE, cursor } },
            signal,
          }),
        ),
      ),
    staleTime: 30_000,
    // Each part of the page that needs them would ask for them anew.
    retryOnMount: false,
  });
}

export function projectQuery(project: string) {
  return queryOptions({
    queryKey: ["project", project],
    queryFn: () => take(api.GET("/api/v1/projects/{project}", { params: { path: { project } } })),
    staleTime: 30_000,
  });
}

/** The projects that the person sees, as far as they are known. */
export interface OwnProjects {
  items: Project[];
  /** Whether some are still on their way. */
  pending: boolean;
  /** Why some, or all, can't be had. */
  error: Error | null;
  again: () => void;
}

/** All projects that the person sees, of all their organisations. What can't be had of one takes nothing from the others. */
export function useOwnProjects(): OwnProjects {
  const organisations = useQuery(organisationsQuery);
  const readable = (organisations.data?.items ?? []).filter((each) => each.permissions.includes("projects:read"));
  const answers = useQueries({ queries: readable.map((each) => projectsQuery(each.id)) });
  const missing = [organisations, ...answers].filter((each) => each.data === undefined);
  return {
    items: answers.flatMap((answer) => answer.data?.items ?? []),
    pending: missing.some((each) => each.isPending),
    error: missing.find((each) => each.error !== null)?.error ?? null,
    again: () => {
      for (const each of missing) void each.refetch();
    },
  };
}

/** The same where it is known that they are there: below the frame. */
export function useProjects(): Project[] {
  return useOwnProjects().items;
}

/** The organisation of a project, once it is known. */
export function useOrganisationOf(project: string): string | undefined {
  return useQuery(projectQuery(project)).data?.organisation;
}

const LAST = "millstream-project";

/** The project that was looked at last in this browser. */
export function lastProject(): string | null {
  try {
    return localStorage.getItem(LAST);
  } catch {
    return null;
  }
}

export function rememberProject(project: string): void {
  try {
    localStorage.setItem(LAST, project);
  } catch {
    // Where storage is forbidden, the first project is shown.
  }
}
