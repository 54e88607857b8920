import { CompletionContext } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";
import { expect, test } from "vitest";
import { completeTemplate, namesIn, type Scope } from "./completion";

const scope: Scope = {
  input: { event_type: "Order", user_properties: { email: "a@example.com", "first name": "Ann" } },
  parameters: ["api_key"],
  mappedFields: ["external_id"],
};

/** What is offered where `|` stands. */
function offered(template: string): string[] {
  const at = template.indexOf("|");
  const state = EditorState.create({ doc: template.replace("|", "") });
  const result = completeTemplate(() => scope)(new CompletionContext(state, at, true));
  return (result?.options ?? []).map((option) => option.label);
}

test("names come from the event, the parameters and the mappings", () => {
  expect(offered("${|")).toEqual(["input", "parameters", "mappedFields", "mappedProperties"]);
  expect(offered("${input.|")).toEqual(["event_type", "user_properties"]);
  expect(offered("<#if input.user_properties.|")).toEqual(["email", "first name"]);
  expect(offered("${parameters.a|")).toEqual(["api_key"]);
  expect(offered("${mappedFields.|")).toEqual(["external_id"]);
});

test("of an answer there is something to read where one came before", () => {
  const names = (answer: boolean, path: string[]) => namesIn({ ...scope, answer }, path).map(({ label }) => label);
  expect(names(true, [])).toContain("answer");
  expect(names(true, ["answer"])).toEqual(["status", "body"]);
  expect(names(false, [])).not.toContain("answer");
  expect(names(false, ["answer"])).toEqual([]);
});

test("directives and built-ins come where they can stand", () => {
  expect(offered("<#|")).toContain("if");
  expect(offered("${input.event_type?up|")).toContain("upper_case");
  expect(offered("${input.event_type??|")).not.toContain("upper_case");
});

test("nothing is offered in text", () => {
  expect(offered('{"input.|')).toEqual([]);
  expect(offered("${input.event_type} input.|")).toEqual([]);
});

test("values beside names are those of the event, to the character", () => {
  const inputText = '{"order": 1152921504606846977, "price": 1.10, "at": {"x": [1.0, 2]}}';
  const input = JSON.parse(inputText) as Record<string, unknown>;
  const details = (path: string[], own: Partial<Scope>) => namesIn({ ...scope, input, ...own }, path).map(({ detail }) => detail);
  expect(details(["input"], { inputText })).toEqual(["1152921504606846977", "1.10", '{"x":[1.0,2]}']);
  expect(details(["input", "at"], { inputText })).toEqual(["[1.0,2]"]);
  expect(details(["input", "at"], {})).toEqual(["[1,2]"]);
});
