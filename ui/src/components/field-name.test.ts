import { expect, test } from "vitest";
import { LIMITS } from "@/features/portal/limits";
import { fieldName } from "./field-name";

const draft = {
  display_name: "Acme",
  parameters: [{ name: "endpoint", display_name: "REST endpoint" }, { name: "", display_name: "" }],
  events: { body: "", headers: [{ name: "authorization", value: "" }] },
};

test.each([
  ["/display_name", "Display name"],
  ["/about/summary", "Connection info › Summary"],
  ["/events/body", "Events › Body"],
  ["/parameters/0/name", "Parameter “REST endpoint” › Name"],
  ["/parameters/1/name", "Parameter 2 › Name"],
  ["/events/headers/0/value", "Events › Header “authorization” › Value"],
  ["headers.0.name", "Header 1 › Name"],
])("%s is %s", (path, name) => {
  expect(fieldName(path, draft)).toBe(name);
});

test("each limit is called by a name", () => {
  for (const limit of Object.keys(LIMITS)) expect(fieldName(`/limits/${limit}`)).not.toContain("_");
});

test("what others named is called as they named it", () => {
  expect(fieldName("/parameters/api~1key/value")).toBe("Parameters › “api/key” › Value");
  expect(fieldName("/changes/url")).toBe("URL");
  expect(fieldName("/mappings/external_id")).toBe("Mappings › “external_id”");
  expect(fieldName("events.select.types.0.condition")).toBe("Events › Choice of events › Event type 1 › Filter");
});
