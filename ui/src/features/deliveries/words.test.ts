import { expect, test } from "vitest";
import type { KnownDelivery } from "./queries";
import { standing, stateOf } from "./words";

const of = (state: object): KnownDelivery => ({ delivery_id: "dlv_1", part: "event", attempts: [], ...state }) as unknown as KnownDelivery;
const at = "2024-03-01T10:00:00Z";

test("how a delivery stands is one sentence", () => {
  expect(standing(of({ state: "delivered", at, attempt: 3, status: 202, took_ms: 9 }))).toMatch(/^At attempt 3, .*, response 202\.$/);
  const failed = { category: "timeout", message: "no answer" };
  expect(standing(of({ state: "pending", due_at: at, attempts_made: 2, last_failure: failed }))).toMatch(/^Attempt 3 of 10 is due /);
  const awaited = { category: "awaiting_property", message: 'waits for property "plan" of the user' };
  expect(standing(of({ state: "pending", due_at: at, attempts_made: 0, last_failure: awaited }))).toBe('Waits for property "plan" of the user.');
  expect(standing(of({ state: "expired", at, attempts_made: 10, last_failure: failed }))).toMatch(/^Given up after 10 attempts/);
  expect(standing(of({ state: "discarded", at, reason: "over_limit", message: "the body is 2 MB" }))).toBe(
    "Over a limit of the destination: The body is 2 MB.",
  );
});

test("what waits for an earlier one waits", () => {
  expect(stateOf(of({ state: "waiting_in_order" }))).toBe("waiting");
  expect(stateOf(of({ state: "expired" }))).toBe("expired");
});
