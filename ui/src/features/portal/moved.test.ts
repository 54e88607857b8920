import { expect, test } from "vitest";
import { moved } from "./moved";

const parameters = (...names: string[]) => ({ parameters: names.map((name) => ({ name, help: "" })) });

test("an item of a list is found by its name, wherever it has gone", () => {
  const before = parameters("first", "key", "region");
  expect(moved("/parameters/1/help", before, parameters("key", "region"))).toBe("/parameters/0/help");
  expect(moved("/parameters/0/help", before, parameters("key", "region"))).toBeNull();
  expect(moved("/parameters/0/help", before, parameters("zero", "first", "key"))).toBe("/parameters/1/help");
  expect(moved("/parameters/2/help", before, before)).toBe("/parameters/2/help");
});

test("what is in no list stays where it is, and what has no name keeps its place", () => {
  expect(moved("/events/body", {}, {})).toBe("/events/body");
  expect(moved("", {}, {})).toBe("");
  expect(moved("/answers/1", { answers: [{ a: 1 }, { a: 2 }] }, { answers: [{ a: 3 }, { a: 4 }] })).toBe("/answers/1");
  expect(moved("/answers/1", { answers: [{ a: 1 }, { a: 2 }] }, { answers: [{ a: 3 }] })).toBeNull();
  expect(moved("/a~1b/c", { "a/b": { c: 1 } }, { "a/b": { c: 2 } })).toBe("/a~1b/c");
});
