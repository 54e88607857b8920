import { expect, test } from "vitest";
import { merge, valueAt, withValueAt } from "./merge";

const base = { name: "Hook", notes: "", about: { summary: "a", description: "b" }, mappings: { id: { scope: "user", name: "id" } } };

test("what I didn't touch follows theirs, down to the members of parts", () => {
  const mine = { ...base, name: "Mine", about: { ...base.about, description: "mine" } };
  const theirs = { ...base, notes: "theirs", about: { ...base.about, summary: "theirs" } };
  expect(merge(base, mine, theirs)).toEqual({
    value: { ...base, name: "Mine", notes: "theirs", about: { summary: "theirs", description: "mine" } },
    conflicts: [],
  });
});

test("what both changed is named and stays mine; the same change of both is none", () => {
  const mine = { ...base, name: "Same", about: { ...base.about, summary: "mine" } };
  const theirs = { ...base, name: "Same", about: { ...base.about, summary: "theirs" } };
  const { value, conflicts } = merge(base, mine, theirs);
  expect(conflicts).toEqual(["/about/summary"]);
  expect(value).toEqual(mine);
  expect(valueAt(theirs, "/about/summary")).toBe("theirs");
  expect(withValueAt(value, "/about/summary", "theirs")).toEqual(theirs);
});

test("what only means something together isn't mixed", () => {
  const mine = { ...base, mappings: { id: { scope: "event", name: "id" } } };
  const theirs = { ...base, mappings: { id: { scope: "user", name: "email" }, "a/b": { scope: "user", name: "c" } } };
  expect(merge(base, mine, theirs)).toEqual({
    value: { ...base, mappings: { id: { scope: "event", name: "id" }, "a/b": { scope: "user", name: "c" } } },
    conflicts: ["/mappings/id"],
  });
});

test("what one side took away is gone, unless the other changed it", () => {
  const { mappings, ...without } = base;
  expect(merge<object>(base, without, { ...base, name: "Theirs" }).value).toEqual({ ...without, name: "Theirs" });
  const changed = { ...base, mappings: { id: { ...mappings.id, name: "email" } } };
  expect(merge<object>(base, changed, without).conflicts).toEqual(["/mappings"]);
});
