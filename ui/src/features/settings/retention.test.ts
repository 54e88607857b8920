import { expect, test } from "vitest";
import { inBytes, inDays } from "./retention";

test("hours and bytes are said as people say them", () => {
  expect([1, 24, 36, 168].map(inDays)).toEqual(["1 hour", "1 day", "36 hours", "7 days"]);
  expect([0, 999, 1000, 1_234_567, 250_000_000].map(inBytes)).toEqual(["0 B", "999 B", "1.0 kB", "1.2 MB", "250 MB"]);
});
