import type { Query } from "@tanstack/react-query";
import { ProblemError } from "@/api/client";
import { isUnreached } from "@/components/reach";

/** What of a query tells whether it shows what it had before. */
export type Told = Pick<Query, "queryKey"> & { state: Pick<Query["state"], "data" | "error" | "fetchMeta"> };

/**
 * Whether a query shows what it had before, since asking again failed. That the server is away, and that nobody is
 * signed in any more, is said otherwise; that there is no more of a list, at its end.
 */
export function isOutdated({ queryKey, state: { data, error, fetchMeta } }: Told): boolean {
  if (data === undefined || error === null || isUnreached(error) || queryKey[0] === "me") return false;
  return !(error instanceof ProblemError && error.status === 401) && fetchMeta?.fetchMore === undefined;
}

/** What is said of it, and whether asking again may help. */
export function wordsOf(error: Error): { words: string; again: boolean } {
  const code = error instanceof ProblemError ? error.code : undefined;
  if (code === "not_found") {
    return { words: "Part of this page was deleted meanwhile, or you no longer have access to it. You see it as it was.", again: false };
  }
  if (code === "forbidden") {
    return { words: "Your role no longer lets you see part of this page. You see it as it was.", again: false };
  }
  return { words: `Part of this page couldn't be refreshed, so it may be outdated. ${error.message}`, again: true };
}
