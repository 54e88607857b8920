import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";
import { expect, test } from "vitest";
import { launch, settled, signUp } from "./browser";
import { Destination } from "./server";

/**
 * The guide's pictures, of a demo that has run for a while: `DEMO` is the link of its first start, with the address
 * where the page is. They are written to `docs/images`, small enough for a repository. What they show beside the
 * shop (a destination of a partner's, one that often fails) is made here, once.
 */
const DEMO = process.env.DEMO ?? "";
const MOST_BYTES = 90_000;
/** How long syncs run before the pictures, so that there is something to see. */
const RUNS_MILLISECONDS = 90_000;

/** Only pictures whose names have this in them. */
const ONLY = process.env.ONLY ?? "";

const KEPT = fileURLToPath(new URL("../screenshots/demo-session.json", import.meta.url));

/** In place of what is of this machine, or looks like a secret. */
type Disguise = Record<string, string>;

async function picture(page: Page, name: string, disguise: Disguise): Promise<void> {
  await settled(page);
  await page.evaluate(`(() => {
    const disguise = ${JSON.stringify(disguise)};
    const dress = (text) => Object.entries(disguise).reduce((now, [from, to]) => now.replaceAll(from, to), text);
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const now = dress(texts.currentNode.data);
      if (now !== texts.currentNode.data) texts.currentNode.data = now;
    }
    for (const field of document.querySelectorAll("input, textarea")) {
      const now = dress(field.value);
      if (now !== field.value) field.value = now;
    }
    document.activeElement.blur();
  })()`);
  // The browser's own encoder: a picture takes a fifth of what it takes as PNG.
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 80 });
  const bytes = Buffer.from(data, "base64");
  expect(bytes.length, name).toBeLessThan(MOST_BYTES);
  writeFileSync(fileURLToPath(new URL(`../../docs/images/${name}.webp`, import.meta.url)), bytes);
}

interface Named {
  id: string;
  name: string;
}

/** The control API of the demo, as whoever is signed in. */
function asker(context: BrowserContext) {
  const { origin } = new URL(DEMO);
  return async <T>(method: string, path: string, data?: unknown, headers = {}): Promise<T> => {
    const answer = await context.request.fetch(`${origin}/api/v1${path}`, { method, data, headers });
    expect(answer.ok(), `${method} ${path}: ${await answer.text()}`).toBe(true);
    const text = await answer.text();
    return (text === "" ? null : JSON.parse(text)) as T;
  };
}

type Ask = ReturnType<typeof asker>;

async function first<T>(ask: Ask, path: string): Promise<T> {
  const found = (await ask<{ items: T[] }>("GET", path)).items[0];
  if (found === undefined) throw new Error(`${path} has nothing`);
  return found;
}

/** A picture for a tile, drawn by the browser. */
async function drawn(page: Page): Promise<Buffer> {
  const url = (await page.evaluate(`(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 128, height: 128 });
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#5b3fd6"; pen.fillRect(0, 0, 128, 128);
    pen.fillStyle = "#fff"; pen.beginPath();
    pen.moveTo(64, 26); pen.lineTo(102, 100); pen.lineTo(82, 100); pen.lineTo(64, 62); pen.lineTo(46, 100); pen.lineTo(26, 100); pen.fill();
    return canvas.toDataURL("image/png");
  })()`)) as string;
  return Buffer.from(url.slice(url.indexOf(",") + 1), "base64");
}

/** Makes what isn't there yet: a partner's destination, a sync to it, and one to a warehouse that often fails. */
async function furnish(context: BrowserContext, page: Page, ask: Ask, of: { organisation: string; project: string; receiver: string; warehouse: string }) {
  const { origin } = new URL(DEMO);
  const own = await ask<{ items: { id: string; draft: { display_name: string } }[] }>("GET", `/organisations/${of.organisation}/definitions?limit=50`);
  let acme = own.items.find(({ draft }) => draft.display_name === ACME.display_name)?.id;
  if (acme === undefined) {
    acme = (await ask<Named>("POST", `/organisations/${of.organisation}/definitions`, ACME)).id;
    const at = `${origin}/api/v1/organisations/${of.organisation}/definitions/${acme}`;
    const put = await context.request.put(`${at}/logo`, { data: await drawn(page), headers: { "content-type": "image/png", "if-match": "*" } });
    expect(put.ok(), await put.text()).toBe(true);
    await ask("POST", `/organisations/${of.organisation}/definitions/${acme}/release`, undefined, { "if-match": "*" });
    // What is written now is a draft with a slip in it, for the editor's picture.
    const events = { ...ACME.events, body: ACME.events.body.replace("event_type", "event_typ") };
    await ask("PATCH", `/organisations/${of.organisation}/definitions/${acme}`, { events }, { "if-match": "*" });
  }
  const syncs = (await ask<{ items: Named[] }>("GET", `/projects/${of.project}/syncs?limit=50`)).items;
  const made = async (name: string, input: object): Promise<string> =>
    syncs.find((each) => each.name === name)?.id ?? (await ask<Named>("POST", `/projects/${of.project}/syncs`, { name, ...input, enabled: true })).id;
  const messaging = await made("Acme – production", {
    definition: { id: acme },
    parameters: { endpoint: { value: of.receiver }, api_key: { value: "kept to itself" } },
    mappings: { external_id: { scope: "field", name: "user_id" } },
    events: { select: { types: SELECTED } },
  });
  const warehouse = await made("Warehouse", { url: `${of.warehouse}/collect`, events: { select: { types: [{ event_type: "Order Completed" }, { event_type: "Checkout Started" }] } } });
  // Its address is another one each time.
  await ask("PATCH", `/projects/${of.project}/syncs/${warehouse}`, { url: `${of.warehouse}/collect` }, { "if-match": "*" });
  return { acme, messaging, warehouse };
}

test.runIf(DEMO !== "")("the guide's pictures are made", { timeout: 400_000 }, async () => {
  const { origin } = new URL(DEMO);
  const [browser, destination] = await Promise.all([launch(), Destination.start()]);
  // A warehouse as they are: it mostly takes what comes.
  destination.answers = ({ headers }) => {
    const id = String(headers["millstream-delivery-id"]).at(-1) ?? "";
    if ("7b".includes(id)) return { status: 503, body: { error: "the table is being loaded, try again later" } };
    return id === "4" ? { status: 400, body: { error: "column total: number expected" } } : undefined;
  };
  const look = { viewport: { width: 1280, height: 800 }, colorScheme: "light", reducedMotion: "reduce" } as const;
  // The link of a first start is good once: whoever makes pictures again comes back with the same session.
  const again = existsSync(KEPT) ? { storageState: KEPT } : {};
  const context = await browser.newContext({ ...look, ...again });
  if (!existsSync(KEPT)) {
    await signUp(context, DEMO);
    mkdirSync(dirname(KEPT), { recursive: true });
    await context.storageState({ path: KEPT });
  }
  const ask = asker(context);
  const organisation = (await first<Named>(ask, "/me/organisations")).id;
  const { id: project, api_key: key } = await first<Named & { api_key: string }>(ask, `/organisations/${organisation}/projects`);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(origin);
  // The demo's own sync says where its receiver is, which has an inbox for each that sends.
  const { items } = await ask<{ items: { id: string; url?: string }[] }>("GET", `/projects/${project}/syncs?limit=50`);
  const receiver = (items.find(({ url }) => url?.endsWith("/in/shop") === true)?.url ?? "").replace(/shop$/, "acme");
  const { acme, messaging, warehouse } = await furnish(context, page, ask, { organisation, project, receiver, warehouse: destination.url });
  const disguise = { [key]: "YOUR_API_KEY", [receiver]: "https://eu.acme.example", [origin]: "https://millstream.example.com", [new URL(receiver).origin]: "https://millstream.example.com", [new URL(receiver).host]: "millstream.example.com", [destination.url]: "https://warehouse.example.com", "127.0.0.1": "warehouse.example.com" };
  await page.waitForTimeout(ONLY === "" ? RUNS_MILLISECONDS : 0);
  const shown = async (name: string, path: string, ready?: () => Promise<unknown>) => {
    if (!name.includes(ONLY)) return;
    await page.goto(origin + path);
    await settled(page);
    await ready?.();
    await picture(page, name, disguise);
  };

  await shown("overview", `/p/${project}?range=1h`, () => page.getByLabel(/Events received and delivered/).first().waitFor());
  await shown("start", `/p/${project}/start`);
  await shown("catalog", `/p/${project}/catalog/${acme}`);
  await page.setViewportSize({ width: 1480, height: 880 });
  await shown("setup", `/p/${project}/syncs/${messaging}/settings?step=events`, async () => {
    await page.getByText(/of the last [\d,]+ events match/).waitFor();
    await page.getByRole("button", { name: /^Event: / }).click();
    await page.getByRole("menuitem", { name: "Checkout Started" }).click();
    await page.getByLabel("Live request").getByText("POST").waitFor();
  });
  await page.setViewportSize(look.viewport);
  await shown("sync", `/p/${project}/syncs/${items.find(({ url }) => url?.endsWith("/in/shop") === true)?.id ?? ""}?range=1h`);
  await shown("failures", `/p/${project}/syncs/${warehouse}/failures?range=1h`, async () => {
    await page.getByRole("list", { name: "Failure categories" }).getByRole("button", { name: /503/ }).first().click();
    await page.getByLabel("The response").first().waitFor();
  });
  await shown("events", `/p/${project}/events?type=Order%20Completed`, async () => {
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("list", { name: "Events" }).getByRole("button").first().click();
    await page.getByRole("list", { name: "What each sync did" }).waitFor();
  });
  await shown("definition", `/o/${organisation}/destinations/${acme}`);
  await shown("editor", `/o/${organisation}/destinations/${acme}`, async () => {
    await page.getByRole("heading", { name: "Events payload" }).evaluate((heading) => {
      heading.scrollIntoView();
      window.scrollBy(0, -80);
    });
    await page.getByRole("list", { name: "Findings of the linter" }).waitFor();
  });
  await shown("health", "/installation/health");
  if ("receiver".includes(ONLY)) {
    await page.goto(`${new URL(receiver).origin}/receiver/?inbox=shop`);
    await page.waitForTimeout(2_000);
    await page.keyboard.press("p");
    await page.getByText("Order Completed").first().click();
    await page.waitForTimeout(500);
    await picture(page, "receiver", disguise);
  }
  await browser.close();
  destination.stop();
  expect(readFileSync(KEPT, "utf8")).toContain("cookies");
});

/** What the messaging sync sends: a filter worth a picture. */
const SELECTED = [
  {
    event_type: "Order Completed",
    condition: {
      all: [
        { test: { property: { scope: "user", name: "plan" }, operator: "is", values: ["family", "plus"] } },
        {
          any: [
            { test: { property: { scope: "event", name: "$revenue" }, operator: "greater", values: [20] } },
            { test: { property: { scope: "user", name: "orders" }, operator: "greater_or_equal", values: [3] } },
          ],
        },
      ],
    },
  },
  { event_type: "Checkout Started" },
];

const ACME = {
  display_name: "Acme Messaging",
  about: {
    category: "messaging",
    summary: "Reaches customers by mail, push and chat, the moment something happens.",
    description:
      "Events become *activities* in Acme, and can start a journey there.\n\n- Thank buyers a minute after their order\n- Win back whoever left a full cart\n- Ask for a review once a parcel has arrived\n\nThe API key is in Acme under **Settings › API**; it needs the permission `events.write`.",
    links: [{ title: "Acme's API", url: "https://docs.acme.example/api" }],
  },
  parameters: [
    { name: "endpoint", display_name: "REST endpoint", kind: "url", required: true, help: "Such as https://eu.acme.example" },
    { name: "api_key", display_name: "API key", kind: "secret", required: true, help: "With the permission events.write" },
  ],
  mappings: [{ name: "external_id", required: true, help: "By what Acme knows the user" }],
  events: {
    method: "POST",
    url: "${parameters.endpoint}",
    headers: [{ name: "authorization", value: "Bearer ${parameters.api_key}" }],
    body: '{\n  "contact": "${mappedFields.external_id?json_string}",\n  "name": "${input.event_type?json_string}",\n  "at": "${input.event_time}",\n  "plan": "${(input.user_properties.plan!"none")?json_string}"\n}\n',
  },
};
