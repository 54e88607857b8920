import { expect, test } from "vitest";
import { asGroup, blankTest, complete, type Condition, meant, withOperator } from "./condition";

const paid: Condition = {
  test: { property: { scope: "user", name: "plan" }, operator: "is", values: ["pro"] },
};

test("what isn't filled in yet is not sent", () => {
  expect(complete({ all: [paid, blankTest(), { any: [blankTest()] }] })).toEqual({ all: [paid] });
  expect(complete({ all: [blankTest()] })).toBeNull();
});

test("a test that lacks its values is not left out, which would send more", () => {
  const open: Condition = { test: { property: { scope: "event", name: "total" }, operator: "is", values: [] } };
  expect(complete({ any: [open] })).toEqual({ any: [open] });
});

test("a single test is shown as a group", () => {
  expect(asGroup(paid)).toEqual({ all: [paid] });
  expect(asGroup(undefined)).toEqual({ all: [] });
});

test.each([
  ["12", 12],
  ["-1.5", -1.5],
  ["true", true],
  ["007", "007"],
  ["1e3", "1e3"],
  ["+49", "+49"],
  ["", ""],
])("%s is meant as %s", (text, value) => {
  expect(meant(text)).toBe(value);
});

test("values go with an operator that doesn't take them", () => {
  const many = { property: { scope: "event", name: "a" }, operator: "is", values: [1, 2] } as const;
  const given = { ...many, values: [...many.values] };
  expect(withOperator(given, "less").values).toEqual([1]);
  expect(withOperator(given, "is_set").values).toBeUndefined();
});
