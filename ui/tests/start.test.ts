import { expect, test } from "vitest";
import { findings, settled, watch } from "./browser";
import { context, filled, server, staged } from "./stage";

staged();

test("whoever loads the first start anew goes on with the project that they made", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = watch(page, server.url);
  await page.goto(`${server.url}/welcome`);
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
  const answer = await context.request.get(`${server.url}/api/v1/organisations/${filled.organisation}/projects`);
  const { items } = (await answer.json()) as { items: { name: string }[] };
  expect(items.filter(({ name }) => name === "Begun")).toHaveLength(1);
  await page.getByRole("link", { name: "Projects and keys" }).click();
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  expect(faults).toEqual([]);
  await page.close();
});
