import { expect, test } from "vitest";
import { listed } from "./listed";

test("properties are rows in order, members by their paths", () => {
  const properties = { plan: "pro", home: { city: "Bath", pos: { lat: 51.4 } }, seen: [1, 2], paying: true, none: null, empty: {}, id: 0 };
  const text = JSON.stringify(properties).replace('"id":0', '"id":1234567890123456789');
  expect(listed(text).map(({ name, value, kind }) => [name, value, kind])).toEqual([
    ["empty", "{}", "object"],
    ["home.city", "Bath", "text"],
    ["home.pos.lat", "51.4", "number"],
    ["id", "1234567890123456789", "number"],
    ["none", "null", "null"],
    ["paying", "true", "true or false"],
    ["plan", "pro", "text"],
    ["seen", "[1,2]", "list"],
  ]);
});
