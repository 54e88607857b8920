import { expect, test } from "vitest";
import { differences } from "./difference";

test("what differs is found, with what it was and is", () => {
  const before = { url: "https://a.example", headers: [{ name: "a" }], users: { send: false }, notes: null };
  const after = { url: "https://b.example", headers: [], users: { send: true }, notes: "x" };
  expect(differences(before, after)).toEqual([
    { path: "url", before: "https://a.example", after: "https://b.example" },
    { path: "headers.0.name", before: "a" },
    { path: "users.send", before: "false", after: "true" },
    { path: "headers", after: "none" },
    { path: "notes", after: "x" },
  ]);
});

test("beside nothing, everything is new", () => {
  expect(differences({}, { a: 1 })).toEqual([{ path: "a", after: "1" }]);
});

test("what is equal has no differences", () => {
  expect(differences({ a: [1, { b: null }] }, { a: [1, { b: null }] })).toEqual([]);
});
