import { useInfiniteQuery } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import { type Check, type Definition, definitionVersionsQuery } from "./queries";


/** What the reviewer said of fields of the newest version, while that was sent back. */
export function usePins(organisation: string, definition: Definition): Schemas["CommentView"][] {
  const versions = useInfiniteQuery({
    ...definitionVersionsQuery(organisation, definition.id),
    enabled: definition.newest != null,
  });
  const newest = versions.data?.pages[0]?.items[0];
  return newest?.state === "returned" ? newest.comments : [];
}

/** The check with the comments beside what it found: fields show both. */
export function withPins(check: Check | undefined, pins: Schemas["CommentView"][]): Check | undefined {
  if (check === undefined || pins.length === 0) return check;
  const said = pins.map(({ pointer, comment }) => ({ pointer, message: `The reviewer said: ${comment}` }));
  return { ...check, problems: [...said, ...check.problems] };
}
