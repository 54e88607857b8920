import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { faultsOf, filesOf, renderAll, slug } from "./render.ts";
import { found, glimpse } from "./search.ts";

const entries = [
  { page: "operating", of: "Operating", heading: "Mail", id: "mail", text: "Invitations go out through a mail server." },
  { page: "operating", of: "Operating", heading: "Backup", id: "backup", text: "A copy is made while it runs." },
  { page: "syncs", of: "Syncs", heading: "Versions", id: "versions", text: "Each change makes a version; mail is not sent." },
];

test("all words have to be there, and those in headings come first", () => {
  expect(found(entries, "mail", 9).map(({ id }) => id)).toEqual(["mail", "versions"]);
  expect(found(entries, "mail server", 9).map(({ id }) => id)).toEqual(["mail"]);
  expect(found(entries, "operating copy", 9).map(({ id }) => id)).toEqual(["backup"]);
  expect(found(entries, " ", 9)).toEqual([]);
  expect(found(entries, "mail", 1)).toHaveLength(1);
});

test("a glimpse has the word in it", () => {
  const text = `${"a ".repeat(200)}needle ${"b ".repeat(200)}`;
  expect(glimpse(text, "Needle")).toContain("needle");
  expect(glimpse("short", "nothing")).toBe("short");
});

test("ids are those of other readers of Markdown", () => {
  expect(slug("To a later version")).toBe("to-a-later-version");
  expect(slug("`access.openid.NAME`")).toBe("accessopenidname");
});

test("every page of the guide is rendered, and every link in it leads somewhere", () => {
  const docs = fileURLToPath(new URL("../../docs", import.meta.url));
  const pages = renderAll(docs);
  expect(pages.flatMap((page) => faultsOf(page, pages, docs))).toEqual([]);
  const files = filesOf(docs, { scripts: ["/assets/guide.js"], styles: [] });
  expect(files.get("docs/index.html")).toContain('src="/assets/guide.js"');
  expect(files.get("docs/syncs.html")).toContain('id="to-a-later-version"');
  for (const page of pages) {
    expect(page.html, page.name).not.toMatch(/<script|<link|javascript:/);
    // Nothing is asked of other hosts until somebody follows a link.
    expect(page.html, page.name).not.toMatch(/src="(?!\/docs\/)/);
  }
});
