import { expect, test } from "vitest";
import type { Observed } from "@/features/events/queries";
import { seenAt } from "./seen";

const property = (name: string, events: number, examples: string[]) => ({
  name,
  events,
  uncounted: 0,
  examples,
  kinds: ["string"],
  sensitive: "no",
});
const observed = {
  since: "2026-11-16T00:00:00.000Z",
  events: 100,
  event_types: [
    { event_type: "a", events: 60, properties: [property("total", 40, ["1"])] },
    { event_type: "b", events: 40, properties: [property("total", 20, ["2"])] },
  ],
  user_properties: [property("plan", 100, ['"pro"', '"free"'])],
  group_properties: [],
  truncated: false,
} as unknown as Observed;

test("values are those of recent events, with how often there is none", () => {
  const seen = seenAt(observed, '{"user_id":"ann","user_properties":{},"order":1234567890123456789,"at":[1.10, 2]}');
  expect(seen(["input", "event_properties", "total"])).toEqual({ examples: ["1", "2"], of: "Absent in 40 of 100 events since Nov 16" });
  expect(seen(["input", "user_properties", "plan"])?.of).toBe("In each of 100 events since Nov 16");
  expect(seen(["input", "user_properties", "plam"])?.of).toBe("Absent in all of 100 events since Nov 16");
  expect(seen(["input", "user_id"])).toEqual({ examples: ['"ann"'], of: "In the event that the request is made of" });
  expect(seen(["input", "order"])?.examples).toEqual(["1234567890123456789"]);
  expect(seen(["input", "at"])?.examples).toEqual(["[1.10,2]"]);
  expect(seen(["input", "device_id"])?.of).toContain("Absent");
  expect(seen(["parameters", "key"])).toBeNull();
  expect(seenAt(undefined, null)(["input", "user_id"])).toBeNull();
});

test("where there are too many names to be exact, it says so", () => {
  const late = { ...property("late", 30, []), uncounted: 5 };
  const cut = { ...observed, user_properties: [...observed.user_properties, late], truncated: true } as Observed;
  const of = (name: string) => seenAt(cut, null)(["input", "user_properties", name])?.of;
  expect(of("late")).toBe("Absent in 70 of 100 events since Nov 16 at most");
  expect(of("unlisted")).toBe("Absent in 100 of 100 events since Nov 16 at most");
  expect(of("plan")).toBe("In each of 100 events since Nov 16");
});
