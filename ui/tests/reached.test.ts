import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { findings, settled } from "./browser";
import { context, destination, filled, server, staged } from "./stage";

staged();

async function opened(path: string, viewport = { width: 1280, height: 800 }): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.setViewportSize(viewport);
  await page.goto(server.url + path);
  await settled(page);
  return page;
}

/** What has the focus, where it isn't seen: outside of the window, or under what stays in its place. */
const UNSEEN = `(() => {
  const at = document.activeElement;
  // The way past the navigation stands above the frame's head.
  if (at === null || at === document.body || at.matches("a[href='#content']")) return null;
  // What is drawn of switches and boxes is beside the input that has the focus.
  const of = at.matches("input[type=checkbox], input[type=radio]") ? at.parentElement : at;
  const { left, right, top, bottom } = of.getBoundingClientRect();
  const name = at.getAttribute("aria-label") ?? at.labels?.[0]?.textContent ?? at.textContent ?? "";
  const where = [name.trim().slice(0, 60), Math.round(left), Math.round(right), Math.round(top), Math.round(bottom)].join(" ");
  if (right <= 0 || left >= innerWidth || bottom <= 0 || top >= innerHeight) return "outside: " + where;
  for (const over of document.querySelectorAll("header, [role=region][aria-label=Save]")) {
    if (over.contains(at) || bottom - top > 300) continue;
    const own = over.getBoundingClientRect();
    if (bottom > own.top + 1 && top < own.bottom - 1 && right > own.left + 1 && left < own.right - 1) return "covered by " + (over.ariaLabel ?? over.tagName) + ": " + where;
  }
  return null;
})()`;

/** Goes through the page by Tab, and says what had the focus and wasn't seen. */
async function unseenOnTheWay(page: Page, steps: number): Promise<string[]> {
  const unseen: string[] = [];
  for (let step = 0; step < steps; step += 1) {
    await page.keyboard.press("Tab");
    let found = (await page.evaluate(UNSEEN)) as string | null;
    if (found !== null) {
      // It may be scrolled to, or moved, a moment later.
      await page.waitForTimeout(150);
      found = (await page.evaluate(UNSEEN)) as string | null;
    }
    if (found !== null) unseen.push(found);
  }
  return unseen;
}

test("keys go to nothing that is out of sight where the navigation is closed", async () => {
  for (const viewport of [{ width: 360, height: 740 }, { width: 768, height: 900 }]) {
    const page = await opened(`/p/${filled.project}/syncs`, viewport);
    expect(await unseenOnTheWay(page, 20), String(viewport.width)).toEqual([]);

    // Open, it covers the page: keys go through it, and through nothing behind it.
    const burger = page.getByRole("button", { name: "Open navigation" });
    await burger.focus();
    await page.keyboard.press("Enter");
    const navigation = page.getByRole("navigation", { name: "Main" });
    await navigation.getByRole("link", { name: "Overview" }).waitFor();
    expect(await page.locator("main").isVisible()).toBe(false);
    expect(await findings(page)).toEqual([]);
    await navigation.getByRole("link", { name: "Syncs" }).focus();
    await page.keyboard.press("Escape");
    await expect.poll(() => burger.evaluate((button) => button === document.activeElement)).toBe(true);
    await page.keyboard.press("Enter");
    await navigation.getByRole("link", { name: "Catalog" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Catalog" }).waitFor();
    await expect.poll(() => page.evaluate("document.activeElement.id")).toBe("content");
    await page.close();
  }
});

test("what has the focus is never under the bar that saves", { timeout: 240_000 }, async () => {
  for (const viewport of [{ width: 360, height: 740 }, { width: 1280, height: 800 }]) {
    for (const step of ["connection", "advanced"]) {
      const page = await opened(`/p/${filled.project}/syncs/${filled.draft}/settings?step=${step}`, viewport);
      expect(await unseenOnTheWay(page, 45), `${String(viewport.width)} ${step}`).toEqual([]);
      await page.close();
    }
    // Of a sync that runs the bar comes with the first change, where something is edited.
    const page = await opened(`/p/${filled.project}/syncs/${filled.sync}/settings?step=advanced`, viewport);
    const bar = page.getByRole("region", { name: "Save" });
    const fields = page.locator("main input[type=text]:visible, main input:not([type]):visible, main textarea:visible");
    for (let index = 0; index < (await fields.count()); index += 1) {
      const field = fields.nth(index);
      if (!(await field.isEditable())) continue;
      // At the very bottom, where the bar comes.
      await field.evaluate((each) => {
        each.focus();
        each.scrollIntoView({ block: "end" });
        window.scrollBy(0, each.getBoundingClientRect().bottom - window.innerHeight + 4);
      });
      await page.keyboard.press("End");
      await page.keyboard.type("1");
      await bar.waitFor();
      await expect.poll(() => page.evaluate(UNSEEN)).toBe(null);
      await bar.getByRole("button", { name: "Discard" }).click();
      await bar.waitFor({ state: "detached" });
    }
    await page.close();
  }
});

test("what came of a test is shown, above the bar that saves", async () => {
  const made = await context.request.post(`${server.url}/api/v1/projects/${filled.project}/syncs`, {
    data: { name: "Tried", url: `${destination.url}/tried` },
  });
  const { id } = (await made.json()) as { id: string };
  for (const viewport of [{ width: 360, height: 740 }, { width: 1280, height: 800 }]) {
    const page = await opened(`/p/${filled.project}/syncs/${id}/settings`, viewport);
    await page.getByRole("button", { name: "Send test event" }).click();
    const result = page.getByRole("status").filter({ hasText: "Delivered" });
    await result.waitFor();
    const bar = page.getByRole("region", { name: "Save" });
    const bottomOf = async (each: Locator) => {
      const box = await each.boundingBox();
      return (box?.y ?? 0) + (box?.height ?? 0);
    };
    await expect.poll(async () => (await bottomOf(result)) - ((await bar.boundingBox())?.y ?? 0), { message: String(viewport.width) }).toBeLessThanOrEqual(0);
    await page.close();
  }
});

test("each menu that opens is one to screen readers, and begins at its first item", async () => {
  const { organisation, project, sync } = filled;
  const settings = `/o/${organisation}/settings/projects`;
  const menus: [string, RegExp][] = [
    [`/p/${project}/syncs/${sync}`, /^Project: Shop/],
    [`/p/${project}/syncs/${sync}`, /^Account of/],
    [`/p/${project}/syncs/${sync}`, /^More actions$/],
    [`/p/${project}/syncs/${sync}/settings`, /Choose another event$/],
    [settings, /^Actions for Shop$/],
    ["/installation/people", /^Actions for Ann Lee$/],
  ];
  for (const [path, name] of menus) {
    const page = await opened(path);
    await page.getByRole("button", { name }).focus();
    await page.keyboard.press("Enter");
    const menu = page.getByRole("menu");
    await menu.waitFor();
    await expect
      .poll(() => menu.evaluate((each) => each.querySelector("[role^=menuitem]:not(:disabled)") === document.activeElement), { message: String(name) })
      .toBe(true);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await expect.poll(() => page.evaluate("document.documentElement.dataset.mantineColorScheme")).toBe(colorScheme);
      expect(await findings(page), `${String(name)}, ${colorScheme}`).toEqual([]);
    }
    await page.keyboard.press("Escape");
    await menu.waitFor({ state: "detached" });
    await page.close();
  }
});

test("the page's appearance is chosen in one's own menu, by keys", async () => {
  const page = await opened(`/p/${filled.project}/syncs`);
  await page.getByRole("button", { name: /^Account of/ }).focus();
  await page.keyboard.press("Enter");
  const menu = page.getByRole("menu");
  await menu.getByRole("group", { name: "Appearance" }).waitFor();
  await expect.poll(() => page.evaluate("document.activeElement.role")).toBe("menuitem");
  for (let step = 0; step < 8; step += 1) {
    if ((await page.evaluate("document.activeElement.textContent")) === "Dark") break;
    await page.keyboard.press("ArrowDown");
  }
  await page.keyboard.press("Enter");
  await expect.poll(() => page.evaluate("document.documentElement.dataset.mantineColorScheme")).toBe("dark");
  expect(await menu.getByRole("menuitemradio", { name: "Dark" }).getAttribute("aria-checked")).toBe("true");
  expect(await findings(page)).toEqual([]);
  await menu.getByRole("menuitemradio", { name: "System" }).click();
  await page.close();
});

test("a field with a list names no option that is gone", async () => {
  const page = await opened(`/p/${filled.project}/syncs/${filled.held}/settings?step=events`);
  const condition = { test: { property: { scope: "user", name: "plan" }, operator: "is", values: [] } };
  await context.request.patch(`${server.url}/api/v1/projects/${filled.project}/syncs/${filled.held}`, {
    data: { events: { select: { types: [{ event_type: "Order Completed", condition }] } } },
    headers: { "if-match": "*" },
  });
  await page.reload();
  await settled(page);
  const values = page.getByRole("combobox", { name: "Values" });
  await values.focus();
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("ArrowDown");
  await expect.poll(() => values.getAttribute("aria-activedescendant")).not.toBe(null);
  await page.keyboard.press("Enter");
  await page.getByText(/^pro$|^free$|^team$/).first().waitFor();
  await expect.poll(() => values.evaluate((field) => {
    const id = field.getAttribute("aria-activedescendant");
    return id === null || document.getElementById(id) !== null;
  })).toBe(true);
  expect(await findings(page)).toEqual([]);
  // Arrows go on.
  await page.keyboard.press("ArrowDown");
  await expect.poll(() => values.getAttribute("aria-activedescendant")).not.toBe(null);
  expect(await findings(page)).toEqual([]);
  await page.close();
});

test("problems below a template are high enough to be pressed", async () => {
  const page = await opened(`/o/${filled.organisation}/destinations/${filled.definition}`);
  const body = page.getByRole("textbox", { name: "Body of events" });
  await body.fill('{"a": "${parameters.a}",\n"b": "${parameters.b}"}');
  await page.getByRole("button", { name: /^Line 2/ }).waitFor();
  await settled(page);
  expect(await findings(page)).toEqual([]);
  await page.close();
});

test("the palette opens from where somebody types", async () => {
  const page = await opened(`/p/${filled.project}/syncs/${filled.sync}/settings?step=events`);
  const palette = page.getByPlaceholder("Go to a page, sync or project");
  const editor = page.getByRole("textbox", { name: "Payload of events, template" });
  for (const field of [page.getByRole("combobox", { name: "Values" }).first(), editor]) {
    await field.focus();
    await page.keyboard.press("Control+k");
    await palette.waitFor();
    await page.keyboard.press("Escape");
    await palette.waitFor({ state: "detached" });
  }
  await page.close();
});

test("the palette opens above no dialog, which Escape would close with it", async () => {
  const page = await opened(`/o/${filled.organisation}/settings/tokens`);
  await page.getByRole("button", { name: "Create token" }).first().click();
  const dialog = page.getByRole("dialog");
  const name = dialog.getByLabel("Name");
  await name.fill("Typed and not sent");
  await page.keyboard.press("Control+k");
  await page.keyboard.press("Control+k");
  expect(await page.getByPlaceholder("Go to a page, sync or project").count()).toBe(0);
  expect(await name.inputValue()).toBe("Typed and not sent");
  await page.close();
});
