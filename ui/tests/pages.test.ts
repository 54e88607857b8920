import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addresses, OUTSIDE, REVIEWS_EMPTY } from "./addresses";
import { findings, launch, settled, signUp, watch } from "./browser";
import { fill, type Filled } from "./fill";
import { review } from "./reviewed";
import { Destination, Millstream } from "./server";

/** With `SCREENSHOTS=1` every page in every look is also written to `screenshots/`. */
const WRITES = process.env.SCREENSHOTS !== undefined;
/** How many pages are examined at once: while one waits, another is looked at. */
const AT_ONCE = 3;
/** Only pages whose names have this in them. */
const ONLY = process.env.ONLY ?? "";
/** What is examined in each look: colours differ by scheme, the rest doesn't. */
const LOOKS = [
  { name: "wide-light", width: 1440, height: 900, colorScheme: "light", axe: "everything" },
  { name: "wide-dark", width: 1440, height: 900, colorScheme: "dark", axe: "contrast" },
  { name: "narrow-dark", width: 360, height: 800, colorScheme: "dark", axe: null },
  { name: "tablet-light", width: 768, height: 1024, colorScheme: "light", axe: null },
  { name: "tablet-dark", width: 768, height: 1024, colorScheme: "dark", axe: null },
  { name: "narrow-light", width: 390, height: 844, colorScheme: "light", axe: null },
  { name: "huge-light", width: 2560, height: 1200, colorScheme: "light", axe: null },
  { name: "huge-dark", width: 2560, height: 1200, colorScheme: "dark", axe: null },
] as const;

let server: Millstream;
let destination: Destination;
let browser: Browser;
let signedIn: Awaited<ReturnType<BrowserContext["storageState"]>>;
let filled: Filled;
let empty: string;

beforeAll(async () => {
  [server, destination, browser] = await Promise.all([Millstream.start(), Destination.start(), launch()]);
  const context = await browser.newContext();
  await signUp(context, server.invitation);
  filled = await fill(server, destination, context.request);
  const projects = await context.request.get(`${server.url}/api/v1/organisations/${filled.organisation}/projects`);
  const { items } = (await projects.json()) as { items: { id: string; name: string }[] };
  empty = items.find((each) => each.name === "Mobile app")?.id ?? "";
  signedIn = await context.storageState();
  await context.close();
});

afterAll(async () => {
  await browser.close();
  destination.stop();
  await server.stop();
});

/**
 * What follows a new size and scheme is done: it is laid out and painted, and observers of sizes have had their turn.
 * Colours that still change from one scheme's to the other's are neither's; what runs by scrolling never ends.
 */
const AT_REST = `(async () => {
  for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
  const lasts = (each) => each.timeline !== document.timeline || each.effect?.getComputedTiming().endTime === Infinity;
  await Promise.allSettled(document.getAnimations().filter((each) => !lasts(each)).map((each) => each.finished));
})()`;

/** What is wrong with a page, in all looks. */
async function examine(context: BrowserContext, label: string, path: string): Promise<string[]> {
  if (!label.includes(ONLY)) return [];
  const page = await context.newPage();
  const found = watch(page, server.url);
  await page.goto(server.url + path);
  await settled(page);
  for (const { name, width, height, colorScheme, axe } of LOOKS) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height });
    await page.evaluate(AT_REST);
    const overflow = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth");
    if (Number(overflow) > 0) found.push(`${name}: is ${String(overflow)} px too wide`);
    if (axe !== null) found.push(...(await findings(page, axe)).map((finding) => `${name}: ${finding}`));
    if (WRITES) {
      const folder = fileURLToPath(new URL(`../screenshots/${name}`, import.meta.url));
      mkdirSync(folder, { recursive: true });
      await page.screenshot({ path: `${folder}/${label}.png`, fullPage: process.env.WHOLE !== undefined });
    }
  }
  await page.close();
  return found.map((fault) => `${label}: ${fault}`);
}

test("every page is as it should be in every look", { timeout: 900_000 }, async () => {
  const inside = await browser.newContext({ storageState: signedIn, viewport: { width: 1440, height: 900 } });
  const outside = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const faults: string[] = [];
  for (const [label, path] of Object.entries(REVIEWS_EMPTY)) faults.push(...(await examine(inside, label, path)));
  const reviewed = await review(server.url, filled, inside.request);
  const left = [
    ...Object.entries(addresses(filled, reviewed, empty)).map(([label, path]) => ({ context: inside, label, path })),
    ...OUTSIDE.map((path) => ({ context: outside, label: `outside${path.replaceAll(/[^a-z]+/g, "-")}`, path })),
  ];
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      faults.push(...(await examine(next.context, next.label, next.path)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await inside.close();
  await outside.close();
  expect(faults).toEqual([]);
});

test("headings that are left out or said twice are found", async () => {
  const page = await browser.newPage();
  const wrong: [string, RegExp][] = [
    ["<h1>One</h1><h3>Three</h3>", /^heading-order/],
    ["<h2>Two</h2>", /there are 0 of the first level/],
    ["<h1>One</h1><h1>Another</h1>", /2 of the first level: One, Another/],
  ];
  for (const [headings, told] of wrong) {
    await page.setContent(`<!doctype html><html lang="en"><title>x</title><main>${headings}</main></html>`);
    expect((await findings(page)).join("\n")).toMatch(told);
  }
  await page.setContent(`<!doctype html><html lang="en"><title>x</title><main><h1>One</h1><h2>Two</h2><h3>Three</h3></main></html>`);
  expect(await findings(page)).toEqual([]);
  await page.close();
});
