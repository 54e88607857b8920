import { expect, test } from "vitest";
import type { Figures } from "./figures";
import { counted, delivered, highestOf, inRate, inSeconds, letGo, measured, rateOf, sumOf } from "./figures";

const zero = {
  received: 0,
  filtered: 0,
  delivered_first: 0,
  delivered_retry: 0,
  discarded: 0,
  discarded_by_reason: {},
  expired: 0,
  dropped: 0,
  superseded: 0,
  lost: 0,
  erased: 0,
  second_deliveries: 0,
  sent_again: 0,
  waiting_in_order: 0,
  failed_attempts: 0,
  failures: [],
  pending: 0,
  requests: 0,
  requests_per_second: 0,
  latency_seconds: {},
};
const base = Date.parse("2024-03-01T10:00:00Z");
const minute = 60_000;
const figures: Figures = {
  step: "minute",
  from: new Date(base).toISOString(),
  until: new Date(base + 4 * minute).toISOString(),
  totals: zero,
  series: [
    { ...zero, at: new Date(base).toISOString(), received: 120, delivered_first: 60, latency_seconds: { p50: 0.1, p95: 3 } },
    { ...zero, at: new Date(base + minute).toISOString(), delivered_retry: 6, latency_seconds: { p95: 2 } },
    { ...zero, at: new Date(base + 3 * minute).toISOString(), received: 30 },
  ],
};
const span = { from: base, until: base + 4 * minute, part: 2 * minute };

test("columns add steps up, lines take the highest of them", () => {
  const columns = counted({ span, figures }, "Delivered", { tone: "accent", as: "up" }, delivered);
  expect(columns.values).toEqual([66, 0]);
  expect(sumOf(columns)).toBe(66);
  const line = measured({ span, figures }, "p95", "accent", (step) => step.latency_seconds.p95 ?? null);
  expect(line.values).toEqual([3, null]);
  expect(highestOf(line)).toBe(3);
  expect(highestOf({ ...line, values: [null] })).toBeNull();
});

test("what was let go is shown where there was any, each kind by itself", () => {
  expect(letGo({ span, figures })).toEqual([]);
  const [first, ...rest] = figures.series;
  if (first === undefined) throw new Error("there is a first step");
  const series = [{ ...first, dropped: 60, erased: 2 }, ...rest.map((step) => ({ ...step, erased: 1 }))];
  const shown = letGo({ span, figures: { ...figures, series } });
  expect(shown.map(({ name, values }) => [name, values])).toEqual([
    ["Dropped", [60, 0]],
    ["Erased", [3, 1]],
  ]);
});

test("rates are of the last whole minute", () => {
  expect(rateOf(figures, base + minute + 1, (step) => step.received)).toBe(2);
  expect(rateOf(figures, base + 3 * minute, (step) => step.received)).toBe(0);
  expect(rateOf(figures, base + 4 * minute + 59_000, (step) => step.received)).toBe(0.5);
});

test("rates and times are short", () => {
  expect([0, 0.5, 2, 250].map(inRate)).toEqual(["0/s", "30/min", "2.0/s", "250/s"]);
  expect([0, 0.035, 1.2, 5, 45, 240, 14_400].map(inSeconds)).toEqual(["0", "35 ms", "1.2 s", "5 s", "45 s", "4 min", "4.0 h"]);
});
