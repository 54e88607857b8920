import { expect, test } from "vitest";
import { soughtOf } from "./queries";

test("an event is found by its own id, or else by whom it is", () => {
  expect(soughtOf({ $insert_id: "a", event_id: 7, user_id: "u" })).toEqual({ id: "a" });
  expect(soughtOf({ event_id: 7, user_id: "u" })).toEqual({ id: "7" });
  expect(soughtOf({ user_id: "u", device_id: "d" })).toEqual({ user: "u" });
  expect(soughtOf({ device_id: "d" })).toEqual({ device: "d" });
  expect(soughtOf({})).toEqual({});
});
