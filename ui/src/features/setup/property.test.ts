import { expect, test } from "vitest";
import { namedBy, type Property, type Suggestion } from "./property";

const of = (...properties: Property[]): Suggestion[] => properties.map((property) => ({ property, events: 1, examples: [] }));

test("a name that was typed to its end means the property of that name", () => {
  const offered = of({ scope: "event", name: "plan_kind" }, { scope: "event", name: "plan" }, { scope: "user", name: "Plan" });
  expect(namedBy(offered, "plan")).toEqual({ scope: "event", name: "plan" });
  expect(namedBy(offered, "Plan_Kind")).toEqual({ scope: "event", name: "plan_kind" });
  // Both are written otherwise: which of them is meant can't be known.
  expect(namedBy(offered, "PLAN")).toBeNull();
  expect(namedBy(offered, "pla")).toBeNull();
  expect(namedBy(offered, "")).toBeNull();
});

test("of several that are called the same, the one that is offered first is meant", () => {
  expect(namedBy(of({ scope: "field", name: "city" }, { scope: "user", name: "city" }), "city")).toEqual({ scope: "user", name: "city" });
});
