import { expect, test } from "vitest";
import { faultOf, type Filled } from "./faults";

const field = (part: Partial<Filled>): Filled => ({
  value: "",
  type: "text",
  required: true,
  minLength: -1,
  disabled: false,
  validity: { typeMismatch: false, badInput: false },
  ...part,
});

test("what is demanded has to be there, and blanks alone aren't", () => {
  expect(faultOf(field({}))).toBe("Fill this in.");
  expect(faultOf(field({ value: "  " }))).toBe("Fill this in.");
  expect(faultOf(field({ value: "Shop" }))).toBeNull();
  expect(faultOf(field({ required: false }))).toBeNull();
  expect(faultOf(field({ disabled: true }))).toBeNull();
});

test("addresses are shown by an example", () => {
  expect(faultOf(field({ type: "email" }))).toContain("ann@example.com");
  expect(faultOf(field({ type: "email", value: "ann", validity: { typeMismatch: true, badInput: false } }))).toContain("ann@example.com");
  expect(faultOf(field({ type: "url", value: "example", validity: { typeMismatch: true, badInput: false } }))).toContain("https://");
  expect(faultOf(field({ type: "email", value: "ann@example.com" }))).toBeNull();
});

test("passwords are as long as they have to be, of whatever characters", () => {
  expect(faultOf(field({ type: "password" }))).toBe("Enter the password.");
  expect(faultOf(field({ type: "password", minLength: 10, value: "short" }))).toBe("Enter at least 10 characters.");
  expect(faultOf(field({ type: "password", minLength: 10, value: "          " }))).toBeNull();
  expect(faultOf(field({ type: "password", minLength: 4, value: "😀😀" }))).toBe("Enter at least 4 characters.");
});

test("a part of a date is none", () => {
  expect(faultOf(field({ required: false, type: "datetime-local", validity: { typeMismatch: false, badInput: true } }))).toBe("Enter a whole value.");
});
