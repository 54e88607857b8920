import { expect, test } from "vitest";
import { isFiltered, knownBy, queryOf, searchOf, soughtBy } from "./search";

test("an address says which attempts are listed; what can't be used is left out", () => {
  expect(searchOf({ outcome: "expired", reason: "timeout", status: 503, type: "Buy", user: 42, last: "1d", open: 7, import: "rpl_1" })).toEqual({
    outcome: "expired",
    reason: "timeout",
    status: 503,
    type: "Buy",
    user: "42",
    last: "1d",
    open: 7,
    import: "rpl_1",
  });
  expect(searchOf({ outcome: "toString", status: 99, user: "", last: "2d", from: "soon", open: -1, event_id: "x1" })).toEqual({});
  expect(searchOf({ event_id: 1234 })).toEqual({ event_id: "1234" });
  // The router keeps what the address says of keys that aren't named.
  expect(searchOf({ outcome: "bogus", last: "2d", open: -1 })).toHaveProperty("outcome", undefined);
  const raw = { outcome: "bogus", reason: "", status: 1, type: "", user: "", device: "", insert: "", event_id: "x", last: "2d", from: "soon", until: "late", open: -1, import: "" };
  expect(Object.keys(searchOf(raw)).sort()).toEqual(Object.keys(raw).sort());
});

test("the API is asked with the same; a span that ends now goes before two times", () => {
  const now = Date.parse("2024-03-01T10:00:00Z");
  expect(queryOf({ outcome: "failed", reason: "timeout", type: "Buy", insert: "a", last: "4h", until: "2024-03-01T00:00:00Z" }, now)).toMatchObject({
    outcome: "failed",
    category: "timeout",
    event_type: "Buy",
    insert_id: "a",
    from: "2024-03-01T06:00:00.000Z",
    until: undefined,
  });
  expect(queryOf({ event_id: "12", from: "2024-03-01T00:00:00+01:00", until: "2024-03-01T02:00:00Z" }, now)).toMatchObject({
    event_id: 12,
    from: "2024-02-29T23:00:00.000Z",
    until: "2024-03-01T02:00:00.000Z",
  });
});

test("what is opened isn't a filter", () => {
  expect(isFiltered({ open: 4 })).toBe(false);
  expect(isFiltered({ open: 4, import: "rpl_1" })).toBe(false);
  expect(isFiltered({ open: 4, last: "1h" })).toBe(true);
});

test("an event is sought by one thing at a time", () => {
  expect(knownBy({ type: "Buy" })).toBeUndefined();
  expect(knownBy({ insert: "a" })).toBe("insert");
  expect(soughtBy({ type: "Buy", user: "ann" }, "device", "d1")).toEqual({ type: "Buy", device: "d1" });
  expect(knownBy(soughtBy({ user: "ann" }, "user", ""))).toBeUndefined();
});
