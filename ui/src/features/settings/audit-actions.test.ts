import { expect, test } from "vitest";
import { actionOptions, actionWords } from "./audit-actions";

test("what was done is said in words, also what isn't known here", () => {
  expect(actionWords("sync.change")).toBe("Sync changed");
  expect(actionWords("project.rotate_api_key")).toBe("API key rotated");
  expect(actionWords("sync.begin_anew")).toBe("Sync: begin anew");
  expect(actionWords("constructor.toString")).toBe("Constructor: toString");
  expect(actionWords("sync.toString")).toBe("Sync: toString");
});

test("all of an area can be chosen, or one thing of it", () => {
  const values = actionOptions(undefined).flatMap(({ items }) => items.map(({ value }) => value));
  expect(values).toContain("sync");
  expect(values).toContain("sync.delete");
  expect(new Set(values).size).toBe(values.length);
});

test("what an address asks for can be chosen, whatever it is", () => {
  expect(actionOptions("sync.delete")).toEqual(actionOptions(undefined));
  expect(actionOptions("garden.water").at(-1)).toEqual({ group: "Others", items: [{ value: "garden.water", label: "Garden: water" }] });
});
