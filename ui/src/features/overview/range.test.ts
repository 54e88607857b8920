import { expect, test } from "vitest";
import { parts } from "@/components/chart/scale";
import { RANGES, type Range, rangeOf, spanOf } from "./range";

test.each(Object.keys(RANGES) as Range[])("%s ends now, in whole columns that can be seen", (range) => {
  const now = Date.parse("2024-03-01T10:07:31Z");
  const span = spanOf(range, now);
  expect(span.until).toBeGreaterThanOrEqual(now);
  expect(span.until - now).toBeLessThan(span.part);
  expect(parts(span).length).toBeLessThanOrEqual(120);
  expect(span.until - span.from).toBe(RANGES[range].length);
});

test("only ranges that there are come from an address", () => {
  expect(rangeOf("7d")).toBe("7d");
  expect(rangeOf("8d")).toBeUndefined();
  expect(rangeOf(4)).toBeUndefined();
});
