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
  rejected: "The answer says that it failed",
  discarded: "No request could be made",
  awaiting_property: "A property of the user is awaited",
};

/** Why no request could be made of an event, or none is made again. */
export const REASONS: Record<string, string> = {
  template: "The template failed",
  invalid_json: "The body is no JSON",
  missing_mapping: "A required mapping has no value",
  invalid_url: "The address can't be used",
  invalid_header: "A header can't be used",
  over_limit: "More than the destination takes",
  unreadable: "The event can't be read",
  refused: "The destination refused it for good",
};

/** A reason as people say it: that of a category, or the stable name of why no request could be made. */
export function reasonWords(reason: string): string {
  const known = CATEGORIES[reason] ?? REASONS[reason];
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
