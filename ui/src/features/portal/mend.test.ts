import { expect, test } from "vitest";
import { mended } from "./mend";

test("a mend replaces bytes, also behind letters of several", () => {
  const template = '{"größe": "${input.a}"}';
  const at = new TextEncoder().encode('{"größe": "${').length;
  const edit = { line: 1, column: 14, end_line: 1, end_column: 21, start_byte: at, end_byte: at + 7, replacement: "input.a!" };
  expect(mended(template, edit)).toBe('{"größe": "${input.a!}"}');
});
