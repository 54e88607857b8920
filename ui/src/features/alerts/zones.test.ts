import { expect, test } from "vitest";
import { quietWords, zones } from "./zones";

const hours = (from: string, until: string) => quietWords({ from, until, time_zone: "UTC" });

test("quiet hours are said by their length, also over midnight", () => {
  expect(hours("22:00", "07:00")).toBe("9 h each day, until the next morning.");
  expect(hours("12:30", "13:15")).toBe("0 h 45 min each day.");
  expect(hours("07:00", "07:00")).toContain("the same");
  expect(hours("", "07:00")).toBe("Enter both times.");
});

test("a zone that was chosen elsewhere is kept", () => {
  expect(zones("Mars/Base")).toContain("Mars/Base");
  expect(zones("Europe/Berlin").filter((zone) => zone === "Europe/Berlin")).toHaveLength(1);
});
