import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { findings, settled, watch } from "./browser";
import { exported } from "./zipped";
import { context, destination, filled, server, staged } from "./stage";

staged();

async function ask<T>(method: string, path: string, data?: unknown, headers = {}): Promise<T> {
  const answer = await context.request.fetch(`${server.url}/api/v1${path}`, { method, data, headers });
  expect(answer.ok(), await answer.text()).toBe(true);
  return (await answer.json()) as T;
}

function makeSync(name: string, path: string, enabled: boolean): Promise<{ id: string }> {
  return ask("POST", `/projects/${filled.project}/syncs`, { name, url: `${destination.url}/${path}`, enabled });
}

const to = (path: string) => destination.received.filter((each) => each.path === `/${path}`);

async function opened(path: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(server.url + path);
  await settled(page);
  return page;
}

test("past events are counted, shown, sent and paused", async () => {
  const { project } = filled;
  const sync = await makeSync("Later", "later", true);
  const page = await opened(`/p/${project}/syncs/${sync.id}`);
  const faults = watch(page, server.url);
  await page.getByRole("link", { name: "Replay" }).click();
  await page.getByText("Nothing was replayed yet.").waitFor();
  expect(await findings(page)).toEqual([]);
  await page.getByRole("link", { name: "Choose events…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(/120 deliveries of 120 events would be sent/).waitFor();
  // The address opens the form.
  expect(new URL(page.url()).searchParams.get("send")).toBe("events");
  await dialog.getByLabel("Event types").fill("Order Completed");
  await page.keyboard.press("Enter");
  await dialog.getByText(/24 deliveries of 120 events/).waitFor();
  await dialog.getByRole("list", { name: "Examples" }).getByText("Order Completed").first().waitFor();
  await dialog.getByText("Custom…").click();
  await dialog.getByLabel("From").fill("2020-01-01T00:00");
  await dialog.getByLabel("Until").fill("2019-01-01T00:00");
  await dialog.getByText("The end must be after the start.").waitFor();
  expect(await dialog.getByRole("button", { name: /^Send/ }).isDisabled()).toBe(true);
  await dialog.getByLabel("Until").fill("");
  await dialog.getByLabel("Maximum requests per minute").fill("60");
  await settled(page);
  expect(await findings(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Send 24" }).click();
  const replays = page.getByRole("list", { name: "Replays" });
  await replays.getByText(/^Order Completed from/).waitFor();
  await replays.getByRole("button", { name: "Pause" }).click();
  await replays.getByText("Paused").waitFor();
  await replays.getByRole("button", { name: "Resume" }).click();
  await expect.poll(() => to("later").length, { timeout: 15_000 }).toBeGreaterThan(0);
  expect(to("later")[0]?.headers["millstream-backfill"]).toMatch(/^rpl_/);
  await replays.getByRole("button", { name: "Cancel…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel replay" }).click();
  await replays.getByText("Cancelled").waitFor();
  await settled(page);
  expect(await findings(page)).toEqual([]);
  expect(faults).toEqual([]);
  await page.close();
});

test("an archive is read in the browser and imported once", async () => {
  const { project } = filled;
  const sync = await makeSync("Import", "import", true);
  const event = (n: number) => ({ event_type: "Old Order", user_id: `u${String(n)}`, uuid: `0000-${String(n)}`, event_time: "2024-01-01 10:00:00.000000" });
  const buffer = exported({ "1/a.json.gz": [event(1), event(2)], "1/b.json.gz": [event(3), { nothing: true }] });
  const archive = { name: "export.zip", mimeType: "application/zip", buffer };
  const page = await opened(`/p/${project}/syncs/${sync.id}/again?send=archive`);
  const dialog = page.getByRole("dialog");
  await dialog.locator("input[type=file]").setInputFiles(archive);
  await dialog.getByRole("button", { name: "Dry run" }).click();
  await dialog.getByText("4 lines read, 3 would be taken, 1 would be refused").waitFor();
  await dialog.getByText(/^3 deliveries of 3 events would be sent/).waitFor();
  await dialog.getByRole("list", { name: "Examples" }).getByText("Old Order").first().waitFor();
  await dialog.getByRole("list", { name: "Refused lines" }).getByText("export.zip/1/b.json.gz:2").waitFor();
  expect(await dialog.getByRole("list", { name: "Examples" }).getByText("POST").count()).toBeGreaterThan(0);
  expect(await findings(page)).toEqual([]);
  // Nothing was made or taken.
  expect(to("import")).toEqual([]);
  expect(await ask(`GET`, `/projects/${project}/syncs/${sync.id}/replays`)).toMatchObject({ items: [] });
  await dialog.getByText("By the command line").click();
  await dialog.getByText("millstream import export.zip --project Shop --sync Import --wait").waitFor();
  expect(await findings(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Import", exact: true }).click();
  await dialog.getByText("4 lines read, 3 taken, 1 refused").waitFor();
  await dialog.getByText("export.zip/1/b.json.gz:2").waitFor();
  await dialog.getByRole("button", { name: "Done" }).click();
  const replays = page.getByRole("list", { name: "Replays" });
  await replays.getByText("Archive export.zip").waitFor();
  await replays.getByText("3 delivered").waitFor();
  expect(to("import").map(({ body }) => (JSON.parse(body) as { user_id: string }).user_id).sort()).toEqual(["u1", "u2", "u3"]);
  await page.goto(`${server.url}/p/${project}/syncs/${sync.id}/again?send=archive`);
  await dialog.locator("input[type=file]").setInputFiles(archive);
  await dialog.getByRole("button", { name: "Import", exact: true }).click();
  await page.getByText("were imported to this sync before").waitFor();
  await dialog.locator("input[type=file]").setInputFiles({ ...archive, name: "cut.gz", buffer: gzipSync("x".repeat(9999)).subarray(0, 20) });
  await dialog.getByRole("button", { name: "Import", exact: true }).click();
  await dialog.getByText(/cut.gz can't be read on/).waitFor();
  await page.close();
});

test("a dry run of many lines adds up, and tells what the sync selects", async () => {
  const { project } = filled;
  const some = { name: "Some", url: `${destination.url}/some`, enabled: true, events: { select: { types: [{ event_type: "Order" }] } } };
  const sync = await ask<{ id: string }>("POST", `/projects/${project}/syncs`, some);
  // More than a request takes: every fifth is selected, and every seventh is no event.
  const lines = Array.from({ length: 4_500 }, (_, n) => (n % 7 === 0 ? { n } : { event_type: n % 5 === 0 ? "Order" : "View", user_id: `u${String(n)}`, event_time: "2024-01-01 10:00:00.000000" }));
  const selected = lines.filter((line) => "event_type" in line && line.event_type === "Order").length;
  const refused = lines.filter((line) => !("event_type" in line)).length;
  const page = await opened(`/p/${project}/syncs/${sync.id}/again?send=archive`);
  const dialog = page.getByRole("dialog");
  const archive = { name: "many.zip", mimeType: "application/zip", buffer: exported({ "1/a.json.gz": lines }) };
  await dialog.locator("input[type=file]").setInputFiles(archive);
  await dialog.getByLabel("Maximum requests per minute").fill("60");
  await dialog.getByRole("button", { name: "Dry run" }).click();
  const number = new Intl.NumberFormat("en-US");
  await dialog.getByText(`4,500 lines read, ${number.format(4_500 - refused)} would be taken, ${number.format(refused)} would be refused`).waitFor();
  await dialog.getByText(`${number.format(selected)} deliveries of ${number.format(4_500 - refused)} events would be sent`).waitFor();
  await dialog.getByText(/At this rate it takes/).waitFor();
  expect(await dialog.getByRole("list", { name: "Examples" }).getByRole("listitem").count()).toBe(5);
  await dialog.getByText(`And ${number.format(refused - 100)} more.`).waitFor();
  await dialog.locator("input[type=file]").setInputFiles({ ...archive, buffer: exported({ "1/a.json.gz": [{ event_type: "View", user_id: "u", event_time: "2024-01-01 10:00:00.000000" }] }) });
  await dialog.getByRole("button", { name: "Dry run" }).click();
  await dialog.getByText("None of 1 event in the archives is selected by this sync.").waitFor();
  expect(to("some")).toEqual([]);
  await page.close();
});

test("a sync that was paused goes on as somebody chooses", async () => {
  const { project, apiKey } = filled;
  const sync = await makeSync("Held", "held", true);
  await ask("POST", `/projects/${project}/syncs/${sync.id}/disable`);
  const visits = (n: number) => [1, 2, 3].map((user) => ({ event_type: "Visit", user_id: `user ${String(user)}`, event_properties: { n } }));
  await server.send(apiKey, [...visits(1), ...visits(2)]);
  const page = await opened(`/p/${project}/syncs/${sync.id}`);
  await page.getByRole("heading", { name: "Backlog" }).waitFor();
  await page.getByText("Events are kept for").waitFor();
  await page.getByRole("link", { name: "Enable…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("6 events wait").waitFor();
  await dialog.getByLabel("Maximum requests per minute").fill("2");
  await dialog.getByText("3 min at most").waitFor();
  await dialog.getByLabel("Maximum requests per minute").fill("");
  await dialog.getByLabel("Only the newest event of each user").check();
  expect(await findings(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Enable" }).click();
  await expect.poll(() => to("held").length, { timeout: 15_000 }).toBe(3);
  expect(to("held").map(({ body }) => (JSON.parse(body) as { event_properties: { n: number } }).event_properties.n)).toEqual([2, 2, 2]);

  await ask("POST", `/projects/${project}/syncs/${sync.id}/disable`);
  await server.send(apiKey, visits(3));
  await page.goto(`${server.url}/p/${project}/syncs/${sync.id}?resume=true`);
  await dialog.getByText("3 events wait").waitFor();
  await dialog.getByLabel("Drop everything").check();
  // What comes while somebody looks is not dropped unseen.
  await server.send(apiKey, visits(4));
  await dialog.getByRole("button", { name: "Drop 3 and enable" }).click();
  await dialog.getByText("More events arrived meanwhile").waitFor();
  await dialog.getByRole("button", { name: "Drop 6 and enable" }).click();
  await page.getByText("starts with the next event").waitFor();
  await page.getByText("6 events and 0 deliveries").waitFor();
  expect(to("held").length).toBe(3);
  await page.close();
});
