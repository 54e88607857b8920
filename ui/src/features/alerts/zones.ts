import type { Schemas } from "@/api/client";

/** The zones that this browser knows, and the one that is chosen. */
export function zones(chosen: string): string[] {
  const known = Intl.supportedValuesOf("timeZone");
  return [...new Set(["UTC", chosen, ...known])].sort();
}

/** How long quiet hours are, in words. */
export function quietWords({ from, until }: Schemas["AlertQuietHours"]): string {
  const minutes = (time: string) => {
    const [hours = NaN, rest = NaN] = time.split(":").map(Number);
    return 60 * hours + rest;
  };
  const [begin, end] = [minutes(from), minutes(until)];
  if (Number.isNaN(begin) || Number.isNaN(end)) return "Enter both times.";
  if (begin === end) return "Both times are the same: choose an end that differs from the start.";
  const length = (end - begin + 1440) % 1440;
  const words = length % 60 === 0 ? `${String(length / 60)} h` : `${String(Math.floor(length / 60))} h ${String(length % 60)} min`;
  return `${words} each day${end < begin ? ", until the next morning" : ""}.`;
}
