import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { findings, settled, watch } from "./browser";
import { context, destination, filled, server, staged } from "./stage";

staged();

interface Stored {
  id: string;
  name: string;
  enabled: boolean;
  version: number;
}

async function ask(method: string, path: string, data?: unknown): Promise<Stored> {
  const answer = await context.request.fetch(`${server.url}/api/v1/projects/${filled.project}${path}`, { method, data });
  expect(answer.ok(), await answer.text()).toBe(true);
  return (await answer.json()) as Stored;
}

async function opened(path: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${server.url}/p/${filled.project}${path}`);
  await settled(page);
  return page;
}

test("a sync that was never enabled is a draft, and says what is missing and what is wrong", async () => {
  const { id } = await ask("POST", "/syncs", { name: "Half a hook", events: { template: "{ <#if> }" } });
  const page = await opened("/syncs");
  const faults = watch(page, server.url);
  const row = page.getByRole("row").filter({ hasText: "Half a hook" });
  await row.getByText("Draft", { exact: true }).waitFor();
  await row.getByText("Not enabled yet: 2 things to fill in or fix").waitFor();
  // One that was on before is paused.
  await page.getByRole("row").filter({ hasText: "CRM" }).getByText("Paused", { exact: true }).waitFor();
  await row.getByRole("link").click();
  await page.getByText("This sync isn't enabled yet.").waitFor();
  await page.getByText("Webhook URL is required: fill it in.").waitFor();
  await page.getByText(/Line 1, column \d+: /).waitFor();
  expect(await findings(page)).toEqual([]);

  await page.getByRole("button", { name: "Enable", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "The sync isn't enabled" });
  await dialog.getByText("To fill in").waitFor();
  await dialog.getByText("To fix").waitFor();
  await dialog.getByText(/Line 1, column \d+: /).waitFor();
  expect(await findings(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Open set-up" }).click();
  await page.getByLabel("Webhook URL").fill(`${destination.url}/half`);
  await page.getByRole("link", { name: "Events 1 thing to fix" }).click();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Saved.").waitFor();
  await page.getByLabel("Save").getByText("1 thing to fix before the sync can be enabled.").waitFor();

  // Once all is there it is enabled from where it is looked at.
  await context.request.fetch(`${server.url}/api/v1/projects/${filled.project}/syncs/${id}`, {
    method: "PATCH",
    headers: { "if-match": "*" },
    data: { events: {} },
  });
  await page.goto(`${server.url}/p/${filled.project}/syncs/${id}`);
  await page.getByText("All that it needs is filled in.").waitFor();
  await page.getByRole("button", { name: "Enable sync" }).click();
  await page.getByText("Half a hook is enabled.").waitFor();
  await page.getByText("Healthy", { exact: true }).waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

test("saving and enabling asks what becomes of what waits, and does nothing before", async () => {
  const path = `/syncs/${filled.held}`;
  const before = await ask("GET", path);
  const page = await opened(`${path}/settings`);
  await page.getByLabel("Name of the sync").fill("CRM – new");
  await page.getByRole("button", { name: "Save and enable…" }).click();
  const dialog = page.getByRole("dialog", { name: /^Save and enable/ });
  await dialog.getByText(/60 events wait/).waitFor();
  await settled(page);
  expect(await findings(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  expect(await ask("GET", path)).toMatchObject({ enabled: false, version: before.version, name: before.name });

  await page.getByRole("button", { name: "Save and enable…" }).click();
  await dialog.getByLabel("Drop everything").check();
  await dialog.getByRole("button", { name: "Drop 60 and enable" }).click();
  await page.getByText("is enabled and starts with the next event.").waitFor();
  expect(await ask("GET", path)).toMatchObject({ enabled: true, name: "CRM – new" });
  expect(destination.received.filter((each) => each.path === "/crm")).toEqual([]);
  await page.close();
});

test("a backlog is seen over time, in numbers too", async () => {
  const { id } = await ask("POST", "/syncs", { name: "Stock", url: `${destination.url}/stock`, enabled: true });
  await ask("POST", `/syncs/${id}/disable`);
  await server.send(filled.apiKey, Array.from({ length: 7 }, (_, index) => ({ event_type: "Page Viewed", user_id: `p${String(index)}@example.com` })));
  const page = await opened(`/syncs/${id}`);
  const chart = page.getByRole("figure", { name: /^Backlog/ });
  await expect.poll(() => chart.locator("dd").first().textContent(), { timeout: 20_000 }).toBe("7");
  await chart.getByRole("button", { name: "As a table" }).click();
  const now = chart.getByRole("table").getByRole("row").nth(1);
  await now.getByRole("cell", { name: "7", exact: true }).waitFor();
  expect(await findings(page)).toEqual([]);
  await page.close();
});

test("what waits for a property of its user is said, with the property", async () => {
  const { id } = await ask("POST", "/syncs", {
    name: "Acme – waits",
    definition: { id: filled.definition },
    parameters: { endpoint: { value: destination.url }, api_key: { value: "k" } },
    mappings: { external_id: { scope: "user", name: "crm_id" } },
    order: "per_user",
    wait_for_properties_seconds: 600,
    enabled: true,
  });
  const page = await opened(`/syncs/${id}`);
  await page.getByText("An event that lacks a property waits up to 10 minutes, then it is discarded.").waitFor();
  await server.send(filled.apiKey, [{ event_type: "Page Viewed", user_id: "nobody-yet@example.com" }]);
  await page.getByText(/The first one waits for property "crm_id" of the user until/).waitFor();
  await settled(page);
  expect(await findings(page)).toEqual([]);
  await page.getByRole("link", { name: "See which" }).click();
  const row = page.getByRole("table", { name: "Retries" }).getByRole("row").nth(1);
  await row.getByText("When it is set").waitFor();
  await row.getByText("None yet").waitFor();
  await row.getByRole("link", { name: "Page Viewed · nobody-yet@example.com" }).click();
  await page.getByRole("dialog").getByText(/Waits for property "crm_id"/).waitFor();
  await page.close();
});
