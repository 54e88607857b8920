import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { findings, settled, tryAgain } from "./browser";
import { context, destination, filled, server, staged } from "./stage";

staged();

async function opened(path: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(server.url + path);
  await settled(page);
  return page;
}

async function ask<T>(method: string, path: string, data?: unknown, headers = {}): Promise<T> {
  const answer = await context.request.fetch(`${server.url}/api/v1${path}`, { method, data, headers });
  expect(answer.ok(), `${method} ${path}: ${await answer.text()}`).toBe(true);
  return (await answer.json()) as T;
}

const FOCUSED = `(() => {
  const at = document.activeElement;
  return (at.getAttribute("aria-label") ?? at.labels?.[0]?.textContent ?? at.textContent ?? "").trim();
})()`;

test("whoever adds something, or has it mended, goes on in it", async () => {
  const page = await opened(`/o/${filled.organisation}/destinations/${filled.definition}`);
  for (const [button, field] of [
    ["Add parameter", "Parameter display name"],
    ["Add mapping", "Destination property name"],
  ] as const) {
    await page.getByRole("button", { name: button }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => page.evaluate(FOCUSED)).toBe(field);
  }
  // What it begins with is written over.
  await page.keyboard.type("zip");
  expect(await page.getByRole("textbox", { name: "Destination property name" }).last().inputValue()).toBe("zip");
  await page.getByRole("button", { name: "Remove mapping zip" }).click();
  await page.getByRole("button", { name: /^Remove parameter Parameter/ }).click();

  const body = page.getByRole("textbox", { name: "Body of events" });
  await body.fill('{"name": "${input.event_typ?json_string}"}');
  await page.getByText("Draft saved").waitFor();
  const mend = page.getByRole("button", { name: "Write input.event_type", exact: true });
  await mend.focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => body.textContent()).toContain("input.event_type?json_string");
  await page.getByRole("list", { name: "Findings of the linter" }).waitFor({ state: "detached" });
  expect(await page.evaluate(FOCUSED)).toBe("Body of events");
  await page.close();
});

test("a review is told on both sides until it is over", { timeout: 200_000 }, async () => {
  const { organisation } = filled;
  const { id } = await ask<{ id: string }>("POST", `/organisations/${organisation}/definitions`, {
    display_name: "Told",
    about: { category: "other", summary: "First" },
    events: { method: "POST", url: "https://example.com/in", headers: [], body: '{"name": "${input.event_type?json_string}"}' },
  });
  const base = `/organisations/${organisation}/definitions/${id}`;
  const editor = `/o/${organisation}/destinations/${id}`;
  const decide = (version: number, decision: object) => ask("POST", `/installation/reviews/${id}/versions/${String(version)}/decision`, decision);
  await ask("POST", `${base}/release`, undefined, { "if-match": "*" });
  await ask("POST", `${base}/versions/1/submit`);

  // The reviewer is told what is missing to send it back; there is no heading above nothing.
  const page = await opened(`/reviews/${id}/1`);
  await page.getByText("To request changes, add a note or comment first.").waitFor();
  expect(await page.getByRole("heading", { name: "Description" }).count()).toBe(0);
  expect(await findings(page)).toEqual([]);
  await page.getByRole("textbox", { name: "Note" }).fill("Say what for.");
  await page.getByText("To request changes, add a note or comment first.").waitFor({ state: "detached" });
  await decide(1, { decision: "return", note: "Say what for.", comments: [{ pointer: "/about/summary", comment: "More than a word" }] });

  // A version that isn't submitted yet answers nothing: the note stays.
  await ask("PATCH", base, { about: { category: "other", summary: "First, for shops" } }, { "if-match": "*" });
  await ask("POST", `${base}/release`, undefined, { "if-match": "*" });
  await page.goto(server.url + editor);
  await page.getByText("Changes requested", { exact: true }).waitFor();
  const notice = page.getByRole("alert").filter({ hasText: "Changes requested by the reviewer" });
  await notice.getByText("Say what for.").waitFor();
  await settled(page);
  expect(await findings(page)).toEqual([]);
  await notice.getByRole("button", { name: "Submit version 2" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Submit" }).click();
  await page.getByText("Waiting for review", { exact: true }).waitFor();
  await notice.waitFor({ state: "detached" });

  // Whoever looks at it again sees what was asked for, and what is different since.
  await page.goto(`${server.url}/reviews/${id}/2`);
  const since = page.locator("section").filter({ has: page.getByRole("heading", { name: "Since version 1, which was sent back" }) });
  await since.getByText("Say what for.").waitFor();
  await since.getByText("More than a word").waitFor();
  await since.getByText("First, for shops").waitFor();
  expect(await since.getByRole("listitem").count()).toBe(1);
  await settled(page);
  expect(await findings(page)).toEqual([]);
  await decide(2, { decision: "approve", note: "", comments: [] });
  await page.goto(server.url + editor);
  await page.getByText("Version 2 released", { exact: true }).waitFor();
  await page.getByText("In everyone's catalog", { exact: true }).waitFor();
  expect(await findings(page)).toEqual([]);
  await page.close();
});

test("what a template lacks is said in plain words, and its line once", async () => {
  const { project, apiKey } = filled;
  const template = (name: string) => ({ select: { types: [{ event_type: "Lacking" }] }, template: `{"total": \${input.event_properties.${name}}}` });
  const data = { name: "Lacking", url: `${destination.url}/lacking`, events: template("amount"), enabled: true };
  const { id } = await ask<{ id: string }>("POST", `/projects/${project}/syncs`, data);
  await server.send(apiKey, [{ event_type: "Lacking", user_id: "ann@example.com", event_properties: { total: 5 } }]);
  await expect.poll(async () => (await ask<{ ended: number }>("GET", `/projects/${project}/syncs/${id}/status`)).ended, { timeout: 15_000 }).toBe(1);
  const raw = /evaluated to null|==>/;

  const page = await opened(`/p/${project}/syncs/${id}/settings?step=events`);
  const live = page.getByRole("complementary", { name: "Live request" });
  const said = live.getByRole("alert").filter({ hasText: "The request can't be built" });
  await said.getByText(/amount has no value in this event/).waitFor();
  expect((await said.textContent())?.match(/line 1/gi)).toHaveLength(1);

  await page.goto(`${server.url}/p/${project}/syncs/${id}/again?send=failed`);
  const sample = page.getByRole("list", { name: "Examples" });
  await sample.getByText(/It failed:/).waitFor();
  await sample.getByText(/amount has no value in this event/).first().waitFor();
  expect(await sample.textContent()).not.toMatch(raw);

  await ask("PATCH", `/projects/${project}/syncs/${id}`, { events: template("total") }, { "if-match": "*" });
  await page.goto(`${server.url}/p/${project}/syncs/${id}/settings?step=events`);
  await settled(page);
  await page.getByRole("textbox", { name: "Payload of events, template" }).fill('{"total": ${input.event_properties.amount}}');
  await page.getByRole("button", { name: "Review and save" }).click();
  const dialog = page.getByRole("dialog");
  const example = dialog.getByText(/^For example:/);
  await example.waitFor();
  expect(await example.textContent()).toMatch(/amount has no value in this event/);
  expect(await example.textContent()).not.toMatch(raw);
  await page.close();
});

test("a URL that is none is said so where it is entered, and once beside the request", async () => {
  const page = await opened(`/p/${filled.project}/syncs/${filled.held}/settings`);
  await page.getByRole("textbox", { name: "URL" }).fill("nowhere");
  const live = page.getByRole("complementary", { name: "Live request" });
  await live.getByText("The request appears here once this is done").waitFor();
  await settled(page);
  expect((await live.textContent())?.match(/absolute url/gi)).toHaveLength(1);
  expect(await live.textContent()).not.toContain("changes");
  await page.close();
});

test("a list that is paused promises nothing until it goes on", async () => {
  const page = await opened(`/p/${filled.project}/events?q=nobody-has-this`);
  await page.getByText("Those that come appear here at once.").waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("Those that come appear here once you resume.").waitFor();
  expect(await page.getByText("at once").count()).toBe(0);
  await page.close();
});

test("the frame stays where projects can't be listed, and says so", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const body = { status: 500, code: "internal", title: "Internal", detail: "the disk is full", type: "urn:x" };
  const asked = /\/api\/v1\/organisations\//;
  await page.route(asked, (route) => route.fulfill({ status: 500, json: body }));
  await page.goto(`${server.url}/p/${filled.project}/syncs`);
  const notice = page.getByRole("alert").filter({ hasText: "Your projects can't be listed" });
  await notice.getByText("The disk is full.").waitFor();
  await page.getByRole("heading", { name: "Syncs", level: 1 }).waitFor();
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Live events" }).waitFor();
  await page.getByRole("button", { name: /^Project: Shop/ }).waitFor();
  expect(await findings(page)).toEqual([]);
  await page.goto(server.url);
  await notice.waitFor();
  await page.unroute(asked);
  await tryAgain(notice);
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await page.close();
});

test("a change that can't be looked at while the server is away says so, and goes on when it is back", async () => {
  const page = await opened(`/p/${filled.project}/syncs/${filled.sync}/settings?step=advanced`);
  await page.getByRole("textbox", { name: "Notes" }).fill("Away");
  await page.getByRole("region", { name: "Save" }).getByRole("button", { name: "Review and save" }).waitFor();
  await settled(page);
  const asked = /\/difference$/;
  await page.route(asked, (route) => route.abort());
  await page.getByRole("button", { name: "Review and save" }).click();
  const dialog = page.getByRole("dialog");
  const notice = dialog.getByRole("alert").filter({ hasText: "The server doesn't respond" });
  await notice.waitFor();
  expect(await findings(page)).toEqual([]);
  await page.unroute(asked);
  await notice.waitFor({ state: "detached" });
  await expect.poll(() => dialog.getByRole("button", { name: "Save change" }).isEnabled()).toBe(true);
  await page.close();
});

test("whoever adds a header or a condition to a sync goes on in it", async () => {
  const condition = { test: { property: { scope: "user", name: "plan" }, operator: "is", values: ["pro"] } };
  const { id } = await ask<{ id: string }>("POST", `/projects/${filled.project}/syncs`, {
    name: "Adding",
    url: `${destination.url}/adding`,
    events: { select: { types: [{ event_type: "Order Completed", condition: { all: [condition] } }] } },
  });
  const page = await opened(`/p/${filled.project}/syncs/${id}/settings`);
  for (const number of [1, 2]) {
    await page.getByRole("button", { name: "Add header" }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => page.evaluate(FOCUSED)).toBe(`Name of header ${String(number)}`);
  }
  await page.getByRole("link", { name: "Next: Events" }).click();
  const conditions = page.getByRole("combobox", { name: "Property" });
  await expect.poll(() => conditions.count()).toBe(1);
  for (const [button, number] of [["Add condition", 2], ["Add group", 3]] as const) {
    await page.getByRole("button", { name: button }).last().focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => conditions.count()).toBe(number);
    await expect.poll(() => conditions.last().evaluate((field) => field === document.activeElement)).toBe(true);
  }
  await page.close();
});
