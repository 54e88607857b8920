import { expect, test } from "vitest";
import { backlogOver } from "./backlog";

const minute = 60_000;
const base = Date.parse("2024-03-01T10:00:00Z");
const span = { from: base, until: base + 5 * minute, part: minute };
const step = (index: number, received: number) => ({ at: new Date(base + index * minute).toISOString(), received });

test("a backlog is reckoned back from what it is now", () => {
  // Nothing was moved past in the second and third minute, while events came; then it caught up.
  const received = [step(0, 10), step(1, 20), step(2, 30), step(3, 5)];
  const passed = [step(0, 10), step(3, 40), step(4, 8)];
  expect(backlogOver(span, received, passed, 7, base)).toEqual([0, 20, 50, 15, 7]);
});

test("before the sync was made there is none", () => {
  expect(backlogOver(span, [step(0, 9), step(3, 5)], [], 5, base + 2.5 * minute)).toEqual([null, null, 0, 5, 5]);
});

test("what was dropped doesn't make less than nothing, nor hide what was there before", () => {
  expect(backlogOver(span, [step(0, 50), step(3, 100)], [step(1, 50)], 0, base)).toEqual([50, 0, 0, 0, 0]);
});
