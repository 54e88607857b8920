import { expect, test } from "vitest";
import { findings, settled, watch } from "./browser";
import { context, destination, filled, server, staged } from "./stage";

staged();

test("what happened to an event, and why, is said for every sync", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = watch(page, server.url);
  const one = { event_type: "Page Viewed", user_id: "gina@example.com", insert_id: "once-1" };
  await server.send(filled.apiKey, [one]);
  await page.goto(`${server.url}/p/${filled.project}`);
  await page.getByRole("link", { name: "Find events" }).click();
  await page.getByRole("heading", { name: "Find an event" }).waitFor();
  expect(await findings(page)).toEqual([]);
  await page.getByRole("textbox", { name: "User ID" }).fill("gina@example.com");
  await page.getByRole("button", { name: "Find" }).click();
  const event = page.getByRole("article", { name: "Page Viewed" });
  await event.getByText("Filtered out").waitFor();
  await event.getByText(/Retrying|Waiting/).first().waitFor();
  await settled(page);
  expect(await findings(page)).toEqual([]);
  expect(new URL(page.url()).searchParams.get("user")).toBe("gina@example.com");

  // The same beside the event itself.
  await event.getByRole("link", { name: "Page Viewed" }).click();
  const drawer = page.getByRole("dialog");
  await drawer.getByRole("list", { name: "What each sync did" }).getByText("Filtered out").waitFor();
  expect(await findings(page)).toEqual([]);
  await page.goto(`${server.url}/p/${filled.project}/why?id=never-sent`);
  await page.getByText("No event found").waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

test("a failure's sample has event, request and answer side by side, without secrets", async () => {
  destination.status = 500;
  await server.send(filled.apiKey, [
    { event_type: "Sign Up Completed", user_id: "hugo@example.com", user_properties: { plan: "pro" } },
  ]);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(`${server.url}/p/${filled.project}/syncs/${filled.sync}/failures`);
  const kinds = page.getByRole("list", { name: "Failure categories" });
  await kinds.getByRole("button", { name: /500/ }).click();
  await kinds.getByLabel("The event").getByText("hugo@example.com").waitFor();
  const request = (await kinds.getByLabel("The request").textContent()) ?? "";
  expect(request).toContain("POST http");
  expect(request).not.toContain("secret-text");
  expect(await kinds.getByLabel("The response").textContent()).toContain('"ok": false');
  await settled(page);
  expect(await findings(page)).toEqual([]);
  destination.status = 200;
  await page.close();
});
