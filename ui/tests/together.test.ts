import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { findings, settled } from "./browser";
import { browser, context, filled, server, staged } from "./stage";

staged();

async function opened(path: string, within = context): Promise<Page> {
  const page = await within.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(server.url + path);
  await settled(page);
  return page;
}

/** Asks the API as a colleague does who knows nothing of the page that is open. */
async function colleague<T>(method: string, path: string, data?: unknown): Promise<T> {
  const headers: Record<string, string> = method === "PATCH" ? { "if-match": "*" } : {};
  const answer = await context.request.fetch(`${server.url}/api/v1${path}`, { method, data, headers });
  expect(answer.ok(), await answer.text()).toBe(true);
  return (await answer.json()) as T;
}

test("names may be written in any script", async () => {
  const { organisation, project } = filled;
  for (const name of ["Shop – production", "Магазин", "Café 🦄"]) {
    const page = await opened("/welcome");
    await page.getByLabel("Project name").fill(name);
    await page.getByRole("button", { name: "Create project" }).click();
    await page.getByRole("heading", { name }).waitFor();

    await page.goto(`${server.url}/o/${organisation}/destinations`);
    await page.getByRole("button", { name: "Add new destination" }).click();
    await page.getByRole("dialog").getByLabel("Display name").fill(name);
    await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
    await page.getByRole("heading", { name }).waitFor();

    await page.goto(`${server.url}/p/${project}/catalog/${filled.definition}`);
    await settled(page);
    await page.getByRole("button", { name: /^(Connect|Create sync|Add)/ }).first().click();
    await page.getByLabel("Name of the sync").fill(name);
    await page.getByRole("dialog").getByRole("button", { name: "Create sync" }).click();
    await page.getByRole("heading", { name }).waitFor();
    expect(await page.getByText("The server doesn't respond").count()).toBe(0);
    await page.close();
  }
});

interface StoredSync {
  url: string;
  notes: string;
  name: string;
}

test("what two people change of a sync stays of both; the same field is asked about", async () => {
  const path = `/projects/${filled.project}/syncs/${filled.held}`;
  const stored = () => colleague<StoredSync>("GET", path);
  await colleague("POST", `${path}/enable`);
  const { url } = await stored();
  const page = await opened(`/p/${filled.project}/syncs/${filled.held}/settings`);
  await page.getByRole("textbox", { name: "URL" }).fill(`${url}/mine`);
  await colleague("PATCH", path, { notes: "Bea was here." });
  const bar = page.getByRole("region", { name: "Save" });
  await bar.getByRole("button", { name: "Review and save" }).click();
  const dialog = page.getByRole("dialog");
  const list = dialog.getByRole("region", { name: "What is changed" });
  await expect.poll(() => list.getByRole("listitem").count()).toBe(1);
  expect(await list.textContent()).toMatch(/URL.*\/mine/);
  await dialog.getByRole("button", { name: "Save change" }).click();
  await page.getByText("Somebody else changed this sync").waitFor();
  await expect.poll(() => bar.textContent()).toMatch(/Not saved yet: URL(?!,)/);
  await bar.getByRole("button", { name: "Review and save" }).click();
  await dialog.getByRole("button", { name: "Save change" }).click();
  await page.getByText("Saved.", { exact: true }).waitFor();
  expect(await stored()).toMatchObject({ url: `${url}/mine`, notes: "Bea was here." });

  // Both change the same one.
  await page.getByRole("textbox", { name: "Name of the sync" }).fill("Mine");
  await colleague("PATCH", path, { name: "Theirs" });
  await bar.getByRole("button", { name: "Review and save" }).click();
  await dialog.getByRole("button", { name: "Save change" }).click();
  const conflict = page.getByRole("group", { name: "Changed by somebody else, too: Name" });
  await conflict.getByText("Theirs", { exact: true }).first().waitFor();
  await conflict.getByText("Mine", { exact: true }).first().waitFor();
  expect(await findings(page)).toEqual([]);
  await conflict.getByRole("button", { name: "Take theirs" }).click();
  await expect.poll(() => page.getByRole("textbox", { name: "Name of the sync" }).inputValue()).toBe("Theirs");
  await conflict.waitFor({ state: "detached" });
  await page.close();
});

interface StoredDefinition {
  draft: { about: { summary: string; description: string } };
}

test("what two people change of a destination's draft stays of both; the same field is asked about", async () => {
  const path = `/organisations/${filled.organisation}/definitions/${filled.definition}`;
  const about = async () => (await colleague<StoredDefinition>("GET", path)).draft.about;
  const page = await opened(`/o/${filled.organisation}/destinations/${filled.definition}`);
  await colleague("PATCH", path, { about: { ...(await about()), summary: "Bea's summary" } });
  await page.getByRole("textbox", { name: "Full description" }).fill("My description");
  await expect.poll(about, { timeout: 10_000 }).toMatchObject({ summary: "Bea's summary", description: "My description" });
  await page.getByText("Draft saved").waitFor();
  expect(await page.getByRole("textbox", { name: "Summary" }).inputValue()).toBe("Bea's summary");

  await colleague("PATCH", path, { about: { ...(await about()), summary: "Bea's other summary" } });
  await page.getByRole("textbox", { name: "Summary" }).fill("My summary");
  const conflict = page.getByRole("group", { name: /^Changed by somebody else, too: .*Summary/ });
  await conflict.getByText("Bea's other summary").waitFor();
  await conflict.getByText("My summary").waitFor();
  expect((await about()).summary).toBe("Bea's other summary");
  expect(await findings(page)).toEqual([]);
  await conflict.getByRole("button", { name: "Keep mine" }).click();
  await expect.poll(async () => (await about()).summary, { timeout: 10_000 }).toBe("My summary");
  await page.close();
});

test("a session that ends leaves what was typed, and goes on after signing in", async () => {
  const own = await browser.newContext({ storageState: await context.storageState(), reducedMotion: "reduce" });
  const page = await opened(`/p/${filled.project}/syncs/${filled.sync}/settings?step=advanced`, own);
  await page.getByRole("textbox", { name: "Notes" }).fill("Typed for an hour");
  await own.clearCookies();
  const dialog = page.getByRole("dialog", { name: "Sign in again" });
  await dialog.waitFor({ timeout: 30_000 });
  expect(await findings(page)).toEqual([]);
  await dialog.getByRole("textbox", { name: "Password" }).fill("a long password");
  await dialog.getByRole("button", { name: "Sign in", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  expect(await page.getByRole("textbox", { name: "Notes" }).inputValue()).toBe("Typed for an hour");
  await page.getByRole("button", { name: "Review and save" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Save change" }).click();
  await page.getByText("Saved.", { exact: true }).waitFor();
  await own.close();
});

test("a draft is saved before its page is left, asks where it can't be, and saves itself when the server is back", { timeout: 200_000 }, async () => {
  const path = `/organisations/${filled.organisation}/definitions/${filled.definition}`;
  const description = async () => (await colleague<StoredDefinition>("GET", path)).draft.about.description;
  const page = await opened(`/o/${filled.organisation}/destinations/${filled.definition}`);
  page.setDefaultTimeout(30_000);
  const field = page.getByRole("textbox", { name: "Full description" });
  const questions: string[] = [];
  page.on("dialog", (dialog) => {
    questions.push(dialog.message());
    void dialog.dismiss();
  });
  await server.halt();
  await field.fill("Typed while the server was away");
  await page.getByText("Not saved").waitFor();
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "My destinations" }).click();
  await expect.poll(() => questions, { timeout: 10_000 }).toEqual(["Leave without saving your changes?"]);
  expect(await field.inputValue()).toBe("Typed while the server was away");
  await server.resume();
  await page.getByText("Draft saved").waitFor();
  expect(await description()).toBe("Typed while the server was away");

  await field.fill("Typed just before leaving");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "My destinations" }).click();
  await page.getByRole("heading", { name: "My destinations" }).waitFor();
  expect(await description()).toBe("Typed just before leaving");
  expect(questions).toHaveLength(1);
  await page.close();
});
