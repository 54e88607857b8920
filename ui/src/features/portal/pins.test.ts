import { expect, test } from "vitest";
import { withPins } from "./pins";
import { problemAt } from "./shared";

const check = { problems: [{ pointer: "/about/summary", message: "too long" }], warnings: [], parameters: [], mapped_fields: [] };

test("what a reviewer said stands at its field, beside what the check found", () => {
  const both = withPins(check, [{ pointer: "/display_name", comment: "Say whose it is" }]);
  expect(problemAt(both, "/display_name")).toBe("The reviewer said: Say whose it is.");
  expect(problemAt(both, "/about/summary")).toBe("Too long.");
  expect(withPins(check, [])).toBe(check);
  expect(withPins(undefined, [])).toBeUndefined();
});
