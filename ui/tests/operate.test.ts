import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { findings, settled } from "./browser";
import { browser, context, filled, server, staged } from "./stage";

staged();

async function opened(path: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(server.url + path);
  await settled(page);
  return page;
}

test("values of sensitive properties are shown no more", async () => {
  const page = await opened(`/p/${filled.project}/events?type=Order%20Completed`);
  await page.getByRole("list", { name: "Events" }).getByText("currency: EUR").first().waitFor();
  await page.goto(`${server.url}/o/${filled.organisation}/settings/projects`);
  await page.getByRole("button", { name: "Actions for Shop", exact: true }).click();
  await page.getByRole("menuitem", { name: "Sensitive properties…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Event properties").fill("currency");
  await page.keyboard.press("Enter");
  expect(await findings(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByText("Their values are masked from now on.").waitFor();
  await page.goto(`${server.url}/p/${filled.project}/events?type=Order%20Completed`);
  await page.getByLabel("Sensitive values are masked").first().waitFor();
  expect(await page.getByText("currency: EUR").count()).toBe(0);
  expect(await findings(page)).toEqual([]);
  await page.close();
});

test("an operator makes an organisation, and hands its owner's link on", async () => {
  const page = await opened("/installation/organisations");
  await page.getByRole("button", { name: "Create organisation" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Globex");
  await dialog.getByLabel("E-mail address of its owner").fill("owner@example.com");
  await dialog.getByRole("button", { name: "Create organisation" }).click();
  const link = (await dialog.getByLabel("Link", { exact: true }).textContent()) ?? "";
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.getByRole("cell", { name: "Globex", exact: true }).waitFor();

  const other = await browser.newContext();
  const guest = await other.newPage();
  await guest.goto(`${server.url}/invitation${new URL(link).hash}`);
  await guest.getByRole("heading", { name: "Join Globex" }).waitFor();
  await guest.getByLabel("Your name").fill("Olga");
  await guest.getByRole("textbox", { name: "Password" }).fill("a long password");
  await guest.getByRole("button", { name: "Create account and join" }).click();
  await guest.getByRole("heading", { name: "Welcome, Olga" }).waitFor();
  await guest.goto(`${server.url}/installation`);
  await guest.getByText("This is for operators").waitFor();

  // Whoever is locked is out at once.
  await page.goto(`${server.url}/installation/people?email=owner`);
  await page.getByRole("button", { name: "Actions for Olga" }).click();
  await page.getByRole("menuitem", { name: "Lock…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Lock account" }).click();
  await page.getByText("Locked", { exact: true }).waitFor();
  expect(await findings(page)).toEqual([]);
  await guest.reload();
  await guest.getByRole("heading", { name: "Sign in" }).waitFor();
  await other.close();
  await page.close();
});

test("the key of secrets is changed while the server runs", async () => {
  const page = await opened("/installation/secrets");
  await page.getByRole("cell", { name: "Active" }).waitFor();
  await page.getByRole("button", { name: "Rotate key…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Rotate key" }).click();
  await page.getByText("Everything is encrypted with the first key.").waitFor();
  await page.getByRole("button", { name: "Remove unused keys…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove keys" }).click();
  await page.getByRole("button", { name: "Remove unused keys…" }).waitFor({ state: "detached" });
  expect(await findings(page)).toEqual([]);
  await page.close();
});

test("a second factor is offered as a QR code that this page draws itself", async () => {
  const page = await opened("/account");
  const others: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(server.url)) others.push(request.url());
  });
  await page.getByRole("button", { name: "Set up two-factor authentication" }).click();
  const code = page.getByRole("img", { name: "QR code for an authenticator app" });
  await code.waitFor();
  // A code of a secret and its names has hundreds of dark modules.
  const drawing = (await code.locator("path").getAttribute("d")) ?? "";
  expect(drawing.match(/M/g)?.length ?? 0).toBeGreaterThan(300);
  expect(await findings(page)).toEqual([]);
  expect(others).toEqual([]);
  await page.close();
});

test("what a sync needs is seen on the way: counts of each condition, values on pointing, places of names", async () => {
  const page = await opened(`/p/${filled.project}/syncs/${filled.sync}/settings?step=events`);
  await expect.poll(() => page.getByTitle(/by this condition alone/).count()).toBe(3);
  await page.locator(".cm-line").filter({ hasText: "user_properties.plan" }).getByText("input", { exact: false }).first().hover();
  await page.locator(".cm-tooltip").getByText(/of [\d,]+ events since/).waitFor();
  await page.goto(`${server.url}/o/${filled.organisation}/destinations/${filled.definition}?tab=testing`);
  await page.getByRole("button", { name: "Events › Body, line 2" }).click();
  await page.getByRole("textbox", { name: "Body of events" }).waitFor();
  await expect.poll(() => page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe("Body of events");
  await page.getByRole("button", { name: /^Events › URL/ }).first().click();
  await expect.poll(() => page.evaluate("document.activeElement.dataset.pointer")).toBe("/events/url");
  await page.close();
});

test("what a reviewer said stands at its field", async () => {
  const { organisation, definition } = filled;
  const ask = (method: string, path: string, data?: unknown) => context.request.fetch(`${server.url}/api/v1${path}`, { method, data });
  const base = `/organisations/${organisation}/definitions/${definition}/versions/1`;
  expect((await ask("POST", `${base}/submit`)).ok()).toBe(true);
  const comments = [{ pointer: "/about/summary", comment: "Say what for" }];
  const answer = await ask("POST", `/installation/reviews/${definition}/versions/1/decision`, { decision: "return", note: "Nearly", comments });
  expect(answer.ok(), await answer.text()).toBe(true);
  const page = await opened(`/o/${organisation}/destinations/${definition}`);
  await page.getByText("The reviewer said: Say what for.").waitFor();
  await page.getByRole("button", { name: "Connection info › Summary" }).click();
  await expect.poll(() => page.evaluate("document.activeElement.dataset.pointer")).toBe("/about/summary");
  expect(await findings(page)).toEqual([]);
  await page.close();
});
