import { expect, test } from "vitest";
import { isMissing, leftToDo, ofSync, placeOf, saidOf } from "./unready";

const of = (pointer: string, more = {}) => ({ pointer, message: "it is wrong", ...more });
const sync = {
  url: null,
  events: { template: "${broken}" },
  headers: [{ name: "x", secret: false, value: "${" }],
  parameters: { key: { secret: true, value: null }, host: { secret: false, value: "no host" }, region: { secret: false, value: "" } },
  mappings: {},
};

test("what isn't there is to be filled in, what is there to be fixed", () => {
  expect(["/url", "/mappings/id", "/parameters/endpoint", "/nothing/at/all"].map((each) => isMissing(of(each), sync))).toEqual([true, true, true, true]);
  expect(["/events/template", "/headers/0/value", "/parameters/key", "/parameters/host"].map((each) => isMissing(of(each), sync))).toEqual([false, false, false, false]);
  expect(isMissing(of("/parameters/region"), sync)).toBe(true);
});

test("how much is left is said with what is to be done", () => {
  expect(leftToDo([of("/url")], sync)).toBe("1 thing to fill in");
  expect(leftToDo([of("/url"), of("/mappings/id")], sync)).toBe("2 things to fill in");
  expect(leftToDo([of("/events/template")], sync)).toBe("1 thing to fix");
  expect(leftToDo([of("/url"), of("/events/template")], sync)).toBe("2 things to fill in or fix");
});

test("each is said where it is done, with its place in a template", () => {
  expect(placeOf(of("/events/template"))).toBe("Events");
  expect(placeOf(of("/definition/events/body"))).toBe("The destination itself");
  expect(saidOf(of("/url"))).toBe("It is wrong.");
  expect(saidOf(of("/events/template", { line: 2, column: 13 }))).toBe("Line 2, column 13: It is wrong.");
  expect(ofSync(of("/changes/url")).pointer).toBe("/url");
  expect(ofSync(of("/event/changes")).pointer).toBe("/event/changes");
});
