import { expect, test } from "vitest";
import { importCommand } from "./command";
import { eventsOf, type Wanted } from "./past";

const wanted: Wanted = { period: "hour", from: "", until: "", types: [], condition: null };
const now = Date.parse("2026-03-01T12:00:00Z");
const condition = { test: { property: { scope: "user" as const, name: "plan" }, operator: "is" as const, values: ["pro"] } };

test("a period is counted back from when it was chosen", () => {
  expect(eventsOf(wanted, now)).toEqual({ from: "2026-03-01T11:00:00.000Z" });
});

test("times of one's own are in the viewer's zone, and have to make sense", () => {
  const own = { ...wanted, period: "own" as const };
  expect(eventsOf(own, now)).toBe("Choose a start.");
  expect(eventsOf({ ...own, from: "2026-02-01T10:00", until: "2026-02-01T09:00" }, now)).toBe("The end must be after the start.");
  const from = new Date("2026-02-01T10:00").toISOString();
  expect(eventsOf({ ...own, from: "2026-02-01T10:00" }, now)).toEqual({ from });
  const until = new Date("2026-02-02T10:00").toISOString();
  expect(eventsOf({ ...own, from: "2026-02-01T10:00", until: "2026-02-02T10:00" }, now)).toEqual({ from, until });
});

test("types and a condition narrow what the sync selects", () => {
  expect(eventsOf({ ...wanted, condition }, now)).toMatchObject({ select: { all: { condition } } });
  expect(eventsOf({ ...wanted, types: ["A", "B"], condition }, now)).toMatchObject({
    select: { types: [{ event_type: "A", condition }, { event_type: "B", condition }] },
  });
  expect(eventsOf({ ...wanted, types: ["A"] }, now)).toMatchObject({ select: { types: [{ event_type: "A" }] } });
});

test("names of any kind are words of a shell", () => {
  expect(importCommand(["a b.zip", "-x.zip"], "Ann's shop", "$(rm)", 600)).toBe(
    `millstream import 'a b.zip' ./-x.zip --project 'Ann'\\''s shop' --sync '$(rm)' --rate 600 --wait`,
  );
  expect(importCommand([], "Shop", "Braze", null)).toBe("millstream import export.zip --project Shop --sync Braze --wait");
});
