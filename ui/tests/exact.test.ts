import { type APIResponse, type Page } from "playwright-core";
import { expect, test } from "vitest";
import { findings, settled, watch } from "./browser";
import { context, destination, filled, server, staged } from "./stage";

staged();

/** Values that JavaScript can't hold as they are written, and an id by which the event is found. */
const VALUES = '"order":1152921504606846977,"price":1.10,"f":1.0';

async function sent(user: string): Promise<void> {
  const body = `{"api_key":${JSON.stringify(filled.apiKey)},"events":[{"event_type":"Exact","user_id":"${user}","event_properties":{${VALUES}},"user_properties":{"account":1152921504606846977}}]}`;
  const answer: APIResponse = await context.request.post(`${server.url}/2/httpapi`, { headers: { "content-type": "application/json" }, data: Buffer.from(body) });
  expect(answer.ok(), await answer.text()).toBe(true);
}

async function ask<T>(method: string, path: string, data: unknown, headers = {}): Promise<T> {
  const answer = await context.request.fetch(`${server.url}/api/v1${path}`, { method, data, headers });
  expect(answer.ok(), await answer.text()).toBe(true);
  return (await answer.json()) as T;
}

/** The parts as they are written, on whatever lines. */
async function has(page: Page, label: string, ...parts: string[]): Promise<void> {
  const place = page.getByRole("region", { name: label, exact: true }).first();
  await expect.poll(async () => ((await place.textContent()) ?? "").replace(/\s+/g, ""), { timeout: 15_000 }).toContain(parts[0]);
  const text = ((await place.textContent()) ?? "").replace(/\s+/g, "");
  for (const part of parts) expect(text).toContain(part);
}

test("what came and what was sent are shown, copied and tried to the character", async () => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = watch(page, server.url);
  const { project } = filled;

  // The event in the list, in the drawer, and as it is copied; one that came by the tail, and one that was there before.
  await page.goto(`${server.url}/p/${project}/events?type=Exact`);
  await page.getByText("Live", { exact: true }).waitFor();
  await sent("exact@example.com");
  const row = page.getByRole("list", { name: "Events" }).getByRole("button").filter({ hasText: "exact@example.com" });
  await row.waitFor();
  expect(await row.textContent()).toContain("order: 1152921504606846977");
  expect(await row.textContent()).toContain("price: 1.10");
  await page.reload();
  await row.waitFor();
  expect(await row.textContent()).toContain("order: 1152921504606846977");
  await row.click();
  await has(page, "The event as templates see it", VALUES);
  await page.getByRole("dialog").getByRole("button", { name: "Copy", exact: true }).click();
  expect(((await page.evaluate("navigator.clipboard.readText()")) as string).replace(/\s+/g, "")).toContain(VALUES);

  // A user's properties.
  await page.goto(`${server.url}/p/${project}/users?user=exact@example.com`);
  await page.getByRole("table", { name: "Properties" }).getByText("1152921504606846977").waitFor();

  // A request with a name that stands there twice, of an event whose values come through; and a pasted event.
  const template = '{"order":${input.event_properties.order?c},"price":1.10,"tag":"a","tag":"b"}';
  const sync = await ask<{ id: string }>("POST", `/projects/${project}/syncs`, {
    name: "Exact",
    url: `${destination.url}/exact`,
    events: { select: { types: [{ event_type: "Exact" }] }, template },
    enabled: true,
  });
  await page.goto(`${server.url}/p/${project}/syncs/${sync.id}/settings`);
  await has(page, "Body", '"order":1152921504606846977,"price":1.10,"tag":"a","tag":"b"');
  await page.getByRole("button", { name: /^Event: / }).click();
  await page.getByRole("menuitem", { name: "Paste one…" }).click();
  const field = page.getByRole("dialog").getByRole("textbox", { name: "Event" });
  expect((await field.inputValue()).replace(/\s+/g, "")).toContain(VALUES);
  await field.fill('{"event_type":"Exact","user_id":"p","event_properties":{"order":1152921504606846979}}');
  await page.getByRole("button", { name: "Use this event" }).click();
  await has(page, "Body", '"order":1152921504606846979,"price":1.10');

  // What a destination refused: the event, the request and its answer.
  destination.answers = ({ path }) => (path === "/exact" ? { status: 400, body: { ok: false } } : undefined);
  await sent("refused@example.com");
  await page.goto(`${server.url}/p/${project}/syncs/${sync.id}/failures`);
  const opener = page.getByRole("button", { name: /Bad Request|Rejected|400|Client error|request/i }).first();
  await opener.waitFor();
  await opener.click();
  await has(page, "The request", '"order":1152921504606846977,"price":1.10,"tag":"a","tag":"b"');
  await has(page, "The event", VALUES);
  await settled(page);
  expect(await findings(page)).toEqual([]);
  destination.answers = undefined;
  expect(faults).toEqual([]);
  await page.close();
});
