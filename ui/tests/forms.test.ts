import { expect, test } from "vitest";
import { findings, settled, watch } from "./browser";
import { browser, context, filled, server, staged } from "./stage";

staged();

const FOCUSED = "document.activeElement?.getAttribute('name')";

test("a form says at its fields what is wrong, asks nothing before, and takes it back as it is mended", async () => {
  const outside = await browser.newContext({ reducedMotion: "reduce" });
  const page = await outside.newPage();
  page.setDefaultTimeout(10_000);
  const faults = watch(page, server.url);
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.method() === "POST") asked.push(request.url());
  });
  await page.goto(`${server.url}/sign-in`);
  await settled(page);
  const email = page.getByLabel("E-mail address");
  await email.fill("ann");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText("Enter an e-mail address, such as ann@example.com.").waitFor();
  await page.getByText("Enter the password.").waitFor();
  expect(await email.getAttribute("aria-invalid")).toBe("true");
  expect(await page.evaluate(FOCUSED)).toBe("email");
  expect(await findings(page)).toEqual([]);
  await email.fill("ann@example.com");
  await page.getByText("Enter an e-mail address, such as ann@example.com.").waitFor({ state: "detached" });
  expect(await page.getByText("Enter the password.").count()).toBe(1);
  expect(asked).toEqual([]);
  await page.getByRole("textbox", { name: "Password" }).fill("a long password");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  expect(faults).toEqual([]);
  await outside.close();
});

test("what is too short or no address is said before it is sent", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(`${server.url}/account`);
  await settled(page);
  await page.getByRole("textbox", { name: "Current password" }).fill("a long password");
  await page.getByRole("textbox", { name: "New password" }).fill("short");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("Enter at least 10 characters.").waitFor();
  expect(await page.evaluate(FOCUSED)).toBe("new");
  await page.goto(`${server.url}/p/${filled.project}/alerts`);
  await page.getByRole("button", { name: "Add channel" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox", { name: "Name" }).fill("  ");
  await dialog.getByRole("textbox", { name: "URL" }).fill("example");
  await dialog.getByRole("button", { name: "Add channel" }).click();
  await dialog.getByText("Fill this in.").waitFor();
  await dialog.getByText("Enter a URL, such as https://example.com/hook.").waitFor();
  expect(await findings(page)).toEqual([]);
  await page.close();
});

test("the audit log is in words, and is filtered by what was done, by whom and when", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(`${server.url}/o/${filled.organisation}/settings/audit`);
  await settled(page);
  const rows = page.getByRole("table", { name: "Changes" }).getByRole("row");
  await rows.filter({ hasText: "Version released" }).waitFor();
  expect(await page.getByRole("table").getByText(/^[a-z_]+\.[a-z_]+$/).count()).toBe(0);
  await page.getByRole("combobox", { name: "What was done" }).click();
  await page.getByRole("option", { name: "Syncs: everything" }).click();
  await rows.filter({ hasText: "Version released" }).waitFor({ state: "detached" });
  await rows.filter({ hasText: "Sync created" }).first().waitFor();
  await page.getByRole("combobox", { name: "Time" }).click();
  await page.getByRole("option", { name: "In the last day" }).click();
  await page.getByRole("textbox", { name: /^Who did it/ }).fill("ann@example.com");
  await expect.poll(() => Object.fromEntries(new URL(page.url()).searchParams), { timeout: 10_000 }).toEqual({
    action: "sync",
    range: "1d",
    who: "ann@example.com",
  });
  await rows.filter({ hasText: "Sync changed" }).first().waitFor();
  expect(await findings(page)).toEqual([]);
  const file = await context.request.get(new URL((await page.getByRole("link", { name: "Export" }).getAttribute("href")) ?? "", server.url).href);
  const actions = (await file.text()).trim().split("\n").map((line) => (JSON.parse(line) as { action: string }).action);
  expect(actions.length).toBeGreaterThan(3);
  expect(actions.filter((action) => !action.startsWith("sync."))).toEqual([]);
  await page.getByRole("textbox", { name: /^Who did it/ }).fill("nobody@example.com");
  await page.getByText("No such changes").waitFor();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await rows.filter({ hasText: "Version released" }).waitFor();
  await page.close();
});
