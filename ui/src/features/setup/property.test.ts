import { expect, test } from "vitest";
import type { Observed } from "@/features/events/queries";
import { namedBy, type Property, type Suggestion, suggestions } from "./property";

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

test("whole numbers that JavaScript can't hold are offered as they were received", () => {
  const user_properties = [{ name: "order", events: 3, uncounted: 0, examples: ["1152921504606846977", "42", '"pro"', "1.5"] }];
  const observed = { event_types: [], user_properties, group_properties: [] } as unknown as Observed;
  expect(suggestions(observed)[0]?.examples).toEqual(["1152921504606846977", 42, "pro", 1.5]);
});
