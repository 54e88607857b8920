import { expect, test } from "vitest";
import type { SyncStatus } from "./queries";
import { inWords } from "./words";

const healthy: SyncStatus = {
  enabled: true,
  never_enabled: false,
  health: "healthy",
  in_flight: 0,
  pending: 0,
  backlog: 0,
  ended: 0,
  requests_at_once: 64,
  waiting_in_order: 0,
  awaiting_properties: 0,
  held: {
    bytes: 0,
    max_age_seconds: 604800,
    max_bytes: 10 ** 10,
    lost_events: 0,
    lost_retries: 0,
    dropped_events: 0,
    dropped_retries: 0,
    superseded: 0,
  },
  counts: { filtered: 0, delivered_first: 9, delivered_retry: 0, discarded: 0, expired: 0, failed_attempts: 0 },
};

test("a sync's state is one sentence", () => {
  expect(inWords(healthy)).toBe("Everything is delivered");
  expect(inWords({ ...healthy, pending: 1 })).toBe("1 retry is pending");
  expect(inWords({ ...healthy, pending: 3, awaiting_properties: 2 })).toBe("1 retry is pending");
  expect(inWords({ ...healthy, pending: 2, awaiting_properties: 2 })).toBe("2 deliveries wait for properties of their users");
  expect(inWords({ ...healthy, waiting_in_order: 3 })).toBe("3 deliveries wait for earlier ones of their users");
  expect(inWords({ ...healthy, backlog: 2 })).toBe("2 events wait to be sent");
  expect(inWords({ ...healthy, health: "paused", backlog: 1 })).toBe("1 event waits until it is enabled");
  expect(inWords({ ...healthy, enabled: false, health: "paused" })).toBe("Sends nothing while it is paused");
  expect(inWords({ ...healthy, enabled: false, health: "paused", never_enabled: true })).toBe("Not enabled yet: nothing was sent");
  expect(inWords({ ...healthy, health: "failing", reason: "it answers 500" })).toBe("It answers 500");
});
