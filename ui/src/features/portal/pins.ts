import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import { type Check, type ListedVersion, newestVersionQuery } from "./queries";

/** The newest version of a definition, where it is with reviewers or was sent back by one. */
export function useReviewed(organisation: string, definition: { id: string; newest?: number | null; approved?: number | null }): ListedVersion | null {
  const { id, newest, approved } = definition;
  // Most are of one's own organisation only, or approved as they are: of the latter nothing is asked.
  const version = useQuery({ ...newestVersionQuery(organisation, id), enabled: newest != null && newest !== approved }).data ?? null;
  return version !== null && (version.state === "returned" || version.state === "submitted") ? version : null;
}

/** What a version was sent back with; null: it wasn't. */
export function returnedOf(version: ListedVersion | null): Returned | null {
  if (version?.state !== "returned") return null;
  return { note: version.note.trim(), comments: version.comments };
}

/** What a reviewer says of a version that is sent back: of the whole, of single fields, or of both. */
export interface Returned {
  note: string;
  comments: Schemas["CommentView"][];
}

/** The check with the comments beside what it found: fields show both. */
export function withPins(check: Check | undefined, pins: Schemas["CommentView"][]): Check | undefined {
  if (check === undefined || pins.length === 0) return check;
  const said = pins.map(({ pointer, comment }) => ({ pointer, message: `The reviewer said: ${comment}` }));
  return { ...check, problems: [...said, ...check.problems] };
}
