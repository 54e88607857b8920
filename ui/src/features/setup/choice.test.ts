import { expect, test } from "vitest";
import type { EventView } from "@/features/events/queries";
import { chosenTypes, newestOf, selectionOf } from "./choice";

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

test("what decides on events is their choice alone", () => {
  const sync = { events: { send: true, select: { all: {} }, template: "{}" }, users: { send: true } } as never;
  const select = { types: [{ event_type: "a" }] };
  const before = selectionOf(sync, { events: { send: true, select, template: "{" } });
  expect(before).toEqual(selectionOf(sync, { events: { send: true, select, template: "{}" }, name: "b" }));
  expect(before.events?.select).toEqual(select);
  // What users are sent for is what events are: they are looked at where these aren't sent.
  expect(before.users?.send).toBe(false);
  expect(selectionOf(sync, { events: { send: false } }).users?.send).toBe(true);
});
