import { expect, test } from "vitest";
import { findings, settled, watch } from "./browser";
import { context, filled, server, staged } from "./stage";

staged();

test("a user is looked up by id and by device, with properties, devices and events", async () => {
  const { project, apiKey } = filled;
  const seen = { event_type: "Seen", user_id: "zoe@example.com", user_properties: { plan: "pro", home: { city: "Bath" } } };
  await server.send(apiKey, [{ ...seen, device_id: "phone" }, { ...seen, device_id: "laptop" }]);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = watch(page, server.url);
  await page.goto(`${server.url}/p/${project}/events?type=Seen`);
  await page.getByRole("button", { name: /Seen zoe@example.com/ }).first().click();
  await page.getByRole("dialog").getByRole("link", { name: "zoe@example.com" }).click();
  await page.getByRole("table", { name: "Properties" }).getByRole("cell", { name: "home.city" }).waitFor();
  expect(new URL(page.url()).searchParams.get("user")).toBe("zoe@example.com");
  await page.getByRole("list", { name: "Devices" }).getByRole("link", { name: "phone" }).waitFor();
  await page.getByRole("article", { name: "Seen" }).first().getByText("Warehouse").waitFor();
  await settled(page);
  expect(await findings(page)).toEqual([]);

  await page.getByRole("list", { name: "Devices" }).getByRole("link", { name: "laptop" }).click();
  await page.getByRole("heading", { name: "laptop" }).waitFor();
  // The device's page leads to the user that it belongs to.
  await page.getByLabel("About the user").getByRole("link", { name: "zoe@example.com" }).waitFor();
  await page.getByLabel("Device ID").fill("nobody's");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await page.getByText("User not found").waitFor();
  await settled(page);
  expect(await findings(page)).toEqual([]);
  expect(faults).toEqual([]);
  await page.close();
});
