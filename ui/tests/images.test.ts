import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";
import { expect, test } from "vitest";
import { launch, settled, signUp } from "./browser";

/**
 * The guide's pictures, of a demo that has run for a while: `DEMO` is the link of its first start, with the address
 * where the page is. They are written to `docs/images`, small enough for a repository.
 */
const DEMO = process.env.DEMO ?? "";
const MOST_BYTES = 90_000;

const KEPT = fileURLToPath(new URL("../screenshots/demo-session.json", import.meta.url));

async function picture(page: Page, name: string): Promise<void> {
  await settled(page);
  // The browser's own encoder: a picture takes a fifth of what it takes as PNG.
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 82 });
  const bytes = Buffer.from(data, "base64");
  expect(bytes.length, name).toBeLessThan(MOST_BYTES);
  writeFileSync(fileURLToPath(new URL(`../../docs/images/${name}.webp`, import.meta.url)), bytes);
}

async function first<T>(context: BrowserContext, path: string): Promise<T> {
  const answer = await context.request.get(`${new URL(DEMO).origin}/api/v1${path}`);
  const { items } = (await answer.json()) as { items: T[] };
  const found = items[0];
  if (found === undefined) throw new Error(`${path} has nothing`);
  return found;
}

test.runIf(DEMO !== "")("the guide's pictures are made", async () => {
  const { origin } = new URL(DEMO);
  const browser = await launch();
  const look = { viewport: { width: 1280, height: 800 }, colorScheme: "light", reducedMotion: "reduce" } as const;
  // The link of a first start is good once: whoever makes pictures again comes back with the same session.
  const again = existsSync(KEPT) ? { storageState: KEPT } : {};
  const context = await browser.newContext({ ...look, ...again });
  if (!existsSync(KEPT)) {
    await signUp(context, DEMO);
    await context.storageState({ path: KEPT });
  }
  const organisation = await first<{ id: string }>(context, "/me/organisations");
  const project = await first<{ id: string }>(context, `/organisations/${organisation.id}/projects`);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${origin}/p/${project.id}?range=1h`);
  await page.getByLabel(/Events received and delivered/).first().waitFor();
  await picture(page, "overview");
  await page.goto(`${origin}/p/${project.id}/start`);
  await picture(page, "start");

  const made = await context.request.post(`${origin}/api/v1/organisations/${organisation.id}/definitions`, { data: ACME });
  const { id } = made.ok() ? ((await made.json()) as { id: string }) : await first<{ id: string }>(context, `/organisations/${organisation.id}/definitions`);
  await page.goto(`${origin}/o/${organisation.id}/destinations/${id}`);
  await page.getByRole("heading", { name: "Events payload" }).waitFor();
  await settled(page);
  await page.getByRole("heading", { name: "Events payload" }).evaluate((heading) => {
    heading.scrollIntoView();
    window.scrollBy(0, -80);
  });
  await page.getByRole("list", { name: "Findings of the linter" }).waitFor();
  await picture(page, "editor");
  await browser.close();
  expect(readFileSync(KEPT, "utf8")).toContain("cookies");
});

const ACME = {
  display_name: "Acme Messaging",
  about: { category: "messaging", summary: "Reaches customers by mail, push and chat, the moment something happens." },
  parameters: [
    { name: "endpoint", display_name: "REST endpoint", kind: "url", required: true, help: "Such as https://eu.acme.example" },
    { name: "api_key", display_name: "API key", kind: "secret", required: true, help: "With the permission events.write" },
  ],
  mappings: [{ name: "external_id", required: true, help: "By what Acme knows the user" }],
  events: {
    method: "POST",
    url: "${parameters.endpoint}/v1/events",
    headers: [{ name: "authorization", value: "Bearer ${parameters.api_key}" }],
    body: '{\n  "contact": "${mappedFields.external_id?json_string}",\n  "name": "${input.event_typ?json_string}",\n  "at": "${input.event_time}"\n}\n',
  },
};
