import { expect, test } from "vitest";
import { findings, settled, tryAgain } from "./browser";
import { context, filled, server, staged } from "./stage";

staged();

const WORDS = "couldn't be refreshed";

test("what is on a page stays when asking for it again fails, and the page says so once", { timeout: 200_000 }, async () => {
  const { organisation, project, sync, failing, definition } = filled;
  const paths = [
    `/p/${project}`,
    `/p/${project}/syncs`,
    `/p/${project}/syncs/${sync}`,
    `/p/${project}/syncs/${sync}/settings`,
    `/p/${project}/syncs/${sync}/history`,
    `/p/${project}/syncs/${failing}/failures`,
    `/p/${project}/catalog/${definition}`,
    `/p/${project}/alerts`,
    `/o/${organisation}/settings/projects`,
    `/o/${organisation}/settings/members`,
    `/o/${organisation}/destinations/${definition}?tab=versions`,
    "/installation/secrets",
    "/account",
  ];
  const opened = await Promise.all(
    paths.map(async (path) => {
      const page = await context.newPage();
      page.setDefaultTimeout(40_000);
      await page.goto(server.url + path);
      await settled(page);
      if (path.endsWith("/settings")) await page.getByLabel("Name of the sync").fill("Typed and not saved");
      const words = async () => (await page.locator("main").innerText()).replaceAll(/\d+|now|ago|\s+/g, " ").length;
      return { path, page, heading: await page.locator("h1").textContent(), words, before: await words() };
    }),
  );
  // All is asked for again once the server is back: this time it can't tell.
  for (const { page } of opened) await page.route("**/health/live", (route) => route.abort());
  for (const { page } of opened) {
    await page.getByRole("status").getByText("The server doesn't respond").waitFor();
    const body = { status: 500, code: "internal", title: "Internal", detail: "the disk is full", type: "urn:x" };
    await page.route("**/api/v1/**", (route) => route.fulfill({ status: 500, json: body }));
    await page.unroute("**/health/live");
  }
  for (const { path, page, heading, words, before } of opened) {
    const notice = page.getByRole("status").filter({ hasText: WORDS });
    await notice.getByText("The disk is full.").waitFor();
    expect(await notice.count(), path).toBe(1);
    expect(await page.locator("h1").textContent(), path).toBe(heading);
    expect(await page.getByRole("alert").filter({ hasText: "can't be shown" }).allInnerTexts(), path).toEqual([]);
    expect(await words(), path).toBeGreaterThan(0.9 * before);
    if (path.endsWith("/settings")) expect(await page.getByLabel("Name of the sync").inputValue()).toBe("Typed and not saved");
    if (path === `/p/${project}`) expect(await findings(page), path).toEqual([]);
    await page.unroute("**/api/v1/**");
    await tryAgain(notice);
    await page.close();
  }
});

test("the notice has room for its words and its button where it is narrow, and stays in view", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.setViewportSize({ width: 360, height: 640 });
  await page.goto(`${server.url}/p/${filled.project}/syncs/${filled.sync}`);
  await settled(page);
  const body = { status: 500, code: "internal", title: "Internal", detail: "the disk is full", type: "urn:x" };
  await page.route("**/status", (route) => route.fulfill({ status: 500, json: body }));
  const again = page.getByRole("status").filter({ hasText: WORDS }).getByRole("button", { name: "Try again" });
  await again.waitFor();
  const clipped = () => again.evaluate((button) => [button, ...button.querySelectorAll("*")].some((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0));
  expect(await clipped()).toBe(false);
  await page.evaluate("window.scrollTo(0, document.body.scrollHeight)");
  const box = await again.boundingBox();
  expect(box?.y).toBeGreaterThan(40);
  expect(box?.y).toBeLessThan(200);
  expect((box?.x ?? 0) + (box?.width ?? 999)).toBeLessThanOrEqual(360);
  await page.close();
});

test("what was deleted while somebody looks at it stays in view, and is said to be gone", async () => {
  const { project } = filled;
  const headers = { "if-match": "*" };
  const made = await context.request.post(`${server.url}/api/v1/projects/${project}/syncs`, { data: { name: "Short-lived", url: "http://127.0.0.1:9/in" } });
  const { id } = (await made.json()) as { id: string };
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${server.url}/p/${project}/syncs/${id}/settings`);
  await settled(page);
  await page.getByLabel("Name of the sync").fill("Typed meanwhile");
  const gone = await context.request.delete(`${server.url}/api/v1/projects/${project}/syncs/${id}`, { headers });
  expect(gone.ok(), await gone.text()).toBe(true);
  await page.getByRole("status").getByText("was deleted meanwhile").waitFor();
  expect(await page.getByLabel("Name of the sync").inputValue()).toBe("Typed meanwhile");
  expect(await findings(page)).toEqual([]);
  await page.close();
});
