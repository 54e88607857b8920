import { useEffect, useState } from "react";
import { withTexts } from "@/components/json-text";
import type { EventView } from "./queries";

/** How many events that came are kept: older ones are asked for as pages. */
export const MOST = 500;

export interface Tail {
  /** What came since the list was asked for, the newest first. */
  events: EventView[];
  /** Whether more came than are kept: then what was there before doesn't join on. */
  full: boolean;
  /** `off`: the server gives no tail, so that it has to be asked again and again. */
  state: "waiting" | "live" | "off";
  /** How many were left out, because they came faster than they could be shown. */
  skipped: number;
}

const NOTHING: Tail = { events: [], full: false, state: "waiting", skipped: 0 };

/** Newer events before those that are there. */
export function joined(tail: Tail, came: EventView[]): Tail {
  if (came.length === 0) return tail;
  const known = new Set(tail.events.map((event) => event.offset));
  const fresh = came.filter((event) => !known.has(event.offset)).sort((a, b) => b.offset - a.offset);
  const all = [...fresh, ...tail.events];
  return { ...tail, events: all.slice(0, MOST), full: tail.full || all.length > MOST };
}

interface Wanted {
  project: string;
  type: string | undefined;
  /** What occurs in an event as it is shown. */
  text: string | undefined;
  /** Behind which position to begin; undefined: not yet known. */
  after: number | null | undefined;
  active: boolean;
}

/** Follows what a project accepts, as it comes. What came together is shown together. */
export function useTail({ project, type, text, after, active }: Wanted): Tail {
  const key = JSON.stringify([project, type, text, after]);
  const [kept, setKept] = useState({ key, tail: NOTHING });
  const tail = kept.key === key ? kept.tail : NOTHING;

  useEffect(() => {
    if (!active || after === undefined) return;
    const query = new URLSearchParams();
    if (type !== undefined) query.append("event_type", type);
    if (text !== undefined) query.set("text", text);
    if (after !== null) query.set("after", String(after));
    const source = new EventSource(`/api/v1/projects/${encodeURIComponent(project)}/tail/events?${query.toString()}`);
    const change = (next: (tail: Tail) => Tail) => {
      setKept((now) => ({ key, tail: next(now.key === key ? now.tail : NOTHING) }));
    };
    let came: EventView[] = [];
    let drawing: number | undefined;
    source.addEventListener("open", () => {
      change((now) => ({ ...now, state: "live" }));
    });
    source.addEventListener("event", ({ data }: MessageEvent<string>) => {
      came.push(withTexts(data, "event") as EventView);
      drawing ??= requestAnimationFrame(() => {
        const batch = came;
        came = [];
        drawing = undefined;
        change((now) => joined(now, batch));
      });
    });
    source.addEventListener("skipped", ({ data }: MessageEvent<string>) => {
      const { count } = JSON.parse(data) as { count: number };
      change((now) => ({ ...now, skipped: now.skipped + count }));
    });
    source.addEventListener("ended", () => {
      source.close();
      change((now) => ({ ...now, state: "off" }));
    });
    source.addEventListener("error", () => {
      // It comes back by itself, unless it was refused.
      change((now) => ({ ...now, state: source.readyState === EventSource.CLOSED ? "off" : "waiting" }));
    });
    return () => {
      source.close();
      if (drawing !== undefined) cancelAnimationFrame(drawing);
      // Whoever goes on after a pause gets what came meanwhile: behind the last one that was shown.
      if (came.length > 0) change((now) => joined(now, came));
    };
  }, [project, type, text, after, active, key]);
  return tail;
}
