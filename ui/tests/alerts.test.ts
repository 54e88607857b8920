import { expect, test } from "vitest";
import { findings, settled, watch } from "./browser";
import { context, destination, filled, server, staged } from "./stage";

staged();

test("rules and channels of alerts are set, and a channel is tried out", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = watch(page, server.url);
  await page.goto(`${server.url}/p/${filled.project}`);
  await page.getByRole("link", { name: "Alerts" }).click();
  await page.getByText("No channels yet. Add a webhook, Slack or a mailbox that is to be notified.").waitFor();
  expect(await findings(page)).toEqual([]);

  await page.getByRole("button", { name: "Add channel" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("On call");
  await dialog.getByLabel("URL").fill(`${destination.url}/alerts?token=hidden`);
  await dialog.getByRole("button", { name: "Add channel" }).click();
  expect(await dialog.getByLabel("Signing key", { exact: true }).textContent()).toMatch(/^whsec_/);
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: "Send a test message to On call" }).click();
  await expect.poll(() => destination.received.some(({ path }) => path.startsWith("/alerts")), { timeout: 15_000 }).toBe(true);
  // What of the URL is a secret is not shown again.
  expect(await page.getByText("token=hidden").count()).toBe(0);

  const rule = page.getByRole("group", { name: "Delivery is delayed" });
  await rule.getByLabel("minutes").fill("30");
  await page.getByRole("button", { name: "Save rules" }).click();
  await page.getByText("The rules are saved.").waitFor();
  await page.reload();
  await expect.poll(() => rule.getByLabel("minutes").inputValue()).toBe("30");
  await settled(page);
  expect(await findings(page)).toEqual([]);
  expect(faults).toEqual([]);
  await page.close();
});

test("a sync has rules of its own, quiet hours too, and goes by its project's again", async () => {
  const { project, sync } = filled;
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = watch(page, server.url);
  const ask = async (path: string) => (await (await context.request.get(`${server.url}/api/v1/projects/${project}${path}`)).json()) as Record<string, unknown>;
  await page.goto(`${server.url}/p/${project}/syncs/${sync}`);
  await page.getByRole("navigation", { name: "Parts of the sync" }).getByRole("link", { name: "Alerts" }).click();
  await page.getByText("uses its project's rules").waitFor();
  const quiet = page.getByRole("group", { name: "Quiet hours" });
  await quiet.getByLabel("Quiet hours").check();
  await quiet.getByText("9 h each day, until the next morning.").waitFor();
  await quiet.getByLabel("From").fill("23:30");
  const zone = quiet.getByRole("combobox", { name: "Time zone" });
  await zone.click();
  await zone.fill("Europe/Ber");
  await page.getByRole("option", { name: "Europe/Berlin" }).click();
  await page.getByRole("group", { name: "A delivery expired" }).getByRole("switch").uncheck();
  await settled(page);
  expect(await findings(page)).toEqual([]);
  await page.getByRole("button", { name: "Save rules" }).click();
  await page.getByText("This sync has its own rules").waitFor();
  expect(await ask(`/syncs/${sync}/alerts`)).toMatchObject({
    own: true,
    expiry: { enabled: false },
    quiet_hours: { from: "23:30", until: "07:00", time_zone: "Europe/Berlin" },
  });
  // The project's stay as they were.
  expect(await ask("/alerts")).toMatchObject({ expiry: { enabled: true }, quiet_hours: null });

  await page.reload();
  await expect.poll(() => quiet.getByLabel("From").inputValue()).toBe("23:30");
  await quiet.getByLabel("Until").fill("23:30");
  await page.getByRole("button", { name: "Save rules" }).click();
  const refused = page.getByRole("alert");
  const saved = page.getByText("The rules are saved.");
  await refused.or(saved).first().waitFor();
  await quiet.getByLabel("Quiet hours").uncheck();
  await page.getByRole("button", { name: "Save rules" }).click();
  await expect.poll(async () => (await ask(`/syncs/${sync}/alerts`)).quiet_hours).toBeNull();
  await page.getByRole("button", { name: "Use the project's" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Use the project's rules" }).click();
  await page.getByText("uses its project's rules").first().waitFor();
  expect(await ask(`/syncs/${sync}/alerts`)).toMatchObject({ own: false, expiry: { enabled: true } });
  await settled(page);
  expect(await findings(page)).toEqual([]);
  expect(faults).toEqual([]);
  await page.close();
});
