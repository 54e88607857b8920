import { expect, test } from "vitest";
import { centred } from "./centred";

test("what is chosen comes to the middle, and nothing is scrolled beyond its ends", () => {
  expect(centred(300, 100, 200, 700)).toBe(250);
  expect(centred(10, 80, 200, 700)).toBe(0);
  expect(centred(640, 60, 200, 700)).toBe(500);
  expect(centred(100, 60, 800, 700)).toBe(0);
});
