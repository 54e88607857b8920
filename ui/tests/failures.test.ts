import { expect, test } from "vitest";
import { findings, settled, watch } from "./browser";
import { context, destination, filled, server, staged } from "./stage";

staged();

async function ask<T>(method: string, path: string, data: unknown, headers = {}): Promise<T> {
  const answer = await context.request.fetch(`${server.url}/api/v1${path}`, { method, data, headers });
  expect(answer.ok(), await answer.text()).toBe(true);
  return (await answer.json()) as T;
}

test("a failed delivery is found by its reason, and sent again once it is mended", async () => {
  const { project, apiKey } = filled;
  const events = (template: string) => ({ select: { types: [{ event_type: "Refund" }] }, template });
  const sync = await ask<{ id: string }>("POST", `/projects/${project}/syncs`, {
    name: "Refunds",
    url: `${destination.url}/refunds`,
    events: events('{"total": ${input.event_properties.amount}}'),
    enabled: true,
  });
  await server.send(apiKey, [{ event_type: "Refund", user_id: "ann@example.com", event_properties: { total: 5 } }]);

  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = watch(page, server.url);
  await expect
    .poll(async () => (await ask<{ ended: number }>("GET", `/projects/${project}/syncs/${sync.id}/status`, undefined)).ended, { timeout: 15_000 })
    .toBe(1);
  await page.goto(`${server.url}/p/${project}/syncs/${sync.id}`);
  await page.getByRole("link", { name: "Failures" }).click();
  const kinds = page.getByRole("list", { name: "Failure categories" });
  await kinds.getByRole("button", { name: /template/i }).click();
  await kinds.getByText(/amount/).first().waitFor();
  await settled(page);
  expect(await findings(page)).toEqual([]);

  // As the sync is, nothing could be sent; what is opened is in the address.
  expect(new URL(page.url()).searchParams.get("kind")).toContain("template");
  await ask("PATCH", `/projects/${project}/syncs/${sync.id}`, { events: events('{"total": ${input.event_properties.total}}') }, { "if-match": "*" });
  const dialog = page.getByRole("dialog");
  await page.getByRole("table", { name: "Failed deliveries" }).getByRole("button", { name: /^Replay… dlv_/ }).click();
  await dialog.getByText("the selected one").waitFor();
  await dialog.getByRole("button", { name: "Replay 1" }).waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await kinds.getByRole("button", { name: "Replay these…" }).click();
  await dialog.getByText("would be replayed").waitFor();
  await dialog.getByLabel("Body").getByText("5").waitFor();
  expect(await findings(page)).toEqual([]);
  const before = destination.received.length;
  await dialog.getByRole("button", { name: "Replay 1" }).click();
  const replays = page.getByRole("list", { name: "Replays" });
  await replays.getByText("Done").waitFor();
  await replays.getByText("1 delivered").waitFor();
  expect(destination.received.slice(before).map(({ path, body }) => [path, body])).toEqual([["/refunds", '{"total": 5}']]);
  await page.getByText("No failed deliveries.").waitFor();
  await settled(page);
  expect(await findings(page)).toEqual([]);
  expect(faults).toEqual([]);
  await page.close();
});

test("event and request of a failure without a response take the room that there is", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const { project, failing } = filled;
  await page.goto(`${server.url}/p/${project}/syncs/${failing}/failures?kind=attempt:connect:null`);
  const [event, request] = [page.getByLabel("The event").first(), page.getByLabel("The request").first()];
  await request.waitFor();
  await settled(page);
  for (const width of [1440, 1920, 2560]) {
    await page.setViewportSize({ width, height: 900 });
    const [list, left, right] = await Promise.all([page.getByRole("list", { name: "Failure categories" }).boundingBox(), event.boundingBox(), request.boundingBox()]);
    expect((left?.width ?? 0) + (right?.width ?? 0), String(width)).toBeGreaterThan(0.88 * (list?.width ?? Infinity));
  }
  await page.close();
});

test("each delivery that waits says of which event it is, and no two of them the same", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${server.url}/p/${filled.project}/syncs/${filled.failing}/failures`);
  const links = page.getByRole("table", { name: "Retries" }).getByRole("link");
  await links.first().waitFor();
  // By the event's type and its user; where these are the same, by the event's number.
  const names = await links.allTextContents();
  expect(names.length).toBeGreaterThan(3);
  for (const name of names) expect(name).toMatch(/^(Page Viewed|Product Added|Order Completed|Sign Up Completed) · [a-z]+@example\.com$/);
  const places = await page.getByRole("table", { name: "Retries" }).getByRole("cell").filter({ has: page.getByRole("link") }).allTextContents();
  expect(new Set(places).size).toBe(names.length);
  await page.close();
});
