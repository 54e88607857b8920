import { expect, test } from "vitest";
import type { Schemas } from "@/api/client";
import { besideItsState, doersFirst, foldedOf } from "./summary";

test("what the state says isn't said once more", () => {
  expect(besideItsState("delivered at 5:52:38 PM at attempt 1 in 5 ms, status 200")).toBe("at 5:52:38 PM, attempt 1, 5 ms, status 200");
  expect(besideItsState("filtered: its event type is not selected")).toBe("its event type is not selected");
  expect(besideItsState("discarded at 5:52 PM: the body is not valid JSON")).toBe("at 5:52 PM: the body is not valid JSON");
  expect(besideItsState("expired at 5:52 PM: tried 10 times, the last time: no connection")).toBe("at 5:52 PM: tried 10 times, the last time: no connection");
  expect(besideItsState("3 earlier events come first")).toBe("3 earlier events come first");
});

test("drafts are folded away, unless there is one alone", () => {
  const sync = (name: string, ...states: ("delivered" | "filtered" | "never_enabled")[]) => ({ name, verdicts: states.map((state) => ({ state })) });
  const [a, b, c, d] = [sync("a", "delivered", "filtered"), sync("b", "never_enabled"), sync("c", "never_enabled", "never_enabled"), sync("d", "filtered")];
  expect(foldedOf([a, b, c, d])).toEqual({ did: [a, d], drafts: [b, c] });
  expect(foldedOf([b, a])).toEqual({ did: [b, a], drafts: [] });
  expect(foldedOf([b, c])).toEqual({ did: [], drafts: [b, c] });
});

test("syncs that did something come before those that an event was nothing for", () => {
  const sync = (name: string, ...states: Schemas["VerdictState"][]) => ({ name, verdicts: states.map((state) => ({ state })) });
  const all = [sync("A", "filtered"), sync("B", "pending"), sync("C", "never_enabled"), sync("D", "filtered", "delivered"), sync("E", "lost")];
  expect(doersFirst(all).map(({ name }) => name).join("")).toBe("BDEAC");
});
