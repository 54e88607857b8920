import { expect, test } from "vitest";
import { allOf } from "./pages";

/** A list of so many, in pages of three. */
function list(count: number) {
  const asked: (string | undefined)[] = [];
  const ask = (cursor: string | undefined) => {
    asked.push(cursor);
    const from = Number(cursor ?? 0);
    const items = Array.from({ length: Math.min(3, count - from) }, (_, n) => from + n);
    return Promise.resolve({ items, next: from + 3 < count ? String(from + 3) : null });
  };
  return { asked, ask };
}

test("a list is had page by page, to its end or its bound", async () => {
  const whole = list(7);
  expect(await allOf(100, whole.ask)).toEqual({ items: [0, 1, 2, 3, 4, 5, 6], more: false });
  expect(whole.asked).toEqual([undefined, "3", "6"]);
  expect(await allOf(6, list(6).ask)).toEqual({ items: [0, 1, 2, 3, 4, 5], more: false });
  const bounded = list(100);
  expect(await allOf(5, bounded.ask)).toEqual({ items: [0, 1, 2, 3, 4], more: true });
  expect(bounded.asked).toHaveLength(2);
  expect(await allOf(6, list(7).ask)).toMatchObject({ more: true });
  expect(await allOf(6, list(0).ask)).toEqual({ items: [], more: false });
});
