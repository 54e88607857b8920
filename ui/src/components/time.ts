const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Such as `3 min ago`, `in 7 d`, to the nearest; a date when it is further away than a month. */
export function relative(at: string, now: number): string {
  const difference = now - Date.parse(at);
  const distance = Math.abs(difference);
  if (Number.isNaN(difference)) return at;
  if (distance < 5 * SECOND) return difference >= 0 ? "just now" : "now";
  if (distance >= 30 * DAY) {
    return new Intl.DateTimeFormat(undefined, { dateStyle: "medium" }).format(Date.parse(at));
  }
  const units: [number, string][] = [
    [DAY, "d"],
    [HOUR, "h"],
    [MINUTE, "min"],
    [SECOND, "s"],
  ];
  // 59.6 minutes are an hour: each unit is taken as soon as its number rounds to one.
  const [size, unit] = units.find(([size], index) => {
    const smaller = units[index + 1]?.[0] ?? size;
    return Math.round(distance / smaller) * smaller >= size;
  }) ?? [SECOND, "s"];
  const words = `${String(Math.max(1, Math.round(distance / size)))} ${unit}`;
  return difference >= 0 ? `${words} ago` : `in ${words}`;
}

/** The whole time in the viewer's zone. */
export function absolute(at: string): string {
  const time = Date.parse(at);
  if (Number.isNaN(time)) return at;
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" }).format(time);
}

/**
 * A text of the server's, its times in the viewer's zone: `2024-03-01T10:00:00Z`, `2024-03-01 10:00 UTC` (with seconds, too), and
 * `10:00:00 UTC`, which is the nearest one to now. What is of today goes without its date.
 */
export function inZone(text: string, now = Date.now()): string {
  return text
    .replaceAll(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g, (time) => written(Date.parse(time), now, "medium") ?? time)
    .replaceAll(/(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2})(:\d{2})? UTC/g, (all, day: string, time: string, seconds?: string) => {
      return written(Date.parse(`${day}T${time}${seconds ?? ":00"}Z`), now, seconds === undefined ? "short" : "medium") ?? all;
    })
    .replaceAll(/(?<![\d:.])(\d{2}:\d{2}:\d{2}) UTC/g, (all, time: string) => {
      const today = Date.parse(`${new Date(now).toISOString().slice(0, 10)}T${time}Z`);
      return written(today - DAY * Math.round((today - now) / DAY), now, "medium") ?? all;
    });
}

function written(at: number, now: number, timeStyle: "short" | "medium"): string | null {
  if (Number.isNaN(at)) return null;
  const today = new Date(at).toDateString() === new Date(now).toDateString();
  return new Intl.DateTimeFormat(undefined, today ? { timeStyle } : { dateStyle: "medium", timeStyle }).format(at);
}

/** The time of day, with milliseconds. */
export function clock(at: string): string {
  const time = Date.parse(at);
  if (Number.isNaN(time)) return at;
  return new Intl.DateTimeFormat(undefined, {
    hour: "numeric",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
  }).format(time);
}

/** Day and time to the minute. */
export function dateTime(at: string): string {
  const time = Date.parse(at);
  if (Number.isNaN(time)) return at;
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(time);
}

/** A time as fields for day and time have it, in the viewer's zone. */
export function asField(time: Date): string {
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
