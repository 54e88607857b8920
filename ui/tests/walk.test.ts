import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { findings, launch, watch } from "./browser";
import { Destination, Millstream } from "./server";
import { Shop } from "./shop";

let server: Millstream;
let destination: Destination;
let browser: Browser;

beforeAll(async () => {
  [server, destination, browser] = await Promise.all([Millstream.start(), Destination.start(), launch()]);
});

/** What a test that failed saw last is kept beside the screenshots. */
afterEach(async ({ task }) => {
  if (task.result?.state !== "fail") return;
  const pages = browser.contexts().flatMap((context) => context.pages());
  await pages.at(-1)?.screenshot({ path: `screenshots/failed-${task.name.replaceAll(/\W+/g, "-")}.png` });
  await Promise.all(browser.contexts().map((context) => context.close()));
});

afterAll(async () => {
  await browser.close();
  destination.stop();
  await server.stop();
});

/** The guide's whole walk: from the first start's link to a delivery that a destination gets. */
test("from the first start to a delivery", async () => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = watch(page, server.url);
  const serious: string[] = [];
  const check = async (where: string) => {
    for (const finding of await findings(page)) serious.push(`${where}: ${finding}`);
  };

  // The first start leads by the hand.
  await page.goto(server.invitation);
  await page.getByLabel("E-mail address").fill("ann@example.com");
  expect(page.url()).not.toContain("#");
  await check("invitation");
  await page.getByLabel("Your name").fill("Ann Lee");
  await page.getByRole("textbox", { name: "Password" }).fill("a long password");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByLabel("Organisation name").fill("Acme Shops");
  await page.getByLabel("Project name").fill("Shop");
  await check("welcome");
  await page.getByRole("button", { name: "Create project" }).click();
  const key = (await page.getByLabel("API key", { exact: true }).textContent()) ?? "";
  await check("keys");
  await page.getByRole("button", { name: "Send the first event" }).click();

  // The page turns when the event arrives.
  await page.getByText("Waiting for the first event").waitFor();
  expect(await page.getByLabel("Sending by curl").textContent()).toContain(key);
  await check("first event, none yet");
  await server.send(key, [
    { event_type: "Order Completed", user_id: "ann@example.com", event_properties: { total: 42.5 }, user_properties: { plan: "pro" } },
    { event_type: "Page Viewed", user_id: "bob@example.com", user_properties: { plan: "free" } },
  ]);
  await page.getByText("has arrived").waitFor();
  await page.getByRole("link", { name: "Connect a destination" }).click();

  // From the catalog to a sync.
  await page.getByRole("link", { name: /Webhook/ }).click();
  await page.getByRole("button", { name: "Add sync" }).click();
  await page.getByLabel("Name of the sync").fill("Hook");
  await check("naming a sync");
  await page.getByRole("button", { name: "Create sync" }).click();

  // What is missing is said, and nothing can be enabled before it is there.
  await page.getByText("1 thing to fill in", { exact: true }).waitFor();
  const enable = page.getByLabel("Save").getByRole("button", { name: "Enable" });
  expect(await enable.getAttribute("aria-disabled")).toBe("true");
  await enable.click({ force: true });
  await page.getByText("Before it can be enabled").waitFor();
  await page.keyboard.press("Escape");
  await page.getByLabel("Webhook URL").fill(`${destination.url}/hook`);
  await page.getByLabel("Live request").getByText(`${destination.url}/hook`).waitFor();

  // A sentence filters, and the server says how many events it takes.
  await page.getByRole("link", { name: /^Events/ }).click();
  await page.getByRole("button", { name: "Add a filter" }).click();
  await page.getByRole("combobox", { name: "Property" }).click();
  await page.getByRole("option", { name: /^plan/ }).click();
  await page.getByRole("combobox", { name: "Values" }).click();
  await page.getByRole("option", { name: "pro" }).click();
  await page.keyboard.press("Escape");
  await page.getByText("1 of the last 2 events match").waitFor();
  await page.getByText("This event is not sent").or(page.getByText("Order Completed")).first().waitFor();

  // A template of one's own, rendered as it is typed.
  await page.getByLabel("Custom FreeMarker template").check();
  await page.getByLabel("Payload of events, template").waitFor();
  await check("events step");
  await page.getByRole("button", { name: /^Event: / }).click();
  await page.getByRole("menuitem", { name: "Order Completed" }).click();
  await page.getByLabel("Body").getByText('"external_id"').waitFor();

  await page.getByRole("button", { name: "Send test event" }).click();
  await page.getByText("Delivered", { exact: true }).waitFor();
  expect(destination.received).toHaveLength(1);
  await page.getByRole("button", { name: "Save and enable" }).click();
  await page.getByText("events flow from now on").waitFor();

  // Events flow, filtered and shaped.
  await server.send(key, [
    { event_type: "Order Completed", user_id: "cat@example.com", user_properties: { plan: "free" } },
    { event_type: "Order Completed", user_id: "dan@example.com", user_properties: { plan: "pro" } },
  ]);
  await expect.poll(() => destination.received.length, { timeout: 20_000 }).toBe(2);
  expect(JSON.parse(destination.received[1]?.body ?? "")).toMatchObject({ external_id: "dan@example.com", name: "Order Completed" });
  await page.getByLabel("Parts of the sync").getByRole("link", { name: "Overview" }).click();
  await page.getByText("Everything is delivered").waitFor();
  await check("overview");

  // History has what was changed; the list has the sync.
  await page.getByRole("link", { name: "History" }).click();
  await page.getByText(/^Events/).first().waitFor();
  await check("history");
  await page.getByRole("link", { name: "Live events" }).click();
  await page.getByRole("button", { name: /Order Completed dan@example.com/ }).click();
  await page.getByLabel("The event as templates see it").getByText('"dan@example.com"').waitFor();
  await check("live events");

  expect(faults).toEqual([]);
  expect(serious).toEqual([]);
  await context.close();
});

/** The portal's: a partner defines, tries out, releases, submits; a reviewer decides. */
test("from a definition to everyone's catalog", async () => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = watch(page, server.url);
  await signIn(page);
  await page.getByRole("link", { name: "My destinations" }).click();
  await page.getByRole("button", { name: "Add new destination" }).click();
  await page.getByLabel("Display name").fill("Acme");
  await page.getByRole("button", { name: "Create" }).click();

  // Parameters, a mapping and the request; what is declared but not used is seen.
  await page.getByLabel("Summary").fill("Reaches customers the moment something happens.");
  await page.getByRole("button", { name: "Add parameter" }).click();
  await page.getByLabel("Parameter display name").fill("API endpoint");
  await page.getByLabel("Parameter name").fill("endpoint");
  await page.getByRole("checkbox", { name: "Required" }).check();
  await page.getByRole("button", { name: "Add mapping" }).click();
  await page.getByLabel("Destination property name").fill("external_id");
  await page.getByRole("switch", { name: "Send events" }).check();
  await page.getByLabel("URL endpoint").fill("${parameters.endpoint}/in");
  const body = page.getByRole("textbox", { name: "Body of events" });
  await body.fill('{"id": "${mappedFields.external_id}", "name": "${input.event_typ}"}');
  await page.getByText("Draft saved").waitFor();
  await page.getByText(/event_typ\b/).first().waitFor();
  await page.getByRole("list", { name: "Findings of the linter" }).waitFor();
  await body.fill('{"id": "${mappedFields.external_id!?json_string}", "name": "${input.event_type?json_string}"}');
  await page.getByText("Draft saved").waitFor();
  await page.getByText("No problems: it can be released.").waitFor();
  expect(await findings(page)).toEqual([]);

  // Test values; the destination is asked.
  await page.getByRole("link", { name: "Testing" }).click();
  const before = destination.received.length;
  await page.getByLabel("API endpoint").fill(destination.url);
  await page.getByRole("combobox", { name: "external_id" }).click();
  await page.getByRole("option", { name: "user_id" }).click();
  await page.getByLabel("The request").getByText(`${destination.url}/in`).waitFor();
  await page.getByRole("button", { name: "Test connection" }).click();
  await page.getByText("Delivered", { exact: true }).waitFor();
  expect(destination.received.slice(before).map(({ path }) => path)).toEqual(["/in"]);
  expect(await findings(page)).toEqual([]);

  await page.getByRole("button", { name: "Release internally" }).click();
  await page.getByRole("button", { name: "Release version" }).click();
  await page.getByRole("link", { name: "Versions" }).click();
  await page.getByRole("button", { name: "Submit" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Submit" }).click();
  await page.getByRole("article").getByText("Waiting for review").waitFor();
  await page.getByRole("link", { name: "Reviews" }).click();
  await page.getByRole("link", { name: /Acme/ }).click();
  await page.getByRole("heading", { name: "The whole definition" }).waitFor();
  await page.getByLabel("API endpoint").fill(destination.url);
  await page.getByLabel("Decision").getByText("POST", { exact: true }).waitFor();
  expect(await findings(page)).toEqual([]);
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
  await page.getByText("Nothing to review").waitFor();
  await page.getByRole("link", { name: "Catalog" }).click();
  await page.getByRole("link", { name: /Acme/ }).waitFor();
  expect(faults).toEqual([]);
  await context.close();
});

async function signIn(page: Page): Promise<void> {
  await page.goto(`${server.url}/sign-in`);
  await page.getByLabel("E-mail address").fill("ann@example.com");
  await page.getByRole("textbox", { name: "Password" }).fill("a long password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
}

test("whoever isn't signed in comes back to where they wanted to go", async () => {
  const context = await browser.newContext({ reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(`${server.url}/account`);
  await page.getByLabel("E-mail address").fill("ann@example.com");
  await page.getByRole("textbox", { name: "Password" }).fill("wrong password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("The e-mail address or the password is wrong").waitFor();
  expect(await findings(page)).toEqual([]);
  await page.getByRole("textbox", { name: "Password" }).fill("a long password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Your account" }).waitFor();
  expect(new URL(page.url()).pathname).toBe("/account");
  await context.close();
});

test("the guide is read and searched without signing in", async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = watch(page, server.url);
  await page.goto(`${server.url}/docs`);
  await page.getByRole("heading", { name: "Your first sync in five minutes" }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("key of secrets");
  await page.getByRole("option").first().getByText("The key of secrets").waitFor();
  expect(await findings(page)).toEqual([]);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "The key of secrets" }).waitFor();
  expect(page.url()).toContain("/docs/operating#the-key-of-secrets");
  await page.getByRole("link", { name: "Configuration", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Configuration" }).waitFor();
  expect(faults).toEqual([]);
  await context.close();
});

/** The browser SDK, pointed here by nothing but its address, on a page of somebody else's. */
test("what the browser SDK sends on a shop's page is delivered, and seen", async () => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await signIn(page);
  const organisations = await context.request.get(`${server.url}/api/v1/me/organisations`);
  const [organisation] = ((await organisations.json()) as { items: { id: string }[] }).items;
  const projects = await context.request.get(`${server.url}/api/v1/organisations/${organisation?.id ?? ""}/projects`);
  const [project] = ((await projects.json()) as { items: { id: string; api_key: string }[] }).items;
  if (project === undefined) throw new Error("there is no project");

  const shop = await Shop.start(`${server.url}/2/httpapi`, project.api_key);
  const visit = await context.newPage();
  const before = destination.received.length;
  await visit.goto(shop.url);
  await visit.getByRole("button", { name: "Buy" }).click();
  await visit.getByText("Sent: 200").waitFor();
  await expect.poll(() => destination.received.length, { timeout: 20_000 }).toBeGreaterThan(before);
  const body = destination.received.slice(before).map((each) => each.body).join();
  expect(body).toContain("sdk@example.com");
  await visit.close();
  shop.stop();

  await page.getByRole("link", { name: "Live events" }).click();
  await page.getByRole("button", { name: /Order Completed sdk@example.com/ }).click();
  await page.getByLabel("The event as templates see it").getByText('"amplitude-ts/').waitFor();
  await page.keyboard.press("Escape");
  await page.getByLabel("Main").getByRole("link", { name: "Overview" }).click();
  await expect.poll(() => page.getByLabel(/Events received and delivered/).first().textContent()).toMatch(/Delivered[1-9]/);
  await context.close();
});
