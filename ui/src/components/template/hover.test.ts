import { expect, test } from "vitest";
import { nameAt } from "./hover";

test("the name that is pointed at is found with all of its path", () => {
  const line = '"a": "${input.user_properties.plan!}", "b": "${input.user_properties["first name"]}"';
  const path = (text: string) => nameAt(line, line.indexOf(text))?.path;
  expect(path("plan")).toEqual(["input", "user_properties", "plan"]);
  expect(path("first name")).toEqual(["input", "user_properties", "first name"]);
  expect(path('"b"')).toBeUndefined();
  expect(nameAt("${parameters.key}", 4)?.path).toEqual(["parameters", "key"]);
});
