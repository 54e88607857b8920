import { expect, test } from "vitest";
import { lastSubmitted, pinned, returnedOf, withPins } from "./pins";
import { problemAt } from "./shared";

const check = { problems: [{ pointer: "/about/summary", message: "too long" }], warnings: [], parameters: [], mapped_fields: [] };

test("what a reviewer said stands at its field, beside what the check found", () => {
  const both = withPins(check, [{ name: "Name", pointer: "/display_name", comment: "Say whose it is" }]);
  expect(problemAt(both, "/display_name")).toBe("The reviewer said: Say whose it is.");
  expect(problemAt(both, "/about/summary")).toBe("Too long.");
  expect(withPins(check, [])).toBe(check);
  expect(withPins(undefined, [])).toBeUndefined();
});

test("a version is sent back with a note alone, too", () => {
  const version = { version: 1, state: "returned", note: " Say whose it is.\n", comments: [] } as unknown as Parameters<typeof returnedOf>[0];
  expect(returnedOf(version)).toEqual({ version: 1, note: "Say whose it is.", comments: [] });
  expect(returnedOf(version && { ...version, state: "submitted" })).toBeNull();
  expect(returnedOf(null)).toBeNull();
});

test("what was asked for stays until the next version is submitted", () => {
  const versions = (...states: string[]) => states.map((state, at) => ({ version: states.length - at, state })) as Parameters<typeof lastSubmitted>[0];
  expect(lastSubmitted(versions("internal", "returned", "approved"))?.version).toBe(2);
  expect(lastSubmitted(versions("submitted", "returned"))?.state).toBe("submitted");
  expect(lastSubmitted(versions("internal", "approved", "returned"))).toBeNull();
  expect(lastSubmitted(versions("internal"))).toBeNull();
  expect(lastSubmitted([])).toBeNull();
});

test("a comment stays with what it is about, by the name that it had", () => {
  const parameters = (...names: string[]) => ({ parameters: names.map((name) => ({ name, display_name: `The ${name}`, help: "" })) });
  const comments = [{ pointer: "/parameters/0/help", comment: "Say where" }];
  const [name, version] = ["Parameter “The first” › Help", parameters("first", "key")];
  expect(pinned(comments, version, parameters("key", "first"))).toEqual([{ name, pointer: "/parameters/1/help", comment: "Say where" }]);
  const gone = pinned(comments, version, parameters("key"));
  expect(gone).toEqual([{ name, pointer: null, comment: "Say where" }]);
  expect(withPins(check, gone)?.problems).toEqual(check.problems);
  expect(pinned(comments, undefined, version)[0]?.pointer).toBeNull();
});
