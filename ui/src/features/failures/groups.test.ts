import { expect, test } from "vitest";
import type { Counted } from "@/features/overview/figures";
import { groupsOf } from "./groups";
import { reasonWords } from "./words";

const minute = 60_000;
const base = Date.parse("2024-03-01T10:00:00Z");
const step = (index: number, failures: object[], discarded_by_reason = {}) => ({
  at: new Date(base + index * minute).toISOString(),
  failures,
  discarded_by_reason,
});

test("failures are grouped by kind and status, the most frequent first", () => {
  const counted = {
    span: { from: base, until: base + 60 * minute, part: minute },
    figures: {
      step: "minute",
      until: new Date(base + 59.5 * minute).toISOString(),
      series: [
        step(0, [{ category: "server_error", status: 500, count: 3 }, { category: "server_error", status: 503, count: 1 }]),
        step(59, [{ category: "server_error", status: 500, count: 4 }, { category: "connect", count: 9 }], { template: 2 }),
      ],
    },
  } as unknown as Counted;
  const groups = groupsOf(counted);
  expect(groups.map(({ reason, status, count, attempted }) => [reason, status, count, attempted])).toEqual([
    ["connect", null, 9, true],
    ["server_error", 500, 7, true],
    ["template", null, 2, false],
    ["server_error", 503, 1, true],
  ]);
  const [, server] = groups;
  expect(server?.trend).toHaveLength(20);
  expect(server?.trend.at(0)).toBe(3);
  expect(server?.trend.at(-1)).toBe(4);
  expect(server?.lastSeen).toBe(base + 59.5 * minute);
});

test("reasons are words", () => {
  expect(reasonWords("connect")).toBe("Connection failed");
  expect(reasonWords("missing_mapping")).toBe("A required mapping has no value");
  expect(reasonWords("not_known_yet")).toBe("Not known yet");
});
