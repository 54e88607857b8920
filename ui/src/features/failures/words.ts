/** What kinds of failure are called. */
export const CATEGORIES: Record<string, string> = {
  dns: "The host's name isn't found",
  blocked: "The address may not be reached",
  connect: "No connection",
  tls: "No trusted connection (TLS)",
  timeout: "No answer in time",
  protocol: "The answer is no HTTP",
  redirect: "It leads elsewhere",
  rate_limited: "Too many requests",
  unauthorized: "Not let in",
  client_error: "The request is refused",
  server_error: "The destination failed",
  unexpected_status: "An answer that isn't expected",
  internal: "Failed inside Millstream",
  discarded: "No request could be made",
  awaiting_property: "A property of the user is awaited",
};

/** A reason as people say it: that of a category, or the stable name of why no request could be made. */
export function reasonWords(reason: string): string {
  const known = CATEGORIES[reason];
  if (known !== undefined) return known;
  const words = reason.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** How long something takes, roughly: `12 min`, `3 h`, `2 d`. */
export function inDuration(seconds: number): string {
  const units: [number, string][] = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
  ];
  const [size, unit] = units.find(([size]) => seconds >= 1.5 * size) ?? [1, "s"];
  return `${String(Math.max(1, Math.round(seconds / size)))} ${unit}`;
}
