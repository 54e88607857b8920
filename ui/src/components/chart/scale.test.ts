import { expect, test } from "vitest";
import { parts, sums, ticks, timeMarks } from "./scale";

test.each([
  [0, [0, 1]],
  [1, [0, 0.5, 1]],
  [7, [0, 2.5, 5, 7.5]],
  [300, [0, 100, 200, 300]],
  [1234, [0, 500, 1000, 1500]],
  [0.032, [0, 0.02, 0.04]],
])("an axis to %s is marked at %s", (highest, marks) => {
  expect(ticks(highest)).toEqual(marks);
});

test.each([
  [1, [0, 1]],
  [2, [0, 1, 2]],
  [7, [0, 5, 10]],
  [40, [0, 20, 40]],
  [1234, [0, 500, 1000, 1500]],
])("an axis of things that are counted, to %s, is marked at %s", (highest, marks) => {
  expect(ticks(highest, true)).toEqual(marks);
});

test("what is counted in steps adds up in parts, and steps that are absent count nothing", () => {
  const span = { from: 1000, until: 1400, part: 100 };
  expect(parts(span)).toEqual([1000, 1100, 1200, 1300]);
  const entries = [
    { at: 1000, n: 1 },
    { at: 1050, n: 2 },
    { at: 1399, n: 4 },
    { at: 1400, n: 8 },
    { at: 999, n: 16 },
  ];
  expect(sums(span, entries, (each) => each.at, (each) => each.n)).toEqual([3, 0, 0, 4]);
});

test("times are marked no more often than there is room", () => {
  const span = { from: Date.parse("2024-03-01T10:07:00Z"), until: Date.parse("2024-03-01T11:07:00Z"), part: 60_000 };
  const marks = timeMarks(span, 4);
  expect(marks.length).toBeLessThanOrEqual(4);
  expect(marks.every((at) => at % 900_000 === 0 && at >= span.from && at < span.until)).toBe(true);
});
