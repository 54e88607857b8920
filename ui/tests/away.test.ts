import { expect, test } from "vitest";
import { findings, settled, watch } from "./browser";
import { browser, context, filled, server, staged } from "./stage";

staged();

const GONE = "The server doesn't respond";

test("while the server is away each page says so, keeps what it has, and comes back by itself", { timeout: 200_000 }, async () => {
  const { organisation, project, sync, definition } = filled;
  const paths = [
    `/p/${project}`,
    `/p/${project}/events`,
    `/p/${project}/syncs/${sync}`,
    `/o/${organisation}/settings/members`,
    `/o/${organisation}/destinations/${definition}`,
  ];
  const opened = await Promise.all(
    paths.map(async (path) => {
      const page = await context.newPage();
      page.setDefaultTimeout(30_000);
      await page.goto(server.url + path);
      await settled(page);
      return { path, page, heading: await page.locator("h1").textContent() };
    }),
  );
  await server.halt();
  for (const { path, page, heading } of opened) {
    await page.getByRole("status").getByText(GONE).waitFor();
    expect(await page.locator("h1").textContent(), path).toBe(heading);
    expect(await page.getByRole("alert").filter({ hasText: "can't be shown" }).count(), path).toBe(0);
  }
  await server.resume();
  for (const { path, page, heading } of opened) {
    await page.getByText(GONE).waitFor({ state: "detached" });
    await settled(page);
    expect(await page.locator("h1").textContent(), path).toBe(heading);
    expect(await page.getByRole("alert").filter({ hasText: "can't be shown" }).count(), path).toBe(0);
    await page.close();
  }
});

test("what was typed stays while the server is away, and is saved once it is back", { timeout: 200_000 }, async () => {
  const { project, sync } = filled;
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults = watch(page, server.url);
  await page.goto(`${server.url}/p/${project}/syncs/${sync}/settings`);
  await settled(page);
  await page.getByLabel("Name of the sync").fill("A name that is not saved yet");
  await server.halt();
  await page.getByRole("button", { name: "Review and save" }).click();
  await page.getByRole("status").getByText(GONE).waitFor();
  expect(await findings(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await server.resume();
  await page.getByText(GONE).waitFor({ state: "detached" });
  expect(await page.getByLabel("Name of the sync").inputValue()).toBe("A name that is not saved yet");
  await page.getByRole("button", { name: "Review and save" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Save change" }).click();
  await page.getByRole("heading", { name: "A name that is not saved yet" }).waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

test("a page that is asked for while the server is away comes when it is back", { timeout: 200_000 }, async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(`${server.url}/p/${filled.project}`);
  await settled(page);
  await server.halt();
  // Neither its data nor its scripts are there.
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Catalog" }).click();
  await page.getByText(GONE).first().waitFor();
  await server.resume();
  await page.getByRole("link", { name: /Webhook/ }).waitFor();
  await page.close();
});

test("a page that isn't loaded yet says what it waits for while the server is away, and opens when it is back", { timeout: 200_000 }, async () => {
  const place = `/p/${filled.project}`;
  // Some come with styles of their own, some without; one is opened by its address in the same window.
  const wanted = ["Alerts", "Users", "Syncs", "Settings", "My destinations"];
  const opened = await Promise.all(
    wanted.map(async (name) => {
      const page = await (await browser.newContext({ storageState: await context.storageState(), reducedMotion: "reduce" })).newPage();
      page.setDefaultTimeout(30_000);
      await page.goto(server.url + place);
      await settled(page);
      return { name, page };
    }),
  );
  await server.halt();
  for (const { name, page } of opened) {
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name, exact: true }).click();
    await page.getByRole("heading", { level: 1, name: GONE }).waitFor();
    await page.getByText("This page opens when it does.").waitFor();
    expect(await page.locator("main").innerText(), name).not.toMatch(/preload|module|css/i);
    expect(await findings(page), name).toEqual([]);
  }
  await server.resume();
  for (const { name, page } of opened) {
    await page.getByRole("heading", { level: 1, name }).waitFor();
    await page.context().close();
  }
});

test("a part of a form that isn't loaded yet comes when the server is back, and what was typed before it stays", { timeout: 200_000 }, async () => {
  const own = await browser.newContext({ storageState: await context.storageState(), reducedMotion: "reduce" });
  const page = await own.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(`${server.url}/p/${filled.project}/syncs/${filled.sync}/settings`);
  await settled(page);
  await page.getByLabel("Name of the sync").fill("Typed before");
  await server.halt();
  await page.getByRole("navigation", { name: "Steps" }).getByRole("link", { name: "Events" }).click();
  await page.getByRole("heading", { name: "Events", exact: true }).waitFor();
  await page.getByRole("status").getByText(GONE).waitFor();
  expect(await page.getByText("can't be shown").count()).toBe(0);
  await server.resume();
  // With its styles.
  const editor = page.locator(".cm-editor").first();
  await editor.waitFor();
  expect(await editor.evaluate((each) => getComputedStyle(each).fontSize)).toBe("12.5px");
  await page.getByRole("navigation", { name: "Steps" }).getByRole("link", { name: "Connection" }).click();
  expect(await page.getByLabel("Name of the sync").inputValue()).toBe("Typed before");
  await own.close();
});

test("a part of the page that can't be loaded although the server responds isn't asked for again and again", { timeout: 200_000 }, async () => {
  const own = await browser.newContext({ storageState: await context.storageState(), reducedMotion: "reduce" });
  const page = await own.newPage();
  page.setDefaultTimeout(30_000);
  let asked = 0;
  await page.route(/\/assets\/alerts-.*\.js/, (route) => {
    asked += 1;
    return route.abort();
  });
  await page.goto(`${server.url}/p/${filled.project}/alerts`);
  await page.getByRole("heading", { level: 1, name: "This page can't be shown" }).waitFor();
  await page.getByText("The server responds, but a part of the page can't be loaded from it.").waitFor();
  expect(await findings(page)).toEqual([]);
  const before = asked;
  await page.waitForTimeout(5_000);
  expect(asked).toBe(before);
  await page.unroute(/\/assets\/alerts-.*\.js/);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("heading", { level: 1, name: "Alerts" }).waitFor();
  await own.close();
});

test("whoever comes without a session is asked to sign in, and comes to where they wanted", async () => {
  const own = await browser.newContext();
  const page = await own.newPage();
  page.setDefaultTimeout(15_000);
  const path = `/p/${filled.project}/syncs/${filled.sync}/failures?range=1d`;
  await page.goto(server.url + path);
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  expect(new URL(page.url()).searchParams.get("to")).toBe(path);
  await page.getByLabel("E-mail address").fill("ann@example.com");
  await page.getByRole("textbox", { name: "Password" }).fill("a long password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("What went wrong in the last day").waitFor();
  await own.close();
});

test("what was deleted is said to be gone, with a way on", async () => {
  const { organisation, project, sync } = filled;
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  for (const path of [
    "/p/prj_0",
    "/p/prj_0/syncs/sync_0",
    `/p/${project}/syncs/sync_0`,
    `/p/${project}/catalog/dst_0`,
    `/p/${project}/events?event=999999`,
    `/p/${project}/syncs/${sync}/history?version=99`,
    `/o/${organisation}/destinations/dst_0`,
    "/o/org_0/settings/members",
    "/reviews/dst_0/1",
  ]) {
    await page.goto(server.url + path);
    await settled(page);
    const words = (await page.locator("main, [role=dialog]").allInnerTexts()).join("\n");
    expect(words, path).toMatch(/not found|doesn't exist|no longer keeps/i);
    expect(words, path).not.toMatch(/\b(404|403|500|undefined)\b/);
    expect(await findings(page), path).toEqual([]);
    if (process.env.SCREENSHOTS !== undefined) {
      await page.screenshot({ path: `screenshots/gone${path.replaceAll(/[^a-z0-9]+/gi, "-")}.png` });
    }
  }
  await page.close();
});
