/** What kinds of failure are called. */
export const CATEGORIES: Record<string, string> = {
  dns: "Host name not found (DNS)",
  blocked: "Address not allowed",
  connect: "Connection failed",
  tls: "TLS failed",
  timeout: "Timeout",
  protocol: "Invalid HTTP response",
  redirect: "Redirect",
  rate_limited: "Rate limited (429)",
  unauthorized: "Not authorised",
  client_error: "Request rejected",
  server_error: "Server error",
  unexpected_status: "Unexpected response",
  internal: "Internal error",
  rejected: "The response reports a failure",
  discarded: "Request could not be built",
  awaiting_property: "Waiting for a user property",
};

/** Why no request could be made of an event, or none is made again. */
export const REASONS: Record<string, string> = {
  template: "The template failed",
  invalid_json: "The body is not valid JSON",
  missing_mapping: "A required mapping has no value",
  invalid_url: "The address can't be used",
  invalid_header: "A header can't be used",
  over_limit: "Over a limit of the destination",
  unreadable: "The event can't be read",
  refused: "Rejected by the destination",
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
