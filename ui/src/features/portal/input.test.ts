import { expect, test } from "vitest";
import { merged } from "./input";

test("what any of the newest events has can be read, with the value of the newest that has it", () => {
  const events = [
    { event_type: "B", user_properties: { plan: "pro" } },
    { event_type: "A", device_id: "d", user_properties: { plan: "free", email: "a@b.example" }, groups: null },
  ];
  expect(merged(events)).toEqual({
    event_type: "B",
    device_id: "d",
    user_properties: { plan: "pro", email: "a@b.example" },
    groups: null,
  });
});

test("without events it is what most have", () => {
  expect(Object.keys(merged([]))).toEqual(expect.arrayContaining(["user_id", "event_type", "event_time", "user_properties"]));
});
