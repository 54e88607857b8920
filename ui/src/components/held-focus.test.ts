import { expect, test } from "vitest";
import { neighbour } from "./held-focus";

test("what stood next gets the focus; after the last one, the one before", () => {
  const order = ["add", "name", "value", "remove", "next"];
  const without = (...gone: string[]) => (each: string) => !gone.includes(each);
  expect(neighbour(order, "value", without("name", "value", "remove"))).toBe("next");
  expect(neighbour(order, "remove", without("name", "value", "remove", "next"))).toBe("add");
  expect(neighbour(order, "next", () => false)).toBeUndefined();
});
