import { expect, test } from "vitest";
import { ProblemError } from "@/api/client";
import { isOutdated, wordsOf } from "./outdated";

const failed = (error: Error | null, data: unknown = {}, key = "sync", fetchMore?: { direction: "forward" }) => ({
  queryKey: [key],
  state: { data, error, fetchMeta: fetchMore === undefined ? null : { fetchMore } },
});

test("what is there and couldn't be asked for anew is outdated", () => {
  const broken = new ProblemError(500, "internal", "The disk is full.");
  expect(isOutdated(failed(broken))).toBe(true);
  expect(isOutdated(failed(null))).toBe(false);
  // Nothing is there that could be old.
  expect(isOutdated({ queryKey: ["sync"], state: { data: undefined, error: broken, fetchMeta: null } })).toBe(false);
  // Said otherwise.
  expect(isOutdated(failed(new ProblemError(0, "unreachable", "…")))).toBe(false);
  expect(isOutdated(failed(new ProblemError(401, "unauthenticated", "…")))).toBe(false);
  expect(isOutdated(failed(broken, {}, "me"))).toBe(false);
  expect(isOutdated(failed(broken, {}, "sync", { direction: "forward" }))).toBe(false);
});

test("asking again is offered where it may help", () => {
  expect(wordsOf(new ProblemError(500, "internal", "The disk is full."))).toEqual({
    words: "Part of this page couldn't be refreshed, so it may be outdated. The disk is full.",
    again: true,
  });
  expect(wordsOf(new ProblemError(404, "not_found", "…")).again).toBe(false);
  expect(wordsOf(new ProblemError(403, "forbidden", "…")).again).toBe(false);
});
