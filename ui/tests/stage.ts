import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { launch, signUp } from "./browser";
import { fill, type Filled } from "./fill";
import { Destination, Millstream } from "./server";

/** The server that the file's tests have for themselves, filled by `fill`. */
export let server: Millstream;
/** Where its syncs deliver to. */
export let destination: Destination;
export let browser: Browser;
/** Signed in as the one who made all that is there. */
export let context: BrowserContext;
export let filled: Filled;

/** Has all of these set up before the tests of the file that calls it, and taken down after them. */
export function staged(): void {
  beforeAll(async () => {
    [server, destination, browser] = await Promise.all([Millstream.start(), Destination.start(), launch()]);
    context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
    await signUp(context, server.invitation);
    filled = await fill(server, destination, context.request);
  });

  afterAll(async () => {
    await browser.close();
    destination.stop();
    await server.stop();
  });
}
