import { type APIRequestContext } from "playwright-core";
import { expect, vi } from "vitest";
import type { Destination, Millstream } from "./server";

/** What a filled server has, by its ids. */
export interface Filled {
  organisation: string;
  project: string;
  apiKey: string;
  sync: string;
  /** A sync whose destination can't be reached. */
  failing: string;
  /** A sync that was paused before events came. */
  held: string;
  /** A sync that was never enabled. */
  draft: string;
  definition: string;
}

interface Status {
  pending: number;
  backlog: number;
  counts: { delivered_first: number };
}

/** How long syncs may take to do what pages are to show. */
const PATIENCE = { timeout: 30_000, interval: 100 };

interface Made {
  id: string;
  version: number;
}

/** Makes by the API what pages are looked at with: a project with events, syncs, a definition. */
export async function fill(server: Millstream, destination: Destination, request: APIRequestContext): Promise<Filled> {
  const ask = async <T>(method: string, path: string, data?: unknown, headers = {}): Promise<T> => {
    const answer = await request.fetch(`${server.url}/api/v1${path}`, { method, data, headers });
    expect(answer.ok(), `${method} ${path}: ${await answer.text()}`).toBe(true);
    return (await answer.json()) as T;
  };
  const own = await ask<{ items: Made[] }>("GET", "/me/organisations");
  const organisation = own.items[0]?.id ?? "";
  const made = await ask<{ project: Made & { api_key: string } }>("POST", `/organisations/${organisation}/projects`, {
    name: "Shop",
  });
  const { id: project, api_key: apiKey } = made.project;
  for (const name of ["Shop – staging", "Mobile app"]) {
    await ask("POST", `/organisations/${organisation}/projects`, { name });
  }
  await server.send(apiKey, visits());

  const statusOf = ({ id }: Made) => ask<Status>("GET", `/projects/${project}/syncs/${id}/status`);
  const tile = await ask<Made>("POST", `/organisations/${organisation}/definitions`, DEFINITION);
  await ask("POST", `/organisations/${organisation}/definitions/${tile.id}/release`, undefined, { "if-match": "*" });
  const sync = await ask<Made>("POST", `/projects/${project}/syncs`, {
    name: "Webhook – production",
    url: `${destination.url}/hook`,
    headers: [{ name: "Authorization", value: "Bearer secret-text", secret: true }],
    events: {
      select: {
        types: [
          {
            event_type: "Order Completed",
            condition: {
              all: [
                { test: { property: { scope: "user", name: "plan" }, operator: "is", values: ["pro", "team"] } },
                {
                  any: [
                    { test: { property: { scope: "event", name: "total" }, operator: "greater", values: [20] } },
                    { test: { property: { scope: "field", name: "country" }, operator: "is", values: ["Germany"] } },
                  ],
                },
              ],
            },
          },
          { event_type: "Sign Up Completed" },
        ],
      },
      template: TEMPLATE,
    },
    enabled: true,
  });
  const draft = await ask<Made>("POST", `/projects/${project}/syncs`, {
    name: "Acme – trial",
    definition: { id: tile.id },
  });
  const failing = await ask<Made>("POST", `/projects/${project}/syncs`, {
    name: "Warehouse",
    url: "http://127.0.0.1:9/none",
    enabled: true,
  });
  const held = await ask<Made>("POST", `/projects/${project}/syncs`, { name: "CRM", url: `${destination.url}/crm`, enabled: true });
  await ask("POST", `/projects/${project}/syncs/${held.id}/disable`);
  await ask("PATCH", `/projects/${project}/syncs/${sync.id}`, { notes: "Ask the team for data." }, { "if-match": "*" });
  await server.send(apiKey, visits());
  await vi.waitFor(async () => {
    const delivering = await statusOf(sync);
    expect(delivering.counts.delivered_first).toBeGreaterThan(0);
    expect(delivering.backlog).toBe(0);
    // What can't be reached is booked to be tried again.
    expect((await statusOf(failing)).pending).toBeGreaterThan(0);
  }, PATIENCE);
  return { organisation, project, apiKey, sync: sync.id, failing: failing.id, held: held.id, draft: draft.id, definition: tile.id };
}

const TEMPLATE = `{
  <#if input.user_id??>
  "external_id" : "\${input.user_id?json_string}",
  </#if>
  "name" : "\${input.event_type?json_string}",
  "time" : "\${input.event_time}",
  "properties" : {
    "plan" : "\${input.user_properties.plan!}",
    "total" : \${(input.event_properties.total!0)?c}
  }
}
`;

export const DEFINITION = {
  display_name: "Acme Messaging",
  about: {
    category: "messaging",
    summary: "Reaches customers by mail, push and chat, the moment something happens.",
    description:
      "Events become *activities* in Acme, users become *contacts*.\n\nThe API key is in Acme under **Settings**; it needs the permission `events.write`.\n\n- Greets whoever signed up\n- Asks buyers for a review",
    links: [{ title: "Acme's API", url: "https://docs.acme.example/api" }],
  },
  parameters: [
    { name: "endpoint", display_name: "REST endpoint", kind: "url", required: true, help: "Such as https://eu.acme.example" },
    { name: "api_key", display_name: "API key", kind: "secret", required: true, help: "With the permission events.write" },
    {
      name: "region",
      display_name: "Region",
      kind: "select",
      options: [
        { value: "eu", label: "Europe" },
        { value: "us", label: "United States" },
      ],
      default: "eu",
    },
  ],
  mappings: [{ name: "external_id", required: true, help: "By what Acme knows the user" }],
  events: {
    method: "POST",
    url: "${parameters.endpoint}/v1/${parameters.region}/events",
    headers: [{ name: "authorization", value: "Bearer ${parameters.api_key}" }],
    body: '{\n  "contact": "${mappedFields.external_id?json_string}",\n  "name": "${input.event_type?json_string}",\n  "at": "${input.event_time}"\n}\n',
  },
};

/** Visits of a shop, the same each time. */
function visits(): object[] {
  const people = ["ann", "bob", "cleo", "dmitri", "eve", "fatima"];
  const plans = ["pro", "free", "team"];
  const kinds = ["Page Viewed", "Product Added", "Order Completed", "Page Viewed", "Sign Up Completed"];
  return Array.from({ length: 60 }, (_, index) => {
    const event_type = kinds[index % kinds.length];
    return {
      event_type,
      user_id: `${people[index % people.length] ?? "ann"}@example.com`,
      platform: index % 2 === 0 ? "Web" : "iOS",
      country: index % 3 === 0 ? "Germany" : "Brazil",
      event_properties:
        event_type === "Order Completed"
          ? { total: 19.5 + index, currency: "EUR", items: 1 + (index % 4) }
          : { path: `/shoes/${String(index)}`, referrer: "newsletter" },
      user_properties: { plan: plans[index % plans.length], email: `${people[index % people.length] ?? "ann"}@example.com` },
    };
  });
}
