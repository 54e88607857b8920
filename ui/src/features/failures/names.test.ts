import { expect, test } from "vitest";
import { namesOf } from "./names";

test("a delivery is called by its event's type and whose it is; its number comes second", () => {
  const at = { part: "event", offset: 7 } as const;
  expect(namesOf({ ...at, event_type: "Big Order", user_id: "user-3", device_id: "phone" })).toEqual({ name: "Big Order · user-3", place: "Event 7" });
  expect(namesOf({ ...at, part: "user", event_type: "Big Order", device_id: "phone" })).toEqual({ name: "Big Order · phone", place: "User of event 7" });
  expect(namesOf({ ...at, event_type: "Big Order" }).name).toBe("Big Order");
  expect(namesOf({ ...at, user_id: "user-3" }).name).toBe("(no type) · user-3");
  // Erased, or too old: nothing is known of it.
  expect(namesOf({ ...at, event_type: null, user_id: null, device_id: null })).toEqual({ name: "Event no longer kept", place: "Event 7" });
});
