import type { Schemas } from "@/api/client";
import { typeOf, type EventView } from "@/features/events/queries";

/** The types of events that a sync is to send; null: all of them. */
export function chosenTypes(select: Schemas["Selection"] | null | undefined): string[] | null {
  if (select == null || !("types" in select)) return null;
  return select.types.map((type) => type.event_type);
}

/** The newest of these events that a sync would send, by its types; undefined: it sends none of them. */
export function newestOf(events: EventView[], types: string[] | null): EventView | undefined {
  return types === null ? events[0] : events.find((event) => types.includes(typeOf(event)));
}
