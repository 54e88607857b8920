import type { Schemas } from "@/api/client";

/** What lists of deliveries say of their events. */
export type Named = Pick<Schemas["EventNames"], "event_type" | "user_id" | "device_id">;

/** What a delivery is called: `Big Order · user-3`, and which event of that name it is of. */
export function namesOf({ event_type, user_id, device_id, part, offset }: Named & { part: Schemas["Part"]; offset: number }): { name: string; place: string } {
  const type = event_type ?? (user_id == null && device_id == null ? "Event no longer kept" : "(no type)");
  const whose = whoseOf({ user_id, device_id });
  const name = whose === null ? type : `${type} · ${whose}`;
  return { name, place: `${part === "user" ? "User of event" : "Event"} ${String(offset)}` };
}

/** Whose event it is: the user's id, or else the device's. */
export function whoseOf({ user_id, device_id }: Pick<Named, "user_id" | "device_id">): string | null {
  return user_id ?? device_id ?? null;
}
