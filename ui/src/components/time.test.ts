import { expect, test } from "vitest";
import { inZone, relative } from "./time";

const now = Date.parse("2024-03-01T12:00:00Z");

test.each([
  ["2024-03-01T11:59:58Z", "just now"],
  ["2024-03-01T12:00:03Z", "now"],
  ["2024-03-01T11:59:20Z", "40 s ago"],
  ["2024-03-01T11:01:10Z", "59 min ago"],
  ["2024-03-01T11:00:20Z", "1 h ago"],
  ["2024-03-08T11:59:30Z", "in 7 d"],
  ["2024-03-02T11:45:00Z", "in 1 d"],
  ["2024-03-01T14:20:00Z", "in 2 h"],
  ["2024-02-28T12:00:00Z", "2 d ago"],
])("%s is %s", (at, words) => {
  expect(relative(at, now)).toBe(words);
});

test("times in a sentence are the viewer's, and the rest stays", () => {
  const said = inZone("delivered at 2024-03-01T10:00:00.120Z at attempt 1, status 200");
  expect(said).toMatch(/^delivered at .*2024.* at attempt 1, status 200$/);
  expect(said).not.toContain("T10:00:00");
  expect(inZone("9999-99-99T99:99:99Z")).toBe("9999-99-99T99:99:99Z");
});

test("times without a zone's letter are the viewer's, too, and today goes without its date", () => {
  const today = inZone("on hold since 2024-03-01 11:15 UTC; the next try is at 12:00:24 UTC.", now);
  expect(today).toMatch(/^on hold since \d{1,2}:15[^;]*; the next try is at \d{1,2}:00:24.*\.$/);
  expect(today).not.toMatch(/UTC|2024/);
  expect(inZone("since 2024-02-01 11:15 UTC", now)).toMatch(/2024/);
  expect(inZone("waits until 2024-03-01 15:28:57 UTC", now)).toMatch(/^waits until \d{1,2}:28:57/);
  expect(inZone("a pause until 99:00:00 UTC", now)).toBe("a pause until 99:00:00 UTC");
  // A time shortly after midnight is tomorrow's when it is nearly midnight.
  const late = Date.parse("2024-03-01T23:59:00Z");
  expect(inZone("the next try is at 00:01:00 UTC", late)).toBe(inZone("the next try is at 2024-03-02T00:01:00Z", late));
});

test("what is no time is shown as it is", () => {
  expect(relative("soon", now)).toBe("soon");
});
