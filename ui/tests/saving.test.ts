import { expect, test } from "vitest";
import { findings, settled, watch } from "./browser";
import { context, filled, server, staged } from "./stage";

staged();

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test("whoever leaves a destination while it is saved leaves it saved, once and unasked", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = watch(page, server.url);
  const asked: string[] = [];
  page.on("dialog", (dialog) => {
    asked.push(dialog.message());
    void dialog.dismiss();
  });
  const answers: number[] = [];
  await page.route("**/definitions/*", async (route) => {
    if (route.request().method() !== "PATCH") return route.continue();
    await wait(600);
    return route.continue();
  });
  page.on("response", (response) => {
    if (response.request().method() === "PATCH") answers.push(response.status());
  });
  const summary = page.getByRole("textbox", { name: "Summary" });
  const path = `/o/${filled.organisation}/destinations/${filled.definition}`;
  for (const more of ["", " and more, while it is saved"]) {
    answers.length = 0;
    await page.goto(server.url + path);
    await settled(page);
    const words = `Left${more}${String(Date.now())}`;
    await summary.fill(words);
    // It saves itself after a pause; while that goes on, somebody goes on.
    await page.waitForRequest((request) => request.method() === "PATCH");
    if (more !== "") await summary.fill(`${words}!`);
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Overview" }).click();
    await page.waitForURL(/\/p\/[^/]+$/);
    expect(answers).toEqual(more === "" ? [200] : [200, 200]);
    const stored = (await (await context.request.get(`${server.url}/api/v1/organisations/${filled.organisation}/definitions/${filled.definition}`)).json()) as {
      draft: { about: { summary: string } };
    };
    expect(stored.draft.about.summary).toBe(more === "" ? words : `${words}!`);
  }
  expect(asked).toEqual([]);
  expect(faults).toEqual([]);
  await page.close();
});

test("a picture that is refused says why at its field", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${server.url}/o/${filled.organisation}/destinations/${filled.definition}`);
  await settled(page);
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>');
  await page.locator("input[type=file]").setInputFiles({ name: "logo.png", mimeType: "image/png", buffer: svg });
  await page.getByRole("alert").getByText(/The logo wasn't changed: .*no PNG that can be read/).waitFor();
  expect(await page.getByText("Some fields can't be used").count()).toBe(0);
  expect(await findings(page)).toEqual([]);
  await page.close();
});

test("a sync that can't be saved while the server is away has no wrong fields, and is saved once it is back", async () => {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${server.url}/p/${filled.project}/catalog`);
  const made = await context.request.post(`${server.url}/api/v1/projects/${filled.project}/syncs`, { data: { name: "Away" } });
  const { id } = (await made.json()) as { id: string };
  await page.goto(`${server.url}/p/${filled.project}/syncs/${id}/settings`);
  await settled(page);
  const request = page.getByRole("complementary", { name: "Live request" });
  await request.getByText("Webhook URL").waitFor();
  await page.route("**/api/v1/projects/*/syncs/*", (route) => route.abort());
  await page.route("**/api/v1/projects/*/syncs/*/preview", (route) => route.abort());
  await page.getByRole("textbox", { name: "Webhook URL" }).fill("http://127.0.0.1:9/away");
  await request.getByText("The request can't be shown").waitFor();
  expect(await request.getByText("Webhook URL").count()).toBe(0);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "The sync wasn't saved" });
  await dialog.getByText("Your changes are still here, but not saved yet").waitFor();
  await dialog.getByText("The server doesn't respond").waitFor();
  expect(await dialog.getByText("Some fields need to be fixed").count()).toBe(0);
  await page.unrouteAll();
  await dialog.getByRole("button", { name: "Try again" }).click();
  await page.getByText("Everything is saved").waitFor();
  await page.close();
});
