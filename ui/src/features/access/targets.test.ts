import { expect, test } from "vitest";
import { safeTarget } from "./targets";

test.each([
  ["/p/prj_1/syncs?step=events", "/p/prj_1/syncs?step=events"],
  [undefined, "/"],
  ["https://evil.example/", "/"],
  ["//evil.example/a", "/"],
  ["/\\evil.example/a", "/"],
  ["javascript:alert(1)", "/"],
])("%s leads to %s", (to, target) => {
  expect(safeTarget(to)).toBe(target);
});
