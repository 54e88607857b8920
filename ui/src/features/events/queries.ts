import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";

/** An event, and its JSON as it is streamed. */
export type EventView = Schemas["EventView"] & { event_text: string };
export type Observed = Schemas["ObservedView"];

/** How many of the newest events are looked at, wherever a change is tried on recent events. */
export const WINDOW = 1000;

interface Page {
  items: EventView[];
  next?: number | null;
  /** The newest position that was looked at; absent: there is none. */
  newest?: number | undefined;
}

interface EventFilter {
  limit: number;
  type?: string | undefined;
  /** What occurs in an event as it is shown, such as its user; large and small letters are the same. */
  text?: string | undefined;
  /** The import whose events are meant, in place of the project's own. */
  of?: string | undefined;
}

function page(project: string, { limit, type, of }: EventFilter, before?: number) {
  return take(
    api.GET("/api/v1/projects/{project}/events", {
      params: { path: { project }, query: { limit, event_type: type, before, import: of } },
    }),
  ) as Promise<Page>;
}

/** Most events that the API gives at once. */
const AT_ONCE = 200;

/** Whether this occurs in an event as it is shown: the tail's own rule. */
function has(event: EventView, text: string): boolean {
  return event.event_text.toLowerCase().includes(text.toLowerCase());
}

/** Events of a filter; a text is looked for in so many at a time, as far back as somebody goes on. */
async function found(project: string, filter: EventFilter, before?: number): Promise<Page> {
  const { text, limit } = filter;
  if (text === undefined) {
    const shown = await page(project, filter, before);
    return { ...shown, newest: shown.items[0]?.offset };
  }
  const items: EventView[] = [];
  let newest: number | undefined;
  let next = before;
  for (let looked = 0; looked < WINDOW && items.length < limit; looked += AT_ONCE) {
    const some = await page(project, { ...filter, limit: AT_ONCE }, next);
    newest ??= some.items[0]?.offset;
    items.push(...some.items.filter((event) => has(event, text)));
    next = some.next ?? undefined;
    if (next === undefined) break;
  }
  return { items, newest, next: next ?? null };
}

/** The newest events. */
export function eventsQuery(project: string, filter: EventFilter) {
  return queryOptions({
    queryKey: ["events", project, filter],
    queryFn: () => found(project, filter),
  });
}

/** The event at a position. */
export function eventQuery(project: string, offset: number, of?: string) {
  return queryOptions({
    queryKey: ["event", project, offset, of],
    queryFn: async () => {
      const { items } = await page(project, { limit: 1, of }, offset + 1);
      return items.find((event) => event.offset === offset) ?? null;
    },
    staleTime: Infinity,
  });
}

/** Events before a position, page by page. */
export function earlierEventsQuery(project: string, filter: EventFilter, before: number | undefined) {
  return infiniteQueryOptions({
    queryKey: ["earlier-events", project, filter, before],
    queryFn: ({ pageParam }) => found(project, filter, pageParam),
    initialPageParam: before,
    getNextPageParam: (found) => found.next ?? undefined,
    enabled: false,
    staleTime: Infinity,
  });
}

/** What was received lately. */
export function observedQuery(project: string) {
  return queryOptions({
    queryKey: ["observed", project],
    queryFn: () => take(api.GET("/api/v1/projects/{project}/observed", { params: { path: { project } } })),
    staleTime: 60_000,
  });
}

/** An event's type. */
export function typeOf(event: EventView): string {
  return textOf(event, "event_type") ?? "(no type)";
}

/** Whose event it is: the user's id, or the device's. */
export function userOf(event: EventView): string | null {
  return textOf(event, "user_id") ?? textOf(event, "device_id");
}

function textOf(event: EventView, field: string): string | null {
  const value = (event.event as Record<string, unknown>)[field];
  return typeof value === "string" && value !== "" ? value : null;
}
