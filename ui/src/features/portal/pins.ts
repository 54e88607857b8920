import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import { fieldName } from "@/components/field-name";
import { moved } from "./moved";
import { type Check, type ListedVersion, newestVersionsQuery } from "./queries";

/**
 * The version of a definition that was submitted last, where it is with reviewers or was sent back by one: what was
 * asked for then is to be done until the next one is submitted, whatever was released since.
 */
export function useReviewed(organisation: string, definition: { id: string; newest?: number | null; approved?: number | null }): ListedVersion | null {
  const { id, newest, approved } = definition;
  // Most are of one's own organisation only, or approved as they are: of the latter nothing is asked.
  const versions = useQuery({ ...newestVersionsQuery(organisation, id), enabled: newest != null && newest !== approved });
  return lastSubmitted(versions.data ?? []);
}

/** Of versions, the newest first, the one that waits for a review or was sent back, where no other decision came since. */
export function lastSubmitted(versions: ListedVersion[]): ListedVersion | null {
  const version = versions.find(({ state }) => state !== "internal");
  return version === undefined || version.state === "approved" ? null : version;
}

/** What a version was sent back with; null: it wasn't. */
export function returnedOf(version: ListedVersion | null): Returned | null {
  if (version?.state !== "returned") return null;
  return { version: version.version, note: version.note.trim(), comments: version.comments };
}

/** What a reviewer says of a version that is sent back: of the whole, of single fields, or of both. */
export interface Returned {
  version: number;
  note: string;
  comments: Schemas["CommentView"][];
}

/** What a reviewer says of a field, as it was called then; and where that is in the draft, null where it is no more. */
export interface Pin {
  name: string;
  pointer: string | null;
  comment: string;
}

/** The comments on a version at the draft's fields. As long as what was commented on isn't known, at none. */
export function pinned(comments: Schemas["CommentView"][], version: unknown, draft: unknown): Pin[] {
  return comments.map(({ pointer, comment }) => ({
    name: fieldName(pointer, version),
    pointer: version === undefined ? null : moved(pointer, version, draft),
    comment,
  }));
}

/** The check with the comments beside what it found: fields show both. */
export function withPins(check: Check | undefined, pins: Pin[]): Check | undefined {
  if (check === undefined || pins.length === 0) return check;
  const said = pins.flatMap(({ pointer, comment }) => (pointer === null ? [] : [{ pointer, message: `The reviewer said: ${comment}` }]));
  return { ...check, problems: [...said, ...check.problems] };
}
