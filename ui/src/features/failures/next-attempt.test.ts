import { expect, test } from "vitest";
import { nextAttempt } from "./next-attempt";

const due = "2024-03-01T10:00:00Z";

test("a delivery is tried no earlier than its sync goes on", () => {
  expect(nextAttempt(due, undefined)).toEqual({ at: due });
  expect(nextAttempt(due, { health: "degraded", enabled: true })).toEqual({ at: due });
  const probe = "2024-03-01T10:00:40.5Z";
  expect(nextAttempt(due, { health: "failing", enabled: true, next_probe_at: probe })).toEqual({ at: probe });
  expect(nextAttempt(due, { health: "failing", enabled: true, next_probe_at: "2024-03-01T09:59:59Z" })).toEqual({ at: due });
  expect(nextAttempt(due, { health: "paused", enabled: false, next_probe_at: probe })).toEqual({ when: "When the sync is enabled" });
  expect(nextAttempt(due, { health: "misconfigured", enabled: true })).toEqual({ when: "When the sync is fixed" });
});
