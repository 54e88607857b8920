import { createHmac } from "node:crypto";
import type { BrowserContext, Page } from "playwright-core";
import { expect, test } from "vitest";
import { findings, settled, watch } from "./browser";
import { browser, context, filled, server, staged } from "./stage";

staged();

const PASSWORD = "a long password";

async function signIn(within: BrowserContext, email: string, code?: string): Promise<void> {
  const answer = await within.request.post(`${server.url}/api/v1/session`, { data: { email, password: PASSWORD, ...(code === undefined ? {} : { code }) } });
  expect(answer.ok(), await answer.text()).toBe(true);
}

/** A browser of Ann's own, with a page that is open there. */
async function annAt(path: string, code?: string): Promise<{ own: BrowserContext; page: Page }> {
  const own = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  await signIn(own, "ann@example.com", code);
  const page = await own.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(server.url + path);
  await settled(page);
  return { own, page };
}

/** The session ends while somebody writes; the next answer says so. */
async function ends(own: BrowserContext, page: Page) {
  const ended = await own.request.delete(`${server.url}/api/v1/session`);
  expect(ended.ok(), await ended.text()).toBe(true);
  await page.getByRole("dialog").getByRole("button", { name: "Create", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Sign in again" });
  await dialog.waitFor();
  return dialog;
}

/** The browser of somebody else, who has an organisation of their own. */
async function personOf(email: string, name = "Cleo Kim"): Promise<BrowserContext> {
  const api = `${server.url}/api/v1`;
  const invited = await context.request.post(`${api}/installation/organisations`, { data: { name: `Of ${name}`, owner: email } });
  expect(invited.ok(), await invited.text()).toBe(true);
  const outbox = (await (await context.request.get(`${api}/installation/outbox?limit=200`)).json()) as { items: { id: string; recipient: string }[] };
  const mail = outbox.items.findLast((each) => each.recipient === email)?.id ?? "";
  const { text } = (await (await context.request.get(`${api}/installation/outbox/${mail}`)).json()) as { text: string };
  const own = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  const joined = await own.request.post(`${api}/invitations/accept`, { data: { token: /#(\S+)/.exec(text)?.[1], name, password: PASSWORD } });
  expect(joined.ok(), await joined.text()).toBe(true);
  return own;
}

/** A dialog with a form, which somebody has begun to fill in. */
async function typing(page: Page) {
  await page.getByRole("button", { name: "Add new destination" }).click();
  const form = page.getByRole("dialog").getByLabel("Display name");
  await form.fill("Half a name");
  return form;
}

const destinations = () => `/o/${filled.organisation}/destinations`;

test("whoever signs in again is asked above a dialog, which stays with what was typed", async () => {
  const { own, page } = await annAt(destinations());
  const faults = watch(page, server.url);
  const form = await typing(page);
  const dialog = await ends(own, page);
  expect(await dialog.getByLabel("E-mail address").inputValue()).toBe("ann@example.com");
  const password = dialog.getByRole("textbox", { name: "Password" });
  await expect.poll(() => password.evaluate((field) => field === field.ownerDocument.activeElement)).toBe(true);
  expect(await findings(page)).toEqual([]);
  // Neither a key nor a shortcut gets past it, wherever the focus is.
  await page.keyboard.press("Escape");
  await page.evaluate("document.activeElement.blur()");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.waitForTimeout(300);
  expect(await page.getByPlaceholder("Go to a page, sync or project").count()).toBe(0);
  expect(await dialog.isVisible()).toBe(true);
  expect(await form.inputValue()).toBe("Half a name");
  // What leads elsewhere is opened beside it.
  expect(await dialog.getByRole("link", { name: "Forgot your password?" }).getAttribute("target")).toBe("_blank");
  await password.fill("not this one");
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await dialog.getByRole("alert").getByText("Sign-in failed").waitFor();
  await password.fill(PASSWORD);
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await dialog.waitFor({ state: "hidden" });
  expect(await form.inputValue()).toBe("Half a name");
  // It closes by its own key again.
  await form.focus();
  await page.keyboard.press("Escape");
  await form.waitFor({ state: "detached" });
  expect(faults).toEqual([]);
  await own.close();
});

test("whoever signs in at a provider does so in another window, and goes on in this one", async () => {
  const { own, page } = await annAt(destinations());
  const provider = { id: "acme", name: "Acme" };
  await page.route("**/api/v1/session/openid", (route) => route.fulfill({ json: { providers: [provider], sends_mail: false } }));
  // So that the end of it can be looked at.
  await own.addInitScript("window.close = () => undefined");
  // In place of a provider: it signs Ann in, and leads back to where it was told.
  await own.route("**/api/v1/session/openid/acme/start?*", async (route) => {
    await signIn(own, "ann@example.com");
    const back = new URL(route.request().url()).searchParams.get("return_to") ?? "";
    await route.fulfill({ status: 303, headers: { location: back } });
  });
  const form = await typing(page);
  const dialog = await ends(own, page);
  const way = dialog.getByRole("link", { name: "Sign in with Acme" });
  await way.waitFor();
  expect(await findings(page)).toEqual([]);
  const [other] = await Promise.all([own.waitForEvent("page"), way.click()]);
  await other.getByRole("heading", { name: "You are signed in" }).waitFor();
  expect(await findings(other)).toEqual([]);
  await dialog.waitFor({ state: "hidden" });
  expect(await form.inputValue()).toBe("Half a name");
  await own.close();
});

test("where another account signs in, nothing of the former one's is left", async () => {
  const api = `${server.url}/api/v1`;
  const bea = await personOf("bea@example.com", "Bea Ray");
  await bea.close();

  // A page that asks before what was typed is left: this time nobody is asked.
  const { own, page } = await annAt(`/p/${filled.project}/syncs/${filled.sync}/settings`);
  const asked: string[] = [];
  page.on("dialog", (question) => {
    asked.push(question.type());
    void question.dismiss();
  });
  await page.getByLabel("Name of the sync").fill("Ann's secret plan");
  await own.request.delete(`${api}/session`);
  await page.getByRole("button", { name: "Review and save" }).click();
  const dialog = page.getByRole("dialog", { name: "Sign in again" });
  await dialog.getByLabel("E-mail address").fill("bea@example.com");
  await dialog.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: /not found/ }).waitFor();
  expect(await page.getByLabel("Name of the sync").count()).toBe(0);
  expect(await page.locator("body").textContent()).not.toMatch(/Ann's secret plan|Ann Lee/);
  await page.getByRole("button", { name: /Account|Bea/ }).first().click();
  await page.getByText("bea@example.com").first().waitFor();
  expect(asked).toEqual([]);
  await own.close();
});

test("a second factor is asked for there, too", async () => {
  const api = `${server.url}/api/v1/me/second-factor`;
  const { secret } = (await (await context.request.post(`${api}/offer`)).json()) as { secret: string };
  const set = await context.request.put(api, { data: { secret, code: codeOf(secret), password: PASSWORD } });
  expect(set.ok(), await set.text()).toBe(true);
  const [first, second] = ((await set.json()) as { recovery_codes: string[] }).recovery_codes;
  const { own, page } = await annAt(destinations(), first);
  const form = await typing(page);
  const dialog = await ends(own, page);
  await dialog.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await dialog.getByText("Enter the code of your authenticator app").waitFor();
  expect(await findings(page)).toEqual([]);
  await dialog.getByLabel("Code").fill("000000");
  await dialog.getByRole("button", { name: "Sign in" }).click();
  // The password was right: it isn't called wrong.
  await dialog.getByText("This code is wrong, or was used before.").waitFor();
  expect(await dialog.getByLabel("Code").getAttribute("aria-invalid")).toBe("true");
  expect(await dialog.getByText(/password is wrong/).count()).toBe(0);
  expect(await findings(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await dialog.getByLabel("Code").fill(second ?? "");
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await dialog.waitFor({ state: "hidden" });
  expect(await form.inputValue()).toBe("Half a name");
  // The next time it begins with the password again.
  const again = await ends(own, page);
  await again.getByLabel("E-mail address").waitFor();
  await own.close();
});

test("a second factor is turned off by both factors, of which a recovery code is one", async () => {
  const own = await personOf("cleo@example.com");
  const page = await own.newPage();
  page.setDefaultTimeout(15_000);
  const faults = watch(page, server.url);
  for (const by of ["code", "recovery code"] as const) {
    await page.goto(`${server.url}/account`);
    await settled(page);
    const { secret, recovery } = await turnOn(page);
    await page.getByRole("button", { name: "Turn off…" }).click();
    const password = page.getByRole("textbox", { name: "Your password" });
    const code = page.getByLabel("Code from the app, or a recovery code");
    await password.fill(PASSWORD);
    await code.fill("none");
    await code.press("Enter");
    await page.getByText("This is not the code.").waitFor();
    expect(await code.getAttribute("aria-invalid")).toBe("true");
    await expect.poll(() => code.evaluate((field) => field === field.ownerDocument.activeElement)).toBe(true);
    expect(await findings(page)).toEqual([]);
    // The code that turned it on was used; clocks may be one step ahead.
    await code.fill(by === "code" ? codeOf(secret, 1) : recovery);
    await code.press("Enter");
    await page.getByRole("button", { name: "Set up two-factor authentication" }).waitFor();
  }
  expect(faults).toEqual([]);
  await own.close();
});

/** Sets it up by the page, with a wrong code at first. */
async function turnOn(page: Page): Promise<{ secret: string; recovery: string }> {
  await page.getByRole("button", { name: "Set up two-factor authentication" }).click();
  const offered = page.getByRole("link", { name: /Open in an authenticator app/ });
  const secret = new URL((await offered.getAttribute("href")) ?? "").searchParams.get("secret") ?? "";
  const code = page.getByLabel("Code from the app");
  await code.fill("none");
  await page.getByRole("textbox", { name: "Your password" }).fill(PASSWORD);
  await page.getByRole("button", { name: "Turn on" }).click();
  await page.getByText(/^Not the code at this time/).waitFor();
  expect(await code.getAttribute("aria-invalid")).toBe("true");
  await expect.poll(() => code.evaluate((field) => field === field.ownerDocument.activeElement)).toBe(true);
  await code.fill(codeOf(secret));
  await page.getByRole("button", { name: "Turn on" }).click();
  const codes = await page.getByRole("region", { name: "Recovery codes" }).textContent();
  await page.getByRole("button", { name: "I have saved them" }).click();
  return { secret, recovery: /[0-9a-z]+(?:-[0-9a-z]+)+/i.exec(codes ?? "")?.[0] ?? "" };
}

test("whoever isn't signed in sees nothing of the application before the way into it", async () => {
  const own = await browser.newContext();
  const page = await own.newPage();
  page.setDefaultTimeout(15_000);
  // Slow enough to be seen by people.
  for (const slow of ["**/api/v1/me", "**/assets/sign-in*"]) {
    await page.route(slow, async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 600));
      await route.continue();
    });
  }
  await page.addInitScript(`
    window.seen = [];
    new MutationObserver(() => {
      for (const part of [".mantine-AppShell-root", ".mantine-Skeleton-root", "nav"]) {
        if (document.querySelector(part) !== null && !window.seen.includes(part)) window.seen.push(part);
      }
    }).observe(document, { childList: true, subtree: true });
  `);
  await page.goto(`${server.url}/p/${filled.project}/syncs`);
  await page.getByRole("status", { name: "Loading" }).waitFor();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  expect(await page.evaluate("window.seen")).toEqual([]);
  await own.close();
});

/** The code that an authenticator app shows now (RFC 6238), or so many steps later. */
function codeOf(secret: string, ahead = 0): string {
  const bits = [...secret.replaceAll("=", "")].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const hash = createHmac("sha1", key).update(step).digest();
  const at = (hash.at(-1) ?? 0) & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
