import type { APIRequestContext } from "playwright-core";
import { expect } from "vitest";
import { DEFINITION, type Filled } from "./fill";

/** What reviewers have or had before them, beside the filled server's own destination, which is submitted. */
export interface Reviewed {
  /** A destination whose first version is published and whose second one is submitted. */
  changed: string;
  /** One whose author was asked for changes. */
  returned: string;
}

/** Has a reviewer's queue, and what they decided, made by the API. */
export async function review(url: string, { organisation, definition }: Filled, request: APIRequestContext): Promise<Reviewed> {
  const ask = async <T>(method: string, path: string, data?: unknown, headers = {}): Promise<T> => {
    const answer = await request.fetch(`${url}/api/v1${path}`, { method, data, headers });
    expect(answer.ok(), `${method} ${path}: ${await answer.text()}`).toBe(true);
    return (await answer.json()) as T;
  };
  const own = (id: string) => `/organisations/${organisation}/definitions/${id}`;
  const submit = async (id: string, version: number) => {
    await ask("POST", `${own(id)}/release`, undefined, { "if-match": "*" });
    await ask("POST", `${own(id)}/versions/${String(version)}/submit`);
  };
  const decide = (id: string, decision: object) => ask("POST", `/installation/reviews/${id}/versions/1/decision`, decision);
  const make = async (name: string) => {
    const { id } = await ask<{ id: string }>("POST", `/organisations/${organisation}/definitions`, { ...DEFINITION, display_name: name });
    await submit(id, 1);
    return id;
  };
  await ask("POST", `${own(definition)}/versions/1/submit`);
  const returned = await make("Cargo CRM");
  await decide(returned, {
    decision: "return",
    note: "Nearly there. Say in the description which of Cargo's plans have the events API.",
    comments: [
      { pointer: "/about/summary", comment: "Say what it does for shops." },
      { pointer: "/parameters/1/help", comment: "Where does one find it?" },
    ],
  });
  const changed = await make("Beacon Analytics");
  await decide(changed, { decision: "approve" });
  const { events, about } = DEFINITION;
  const draft = { about: { ...about, summary: "Counts what your customers do, as they do it." }, events: { ...events, method: "PUT", body: events.body.replace('"at"', '"occurred_at"') } };
  await ask("PATCH", own(changed), draft, { "if-match": "*" });
  await submit(changed, 2);
  return { changed, returned };
}
