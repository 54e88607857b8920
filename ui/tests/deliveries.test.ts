import { expect, test } from "vitest";
import { findings, settled, watch } from "./browser";
import { context, destination, filled, server, staged } from "./stage";

staged();

test("attempts are sought by how they ended, what of and by whom, and each tells what became of its event", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults = watch(page, server.url);
  await page.goto(`${server.url}/p/${filled.project}/syncs/${filled.sync}/deliveries`);
  await page.getByRole("heading", { name: "Nothing to show" }).waitFor();
  destination.status = 503;
  await server.send(filled.apiKey, [
    { event_type: "Sign Up Completed", user_id: "hugo@example.com" },
    { event_type: "Sign Up Completed", user_id: "ida@example.com" },
  ]);
  // What happens while somebody looks is seen without asking.
  const rows = page.getByRole("table", { name: "Attempts" }).getByRole("row").filter({ hasText: "Sign Up Completed" });
  await expect.poll(() => rows.count(), { timeout: 20_000 }).toBe(2);
  destination.status = 200;
  await page.getByLabel("User ID").fill("hugo@example.com");
  await expect.poll(() => rows.count(), { timeout: 10_000 }).toBe(1);
  await page.getByRole("combobox", { name: "Reason" }).click();
  await page.getByRole("option", { name: "Server error" }).click();
  await page.getByRole("combobox", { name: "Time", exact: true }).click();
  await page.getByRole("option", { name: "In the last hour" }).click();
  await page.getByLabel("Response status").fill("503");
  const asked = () => Object.fromEntries(new URL(page.url()).searchParams);
  await expect.poll(asked, { timeout: 10_000 }).toEqual({ user: "hugo@example.com", reason: "server_error", last: "1h", status: "503" });
  await settled(page);
  expect(await findings(page)).toEqual([]);

  // The address holds it all, also for somebody else.
  await page.reload();
  await rows.first().waitFor();
  expect(await rows.count()).toBe(1);
  expect(await page.getByLabel("User ID").inputValue()).toBe("hugo@example.com");
  await rows.first().getByRole("link").click();
  const drawer = page.getByRole("dialog", { name: "Delivery", exact: true });
  await drawer.getByRole("link", { name: "hugo@example.com" }).waitFor();
  await drawer.getByRole("list", { name: "Attempts" }).getByText("503").first().waitFor();
  await drawer.getByLabel("The request").getByText("POST http").waitFor();
  await settled(page);
  expect(await findings(page)).toEqual([]);
  expect(new URL(page.url()).searchParams.get("open")).not.toBeNull();
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "hidden" });
  expect(asked()).not.toHaveProperty("open");

  await page.goto(`${server.url}/p/${filled.project}/syncs/${filled.sync}/deliveries?outcome=expired`);
  await page.getByRole("button", { name: "Clear filters" }).click();
  await rows.first().waitFor();
  expect(asked()).toEqual({});
  expect(faults).toEqual([]);
  await page.close();
});

test("the chosen part of a sync is in view where all of them don't fit", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.setViewportSize({ width: 360, height: 700 });
  await page.goto(`${server.url}/p/${filled.project}/syncs/${filled.sync}/history`);
  await settled(page);
  const box = await page.getByRole("navigation", { name: "Parts of the sync" }).getByRole("link", { name: "History" }).boundingBox();
  expect(box).not.toBeNull();
  expect((box?.x ?? 999) + (box?.width ?? 0)).toBeLessThanOrEqual(360);
  await page.close();
});

test("where it is narrow, all of a value stands beside its name", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.setViewportSize({ width: 360, height: 700 });
  destination.answers = ({ path }) => (path === "/hook" ? { status: 400, body: {} } : undefined);
  await server.send(filled.apiKey, [{ event_type: "Sign Up Completed", user_id: "narrow@example.com" }]);
  await page.goto(`${server.url}/p/${filled.project}/syncs/${filled.sync}/deliveries?user=narrow@example.com`);
  const value = page.getByRole("table", { name: "Attempts" }).locator("td[data-label='What happened']").filter({ hasText: "400" });
  await value.first().waitFor();
  // In the column of values: the number, and the words after it.
  const [cell, number, words] = (await value.first().evaluate((cell: HTMLElement) => {
    const left = (of: Node) => {
      const range = document.createRange();
      range.selectNodeContents(of);
      return [...range.getClientRects()].map(({ left }) => left);
    };
    const text = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    const nodes: Node[] = [];
    while (text.nextNode() !== null) nodes.push(text.currentNode);
    return [cell.getBoundingClientRect().left, Math.min(...left(nodes[0] as Node)), Math.min(...left(nodes.at(-1) as Node))];
  })) as [number, number, number];
  expect(number).toBeGreaterThan(cell + 104);
  expect(words).toBeGreaterThanOrEqual(number);
  destination.answers = undefined;
  await page.close();
});
