import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from "playwright-core";
import { expect } from "vitest";

/** Debian's Chromium, without anything that asks the internet. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** What a page may not do: ask other hosts, break its own content policy, fail. */
export function watch(page: Page, url: string): string[] {
  const faults: string[] = [];
  page.on("request", (request) => {
    const asked = request.url();
    if (!asked.startsWith(url) && !/^(data|blob):/.test(asked)) faults.push(`asked ${asked}`);
  });
  page.on("pageerror", (error) => faults.push(`failed: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    // Refusals of the API are part of the pages: the browser reports each of them here.
    if (message.type() === "error" && !text.startsWith("Failed to load resource")) faults.push(text);
  });
  return faults;
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface AxeResult {
  violations: { id: string; impact: string | null; nodes: { html: string; failureSummary?: string }[] }[];
}

/** What axe calls moderate, and isn't here: whoever goes by headings finds their way by nothing else. */
const HEADINGS = ["heading-order", "page-has-heading-one", "empty-heading"];

/** Exactly one says what the page is. */
const FIRST_HEADINGS = `[...document.querySelectorAll("h1")].map((each) => each.textContent)`;

/** Serious findings of axe on the page as it is now, and what is wrong with its headings. */
export async function findings(page: Page, only: "everything" | "contrast" = "everything"): Promise<string[]> {
  // By the debugger's own way: the page's content policy stays as it is.
  await page.evaluate(axe);
  const rules = only === "contrast" ? ["color-contrast"] : ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const result = (await page.evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(rules)}, resultTypes: ["violations"] })`,
  )) as AxeResult;
  const first = (await page.evaluate(FIRST_HEADINGS)) as string[];
  const several = first.length === 1 ? [] : [`headings: there are ${String(first.length)} of the first level: ${first.join(", ")}`];
  const found = result.violations
    .filter(({ id, impact }) => impact === "serious" || impact === "critical" || HEADINGS.includes(id))
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ""}`));
  return [...several, ...found];
}

/**
 * Asks again for what a notice says is missing, and waits until the notice is gone. A page that asks by itself
 * every few seconds may have its answer, and drop the notice, before the button is reached.
 */
export async function tryAgain(notice: Locator): Promise<void> {
  const gone = notice.waitFor({ state: "detached" });
  await Promise.any([notice.getByRole("button", { name: "Try again" }).click(), gone]);
  await gone;
}

/** So often in a row nothing may load. */
const QUIET_LOOKS = 4;

const LOADS = `document.querySelector("h1") === null || document.querySelector(
  "[aria-busy=true], .mantine-Skeleton-root, .mantine-Loader-root:not([data-lasting])") !== null`;

/** Waits until nothing loads any more. */
export async function settled(page: Page): Promise<void> {
  // Asked from here: what the page itself would have to evaluate again and again, its content policy forbids.
  // What came may ask for more: it is done when nothing loads for a while.
  let quiet = 0;
  const until = Date.now() + 15_000;
  while (quiet < QUIET_LOOKS) {
    if (Date.now() > until) throw new Error(`${page.url()} still loads`);
    quiet = (await page.evaluate(LOADS)) === true ? 0 : quiet + 1;
    await page.waitForTimeout(25);
  }
}

/** Makes the first account by the API; the context is signed in then. */
export async function signUp(context: BrowserContext, invitation: string): Promise<void> {
  const link = new URL(invitation);
  const answer = await context.request.post(`${link.origin}/api/v1/invitations/accept`, {
    data: { token: link.hash.slice(1), email: "ann@example.com", name: "Ann Lee", password: "a long password" },
  });
  expect(answer.ok(), await answer.text()).toBe(true);
}
