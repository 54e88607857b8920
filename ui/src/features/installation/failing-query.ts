import { queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";

type Health = Schemas["ProjectHealth"];

/** How many projects are asked at once. */
const AT_ONCE = 6;

/** How many syncs are named. */
export const NAMED = 8;

const EVERY_MILLISECONDS = 60_000;

/** A sync that can't deliver. */
export interface Failing {
  project: string;
  sync: string;
  name: string;
}

/** What was found of the enabled syncs of some projects. */
export interface Found {
  /** Some of those that can't deliver. */
  named: Failing[];
  /** How many can't deliver. */
  failing: number;
  /** How many were looked at. */
  looked: number;
  /** Whether there are more. */
  more: boolean;
}

/** Whether deliveries fail, or can't be made. */
const fails = ({ health }: Health["troubled"][number]) => health === "failing" || health === "misconfigured" || health === "stalled";

/** Looks at the syncs of each project, of some at once. */
export async function look(projects: string[], healthOf: (project: string) => Promise<Health>): Promise<Found> {
  const answers = new Map<string, Health>();
  const left = [...projects];
  const work = async () => {
    for (let project = left.shift(); project !== undefined; project = left.shift()) {
      answers.set(project, await healthOf(project));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const found: Found = { named: [], failing: 0, looked: 0, more: false };
  for (const project of projects) {
    const health = answers.get(project);
    if (health === undefined) continue;
    const { failing, misconfigured, stalled, healthy, degraded } = health.counts;
    found.failing += failing + misconfigured + stalled;
    found.looked += failing + misconfigured + stalled + healthy + degraded;
    found.more ||= !health.complete;
    found.named.push(...health.troubled.filter(fails).map(({ sync, name }) => ({ project, sync, name })));
  }
  return { ...found, named: found.named.slice(0, NAMED) };
}

/** The enabled syncs of these projects that don't deliver. */
export function failingQuery(projects: string[]) {
  return queryOptions({
    queryKey: ["failing", ...projects],
    queryFn: ({ signal }) =>
      look(projects, (project) =>
        take(api.GET("/api/v1/projects/{project}/health", { params: { path: { project }, query: { limit: NAMED } }, signal })),
      ),
    refetchInterval: EVERY_MILLISECONDS,
  });
}
