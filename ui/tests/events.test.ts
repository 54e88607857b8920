import { expect, test } from "vitest";
import { findings, settled, watch } from "./browser";
import { context, filled, server, staged } from "./stage";

staged();

test("live events are those of one user, device or text, from the address on, also earlier ones", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = watch(page, server.url);
  const event = (user_id: string, total: number, device_id = "phone") => ({ event_type: "Followed", user_id, device_id, event_properties: { total } });
  await server.send(filled.apiKey, [event("Follow@example.com", 1)]);
  // More than a page of others stands before it.
  await server.send(filled.apiKey, Array.from({ length: 260 }, (_, index) => event("other@example.com", index, "laptop")));
  const tails: URL[] = [];
  page.on("request", (request) => {
    if (request.url().includes("/tail/events")) tails.push(new URL(request.url()));
  });
  await page.goto(`${server.url}/p/${filled.project}/events`);
  const rows = page.getByRole("list", { name: "Events" }).getByRole("button");
  await rows.first().waitFor();
  const field = page.getByRole("searchbox", { name: "User, device or text" });
  await field.fill("follow@EXAMPLE.com");
  await expect.poll(() => rows.count()).toBe(1);
  expect(new URL(page.url()).searchParams.get("q")).toBe("follow@EXAMPLE.com");

  // The address is enough; what comes is told apart by the server.
  await page.reload();
  await rows.first().waitFor();
  expect(await field.inputValue()).toBe("follow@EXAMPLE.com");
  await page.getByText("Live", { exact: true }).waitFor();
  expect(tails.at(-1)?.searchParams.get("text")).toBe("follow@EXAMPLE.com");
  await server.send(filled.apiKey, [event("other@example.com", 900), event("follow@example.com", 901)]);
  await rows.filter({ hasText: "901" }).waitFor();
  expect(await rows.count()).toBe(2);
  await settled(page);
  expect(await findings(page)).toEqual([]);
  await rows.first().click();
  await page.getByRole("dialog").getByText("901").first().waitFor();
  await page.keyboard.press("Escape");
  await expect.poll(() => Object.fromEntries(new URL(page.url()).searchParams)).toEqual({ q: "follow@EXAMPLE.com" });

  // By the device, with a type; a click leads further back.
  await field.fill("laptop");
  await page.getByRole("combobox", { name: "Event type" }).click();
  await page.getByRole("option", { name: "Followed" }).click();
  await expect.poll(() => rows.count()).toBeGreaterThan(100);
  const before = await rows.count();
  await page.getByRole("button", { name: "Show earlier events" }).click();
  await expect.poll(() => rows.count()).toBe(260);
  expect(before).toBeLessThan(260);

  await field.fill("nobody has this");
  await page.getByText("No recent events match").waitFor();
  expect(await findings(page)).toEqual([]);
  await field.fill("");
  await rows.first().waitFor();
  expect(new URL(page.url()).searchParams.get("q")).toBeNull();
  expect(faults).toEqual([]);
  await page.close();
});
