import { expect, test } from "vitest";
import type { Schemas } from "@/api/client";
import { MOST_ANSWERS, ofAllSyncs } from "./all-syncs";

type Why = Schemas["Why"];

function event(offset: number, sync: string, of: string | null = null): Why["events"][number] {
  return { offset, import: of, received_at: "2024-03-01T10:00:00Z", syncs: [{ sync, name: sync, verdicts: [] }] };
}

function answer(events: Why["events"], next: string | null): Why {
  return { events, refused: [], complete: true, next: "5", next_syncs: next, syncs_left_out: next !== null, replays_left_out: false };
}

test("what further syncs did stands beside what the first ones did", async () => {
  const answers: Record<string, Why> = {
    first: answer([event(7, "A"), event(6, "A"), event(1, "A", "replay_1")], "b"),
    // Another one came meanwhile, and one is of an import of its own.
    b: answer([event(8, "B"), event(7, "B"), event(2, "B", "replay_2")], "c"),
    c: answer([event(8, "C"), event(7, "C"), event(6, "C")], null),
  };
  const whole = await ofAllSyncs((after) => Promise.resolve(answers[after ?? "first"] ?? answer([], null)));
  const told = whole.events.map(({ offset, syncs }) => [offset, syncs.map(({ name }) => name).join("")]);
  expect(told).toEqual([[7, "ABC"], [6, "AC"], [1, "A"], [2, "B"]]);
  expect([whole.next, whole.next_syncs, whole.syncs_left_out, whole.asked]).toEqual(["5", null, false, 3]);
});

test("no more is asked than the bound says, and that there is more is known", async () => {
  let asked = 0;
  const whole = await ofAllSyncs(() => {
    asked += 1;
    return Promise.resolve(answer([event(7, String(asked))], String(asked)));
  });
  expect(asked).toBe(MOST_ANSWERS);
  expect(whole.syncs_left_out).toBe(true);
});
