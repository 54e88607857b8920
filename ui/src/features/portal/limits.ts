import type { Schemas } from "@/api/client";

export type Limit = keyof Schemas["Limits"];

/** What the limits of a destination are called, and what each is. */
export const LIMITS: Record<Limit, { label: string; about: string }> = {
  body_bytes: { label: "Maximum body size, in bytes", about: "Larger ones are not sent." },
  concurrency: { label: "Concurrent requests", about: "How many the destination accepts at a time." },
  requests_per_minute: { label: "Requests per minute", about: "The rest waits. Retries count, too." },
  event_types: { label: "Event types", about: "How many a sync may select." },
  properties_per_event: { label: "Properties per event", about: "How many are sent with one." },
  properties_per_user: { label: "Properties per user", about: "How many are sent with one." },
  identifier_bytes: { label: "Maximum identifier size, in bytes", about: "Of required mappings." },
};
