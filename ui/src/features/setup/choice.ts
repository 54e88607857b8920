import type { Schemas } from "@/api/client";
import { typeOf, type EventView } from "@/features/events/queries";
import type { Sync } from "@/features/syncs/queries";
import type { SyncInput } from "./form";

/** The types of events that a sync is to send; null: all of them. */
export function chosenTypes(select: Schemas["Selection"] | null | undefined): string[] | null {
  if (select == null || !("types" in select)) return null;
  return select.types.map((type) => type.event_type);
}

/** The newest of these events that a sync would send, by its types; undefined: it sends none of them. */
export function newestOf(events: EventView[], types: string[] | null): EventView | undefined {
  return types === null ? events[0] : events.find((event) => types.includes(typeOf(event)));
}

/**
 * What decides which events a sync takes, and nothing else: as long as it stays, so does the choice of the event that
 * is shown. Users count only where events aren't sent. Templates stay out: they decide on no event.
 */
export function selectionOf(sync: Pick<Sync, "events" | "users">, { events, users }: SyncInput): SyncInput {
  const [ofEvents, ofUsers] = [{ ...sync.events, ...events }, { ...sync.users, ...users }];
  return {
    events: { send: ofEvents.send, select: ofEvents.select, template: null },
    users: { send: ofUsers.send === true && ofEvents.send === false, on: ofUsers.on, properties: ofUsers.properties, template: null },
  };
}
