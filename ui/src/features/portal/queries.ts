import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";

export type Definition = Schemas["DefinitionView"];
export type Content = Schemas["ContentView"];
export type ListedVersion = Schemas["ListedVersionView"];
export type Check = Schemas["CheckView"];

export function definitionsQuery(organisation: string) {
  return infiniteQueryOptions({
    queryKey: ["definitions", organisation],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/organisations/{organisation}/definitions", {
          params: { path: { organisation }, query: { limit: 50, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export function definitionQuery(organisation: string, definition: string) {
  return queryOptions({
    queryKey: ["definition", organisation, definition],
    queryFn: () =>
      take(
        api.GET("/api/v1/organisations/{organisation}/definitions/{definition}", {
          params: { path: { organisation, definition } },
        }),
      ),
  });
}

/** What there is to say about a draft; of each revision anew. */
export function checkQuery(organisation: string, { id: definition, revision }: Definition) {
  return queryOptions({
    queryKey: ["check", organisation, definition, revision],
    queryFn: () =>
      take(
        api.GET("/api/v1/organisations/{organisation}/definitions/{definition}/check", {
          params: { path: { organisation, definition } },
        }),
      ),
    placeholderData: (before: Check | undefined) => before,
    staleTime: Infinity,
  });
}

/** What the linter finds, with what a project received lately to learn from. */
export function lintQuery(organisation: string, { id: definition, revision }: Definition, project?: string) {
  return queryOptions({
    queryKey: ["lint", organisation, definition, revision, project],
    queryFn: () =>
      take(
        api.POST("/api/v1/organisations/{organisation}/definitions/{definition}/lint", {
          params: { path: { organisation, definition } },
          body: project === undefined ? {} : { project },
        }),
      ),
    placeholderData: (before: Schemas["LintView"] | undefined) => before,
    staleTime: Infinity,
    retry: false,
  });
}

export function definitionVersionsQuery(organisation: string, definition: string) {
  return infiniteQueryOptions({
    queryKey: ["definition-versions", organisation, definition],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/organisations/{organisation}/definitions/{definition}/versions", {
          params: { path: { organisation, definition }, query: { limit: 20, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

/** How many of the newest versions are looked through for one that a reviewer has seen. */
const LOOKED_THROUGH = 20;

/** The newest versions of a definition in outline: how far each has come, and what was said of it. */
export function newestVersionsQuery(organisation: string, definition: string) {
  return queryOptions({
    queryKey: ["definition-versions", organisation, definition, "newest"],
    queryFn: async () => {
      const page = await take(
        api.GET("/api/v1/organisations/{organisation}/definitions/{definition}/versions", {
          params: { path: { organisation, definition }, query: { limit: LOOKED_THROUGH } },
        }),
      );
      return page.items;
    },
  });
}

/** All of a version, which never changes but in how far it has come. */
export function definitionVersionQuery(organisation: string, definition: string, version: number) {
  return queryOptions({
    queryKey: ["definition-version", organisation, definition, version],
    queryFn: () =>
      take(
        api.GET("/api/v1/organisations/{organisation}/definitions/{definition}/versions/{version}", {
          params: { path: { organisation, definition, version } },
        }),
      ),
  });
}

/** How far a version has come, as people say it. */
export const STATES: Record<Schemas["StateName"], { word: string; colour: string }> = {
  internal: { word: "Your organisation only", colour: "gray" },
  submitted: { word: "Waiting for review", colour: "blue" },
  approved: { word: "In everyone's catalog", colour: "green" },
  returned: { word: "Changes requested", colour: "yellow" },
};
