import type { Schemas } from "@/api/client";

/** A summary without the word that stands above it already. */
export function besideItsState(summary: string): string {
  return summary
    .replace(/^(?:filtered|discarded): /, "")
    .replace(/^delivered at (.+?) at attempt (\d+) in/, "at $1, attempt $2,")
    .replace(/^(?:expired|discarded) at /, "at ");
}

/** Syncs of which something is told, and those that were never enabled: one alone of these is told with the others. */
export function foldedOf<T extends { verdicts: { state: Schemas["VerdictState"] }[] }>(syncs: T[]): { did: T[]; drafts: T[] } {
  const isDraft = ({ verdicts }: T) => verdicts.length > 0 && verdicts.every(({ state }) => state === "never_enabled");
  const drafts = syncs.filter(isDraft);
  return drafts.length < 2 ? { did: syncs, drafts: [] } : { did: syncs.filter((each) => !isDraft(each)), drafts };
}

/** What says no more than that an event was none of a sync's. */
const NONE_OF_ITS: Schemas["VerdictState"][] = ["filtered", "before_sync", "forgotten", "never_enabled"];

/** Syncs that did something with an event before those that it was nothing for; otherwise as they were. */
export function doersFirst<T extends { verdicts: { state: Schemas["VerdictState"] }[] }>(syncs: T[]): T[] {
  const did = ({ verdicts }: T) => verdicts.some(({ state }) => !NONE_OF_ITS.includes(state));
  return [...syncs.filter(did), ...syncs.filter((each) => !did(each))];
}
