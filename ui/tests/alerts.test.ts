import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findings, launch, settled, signUp, watch } from "./browser";
import { fill, type Filled } from "./fill";
import { Destination, Millstream } from "./server";

let server: Millstream;
let destination: Destination;
let browser: Browser;
let context: BrowserContext;
let filled: Filled;

beforeAll(async () => {
  [server, destination, browser] = await Promise.all([Millstream.start(), Destination.start(), launch()]);
  context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  await signUp(context, server.invitation);
  filled = await fill(server, destination, context.request);
});

afterAll(async () => {
  await browser.close();
  destination.stop();
  await server.stop();
});

test("rules and channels of alerts are set, and a channel is tried out", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = watch(page, server.url);
  await page.goto(`${server.url}/p/${filled.project}`);
  await page.getByRole("link", { name: "Alerts" }).click();
  await page.getByText("Nowhere else.").waitFor();
  expect(await findings(page)).toEqual([]);

  await page.getByRole("button", { name: "Add a channel" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("On call");
  await dialog.getByLabel("URL").fill(`${destination.url}/alerts?token=hidden`);
  await dialog.getByRole("button", { name: "Add channel" }).click();
  expect(await dialog.getByLabel("Signing key", { exact: true }).textContent()).toMatch(/^whsec_/);
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: "Send a test message to On call" }).click();
  await expect.poll(() => destination.received.some(({ path }) => path.startsWith("/alerts")), { timeout: 15_000 }).toBe(true);
  // What of the URL is a secret is not shown again.
  expect(await page.getByText("token=hidden").count()).toBe(0);

  const rule = page.getByRole("group", { name: "Events wait too long" });
  await rule.getByLabel("minutes").fill("30");
  await page.getByRole("button", { name: "Save rules" }).click();
  await page.getByText("The rules are saved.").waitFor();
  await page.reload();
  await expect.poll(() => rule.getByLabel("minutes").inputValue()).toBe("30");
  await settled(page);
  expect(await findings(page)).toEqual([]);
  expect(faults).toEqual([]);
  await page.close();
});
