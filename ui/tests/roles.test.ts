import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, settled, signUp } from "./browser";
import { fill, type Filled } from "./fill";
import { Destination, Millstream } from "./server";

let server: Millstream;
let destination: Destination;
let browser: Browser;
let operator: BrowserContext;
let filled: Filled;

beforeAll(async () => {
  [server, destination, browser] = await Promise.all([Millstream.start(), Destination.start(), launch()]);
  operator = await browser.newContext();
  await signUp(operator, server.invitation);
  filled = await fill(server, destination, operator.request);
});

afterAll(async () => {
  await browser.close();
  destination.stop();
  await server.stop();
});

/** Somebody with this role, signed in. */
async function somebody(role: string): Promise<BrowserContext> {
  const api = `${server.url}/api/v1`;
  const email = `${role}@example.com`;
  const invited = await operator.request.post(`${api}/organisations/${filled.organisation}/invitations`, { data: { email, role } });
  expect(invited.ok(), await invited.text()).toBe(true);
  const outbox = (await (await operator.request.get(`${api}/installation/outbox?limit=200`)).json()) as { items: { id: string; recipient: string }[] };
  const mail = outbox.items.findLast((each) => each.recipient === email)?.id ?? "";
  const { text } = (await (await operator.request.get(`${api}/installation/outbox/${mail}`)).json()) as { text: string };
  const token = /#(\S+)/.exec(text)?.[1];
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  const joined = await context.request.post(`${api}/invitations/accept`, { data: { token, name: `A ${role}`, password: "a long password" } });
  expect(joined.ok(), await joined.text()).toBe(true);
  return context;
}

/** Every page that has an address, also those to which no link leads somebody of a lesser role. */
function addresses({ organisation, project, sync, failing, held, definition }: Filled): string[] {
  return [
    ...["", "/events", "/users?user=ann@example.com", "/why?user=ann@example.com", "/syncs", "/catalog", `/catalog/${definition}`, "/alerts", "/start"].map((each) => `/p/${project}${each}`),
    ...["", "/failures", "/again", "/again?send=failed", "/settings", "/settings?step=events", "/settings?step=users", "/alerts", "/history", "?resume=true"].map((each) => `/p/${project}/syncs/${sync}${each}`),
    `/p/${project}/syncs/${failing}/failures?kind=attempt:connect:null`,
    `/p/${project}/syncs/${held}?resume=true`,
    ...["projects", "members", "tokens", "audit"].map((each) => `/o/${organisation}/settings/${each}`),
    ...["", `/${definition}`, `/${definition}?tab=testing`, `/${definition}?tab=versions`].map((each) => `/o/${organisation}/destinations${each}`),
    "/reviews",
    `/reviews/${definition}/1`,
    "/welcome",
    "/installation/health",
    "/account",
  ];
}

/** Buttons that change something, by the role that lacks the right to it. */
const CHANGES = {
  viewer: /^(Enable.*|Save.*|Add sync|Add destination|Connect a destination|Add new destination|Release internally|Submit|Invite|Create project|Replay .*|Replay.*…|Choose .*…|Acknowledge|Mute.*|Duplicate|Delete.*|Add channel|Test connection|Send test event|Restore this version)$/,
  partner: /^(Enable.*|Add sync|Add destination|Connect a destination|Invite|Create project|Replay .*|Choose .*…|Acknowledge|Mute.*|Send test event|Restore this version)$/,
  member: /^(Add new destination|Release internally|Submit|Invite|Create project|Test connection)$/,
};

for (const [role, changes] of Object.entries(CHANGES)) {
  test.concurrent(`a ${role} finds what they may, and nothing that would be refused`, { timeout: 200_000 }, async () => {
    const context = await somebody(role);
    const page = await context.newPage();
    const faults: string[] = [];
    let path = "";
    page.on("response", (response) => {
      if (response.status() === 403) faults.push(`${path}: ${response.request().method()} ${new URL(response.url()).pathname} is refused`);
    });
    page.on("pageerror", (error) => faults.push(`${path}: ${error.message}`));
    for (path of addresses(filled)) {
      await page.goto(server.url + path);
      await settled(page);
      const refused = page.getByRole("alert").filter({ hasText: /permission|can't be shown/ });
      for (const alert of await refused.allTextContents()) faults.push(`${path}: says ${alert}`);
      for (const button of await page.locator("main, [role=dialog]").locator("button:enabled, a").allTextContents()) {
        if (changes.test(button.trim())) faults.push(`${path}: offers ${button}`);
      }
    }
    expect(faults).toEqual([]);
    await context.close();
  });
}
