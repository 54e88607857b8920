import { expect, test } from "vitest";
import { findings, settled } from "./browser";
import { context, destination, filled, server, staged } from "./stage";

staged();

/** More than a page of the API has. */
const SYNCS = 205;
const ENABLED = 105;

test("more syncs than the API gives at once are all there", { timeout: 200_000 }, async () => {
  const { project } = filled;
  const at = `${server.url}/api/v1/projects/${project}/syncs`;
  const make = async (name: string, url: string, more: object) => {
    const made = await context.request.post(at, { data: { name, url, ...more } });
    expect(made.ok(), await made.text()).toBe(true);
    return ((await made.json()) as { id: string }).id;
  };
  // More are enabled than are ever asked one by one how they do; none of them has anything to send.
  const idle = { enabled: true, events: { select: { types: [{ event_type: "Never sent" }] } } };
  for (let n = 0; n < SYNCS; n += 1) await make(`Spare ${String(n)}`, destination.url, n < ENABLED ? idle : {});
  // Nothing listens there: the last of all can't deliver.
  const last = await make("The last of all", "http://127.0.0.1:9/none", { enabled: true });
  await server.send(filled.apiKey, Array.from({ length: 60 }, (_, n) => ({ event_type: "Visit", user_id: `user ${String(n)}` })));
  const health = async () => ((await (await context.request.get(`${at}/${last}/status`)).json()) as { health: string }).health;
  await expect.poll(health, { timeout: 60_000, interval: 500 }).toBe("failing");

  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(`${server.url}/installation/health`);
  await page.getByRole("list", { name: "Syncs that can't deliver" }).getByText("The last of all").waitFor();

  await page.goto(`${server.url}/p/${project}/syncs`);
  await settled(page);
  const rows = page.getByRole("table", { name: "Syncs" }).getByRole("row");
  expect(await rows.count()).toBe(51);
  while ((await page.getByRole("button", { name: /^Show \d+ more of/ }).count()) > 0) {
    await page.getByRole("button", { name: /^Show \d+ more of/ }).click();
  }
  await rows.filter({ hasText: "The last of all" }).getByText("Failing").waitFor();
  expect(await findings(page)).toEqual([]);

  await page.goto(`${server.url}/p/${project}`);
  await page.getByRole("list", { name: "Needs attention" }).getByRole("link", { name: /The last of all/ }).getByText("Failing").waitFor();
  expect(await findings(page)).toEqual([]);
  await page.goto(`${server.url}/p/${project}/why?user=user%201`);
  // What did something comes first; of the others not all are there at once.
  const event = page.getByRole("article", { name: "Visit" });
  await event.getByRole("link", { name: "The last of all" }).waitFor();
  expect(await event.getByRole("list", { name: "What each sync did" }).getByRole("listitem").filter({ has: page.getByRole("link") }).count()).toBe(50);
  await event.getByRole("button", { name: /^Show 50 more of \d+ syncs$/ }).click();
  await expect.poll(() => event.getByRole("list", { name: "What each sync did" }).getByRole("listitem").filter({ has: page.getByRole("link") }).count()).toBe(100);
  expect(await findings(page)).toEqual([]);
  expect(await page.getByText(/This project has more than/).count()).toBe(0);
  await page.close();
});
