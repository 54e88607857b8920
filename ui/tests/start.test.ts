import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findings, launch, settled, signUp, watch } from "./browser";
import { Millstream } from "./server";

let server: Millstream;
let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  [server, browser] = await Promise.all([Millstream.start(), launch()]);
  context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  await signUp(context, server.invitation);
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

test("whoever loads the first start anew goes on with the project that they made", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = watch(page, server.url);
  await page.goto(server.url);
  await page.waitForURL(/\/welcome/);
  await page.getByLabel("Project name").fill("Begun");
  await page.getByRole("button", { name: "Create project" }).click();
  const key = page.getByLabel("Secret key", { exact: true });
  await key.waitFor();
  const secret = (await key.textContent()) ?? "";
  await page.waitForURL(/project=prj_/);
  expect(page.url()).not.toContain(secret);
  // The key stays in view for as long as nobody goes.
  await settled(page);
  expect(await key.isVisible()).toBe(true);
  await page.reload();
  await page.waitForURL(/\/p\/prj_[^/]+\/start/);
  await page.getByText("its secret key was shown once").waitFor();
  await page.getByText("Waiting for the first event").waitFor();
  expect(await page.locator("[aria-current=step]").textContent()).toContain("Send an event");
  expect(await findings(page)).toEqual([]);
  await page.getByRole("link", { name: "Projects and keys" }).click();
  await page.getByRole("heading", { name: "Settings" }).waitFor();

  // Whoever comes to its beginning by another way is told that there is one already.
  await page.goto(`${server.url}/welcome`);
  await page.getByText("You already have the project").waitFor();
  await settled(page);
  expect(await findings(page)).toEqual([]);
  await page.getByRole("main").getByRole("link", { name: "Begun" }).click();
  await page.getByText("Waiting for the first event").waitFor();
  const { items } = (await (await context.request.get(`${server.url}/api/v1/me/organisations`)).json()) as { items: { id: string }[] };
  const answer = await context.request.get(`${server.url}/api/v1/organisations/${items[0]?.id ?? ""}/projects`);
  expect(((await answer.json()) as { items: unknown[] }).items).toHaveLength(1);
  expect(faults).toEqual([]);
  await page.close();
});
