import { expect, test } from "vitest";
import { CreationKeys } from "./idempotency";

test("what is sent again has the same key, and what is other another one", () => {
  const keys = new CreationKeys();
  const first = keys.of({ name: "CI", scopes: null });
  expect(keys.of({ name: "CI", scopes: null })).toBe(first);
  expect(keys.of({ name: "CD", scopes: null })).not.toBe(first);
  expect(keys.of({ name: "CI", scopes: null })).toBe(first);
  expect(new CreationKeys().of({ name: "CI", scopes: null })).not.toBe(first);
});
