import { expect, test } from "vitest";
import { settled } from "./browser";
import { context, filled, server, staged } from "./stage";

staged();

test("what narrows a list stands on one line where there is room", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${server.url}/p/${filled.project}/syncs/${filled.failing}/deliveries`);
  await settled(page);
  for (const width of [1440, 1920, 2560]) {
    await page.setViewportSize({ width, height: 900 });
    const filters = [page.getByRole("combobox", { name: "Outcome" }), page.getByLabel("Response status"), page.getByRole("combobox", { name: "Time", exact: true })];
    const tops = await Promise.all(filters.map(async (each) => Math.round((await each.boundingBox())?.y ?? -1)));
    expect(new Set(tops).size, `${String(width)}: ${tops.join(" ")}`).toBe(1);
  }
  await page.close();
});

test("the way to the catalog has one name", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${server.url}/p/${filled.project}/syncs`);
  await page.getByRole("link", { name: "Connect a destination" }).waitFor();
  await page.goto(`${server.url}/p/${filled.project}/start`);
  await page.getByRole("link", { name: "Connect a destination" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("Connect a dest");
  await page.getByRole("button", { name: "Connect a destination" }).waitFor();
  await page.close();
});

test("a draft has one button that stands out: what to do next", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${server.url}/p/${filled.project}/syncs/${filled.draft}`);
  await settled(page);
  // By what people see: those on the accent's own ground.
  const loud = await page.locator("main").evaluate((main) =>
    [...main.querySelectorAll("a, button")].filter((each) => getComputedStyle(each).backgroundColor === "rgb(12, 113, 117)").map((each) => each.textContent),
  );
  expect(loud).toEqual(["Finish set-up"]);
  await page.close();
});

test("parts of a sync fill the same room in the middle of a wide screen", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.setViewportSize({ width: 2560, height: 1200 });
  const { project, failing } = filled;
  const parts = [
    ["", page.locator("main figure").first()],
    ["/deliveries", page.getByRole("table", { name: "Attempts" })],
    ["/failures", page.getByRole("list", { name: "Failure categories" })],
    ["/again", page.getByRole("list", { name: "What can be replayed" })],
  ] as const;
  const seen: number[][] = [];
  for (const [part, content] of parts) {
    await page.goto(`${server.url}/p/${project}/syncs/${failing}${part}`);
    await settled(page);
    const [head, own] = await Promise.all([page.getByRole("navigation", { name: "Parts of the sync" }).boundingBox(), content.boundingBox()]);
    expect(own?.width, part).toBeGreaterThan(0.95 * (head?.width ?? Infinity));
    const right = 2560 - (head?.x ?? 0) - (head?.width ?? 0);
    const rail = (await page.getByRole("navigation", { name: "Main" }).boundingBox())?.width ?? 0;
    expect(Math.abs((head?.x ?? 0) - rail - right), part).toBeLessThan(60);
    seen.push([head?.x ?? 0, head?.width ?? 0]);
  }
  expect(new Set(seen.map(String)).size).toBe(1);
  await page.close();
});

test("names in a filter are never cut short", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const property = (name: string) => ({ property: { scope: "event", name }, operator: "greater_or_equal", values: [20] });
  const condition = { all: [{ test: property("plan") }, { any: [{ test: property("$revenue") }, { test: property("currency") }] }] };
  const made = await context.request.post(`${server.url}/api/v1/projects/${filled.project}/syncs`, {
    data: { name: "Filtered", url: "http://127.0.0.1:9/in", events: { select: { types: [{ event_type: "Order Completed", condition }] } } },
  });
  expect(made.ok(), await made.text()).toBe(true);
  // So many that counts have four figures.
  await server.send(filled.apiKey, Array.from({ length: 1_000 }, (_, n) => ({ event_type: "Order Completed", user_id: `user ${String(n)}`, event_properties: { $revenue: n } })));
  const { id } = (await made.json()) as { id: string };
  await page.goto(`${server.url}/p/${filled.project}/syncs/${id}/settings?step=events`);
  await page.getByText(/of 1,000$/).first().waitFor();
  await settled(page);
  for (let width = 1200; width <= 1760; width += 40) {
    await page.setViewportSize({ width, height: 900 });
    const cut = await page.locator("main").evaluate((main) =>
      [...main.querySelectorAll<HTMLInputElement>("input")].filter((each) => each.value !== "" && each.scrollWidth > each.clientWidth + 1).map((each) => each.value),
    );
    expect(cut, String(width)).toEqual([]);
  }
  await page.close();
});
