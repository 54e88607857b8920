import { expect, test } from "vitest";
import { inBytes, inTime } from "./amounts";

test("bytes have the unit in which they are a short number", () => {
  expect([0, 1, 999, 1000, 1234, 99_950, 999_600, 10_000_000_000].map(inBytes)).toEqual([
    "0 bytes",
    "1 byte",
    "999 bytes",
    "1 KB",
    "1.2 KB",
    "100 KB",
    "1 MB",
    "10 GB",
  ]);
});

test("times are whole units", () => {
  expect([604_800, 86_400, 5_400, 61].map(inTime)).toEqual(["7 days", "1 day", "90 minutes", "61 seconds"]);
});
