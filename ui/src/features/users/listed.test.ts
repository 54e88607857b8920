import { expect, test } from "vitest";
import { listed } from "./listed";

test("properties are rows in order, members by their paths", () => {
  const properties = { plan: "pro", home: { city: "Bath", pos: { lat: 51.4 } }, seen: [1, 2], paying: true, none: null, empty: {} };
  expect(listed(properties).map(({ name, value, kind }) => [name, value, kind])).toEqual([
    ["empty", "{}", "object"],
    ["home.city", "Bath", "text"],
    ["home.pos.lat", "51.4", "number"],
    ["none", "null", "null"],
    ["paying", "true", "true or false"],
    ["plan", "pro", "text"],
    ["seen", "[1,2]", "list"],
  ]);
});
