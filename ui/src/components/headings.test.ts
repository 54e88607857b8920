import { expect, test } from "vitest";
import { outlined } from "./headings";

/** The levels of a text's headings, after their levels in it. */
const levels = (...written: number[]) =>
  [...outlined(written.map((level) => `<h${String(level)}>x</h${String(level)}>\n<p>y</p>`).join("")).matchAll(/<h(\d)>x<\/h(\d)>/g)].map(
    ([, begun, ended]) => (begun === ended ? Number(begun) : NaN),
  );

test("a description's headings are below the page's, without gaps", () => {
  expect(levels(1, 2, 3, 4)).toEqual([3, 4, 5, 6]);
  expect(levels(2, 4, 2, 1, 1)).toEqual([3, 4, 3, 3, 3]);
  expect(levels(4, 3)).toEqual([3, 3]);
  expect(outlined("<p>&lt;h1&gt; and <code>h1</code></p>")).toBe("<p>&lt;h1&gt; and <code>h1</code></p>");
});
