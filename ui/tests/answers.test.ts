import { expect, test } from "vitest";
import { findings, settled, watch } from "./browser";
import { context, destination, filled, server, staged } from "./stage";

staged();

test("a partner says what answers mean, tries that, and sees what follows", async () => {
  const { organisation, definition } = filled;
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = watch(page, server.url);
  await page.goto(`${server.url}/o/${organisation}/destinations/${definition}`);
  await settled(page);

  await page.getByRole("button", { name: "Add rule" }).click();
  const rule = page.getByRole("group", { name: "Rule 1" });
  const status = rule.getByLabel("When the status is");
  await status.fill("4000");
  await page.keyboard.press("Enter");
  await rule.getByText("4000 is no status.").waitFor();
  await page.keyboard.press("Backspace");
  await status.fill("409");
  await page.keyboard.press("Enter");
  await rule.getByRole("button", { name: "Add condition" }).click();
  await rule.getByLabel("Path of condition 1").fill("id");
  // What the check says stands at the field.
  await rule.getByText(/JSON pointer begins with/).waitFor();
  await rule.getByLabel("Path of condition 1").fill("/id");
  await rule.getByRole("combobox", { name: "Comparison of condition 1" }).click();
  await page.getByRole("option", { name: "exists" }).click();
  await rule.getByRole("combobox", { name: "Then" }).click();
  await page.getByRole("option", { name: "a follow-up request is made" }).click();
  await rule.getByLabel("Message").fill("it is there already");
  await rule.getByText(/no request to follow/).waitFor();

  const follow = page.getByRole("group", { name: "Follow-up request of events" });
  await follow.getByLabel("Follow-up request").check();
  await follow.getByLabel("URL of the follow-up request").fill("${parameters.endpoint}/contacts/${answer.body.id?url}");
  const body = page.getByRole("textbox", { name: "Body of the follow-up request of events" });
  await body.click();
  await page.keyboard.type('{"was": "${answer.st');
  await page.getByRole("option", { name: /status/ }).click();
  await page.keyboard.type("}");
  await expect.poll(() => body.textContent()).toContain("answer.status");
  await body.fill('{"was": "${answer.status}"}');
  await page.getByText("Draft saved").waitFor();
  await expect.poll(() => page.getByText(/it is never sent|no request to follow/).count()).toBe(0);
  await settled(page);
  expect(await findings(page)).toEqual([]);

  // What an answer would mean is seen without sending anything.
  await page.getByRole("link", { name: "Testing" }).click();
  await page.getByLabel("REST endpoint").fill(destination.url);
  await page.getByLabel("API key").fill("key");
  const mapping = page.getByRole("combobox", { name: "external_id" }).or(page.getByLabel("external_id")).first();
  await mapping.click();
  await page.getByRole("option", { name: /user_id/ }).first().click();
  await page.getByLabel("Response status").fill("409");
  await page.getByLabel("Response body").fill('{"id": "c 1"}');
  const judged = page.getByRole("status", { name: "Classification" });
  await judged.getByText("Rule 1 matches: the status is 409, and /id exists. Message: it is there already").waitFor();
  await judged.getByText(`${destination.url}/contacts/c%201`).waitFor();
  expect(await findings(page)).toEqual([]);

  destination.answers = ({ path }) => (path.startsWith("/contacts") ? undefined : { status: 409, body: { id: "c 1" } });
  await page.getByRole("button", { name: "Test connection" }).click();
  await page.getByText(/Follow-up request.* ms/).waitFor();
  await page.getByText(/response 200/).waitFor();
  expect(destination.received.find(({ path }) => path === "/contacts/c%201")?.body).toBe('{"was": "409"}');
  expect(await findings(page)).toEqual([]);
  expect(faults).toEqual([]);
  await page.close();
});
