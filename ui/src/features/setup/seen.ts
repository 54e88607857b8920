import type { Seen } from "@/components/template/completion";
import { onOneLine, textAt } from "@/components/json-text";
import type { Observed } from "@/features/events/queries";

/** What recent events have, and the one that the request is made of, as its text, where a template reads: values, and in how many of them there is none. */
export function seenAt(observed: Observed | undefined, event: string | null) {
  return (path: string[]): Seen | null => {
    const [root, scope, name] = path;
    if (root !== "input" || scope === undefined) return null;
    const found = name === undefined ? null : counted(observed, scope, name);
    if (found !== null) return found;
    if (event === null) return null;
    const value = textAt(event, path.slice(1));
    return value === undefined
      ? { examples: [], of: "Absent in the event that the request is made of" }
      : { examples: [onOneLine(value)], of: "In the event that the request is made of" };
  };
}

function counted(observed: Observed | undefined, scope: string, name: string): Seen | null {
  if (observed === undefined || observed.events === 0) return null;
  const properties =
    scope === "user_properties"
      ? observed.user_properties
      : scope === "event_properties"
        ? observed.event_types.flatMap((type) => type.properties)
        : null;
  if (properties === null) return null;
  const own = properties.filter((each) => each.name === name);
  const events = own.reduce((sum, each) => sum + each.events, 0);
  const absent = observed.events - events;
  const examples = [...new Set(own.flatMap((each) => each.examples))];
  const all = allOf(observed);
  // Of a frequent name that came late, some events may be uncounted; of one that isn't listed, all of its own.
  const lacking = own.some((each) => each.uncounted > 0) || (observed.truncated && events === 0);
  if (lacking && absent > 0) return { examples, of: `Absent in ${absent.toLocaleString("en")} of ${all} at most` };
  if (events === 0) return { examples, of: `Absent in all of ${all}` };
  return { examples, of: absent === 0 ? `In each of ${all}` : `Absent in ${absent.toLocaleString("en")} of ${all}` };
}

/** All events that these counts are of, in words. */
export function allOf(observed: Observed): string {
  return `${count(observed.events)} since ${day(observed.since)}`;
}

function count(events: number): string {
  return events === 1 ? "1 event" : `${events.toLocaleString("en")} events`;
}

/** A day, which counts begin with: days are UTC's. */
function day(at: string): string {
  return new Date(at).toLocaleDateString("en", { month: "short", day: "numeric", timeZone: "UTC" });
}
