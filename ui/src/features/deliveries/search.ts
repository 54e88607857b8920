import type { Schemas } from "@/api/client";

export type Outcome = Schemas["AttemptOutcome"];
export type Attempt = Schemas["ListedAttempt"];

/** What outcomes are called. */
export const OUTCOMES: Record<Outcome, string> = {
  delivered: "Delivered after retries",
  failed: "Failed, retrying",
  expired: "Expired",
  discarded: "Request could not be built",
};

/** By what an event is known: at most one of these is sought. */
export type KnownBy = "user" | "device" | "insert" | "event_id";
export const KNOWN_BY: Record<KnownBy, string> = {
  user: "User ID",
  device: "Device ID",
  insert: "Insert ID",
  event_id: "Event ID",
};

/** Spans that end now, in milliseconds. */
const HOUR = 3_600_000;
export const LAST = { "1h": HOUR, "4h": 4 * HOUR, "1d": 24 * HOUR, "7d": 168 * HOUR } as const;
export type Last = keyof typeof LAST;

/** Which attempts are listed, as the address says it. */
export interface DeliveriesSearch {
  outcome?: Outcome | undefined;
  /** A category of failures, or why no request could be made. */
  reason?: string | undefined;
  status?: number | undefined;
  type?: string | undefined;
  user?: string | undefined;
  device?: string | undefined;
  insert?: string | undefined;
  event_id?: string | undefined;
  last?: Last | undefined;
  /** Times as RFC 3339; a span that ends now goes before. */
  from?: string | undefined;
  until?: string | undefined;
  /** The position of the event whose deliveries are looked at. */
  open?: number | undefined;
  /** The import that it is of, where it is no event of the project's own. */
  import?: string | undefined;
}

/** What of an address can be used: the rest is as if it weren't there. */
export function searchOf(raw: Record<string, unknown>): DeliveriesSearch {
  // Values of digits alone come as numbers.
  const text = (value: unknown) => (typeof value === "number" ? String(value) : typeof value === "string" && value !== "" ? value : undefined);
  const whole = (value: unknown, least: number, most: number) =>
    typeof value === "number" && Number.isInteger(value) && value >= least && value <= most ? value : undefined;
  const time = (value: unknown) => (typeof value === "string" && !Number.isNaN(Date.parse(value)) ? value : undefined);
  const one = <T extends string>(value: unknown, of: Record<T, unknown>) =>
    typeof value === "string" && Object.hasOwn(of, value) ? (value as T) : undefined;
  const id = text(raw.event_id);
  // Each key is named, also where it has no value: the router keeps what the address says of a key that is left out.
  return {
    outcome: one(raw.outcome, OUTCOMES),
    reason: text(raw.reason),
    status: whole(raw.status, 100, 999),
    type: text(raw.type),
    user: text(raw.user),
    device: text(raw.device),
    insert: text(raw.insert),
    event_id: id !== undefined && /^-?\d{1,15}$/.test(id) ? id : undefined,
    last: one(raw.last, LAST),
    from: time(raw.from),
    until: time(raw.until),
    open: whole(raw.open, 0, Number.MAX_SAFE_INTEGER),
    import: text(raw.import),
  };
}

/** The same as the API is asked. */
export function queryOf(search: DeliveriesSearch, now: number) {
  const { outcome, reason, status, type, user, device, insert, event_id, last, from, until } = search;
  return {
    outcome,
    category: reason,
    status,
    event_type: type,
    user,
    device,
    insert_id: insert,
    event_id: event_id === undefined ? undefined : Number(event_id),
    from: last === undefined ? (from === undefined ? undefined : new Date(from).toISOString()) : new Date(now - LAST[last]).toISOString(),
    until: last !== undefined || until === undefined ? undefined : new Date(until).toISOString(),
  };
}

/** Whether anything is left out. */
export function isFiltered({ open, import: of, ...filters }: DeliveriesSearch): boolean {
  void open;
  void of;
  return Object.values(filters).some((value) => value !== undefined);
}

/** By what the event is sought, where it is. */
export function knownBy(search: DeliveriesSearch): KnownBy | undefined {
  return (Object.keys(KNOWN_BY) as KnownBy[]).find((each) => search[each] !== undefined);
}

/** The same search for an event that is known by something else; an empty text seeks none. */
export function soughtBy(search: DeliveriesSearch, by: KnownBy, value: string): DeliveriesSearch {
  return { ...search, user: undefined, device: undefined, insert: undefined, event_id: undefined, [by]: value === "" ? undefined : value };
}
