import { expect, test } from "vitest";
import { inWords, isStatuses } from "./answers";

test("statuses are one, a class, or a range that goes up", () => {
  expect(["409", "4xx", "500-503", "200-200"].filter(isStatuses)).toHaveLength(4);
  expect(["", "99", "600", "4x", "6xx", "503-500", "409 ", "409,410", "abc"].filter(isStatuses)).toEqual([]);
});

test("a rule is a sentence", () => {
  expect(inWords({ means: "refused" })).toBe("any response");
  expect(
    inWords({
      means: "refused",
      status: ["2xx", 409],
      failed_item: { list: "/errors" },
      body: [
        { pointer: "/code", operator: "is", values: ["a", 1] },
        { pointer: "/id", operator: "is_set" },
      ],
    }),
  ).toBe('the status is 2xx or 409, and /errors lists what was sent, and /code is any of "a", 1, and /id exists');
});
