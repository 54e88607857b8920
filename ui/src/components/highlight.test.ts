import { expect, test } from "vitest";
import { atLine, pretty, tokens, plainly, sentenceCase } from "./highlight";

test("names, strings, numbers and words are told apart", () => {
  const found = tokens('{"a": [1.5e3, "x\\"y", true]}').filter((token) => token.kind !== null);
  expect(found).toEqual([
    { kind: "name", text: '"a"' },
    { kind: "number", text: "1.5e3" },
    { kind: "string", text: '"x\\"y"' },
    { kind: "word", text: "true" },
  ]);
});

test("the pieces are the text, also of what is no JSON", () => {
  for (const text of ['{"a":', "<b>\"unclosed", "", "-", "\\"]) {
    expect(tokens(text).map((token) => token.text).join("")).toBe(text);
  }
});

test("only JSON is laid out anew", () => {
  expect(pretty('{"a":1}')).toEqual({ text: '{\n  "a": 1\n}', json: true });
  expect(pretty("a: 1")).toEqual({ text: "a: 1", json: false });
});

test("a message becomes a sentence, but for the name of a field that it begins with", () => {
  expect(sentenceCase("the disk is full")).toBe("The disk is full.");
  expect(sentenceCase("it is malformed. (See the manual.)")).toBe("It is malformed. (See the manual.)");
  expect(sentenceCase("external_id is required")).toBe("external_id is required.");
});

test("what a template lacks is said in plain words", () => {
  const said = "the body template failed at line 1 column 9: The following has evaluated to null or missing: ==> input.event_properties.nope";
  expect(plainly(said)).toBe("the body template failed at line 1 column 9: input.event_properties.nope has no value in this event");
  expect(plainly(`${said}; and more`)).toMatch(/event; and more$/);
  expect(plainly(`${said} (line 1)`)).toMatch(/nope has no value in this event \(line 1\)$/);
  expect(sentenceCase(said)).toMatch(/^The body template .* in this event\.$/);
  expect(plainly("no connection")).toBe("no connection");
});

test("what was sent is shown as it was sent", () => {
  const sent = '{"order":1152921504606846976,"price":1.10,"f":1.0,"tag":"a","tag":"b"}';
  expect(pretty(sent)).toEqual({
    text: '{\n  "order": 1152921504606846976,\n  "price": 1.10,\n  "f": 1.0,\n  "tag": "a",\n  "tag": "b"\n}',
    json: true,
  });
  // JavaScript would have no 2^60 + 1.
  expect(pretty('[1152921504606846977,1.0]').text).toBe("[\n  1152921504606846977,\n  1.0\n]");
});

test("the line of a place is said once", () => {
  expect(atLine("it is malformed", 3)).toBe("it is malformed (line 3)");
  expect(atLine("failed at line 3 column 9", 3)).toBe("failed at line 3 column 9");
  expect(atLine("it is malformed", null)).toBe("it is malformed");
});
