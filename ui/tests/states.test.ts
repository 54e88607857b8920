import { readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { findings, settled, tryAgain, watch } from "./browser";
import { context, filled, server, staged } from "./stage";

staged();

test("a list that can't be had says so, and comes when it is asked for again", async () => {
  const { organisation, project, sync, definition } = filled;
  const lists: [string, RegExp][] = [
    [`/p/${project}/syncs`, /\/syncs\?/],
    [`/p/${project}/catalog`, /\/catalog\?/],
    [`/p/${project}/events`, /\/events\?/],
    [`/p/${project}/syncs/${sync}/deliveries`, /\/outcomes\?/],
    [`/p/${project}/syncs/${sync}/history`, /\/versions\?/],
    [`/o/${organisation}/settings/members`, /\/members\?/],
    [`/o/${organisation}/settings/tokens`, /\/tokens\?/],
    [`/o/${organisation}/settings/audit`, /\/audit\?/],
    [`/o/${organisation}/destinations`, /\/definitions\?/],
    [`/o/${organisation}/destinations/${definition}?tab=versions`, /\/versions\?/],
  ];
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  for (const [path, asked] of lists) {
    const body = { status: 500, code: "internal", title: "Internal", detail: "the disk is full", type: "urn:x" };
    await page.route(asked, (route) => route.fulfill({ status: 500, json: body }));
    await page.goto(server.url + path);
    const alert = page.getByRole("alert").first();
    await alert.getByText("The disk is full.").waitFor();
    expect(await findings(page), path).toEqual([]);
    await page.unroute(asked);
    await tryAgain(alert);
  }
  await page.close();
});

test("what others write is text, wherever it is shown", async () => {
  const hostile = `"><img src=x onerror="window.hit=1"><script>window.hit=1</script>`;
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const faults = watch(page, server.url);
  const ask = (method: string, path: string, data: unknown, headers = {}) =>
    context.request.fetch(`${server.url}/api/v1${path}`, { method, data, headers });
  await server.send(filled.apiKey, [
    { event_type: hostile, user_id: `${hostile}@x`, event_properties: { [hostile]: hostile } },
  ]);
  await ask("PATCH", `/projects/${filled.project}/syncs/${filled.sync}`, { name: hostile, notes: hostile }, { "if-match": "*" });
  const about = { category: "other", summary: hostile, description: `${hostile}\n\n- [a](javascript:window.hit=1)\n- *${hostile}*` };
  await ask("PATCH", `/organisations/${filled.organisation}/definitions/${filled.definition}`, { about }, { "if-match": "*" });
  await ask("POST", `/organisations/${filled.organisation}/definitions/${filled.definition}/release`, undefined, { "if-match": "*" });
  for (const path of [
    `/p/${filled.project}/events`,
    `/p/${filled.project}/start`,
    `/p/${filled.project}/syncs`,
    `/p/${filled.project}/syncs/${filled.sync}/settings`,
    `/p/${filled.project}/syncs/${filled.sync}/history`,
    `/p/${filled.project}/catalog/${filled.definition}`,
    `/o/${filled.organisation}/destinations/${filled.definition}`,
    `/o/${filled.organisation}/settings/audit`,
  ]) {
    await page.goto(server.url + path);
    await settled(page);
    await page.getByText("onerror=").first().waitFor({ state: "attached" });
    expect(await page.evaluate("window.hit"), path).toBeUndefined();
    expect(await page.locator("img[src='x'], a[href^='javascript']").count(), path).toBe(0);
  }
  expect(faults).toEqual([]);
  await page.close();
});

test("everything is reached by keys", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(`${server.url}/p/${filled.project}/syncs`);
  await settled(page);
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the content");
  await page.keyboard.press("Control+k");
  await page.getByPlaceholder("Go to a page, sync or project").waitFor();
  await page.keyboard.type("Live ev");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Live events" }).waitFor();
  await page.getByRole("listitem").first().getByRole("button").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  expect(new URL(page.url()).searchParams.get("event")).not.toBeNull();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.close();
});

test("events come as they arrive, and wait while the list is paused", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  let asked = 0;
  page.on("request", (request) => {
    if (/\/events\?/.test(request.url()) && !request.url().includes("/tail/")) asked += 1;
  });
  await page.goto(`${server.url}/p/${filled.project}/events`);
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor();
  const before = asked;
  await server.send(filled.apiKey, [{ event_type: "Just Now", user_id: "tail@example.com" }]);
  await page.getByRole("button", { name: /Just Now tail@example.com/ }).waitFor();
  expect(asked).toBe(before);
  await page.getByRole("button", { name: "Pause" }).click();
  await server.send(filled.apiKey, [{ event_type: "Meanwhile", user_id: "tail@example.com" }]);
  await page.waitForTimeout(400);
  expect(await page.getByRole("button", { name: /Meanwhile/ }).count()).toBe(0);
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: /Meanwhile tail@example.com/ }).waitFor();
  const rows = await page.getByRole("list", { name: "Events" }).getByRole("listitem").count();
  const offsets = await page.getByRole("button", { name: /Just Now tail/ }).count();
  expect([rows > 2, offsets]).toEqual([true, 1]);
  await page.close();
});

test("an enabled sync's change is shown on recent events before it is made", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(`${server.url}/p/${filled.project}/syncs/${filled.sync}/settings?step=events`);
  await page.getByLabel("All events").check();
  await page.getByRole("button", { name: "Review and save" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("newly sent").waitFor();
  expect(await findings(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Save change" }).click();
  await page.getByText("Saved.").waitFor();
  await page.getByRole("link", { name: "History" }).click();
  await page.getByRole("button", { name: /Version 2/ }).or(page.getByRole("button", { name: /Version 3/ })).first().waitFor();
  await page.close();
});

test("the first load is small", () => {
  const dist = fileURLToPath(new URL("../dist", import.meta.url));
  const document = readFileSync(`${dist}/index.html`, "utf8");
  const files = [...document.matchAll(/"(\/assets\/[^"]+\.(?:js|css))"/g)].map((match) => match[1] ?? "");
  expect(files.length).toBeGreaterThan(1);
  const bytes = files.map((file) => statSync(`${dist}${file}.gz`).size);
  expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(300_000);
});
