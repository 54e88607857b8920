import { expect, test } from "vitest";
import { differences, stated } from "./difference";

test("what differs is found, with what it was and is", () => {
  const before = { url: "https://a.example", headers: [{ name: "a" }], users: { send: false }, notes: null };
  const after = { url: "https://b.example", headers: [], users: { send: true }, notes: "x" };
  expect(differences(before, after)).toEqual([
    { path: "url", before: "https://a.example", after: "https://b.example" },
    { path: "headers.0.name", before: "a" },
    { path: "users.send", before: "No", after: "Yes" },
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

test("what stands alone is told without what it leaves empty", () => {
  const document = { name: "Shop", notes: "", enabled: true, mappings: {}, headers: [], users: { send: false }, limits: { concurrency: 0 } };
  expect(stated(document)).toEqual([
    { path: "name", after: "Shop" },
    { path: "enabled", after: "Yes" },
    { path: "limits.concurrency", after: "0" },
  ]);
});

test("what is emptied is told as such", () => {
  expect(differences({ mappings: { id: "x" }, headers: ["a"] }, { mappings: {}, headers: [] })).toEqual([
    { path: "mappings.id", before: "x" },
    { path: "headers.0", before: "a" },
    { path: "mappings", after: "none" },
    { path: "headers", after: "none" },
  ]);
});
