import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findings, launch, settled, signUp } from "./browser";
import { Provider } from "./provider";
import { Millstream } from "./server";

let server: Millstream;
let provider: Provider;
let browser: Browser;

const ANN = { sub: "ann", email: "ann@example.com", email_verified: true, name: "Ann Lee" };

beforeAll(async () => {
  [provider, browser] = await Promise.all([Provider.start(), launch()]);
  server = await Millstream.start((url) => provider.settings(url));
  const first = await browser.newContext();
  await signUp(first, server.invitation);
  await first.close();
});

afterAll(async () => {
  await browser.close();
  await server.stop();
  provider.stop();
});

/** A browser that nobody signed in with yet, at a page. */
async function outsideAt(path: string): Promise<{ own: BrowserContext; page: Page }> {
  const own = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  const page = await own.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(server.url + path);
  return { own, page };
}

test("whoever signs in at a provider comes back to where they wanted to go", async () => {
  provider.people = [ANN];
  const { own, page } = await outsideAt("/account");
  const way = page.getByRole("link", { name: "Sign in with Acme" });
  await way.waitFor();
  await settled(page);
  expect(await findings(page)).toEqual([]);
  await way.click();
  await page.getByRole("heading", { name: "Sign in at Acme" }).waitFor();
  expect(new URL(page.url()).origin).toBe(provider.issuer);
  await page.getByRole("link", { name: "Go on as ann@example.com" }).click();
  await page.waitForURL(`${server.url}/account`);
  // Who it is, and by which way they came.
  const linked = page.getByRole("table", { name: "Linked accounts" });
  await linked.getByText("Acme").waitFor();
  await linked.getByText("ann@example.com").waitFor();
  await settled(page);
  expect(await findings(page)).toEqual([]);
  await own.close();
});

test("whoever the provider or the installation doesn't let in is told why, and can try again", async () => {
  const stranger = { sub: "eve", email: "eve@example.com", email_verified: true, name: "Eve Doe" };
  const unsure = { sub: "bob", email: "bob@example.com", email_verified: false, name: "Bob Roe" };
  provider.people = [ANN, stranger, unsure];
  const { own, page } = await outsideAt("/sign-in");
  for (const [choice, told] of [
    ["Don't sign in", "Your provider refused the sign-in."],
    ["Go on as eve@example.com", "There is no account for you yet."],
    ["Go on as bob@example.com", "Your provider hasn't verified your e-mail address."],
  ] as const) {
    await page.getByRole("link", { name: "Sign in with Acme" }).click();
    await page.getByRole("link", { name: choice }).click();
    await page.getByRole("alert").filter({ hasText: "You are not signed in" }).getByText(told).waitFor();
    await settled(page);
    expect(await findings(page), choice).toEqual([]);
  }
  await page.getByRole("link", { name: "Sign in with Acme" }).click();
  await page.getByRole("link", { name: "Go on as ann@example.com" }).click();
  await page.getByRole("button", { name: /Account|Ann/ }).first().waitFor();
  await own.close();
});

test("whoever's session ends signs in again at the provider, above the page, which stays", async () => {
  provider.people = [ANN];
  const { own, page } = await outsideAt("/account");
  await page.getByRole("link", { name: "Sign in with Acme" }).click();
  await page.getByRole("link", { name: "Go on as ann@example.com" }).click();
  const name = page.getByLabel("Name", { exact: true });
  await name.fill("Ann Half-Typed");
  const ended = await own.request.delete(`${server.url}/api/v1/session`);
  expect(ended.ok(), await ended.text()).toBe(true);
  await page.getByRole("button", { name: "Change name" }).click();
  const dialog = page.getByRole("dialog", { name: "Sign in again" });
  const way = dialog.getByRole("link", { name: "Sign in with Acme" });
  await way.waitFor();
  expect(await findings(page)).toEqual([]);
  const [other] = await Promise.all([own.waitForEvent("page"), way.click()]);
  await other.getByRole("link", { name: "Go on as ann@example.com" }).click();
  await dialog.waitFor({ state: "hidden" });
  expect(await name.inputValue()).toBe("Ann Half-Typed");
  await page.getByRole("button", { name: "Change name" }).click();
  await expect
    .poll(async () => ((await (await own.request.get(`${server.url}/api/v1/me`)).json()) as { person: { name: string } }).person.name)
    .toBe("Ann Half-Typed");
  await own.close();
});
