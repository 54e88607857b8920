import { expect, test } from "vitest";
import { laidOut, members, onOneLine, textAt, toJson, withTexts, Written } from "./json-text";

/** What JavaScript would change: numbers, a name that stands there twice, the order of names, escapes. */
const HARD = String.raw`{"order":1152921504606846977,"price":1.10,"f":1.0,"e":1E3,"tag":"a","tag":"b","2":0,"1":0,"s":"\u00e9\/{,}: []","none":{},"list":[ ],"deep":[{"a":[-0.0]},null]}`;

test("laid out, only white space is another", () => {
  const text = laidOut(HARD);
  expect(text).toContain('  "order": 1152921504606846977,\n  "price": 1.10,\n  "f": 1.0,\n  "e": 1E3,\n  "tag": "a",\n  "tag": "b",\n  "2": 0,');
  expect(text).toContain(String.raw`"s": "\u00e9\/{,}: []"`);
  expect(onOneLine(text)).toBe(HARD.replace("[ ]", "[]"));
  expect(laidOut(text)).toBe(text);
});

test("what JavaScript doesn't change is laid out as it would", () => {
  for (const value of [{ a: 1, b: [true, null, { c: "d" }], e: {}, f: [] }, [], {}, [[[]]], "x", 1, null]) {
    expect(laidOut(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
  }
});

test("lines of what is deep don't grow without bound", () => {
  const deep = `${"[".repeat(5000)}${"]".repeat(5000)}`;
  expect(laidOut(deep).length).toBeLessThan(3_000_000);
});

test("members and values are given as they are written", () => {
  expect(members('{ "a" : [1.0, {"b": 2}], "a":"}", "\\u0062": 1.10 }')).toEqual([
    { name: "a", text: '[1.0, {"b": 2}]' },
    { name: "a", text: '"}"' },
    { name: "b", text: "1.10" },
  ]);
  expect(members('[1.0, {"b": [2]}, []]').map(({ text }) => text)).toEqual(["1.0", '{"b": [2]}', "[]"]);
  expect([members("{}"), members("[]"), members('"{}"'), members("1"), members("")]).toEqual([[], [], [], [], []]);
  expect(textAt(HARD, ["deep"])).toBe('[{"a":[-0.0]},null]');
  expect(textAt(HARD, ["tag"])).toBe('"b"');
  expect([textAt(HARD, ["none", "a"]), textAt(HARD, ["order", "a"])]).toEqual([undefined, undefined]);
});

test("texts come beside an answer's values, never from within them", () => {
  expect(withTexts(`{"event":${HARD},"id":1}`, "event")).toMatchObject({ id: 1, event_text: HARD });
  expect(withTexts('{"items":[{"event":{"event":1.0,"items":[]}},{"event":{"a":1.10}}],"next":null}', "event")).toMatchObject({
    items: [{ event_text: '{"event":1.0,"items":[]}' }, { event_text: '{"a":1.10}' }],
  });
  expect(withTexts('{"event": null}', "event")).toEqual({ event: null });
  expect(withTexts("[]", "event")).toEqual([]);
});

test("what is written goes into a request as it is", () => {
  const value = { a: [undefined, 1, "x"], b: undefined, c: { d: null }, at: new Date(0) };
  expect(toJson(value)).toBe(JSON.stringify(value));
  expect(toJson({ changes: { a: 1 }, event: new Written(HARD) })).toBe(`{"changes":{"a":1},"event":${HARD}}`);
});
