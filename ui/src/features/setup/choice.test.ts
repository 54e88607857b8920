import { expect, test } from "vitest";
import type { EventView } from "@/features/events/queries";
import { chosenTypes, newestOf } from "./choice";

const events = ["Page Viewed", "Order Completed", "Page Viewed"].map(
  (event_type, index) => ({ offset: 9 - index, received_at: "", event: { event_type } }) as unknown as EventView,
);

test("the event to begin with is of a type that is sent", () => {
  expect(newestOf(events, ["Order Completed"])?.offset).toBe(8);
  expect(newestOf(events, null)?.offset).toBe(9);
  expect(newestOf(events, ["Sign Up"])).toBeUndefined();
  expect(newestOf(events, [])).toBeUndefined();
});

test("all events are no choice of types", () => {
  expect(chosenTypes({ all: {} })).toBeNull();
  expect(chosenTypes(undefined)).toBeNull();
  expect(chosenTypes({ types: [{ event_type: "a" }, { event_type: "b" }] })).toEqual(["a", "b"]);
});
