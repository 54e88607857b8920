import { expect, test } from "vitest";
import { returnedOf, withPins } from "./pins";
import { problemAt } from "./shared";

const check = { problems: [{ pointer: "/about/summary", message: "too long" }], warnings: [], parameters: [], mapped_fields: [] };

test("what a reviewer said stands at its field, beside what the check found", () => {
  const both = withPins(check, [{ pointer: "/display_name", comment: "Say whose it is" }]);
  expect(problemAt(both, "/display_name")).toBe("The reviewer said: Say whose it is.");
  expect(problemAt(both, "/about/summary")).toBe("Too long.");
  expect(withPins(check, [])).toBe(check);
  expect(withPins(undefined, [])).toBeUndefined();
});

test("a version is sent back with a note alone, too", () => {
  const version = { state: "returned", note: " Say whose it is.\n", comments: [] } as unknown as Parameters<typeof returnedOf>[0];
  expect(returnedOf(version)).toEqual({ note: "Say whose it is.", comments: [] });
  expect(returnedOf(version && { ...version, state: "submitted" })).toBeNull();
  expect(returnedOf(null)).toBeNull();
});
