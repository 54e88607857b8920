import { expect, test } from "vitest";
import type { Schemas } from "@/api/client";
import { meantBy, nearest } from "./meant";
import { mended } from "./mend";

const template = '{"größe": 1,\n "ä": "${input.event_typ}"}';

function finding(line: number, column: number, length = 15): Schemas["FindingView"] {
  return {
    code: "may_be_missing",
    severity: "error",
    pointer: "/events/body",
    line,
    column,
    end_line: line,
    end_column: column + length,
    message: "the value may be missing and has no default",
    proof: { event: '{"event_type":"a","user_id":"b"}', parameters: '{"endpoint":""}' },
  };
}

test("a slip is mended by the name that was meant, be there letters of several bytes before it", () => {
  // The place is that of the whole interpolation.
  const column = Array.from(' "ä": "').length + 1;
  const meant = meantBy(template, finding(2, column, 17));
  expect(meant?.name).toBe("input.event_type");
  expect(meant === null ? "" : mended(template, meant.edit)).toBe('{"größe": 1,\n "ä": "${input.event_type}"}');
});

test("a name that is there is no slip, and neither is one that is like none", () => {
  expect(meantBy("${input.user_id}", finding(1, 3))).toBeNull();
  expect(meantBy("${input.whatever}", finding(1, 3))).toBeNull();
  expect(meantBy("${parameters.endpont}", finding(1, 3, 18))?.name).toBe("parameters.endpoint");
  expect(meantBy("${x?upper_case}", finding(1, 3))).toBeNull();
  expect(meantBy("${input.a}", finding(9, 3))).toBeNull();
});

test("near is what differs in a third of its letters", () => {
  expect(nearest("evnt_type", ["event_type", "user_id"])).toBe("event_type");
  expect(nearest("ab", ["xy"])).toBeNull();
});
