import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";

export type Mail = Schemas["MailView"];
export type MailState = "queued" | "sent" | "failed";

/** Mails that wait or went out, oldest first. */
export function outboxQuery(state: MailState | undefined) {
  return infiniteQueryOptions({
    queryKey: ["outbox", state ?? ""],
    queryFn: ({ pageParam }) =>
      take(api.GET("/api/v1/installation/outbox", { params: { query: { state, limit: 50, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

/** A mail with its text. Reading it is noted in the audit log. */
export function readMail(mail: string): Promise<Schemas["MailTextView"]> {
  return take(api.GET("/api/v1/installation/outbox/{mail}", { params: { path: { mail } } }));
}

/** Most pages that are looked through for a mail: a longer outbox is looked at on its own page. */
const PAGES = 10;

/** The last mail of a kind that waits for somebody. */
export async function newestMail(recipient: string, kind: string): Promise<Mail | null> {
  let found: Mail | null = null;
  let cursor: string | undefined;
  for (let page = 0; page < PAGES; page += 1) {
    const { items, next } = await take(
      api.GET("/api/v1/installation/outbox", { params: { query: { state: "queued", limit: 200, cursor } } }),
    );
    found = items.findLast((mail) => mail.recipient === recipient && mail.kind === kind) ?? found;
    if (next == null) return found;
    cursor = next;
  }
  return found;
}

/** The first link in a mail's text. */
export function linkOf(text: string): string | null {
  return /https?:\/\/\S+#\S+/.exec(text)?.[0] ?? null;
}
