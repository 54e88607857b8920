import type { Schemas } from "@/api/client";
import type { Observed } from "@/features/events/queries";

export type Property = Schemas["Property"];

/** A property as one text, for keys and choices. */
export function keyOf(property: Property): string {
  return property.scope === "group"
    ? `group:${JSON.stringify([property.group_type, property.name])}`
    : `${property.scope}:${property.name}`;
}

/** The property of such a text. */
export function propertyOf(key: string): Property | null {
  const at = key.indexOf(":");
  const [scope, name] = [key.slice(0, at), key.slice(at + 1)];
  if (at < 0 || name === "") return null;
  switch (scope) {
    case "event":
    case "user":
    case "field":
      return { scope, name };
    case "group": {
      const [group_type, own] = JSON.parse(name) as [string, string];
      return { scope, group_type, name: own };
    }
    default:
      return null;
  }
}

/** What a scope is called. */
export const SCOPES = {
  event: "Event property",
  user: "User property",
  group: "Group property",
  field: "Field of the event",
} as const;

/** Fields that every event can have and that destinations ask for. */
const FIELDS = [
  "user_id",
  "device_id",
  "event_type",
  "event_time",
  "platform",
  "country",
  "city",
  "region",
  "language",
  "os_name",
  "os_version",
  "version_name",
  "device_type",
  "insert_id",
  "session_id",
];

export interface Suggestion {
  property: Property;
  /** In how many of the events that were looked at; null: not counted. */
  events: number | null;
  /** Values that it had. */
  examples: unknown[];
}

/** Properties to choose from: those that the project really received, and the fields of events. */
export function suggestions(observed: Observed | undefined, eventType?: string): Suggestion[] {
  const found = new Map<string, Suggestion>();
  const add = (property: Property, events: number | null, examples: string[]) => {
    const key = keyOf(property);
    const before = found.get(key);
    const values = examples.map(parsed);
    if (before === undefined) found.set(key, { property, events, examples: values });
    else {
      before.events = (before.events ?? 0) + (events ?? 0);
      before.examples = [...new Set([...before.examples, ...values])].slice(0, 20);
    }
  };
  for (const type of observed?.event_types ?? []) {
    if (eventType !== undefined && type.event_type !== eventType) continue;
    for (const each of type.properties) add({ scope: "event", name: each.name }, each.events, each.examples);
  }
  for (const each of observed?.user_properties ?? []) {
    add({ scope: "user", name: each.name }, each.events, each.examples);
  }
  for (const group of observed?.group_properties ?? []) {
    for (const each of group.properties) {
      add({ scope: "group", group_type: group.group_type, name: each.name }, each.events, each.examples);
    }
  }
  for (const name of FIELDS) add({ scope: "field", name }, null, []);
  return [...found.values()];
}

/** In which order scopes are offered. */
export const OFFERED = ["user", "event", "group", "field"] as const;

/** What somebody means who typed a name to its end: as it is written, or else in other letters' cases if that is one alone. */
export function namedBy(offered: Suggestion[], typed: string): Property | null {
  if (typed === "") return null;
  const sorted = OFFERED.flatMap((scope) => offered.filter(({ property }) => property.scope === scope));
  const exact = sorted.find(({ property }) => property.name === typed);
  if (exact !== undefined) return exact.property;
  const alike = sorted.filter(({ property }) => property.name.toLowerCase() === typed.toLowerCase());
  return alike.length === 1 ? (alike[0]?.property ?? null) : null;
}

/** A value that is offered. A whole number that JavaScript would make another one of stays a text, which filters compare as a number, too. */
function parsed(example: string): unknown {
  try {
    const value: unknown = JSON.parse(example);
    return typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) ? example : value;
  } catch {
    return example;
  }
}
