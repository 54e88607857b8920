import { expect, test } from "vitest";
import type { EventView } from "./queries";
import { joined, MOST, type Tail } from "./tail";

const event = (offset: number) => ({ offset, received_at: "", masked: false, event: {} }) as unknown as EventView;
const begun: Tail = { events: [event(3)], full: false, state: "live", skipped: 0 };

test("what comes stands first, once, the newest on top", () => {
  const { events, full } = joined(begun, [event(4), event(3), event(6), event(5)]);
  expect(events.map(({ offset }) => offset)).toEqual([6, 5, 4, 3]);
  expect(full).toBe(false);
  expect(joined(begun, [])).toBe(begun);
});

test("what is kept is bounded, and says when it doesn't join on any more", () => {
  const many = Array.from({ length: MOST }, (_, index) => event(4 + index));
  const { events, full } = joined(begun, many);
  expect(events).toHaveLength(MOST);
  expect(events.at(-1)?.offset).toBe(4);
  expect(full).toBe(true);
});
