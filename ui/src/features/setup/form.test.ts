import { expect, test } from "vitest";
import type { Sync } from "@/features/syncs/queries";
import { changesOf, formOf, isTouched, stepOf, type SyncInput } from "./form";

const sync: Sync = {
  id: "syn_1",
  project: "prj_1",
  definition: { id: "dst_1", version: 1, name: "Webhook" },
  name: "Hook",
  notes: "",
  enabled: false,
  url: "https://example.com",
  headers: [{ name: "Authorization", secret: true, value: null }],
  events: { send: true, select: { all: {} } },
  users: { send: false },
  properties: [],
  property_choice: "only",
  withhold_properties: false,
  mappings: { a: { scope: "user", name: "a" }, b: { scope: "user", name: "b" } },
  mapping_kinds: {},
  parameters: { key: { secret: true, value: null } },
  order: "none",
  user_agent: "millstream",
  version: 3,
  created_at: "2024-01-01T00:00:00Z",
  updated_at: "2024-01-01T00:00:00Z",
};

test("only what differs is sent", () => {
  const stored = formOf(sync);
  expect(changesOf(stored, stored)).toEqual({});
  expect(changesOf({ ...stored, url: "https://b.example" }, stored)).toEqual({ url: "https://b.example" });
});

test("the order of members is no difference", () => {
  const stored = formOf(sync);
  const { a, b } = stored.mappings;
  if (a === undefined || b === undefined) throw new Error("mappings");
  expect(changesOf({ ...stored, mappings: { b, a } }, stored)).toEqual({});
});

test("a row that was just added is no change, and a secret that stays goes as null", () => {
  const stored = formOf(sync);
  const blank = { name: "", secret: false, value: "" };
  expect(changesOf({ ...stored, headers: [...stored.headers, blank] }, stored)).toEqual({});
  const added = { name: "X-A", secret: false, value: "1" };
  expect(changesOf({ ...stored, headers: [...stored.headers, added] }, stored)).toEqual({
    headers: [{ name: "Authorization", secret: true, value: null }, added],
  });
});

test("problems lead to the step where they are mended", () => {
  const steps = ["/url", "/parameters/key/value", "/mappings/id", "/events/template", "/users/template"];
  expect(steps.map((pointer) => stepOf({ pointer, message: "" }))).toEqual([
    "connection",
    "connection",
    "mappings",
    "events",
    "users",
  ]);
});

test("a field is called wrong once somebody has begun to fill it in", () => {
  const of = (pointer: string, changes: SyncInput) => isTouched({ pointer, message: "" }, changes);
  const typed = { parameters: { endpoint: { secret: false, value: "ftp://x" } }, mappings: { "a/b": { scope: "user", name: "plan" } } } as const;
  expect(of("/parameters/endpoint", typed)).toBe(true);
  expect(of("/parameters/api_key", typed)).toBe(false);
  expect(of("/mappings/a~1b", typed)).toBe(true);
  expect(of("/url", typed)).toBe(false);
  expect(of("/headers/2/name", { headers: [{ name: "X", secret: false, value: "" }] })).toBe(true);
});
