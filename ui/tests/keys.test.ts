import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { findings, settled } from "./browser";
import { context, destination, filled, server, staged } from "./stage";

staged();

/** What has the focus: its name, and whether that is seen. */
const FOCUSED = `(() => {
  const at = document.activeElement;
  if (at === null || at === document.body) return { name: "", seen: true };
  const labelled = (at.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
  const name = at.getAttribute("aria-label") ?? (labelled || at.labels?.[0]?.textContent || at.getAttribute("placeholder") || at.textContent || "");
  // Switches and boxes are drawn beside the input that has the focus; a field that is typed in has its frame or its caret.
  const marks = (each) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(each);
    return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
  };
  const typed = at.matches("input:not([type=checkbox],[type=radio],[type=file]), textarea, [contenteditable=true]");
  const seen = typed || marks(at) || [...(at.parentElement?.children ?? [])].some(marks);
  return { name: name.trim(), seen, id: at.id };
})()`;

interface Focused {
  name: string;
  seen: boolean;
}

/**
 * Goes on by Tab until what has the focus has this name; each step on the way is seen. What can't be reached
 * while something is loaded or saved may be the next time round.
 */
async function tabTo(page: Page, name: RegExp, { back = false, most = 80 } = {}): Promise<void> {
  const passed: string[] = [];
  for (let round = 0; round < (most < 80 ? 1 : 4); round += 1) {
    for (let step = 0; step < most; step += 1) {
      await page.keyboard.press(back ? "Shift+Tab" : "Tab");
      let focused = (await page.evaluate(FOCUSED)) as Focused;
      if (!focused.seen) {
        // A frame may come with a transition.
        await page.waitForTimeout(300);
        focused = (await page.evaluate(FOCUSED)) as Focused;
      }
      expect(focused.seen, `the focus on “${focused.name}” is not seen`).toBe(true);
      if (name.test(focused.name)) return;
      passed.push(focused.name.slice(0, 40));
    }
    await page.waitForTimeout(500);
  }
  throw new Error(`Tab doesn't come to ${String(name)}: ${passed.join(" · ")}`);
}

const focused = async (page: Page): Promise<string> => ((await page.evaluate(FOCUSED)) as Focused).name;

test("a sync is connected, filtered, enabled and looked at by keys alone", { timeout: 200_000 }, async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${server.url}/p/${filled.project}/catalog`);
  await settled(page);
  // The first Tab offers the way past the navigation.
  await page.keyboard.press("Tab");
  expect(await focused(page)).toBe("Skip to the content");
  await page.keyboard.press("Enter");
  await tabTo(page, /^Search destinations/, { most: 3 });
  await page.keyboard.type("webh");
  await page.getByRole("link", { name: /Acme/ }).waitFor({ state: "detached" });
  await tabTo(page, /Webhook/);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Webhook" }).waitFor();
  await settled(page);
  await tabTo(page, /^Add sync$/);

  // A dialog takes the focus, keeps it while it is open, and gives it back.
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await expect.poll(() => page.evaluate("document.activeElement.closest('[role=dialog]') !== null")).toBe(true);
  for (let step = 0; step < 8; step += 1) {
    await page.keyboard.press("Tab");
    await expect.poll(() => page.evaluate("document.activeElement.closest('[role=dialog]') !== null")).toBe(true);
  }
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await expect.poll(() => focused(page)).toBe("Add sync");
  await page.keyboard.press("Enter");
  await dialog.waitFor();
  await expect.poll(() => page.evaluate("document.activeElement.closest('[role=dialog]') !== null")).toBe(true);
  if (!/^Name of the sync/.test(await focused(page))) await tabTo(page, /^Name of the sync/, { most: 5 });
  await page.keyboard.type("By keys");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "By keys" }).waitFor();
  await settled(page);

  await tabTo(page, /^Webhook URL/);
  await page.keyboard.type(`${destination.url}/keys`);
  await tabTo(page, /^Next: Events/);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Events", exact: true }).waitFor();
  await tabTo(page, /^Add a filter/);
  await page.keyboard.press("Enter");
  await tabTo(page, /^Property$/);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.type("plan");
  await page.getByRole("option", { name: /^plan/ }).first().waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await tabTo(page, /^Values$/);
  await page.keyboard.type("pro");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await page.getByText(/of the last \d+ events match/).waitFor();

  // The template's editor is entered by Tab and left by it.
  const editor = page.getByRole("textbox", { name: "Payload of events, template" });
  for (let again = 0; again < 3 && !(await editor.isVisible()); again += 1) {
    // What comes with the counts of a condition may take a key.
    await tabTo(page, /^Default: the whole event/);
    await page.keyboard.press("ArrowDown");
    await editor.waitFor({ timeout: 5000 }).catch(() => undefined);
  }
  await tabTo(page, /^Payload of events, template/);
  await page.keyboard.press("Tab");
  expect(await focused(page)).not.toBe("Payload of events, template");
  await page.keyboard.press("Shift+Tab");
  expect(await focused(page)).toBe("Payload of events, template");

  await tabTo(page, /^Save and enable$/);
  await page.keyboard.press("Enter");
  await page.getByText("events flow from now on").waitFor();
  await page.keyboard.press("Control+k");
  await page.getByPlaceholder("Go to a page, sync or project").waitFor();
  await page.keyboard.type("by keys");
  await page.keyboard.press("Enter");
  await page.getByLabel("Since the sync was created").waitFor();
  await tabTo(page, /^History$/);
  await page.keyboard.press("Enter");
  await page.getByText(/^Version 2|What version/).first().waitFor();
  await page.close();
});

test("a destination is defined, tried and released by keys alone", { timeout: 200_000 }, async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${server.url}/o/${filled.organisation}/destinations`);
  await settled(page);
  await tabTo(page, /^Add new destination$/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await expect.poll(() => page.evaluate("document.activeElement.closest('[role=dialog]') !== null")).toBe(true);
  if (!/^Display name/.test(await focused(page))) await tabTo(page, /^Display name/, { most: 5 });
  await page.keyboard.type("Keyed");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Keyed" }).waitFor();
  await settled(page);
  await tabTo(page, /^Summary/);
  await page.keyboard.type("Sends by keys.");
  await tabTo(page, /^Add parameter$/);
  await page.keyboard.press("Enter");
  await tabTo(page, /^Parameter display name/, { back: true }).catch(() => tabTo(page, /^Parameter display name/));
  await page.keyboard.type("API key");
  await tabTo(page, /^Parameter name/, { most: 3 });
  await page.keyboard.press("Control+a");
  await page.keyboard.type("api_key");
  await tabTo(page, /^Send events$/);
  await page.keyboard.press("Space");
  await tabTo(page, /^URL endpoint/);
  await page.keyboard.press("Control+a");
  await page.keyboard.type(`${destination.url}/keyed?key=$`);
  await page.keyboard.type("{parameters.api_key}");
  await tabTo(page, /^Body of events/);
  await page.keyboard.press("Control+End");
  // Completion is chosen by arrows, left by Escape, and Tab goes on.
  await page.keyboard.type(" ${input.event_t");
  await page.getByRole("option", { name: /event_type/ }).first().waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  await page.keyboard.press("Tab");
  expect(await focused(page)).not.toBe("Body of events");
  await page.getByText("Draft saved").waitFor();
  await tabTo(page, /^Release internally$/, { back: true, most: 120 });
  // It can be reached before it can be pressed: then it says why not.
  await expect.poll(() => page.getByRole("button", { name: "Release internally" }).isEnabled()).toBe(true);
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await expect.poll(() => focused(page)).toBe("Release internally");
  await tabTo(page, /^Testing$/);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Test values" }).waitFor();
  await tabTo(page, /^API key/);
  await page.keyboard.type("secret");
  // Until the request is there, the button can't be reached.
  await expect.poll(() => page.getByRole("button", { name: "Test connection" }).isEnabled()).toBe(true);
  await tabTo(page, /^Test connection$/);
  await page.keyboard.press("Enter");
  await expect.poll(() => destination.received.some(({ path }) => path === "/keyed?key=secret")).toBe(true);
  await page.close();
});

test("the palette leads everywhere that the navigation does", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${server.url}/p/${filled.project}`);
  await settled(page);
  const places = await page.getByRole("navigation", { name: "Main" }).getByRole("link").allTextContents();
  expect(places.length).toBeGreaterThan(8);
  await tabTo(page, /Go to…/);
  await page.keyboard.press("Enter");
  const field = page.getByPlaceholder("Go to a page, sync or project");
  for (const place of [...places, "API tokens", "Members", "Audit log", "Your account", "Invite someone"]) {
    await field.fill(place);
    await page.getByRole("button", { name: new RegExp(place, "i") }).first().waitFor();
  }
  // Each part of the settings, the installation and an open sync, also by the words that people look for.
  const meant = { health: "Installation: Health", outbox: "Installation: Outbox", keys: "Projects and keys", "two-factor": "Your account", docs: "Read the guide", theme: "Switch to dark mode", "create project": "Create project", pause: "Pause or enable a sync", replay: "Replay or backfill with a sync", networks: "Installation: Health", oidc: "Installation: Health", "single sign-on": "Guide: configuration of the server", webhook: "Connect a webhook" };
  for (const [words, name] of Object.entries(meant)) {
    await field.fill(words);
    await page.getByRole("button", { name, exact: true }).waitFor();
  }
  expect(await findings(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await field.waitFor({ state: "hidden" });
  await expect.poll(() => focused(page)).toMatch(/Go to…/);

  await page.goto(`${server.url}/p/${filled.project}/syncs/${filled.sync}/history`);
  await settled(page);
  for (const [words, name] of [["pause", "Webhook – production: Overview"], ["replay", "Webhook – production: Replay"]] as const) {
    await page.keyboard.press("Control+k");
    await field.fill(words);
    await page.getByRole("button", { name, exact: true }).waitFor();
    await page.keyboard.press("Escape");
    await field.waitFor({ state: "hidden" });
  }
  await page.keyboard.press("Control+k");
  await field.fill("backfill");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/syncs/${filled.sync}/again`);
  await page.close();
});

test("whoever removes something by keys goes on where it was", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(`${server.url}/p/${filled.project}/syncs/${filled.sync}/settings`);
  await settled(page);
  const press = async (name: RegExp) => {
    await page.getByRole("button", { name }).last().focus();
    await page.keyboard.press("Enter");
  };
  await press(/^Add header$/);
  await press(/^Remove header/);
  await expect.poll(() => focused(page)).toMatch(/^Add header/);
  await page.getByRole("link", { name: "Next: Events" }).focus();
  await page.keyboard.press("Enter");
  // The next step is read from its beginning.
  await expect.poll(() => focused(page)).toBe("Events");
  await page.keyboard.press("Tab");
  expect(await focused(page)).toMatch(/^Events are sent/);
  await press(/^Add a filter$/);
  await expect.poll(() => focused(page)).toBe("Property");
  await press(/^Remove condition$/);
  await expect.poll(() => focused(page)).toBe("Add a filter");
  await press(/^Remove Sign Up Completed$/);
  await expect.poll(() => focused(page)).toBe("Event type to add");
  await page.close();
});
