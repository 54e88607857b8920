import { expect, test } from "vitest";
import { findings, settled, watch } from "./browser";
import { context, destination, filled, server, staged } from "./stage";

staged();

async function ask<T>(method: string, path: string, data: unknown, headers = {}): Promise<T> {
  const answer = await context.request.fetch(`${server.url}/api/v1${path}`, { method, data, headers });
  expect(answer.ok(), await answer.text()).toBe(true);
  return (await answer.json()) as T;
}

test("what opens over a page has a name, and a property is chosen by typing it", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const faults = watch(page, server.url);
  await page.goto(`${server.url}/p/${filled.project}/syncs/${filled.sync}/settings?step=events`);
  await settled(page);
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog", { name: "Go to a page, sync or project" }).getByText("Live events").waitFor();
  expect(await findings(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });

  const field = page.getByPlaceholder("Property", { exact: true }).first();
  await field.click();
  await page.getByRole("listbox", { name: "Property" }).waitFor();
  expect(await findings(page)).toEqual([]);
  expect(await field.inputValue()).toBe("plan");
  // The cursor is on one that is counted: also there its count can be read.
  await field.fill("tot");
  const marked = page.locator("[role=option][data-combobox-selected]");
  await marked.getByText(/event/).waitFor();
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    // Colours go over into each other.
    await page.waitForTimeout(400);
    expect(await findings(page)).toEqual([]);
  }
  await field.fill("platf");
  await page.keyboard.press("Enter");
  await page.getByRole("listbox", { name: "Property" }).waitFor({ state: "hidden" });
  expect(await field.inputValue()).toBe("platform");
  // Whoever types a whole name and goes on has chosen it, too.
  await field.fill("country");
  await page.keyboard.press("Tab");
  expect(await field.inputValue()).toBe("country");
  await field.fill("no such property");
  await page.keyboard.press("Tab");
  expect(await field.inputValue()).toBe("country");
  expect(faults).toEqual([]);
  await page.close();
});

test("long lists that are open scroll by themselves, so that keys reach all of them", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${server.url}/o/${filled.organisation}/destinations/${filled.definition}`);
  await settled(page);
  const category = page.getByRole("combobox", { name: "Category" });
  await category.click();
  const list = page.getByRole("listbox", { name: "Category" });
  await list.waitFor();
  expect(await list.evaluate((each) => each.scrollHeight > each.clientHeight)).toBe(true);
  // The cursor takes the list along.
  for (let key = 0; key < 10; key += 1) await page.keyboard.press("ArrowDown");
  const marked = list.locator("[data-combobox-selected]");
  await expect.poll(async () => ((await marked.boundingBox())?.y ?? Infinity) < ((await list.boundingBox())?.y ?? 0) + 250).toBe(true);
  expect(await findings(page)).toEqual([]);
  await page.close();
});

test("a version that is sent back with a note alone says so to its author", async () => {
  const version = `/organisations/${filled.organisation}/definitions/${filled.definition}/versions`;
  const { items } = await ask<{ items: { version: number }[] }>("GET", version, undefined);
  const newest = String(items[0]?.version ?? 0);
  await ask("POST", `${version}/${newest}/submit`, undefined);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${server.url}/o/${filled.organisation}/destinations`);
  await page.getByRole("link", { name: /Acme/ }).getByText("Waiting for review").waitFor();
  const decision = { decision: "return", note: "Say whose it is.", comments: [] };
  await ask("POST", `/installation/reviews/${filled.definition}/versions/${newest}/decision`, decision);
  await page.reload();
  await page.getByRole("link", { name: /Acme/ }).getByText("Changes requested").waitFor();
  expect(await findings(page)).toEqual([]);
  await page.getByRole("link", { name: /Acme/ }).click();
  const notice = page.getByRole("alert").filter({ hasText: "Changes requested by the reviewer" });
  await notice.getByText("Say whose it is.").waitFor();
  await page.getByText("Changes requested", { exact: true }).waitFor();
  expect(await findings(page)).toEqual([]);
  await notice.getByRole("link", { name: "Versions" }).click();
  await page.getByRole("article").getByText("Say whose it is.").waitFor();
  await page.close();
});

test("headings of a description are below those of the page", async () => {
  const definition = `/organisations/${filled.organisation}/definitions/${filled.definition}`;
  const about = { category: "messaging", summary: "Reaches customers.", description: "# Acme\n\nReaches customers.\n\n### Details\n\nMany.\n\n# More\n\nMuch." };
  await ask("PATCH", definition, { about }, { "if-match": "*" });
  await ask("POST", `${definition}/release`, undefined, { "if-match": "*" });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(`${server.url}/p/${filled.project}/catalog/${filled.definition}`);
  await settled(page);
  expect(await page.getByRole("heading", { level: 3 }).allTextContents()).toEqual(["Acme", "More"]);
  expect(await page.getByRole("heading", { level: 4 }).allTextContents()).toEqual(["Details"]);
  expect(await findings(page)).toEqual([]);
  await page.close();
});

test("an address whose values nobody knows is as if they weren't there", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const { project, sync, failing, organisation, definition } = filled;
  for (const path of [
    `/p/${project}?range=toString`,
    `/p/${project}/events?event=-1.5`,
    `/p/${project}/syncs/${sync}?range=2y&resume=yes`,
    `/p/${project}/syncs/${failing}/deliveries?outcome=bogus&last=2d&status=1&open=-1&event_id=x`,
    `/p/${project}/syncs/${failing}/failures?range=2y&kind=bogus`,
    `/p/${project}/syncs/${sync}/again?send=bogus`,
    `/p/${project}/syncs/${sync}/history?version=-3`,
    `/p/${project}/syncs/${sync}/settings?step=bogus`,
    `/p/${project}/catalog?category=bogus`,
    `/o/${organisation}/settings/audit?range=bogus`,
    `/o/${organisation}/destinations/${definition}?tab=bogus`,
    "/installation/outbox?state=bogus",
  ]) {
    const faults = watch(page, server.url);
    await page.goto(server.url + path);
    await settled(page);
    expect(await page.getByRole("alert").getByText(/can't be shown/).allTextContents(), path).toEqual([]);
    expect(faults, path).toEqual([]);
  }
  await page.close();
});

test("syncs that were never enabled are counted, not listed, beside what became of an event", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  for (let number = 1; number <= 12; number += 1) {
    await ask("POST", `/projects/${filled.project}/syncs`, { name: `Draft ${String(number)}` });
  }
  await server.send(filled.apiKey, [{ event_type: "Page Viewed", user_id: "folded@example.com" }]);
  for (const path of ["why", "users"]) {
    await page.goto(`${server.url}/p/${filled.project}/${path}?user=folded@example.com`);
    const event = page.getByRole("article", { name: "Page Viewed" });
    const drafts = event.getByText(/^1[3-9] syncs were never enabled$/);
    await drafts.waitFor();
    expect(await event.getByText("Draft 7").count()).toBe(0);
    await drafts.click();
    await event.getByRole("link", { name: "Draft 7" }).waitFor();
    expect(await findings(page)).toEqual([]);
  }
  await page.close();
});

test("a replay that can't succeed says so, and leads to what has to be fixed first", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const { project, apiKey } = filled;
  const sync = await ask<{ id: string }>("POST", `/projects/${project}/syncs`, {
    name: "Torn",
    url: `${destination.url}/torn`,
    events: { select: { types: [{ event_type: "Torn" }] }, template: '{"total": ${input.event_properties.amount}}' },
    enabled: true,
  });
  await server.send(apiKey, [{ event_type: "Torn", user_id: "ann@example.com", event_properties: { total: 5 } }]);
  await expect
    .poll(async () => (await ask<{ ended: number }>("GET", `/projects/${project}/syncs/${sync.id}/status`, undefined)).ended, { timeout: 15_000 })
    .toBe(1);
  await page.goto(`${server.url}/p/${project}/syncs/${sync.id}/failures`);
  await page.getByRole("button", { name: "Replay…", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(/can't be built from the sample below/).waitFor();
  await dialog.getByRole("button", { name: "Replay 1 all the same" }).waitFor();
  expect(await findings(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Fix the template first" }).click();
  await page.waitForURL(`**/syncs/${sync.id}/settings`);
  await dialog.waitFor({ state: "detached" });
  await page.close();
});

test("a page that is slow to come says that it still loads", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const faults = watch(page, server.url);
  await page.route("**/api/v1/me", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    await route.continue();
  });
  await page.goto(`${server.url}/p/${filled.project}/syncs`);
  await page.getByRole("status").getByText("Still loading").waitFor();
  expect(await findings(page)).toEqual([]);
  await page.getByRole("heading", { name: "Syncs" }).waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

test("whoever operates the server sees which syncs can't deliver", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${server.url}/installation/health`);
  await page.getByText("The server works").waitFor();
  const failing = page.getByRole("list", { name: "Syncs that can't deliver" });
  await failing.getByRole("link", { name: "Warehouse" }).waitFor();
  expect(await failing.getByText("CRM").count()).toBe(0);
  expect(await findings(page)).toEqual([]);
  await failing.getByRole("link", { name: "Warehouse" }).click();
  await page.waitForURL(`**/syncs/${filled.failing}`);
  await page.close();
});

test("a release that can't be made says why to whoever tries", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${server.url}/o/${filled.organisation}/destinations/${filled.definition}`);
  await page.getByText(/^Same as version/).waitFor();
  await page.getByRole("button", { name: "Release internally" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByText(/^Nothing has changed since version/).waitFor();
  expect(await findings(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });

  // A URL that nobody has filled in yet isn't called wrong.
  const url = page.getByLabel("URL endpoint").first();
  await url.fill("");
  await page.getByText("Enter where requests are sent.").first().waitFor();
  await page.getByText("Draft saved").waitFor();
  await page.reload();
  await page.getByText("Draft saved").waitFor();
  await settled(page);
  expect(await url.getAttribute("aria-invalid")).not.toBe("true");
  expect(await page.getByText(/empty string/).count()).toBe(0);
  await page.close();
});
