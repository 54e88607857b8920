import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { findings, settled } from "./browser";
import { browser, context, filled, server, staged } from "./stage";

staged();

async function opened(path: string, viewport = { width: 1280, height: 800 }): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.setViewportSize(viewport);
  await page.goto(server.url + path);
  await settled(page);
  return page;
}

test("the live request begins with the newest event that the filter takes, and says where there is none", async () => {
  // The newest event of all is of no selected type; the newest of such a type isn't taken by its condition.
  const order = (user_id: string, plan: string) => ({ event_type: "Order Completed", user_id, country: "Germany", user_properties: { plan } });
  await server.send(filled.apiKey, [order("match@example.com", "pro"), order("other@example.com", "free"), { event_type: "Nobody Wants This", user_id: "ann@example.com" }]);
  const page = await opened(`/p/${filled.project}/syncs/${filled.sync}/settings?step=events`);
  const choice = page.getByRole("button", { name: /^Event: / });
  const request = page.getByRole("complementary", { name: "Live request" });
  await expect.poll(() => choice.textContent()).toBe("Newest match: Order Completed");
  await request.getByText("match@example.com").first().waitFor();
  await choice.click();
  await page.getByRole("menuitem", { name: "The newest event of all" }).click();
  await expect.poll(() => choice.textContent()).toBe("Newest Nobody Wants This");
  await choice.click();
  await page.getByRole("menuitem", { name: "The newest event that matches the filter" }).click();
  await expect.poll(() => choice.textContent()).toBe("Newest match: Order Completed");

  // A condition that no event meets: it is said, and the event that is shown instead is named.
  await page.getByRole("button", { name: "Remove Sign Up Completed" }).click();
  await page.getByLabel("Values").first().focus();
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Backspace");
  await page.keyboard.type("nobody-has-this-plan");
  await page.keyboard.press("Enter");
  await request.getByText(/None of the last \d+ events matches the filter. Shown is the newest Order Completed./).waitFor();
  await expect.poll(() => choice.textContent()).toBe("Newest Order Completed");
  await request.getByText("This event is not sent").waitFor();
  expect(await findings(page)).toEqual([]);
  await page.close();
});

test("where no mail server is set up, nobody is told of a mail; the link is shown", async () => {
  const page = await opened(`/o/${filled.organisation}/settings/members`);
  await page.getByRole("button", { name: "Invite" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("E-mail address").fill("bob@example.com");
  await dialog.getByRole("button", { name: "Invite" }).click();
  await dialog.getByText("nothing was sent").waitFor();
  const link = (await dialog.getByLabel("Link", { exact: true }).textContent()) ?? "";
  expect(link).toMatch(/^http.*\/invitation#/);
  expect(await findings(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.getByText("which waits in the outbox").waitFor();

  // The link is a real one.
  const other = await browser.newContext();
  const guest = await other.newPage();
  await guest.goto(`${server.url}/invitation${new URL(link).hash}`);
  await guest.getByText("You are invited as").waitFor();
  await guest.goto(`${server.url}/password-reset`);
  await guest.getByText("No mail server is set up here").waitFor();
  await other.close();
  await page.close();
});

test("a slip is mended by the name that was meant, and the release names what breaks", async () => {
  const page = await opened(`/o/${filled.organisation}/destinations/${filled.definition}`);
  const body = page.getByRole("textbox", { name: "Body of events" });
  await body.fill('{"name": "${input.event_typ?json_string}"}');
  await page.getByText("Draft saved").waitFor();
  const mend = page.getByRole("button", { name: "Write input.event_type", exact: true });
  await mend.waitFor();
  await page.getByRole("button", { name: "Release internally" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("list", { name: "What some events break" }).getByText("Events › Body, line 1").waitFor();
  await dialog.getByRole("button", { name: "Release all the same" }).waitFor();
  expect(await findings(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Go back and mend" }).click();
  await mend.click();
  await page.getByText("Draft saved").waitFor();
  await expect.poll(() => body.textContent()).toContain("input.event_type?json_string");
  await page.getByRole("list", { name: "Findings of the linter" }).waitFor({ state: "detached" });
  await page.close();
});

test("an address that leads nowhere says so in words, with a way on", async () => {
  const page = await opened("/nowhere");
  await page.getByRole("heading", { name: "Page not found" }).waitFor();
  await page.getByRole("link", { name: "Go to the overview" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.goto(`${server.url}/p/${filled.project}/syncs/syn_06r3h4v8n5s7qj2k0c1d9w6xyz`);
  await page.getByRole("heading", { name: "Sync not found" }).waitFor();
  await page.getByRole("link", { name: "Show all syncs" }).click();
  await page.getByRole("heading", { name: "Syncs" }).waitFor();
  await page.goto(`${server.url}/o/${filled.organisation}/settings`);
  await page.getByText("API key").first().waitFor();
  expect(new URL(page.url()).pathname).toMatch(/\/settings\/projects$/);
  await page.close();
});

test("tables are read without scrolling sideways where it is narrow", async () => {
  const { organisation, project } = filled;
  for (const path of [
    `/p/${project}/syncs`,
    `/o/${organisation}/settings/members`,
    `/o/${organisation}/settings/tokens`,
    `/o/${organisation}/settings/audit`,
    "/installation/people",
    "/installation/outbox",
    "/account",
  ]) {
    const page = await opened(path, { width: 390, height: 844 });
    const wide = await page.evaluate(() =>
      [...document.querySelectorAll("main *")]
        .filter((each) => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX === "auto")
        // Parts of a page are a row to slide along; text of machines, too.
        .filter((each) => each.tagName !== "NAV" && each.tagName !== "PRE" && each.tagName !== "CODE")
        .map((each) => each.outerHTML.slice(0, 120)),
    );
    expect(wide, path).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth - window.innerWidth"), path).toBeLessThanOrEqual(0);
    const right = "Math.max(...[...document.querySelectorAll('main table, main td')].map((each) => each.getBoundingClientRect().right))";
    expect(Number(await page.evaluate(right)), path).toBeLessThanOrEqual(390);
    expect(await findings(page), path).toEqual([]);
    await page.close();
  }
});

test("a double click makes one token", async () => {
  const page = await opened(`/o/${filled.organisation}/settings/tokens`);
  await page.getByRole("button", { name: "Create token" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("CI");
  const bodies: (string | null)[] = [];
  const keys: (string | undefined)[] = [];
  page.on("request", (request) => {
    if (request.method() !== "POST" || !request.url().endsWith("/tokens")) return;
    bodies.push(request.postData());
    keys.push(request.headers()["idempotency-key"]);
  });
  await dialog.getByRole("button", { name: "Create token" }).evaluate((button: HTMLButtonElement) => {
    button.click();
    button.click();
  });
  await dialog.getByLabel("Token", { exact: true }).waitFor();
  expect(new Set(bodies).size).toBe(1);
  expect(new Set(keys).size).toBe(1);
  const answer = await context.request.get(`${server.url}/api/v1/organisations/${filled.organisation}/tokens`);
  const { items } = (await answer.json()) as { items: { name: string }[] };
  expect(items.filter(({ name }) => name === "CI")).toHaveLength(1);
  await page.close();
});

test("counts on a page are of the same events, and those of a change add up", async () => {
  await server.send(filled.apiKey, [{ event_type: "$identify", user_id: "ann@example.com", user_properties: { $set: { plan: "pro" } } }]);
  const page = await opened(`/p/${filled.project}/syncs/${filled.sync}/settings?step=events`);
  const all = await page.getByText(/of (the last )?\d+ events/).allTextContents();
  expect(all.length).toBeGreaterThan(1);
  const windows = new Set(all.map((text) => /of (?:the last )?(\d+) events/.exec(text)?.[1]));
  expect([...windows]).toHaveLength(1);
  await page.getByLabel("All events").check();
  await page.getByRole("button", { name: "Review and save" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("newly sent").waitFor();
  const counts = await dialog.getByRole("listitem").locator("b").allTextContents();
  const events = await dialog.getByText(/^Of the last/).locator("b").textContent();
  expect(counts.reduce((sum, each) => sum + Number(each), 0)).toBe(Number(events));
  await page.close();
});

test("whoever is offline is told", async () => {
  const page = await opened(`/p/${filled.project}`);
  await context.setOffline(true);
  await page.getByText("You are offline").waitFor();
  await context.setOffline(false);
  await page.getByText("You are offline").waitFor({ state: "detached" });
  await page.close();
});

test("a page asks for each thing once", async () => {
  const { organisation, project, sync, definition } = filled;
  for (const path of [
    `/p/${project}`,
    `/p/${project}/syncs`,
    `/p/${project}/syncs/${sync}`,
    `/p/${project}/syncs/${sync}/settings?step=events`,
    `/p/${project}/catalog`,
    `/o/${organisation}/destinations/${definition}`,
    `/o/${organisation}/settings/members`,
  ]) {
    const page = await context.newPage();
    const asked: string[] = [];
    page.on("request", (request) => {
      if (request.url().includes("/api/v1/")) asked.push(`${request.method()} ${request.url()} ${request.postData() ?? ""}`);
    });
    await page.goto(server.url + path);
    await settled(page);
    expect(asked.filter((each, index) => asked.indexOf(each) !== index), path).toEqual([]);
    await page.close();
  }
});
