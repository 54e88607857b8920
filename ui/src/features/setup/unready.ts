import { queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { sentenceCase } from "@/components/highlight";
import type { Sync } from "@/features/syncs/queries";
import { type FieldProblem, STEP_NAMES, stepOf } from "./form";

/** All that keeps a sync, as it is stored, from being enabled. */
export function unreadyQuery(sync: Sync) {
  return queryOptions({
    queryKey: ["unready", sync.project, sync.id, sync.version],
    queryFn: async () => {
      const { problems } = await take(
        api.POST("/api/v1/projects/{project}/syncs/{sync}/preview", {
          params: { path: { project: sync.project, sync: sync.id } },
          body: { changes: {} },
        }),
      );
      return problems.map(ofSync);
    },
    staleTime: 30_000,
  });
}

/** A problem of a preview's request, which holds the changes, as one of the sync. */
export function ofSync(problem: FieldProblem): FieldProblem {
  return { ...problem, pointer: problem.pointer.replace(/^\/changes(?=\/)/, "") };
}

/** Whether nothing stands where a problem points to: that is to be filled in. What stands there is to be fixed. */
export function isMissing({ pointer }: FieldProblem, settings: unknown): boolean {
  let at: unknown = settings;
  for (const step of pointer.split("/").slice(1)) {
    if (typeof at !== "object" || at === null) return true;
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (!Object.hasOwn(at, name)) return true;
    at = (at as Record<string, unknown>)[name];
  }
  // A parameter stands with its value; one that is secret and stored shows none.
  if (typeof at === "object" && at !== null && "value" in at && "secret" in at) return at.value === "";
  return at === undefined || at === null || at === "";
}

/** How much is left to do, in words. */
export function leftToDo(problems: FieldProblem[], settings: unknown): string {
  const missing = problems.filter((each) => isMissing(each, settings)).length;
  const what = missing === problems.length ? "to fill in" : missing === 0 ? "to fix" : "to fill in or fix";
  return `${problems.length === 1 ? "1 thing" : `${String(problems.length)} things`} ${what}`;
}

/** Where it is to be done: a step of the set-up, or the destination, which isn't the sync's own. */
export function placeOf(problem: FieldProblem): string {
  return problem.pointer.startsWith("/definition/") ? "The destination itself" : STEP_NAMES[stepOf(problem)];
}

/** What is said of it, with its place in a template where it has one. */
export function saidOf({ message, line, column }: FieldProblem): string {
  const place = line == null ? "" : column == null ? `Line ${String(line)}: ` : `Line ${String(line)}, column ${String(column)}: `;
  return place + sentenceCase(message);
}
