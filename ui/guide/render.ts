import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Marked, type Token, type Tokens } from "marked";
import { CONTENTS, FIRST, type Part } from "./contents.ts";

/** A page of the guide. */
export interface GuidePage {
  name: string;
  title: string;
  /** Its text as HTML. It is the project's own, so nothing in it has to be made harmless. */
  html: string;
  sections: Section[];
}

/** What search finds: a heading with the text below it. */
export interface Section {
  page: string;
  /** The page's title. */
  of: string;
  heading: string;
  /** The heading's id; empty: the page's own. */
  id: string;
  text: string;
}

/** The parts of the guide with the pages that there are. */
export function partsOf(docs: string): Part[] {
  const there = readdirSync(docs)
    .filter((file) => file.endsWith(".md"))
    .map((file) => file.slice(0, -3));
  const listed = CONTENTS.flatMap(({ pages }) => pages);
  const others = there.filter((name) => !listed.includes(name)).sort();
  const parts = CONTENTS.map(({ part, pages }) => ({ part, pages: pages.filter((name) => there.includes(name)) }));
  return others.length === 0 ? parts : [...parts, { part: "More", pages: others }];
}

/** Reads and renders every page. */
export function renderAll(docs: string): GuidePage[] {
  const names = partsOf(docs).flatMap(({ pages }) => pages);
  return names.map((name) => render(name, readFileSync(join(docs, `${name}.md`), "utf8")));
}

function render(name: string, markdown: string): GuidePage {
  const ids = new Set<string>();
  const sections: Section[] = [];
  let title = name;
  const marked = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth, text }: Tokens.Heading) {
        const id = unique(slug(text), ids);
        const inner = this.parser.parseInline(tokens);
        if (depth === 1) return `<h1>${inner}</h1>\n`;
        return `<h${String(depth)} id="${id}"><a class="anchor" href="#${id}">${inner}</a></h${String(depth)}>\n`;
      },
      link({ href, tokens }: Tokens.Link) {
        const inner = this.parser.parseInline(tokens);
        const to = addressOf(href);
        if (to === null) return inner;
        const away = /^https?:/.test(to) ? ' rel="noopener noreferrer" target="_blank"' : "";
        return `<a href="${escaped(to)}"${away}>${inner}</a>`;
      },
      image({ href, text }: Tokens.Image) {
        return `<img src="/docs/${escaped(href)}" alt="${escaped(text)}" loading="lazy">`;
      },
      table(this: { parser: { parseInline: (tokens: Token[]) => string } }, { header, rows }: Tokens.Table) {
        const head = header.map((cell) => `<th>${this.parser.parseInline(cell.tokens)}</th>`).join("");
        const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${this.parser.parseInline(cell.tokens)}</td>`).join("")}</tr>`);
        return `<div class="table" tabindex="0" role="region" aria-label="Table"><table><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div>\n`;
      },
      code({ text }: Tokens.Code) {
        return `<pre tabindex="0"><code>${escaped(text)}</code></pre>\n`;
      },
    },
  });
  const tokens = marked.lexer(markdown);
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.type === "heading") {
      const { depth, text } = token as Tokens.Heading;
      const plain = plainText(text);
      const id = unique(slug(text), seen);
      if (depth === 1) title = plain;
      sections.push({ page: name, of: "", heading: plain, id: depth === 1 ? "" : id, text: "" });
    } else {
      const section = sections.at(-1);
      if (section !== undefined) section.text += ` ${plainText(token.raw)}`;
    }
  }
  const html = marked.parser(tokens);
  const tidy = (text: string) => text.replaceAll(/\s+/g, " ").trim();
  return { name, title, html, sections: sections.map((each) => ({ ...each, of: title, text: tidy(each.text) })) };
}

/** Where a link of a Markdown file leads in the guide; null: to what isn't part of it. */
function addressOf(href: string): string | null {
  if (/^https?:|^#|^\//.test(href)) return href;
  const found = /^([a-z-]+)\.md(#.*)?$/.exec(href);
  return found === null ? null : `/docs/${found[1] ?? ""}${found[2] ?? ""}`;
}

/** Links of a page that lead to no page or heading, and pictures that aren't there. */
export function faultsOf({ name, html }: GuidePage, pages: GuidePage[], docs: string): string[] {
  const faults: string[] = [];
  for (const [, href = ""] of html.matchAll(/href="(\/docs[^"]*|#[^"]*)"/g)) {
    const [path = "", id = ""] = href.split("#");
    const page = path === "" ? name : path.slice("/docs/".length);
    const found = pages.find((each) => each.name === page);
    if (found === undefined) faults.push(`${name} links to ${href}, which is no page`);
    else if (id !== "" && !found.html.includes(`id="${id}"`)) faults.push(`${name} links to ${href}, which is no heading`);
  }
  for (const [, image = ""] of html.matchAll(/src="\/docs\/([^"]*)"/g)) {
    if (!existsSync(join(docs, image))) faults.push(`${name} shows ${image}, which isn't there`);
  }
  return faults;
}

/** A heading's id, as GitHub makes them. */
export function slug(text: string): string {
  return plainText(text)
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");
}

function unique(id: string, taken: Set<string>): string {
  let free = id;
  for (let number = 1; taken.has(free); number += 1) free = `${id}-${String(number)}`;
  taken.add(free);
  return free;
}

/** Markdown without its marks, for search. */
function plainText(markdown: string): string {
  return markdown
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/<\/?[a-z][^>]*>/gi, " ")
    .replaceAll(/[`*]|^#+ |^\|?[-| :]+\|$/gm, "")
    .replaceAll("|", " ");
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** The files that a page loads, by their addresses. */
interface Files {
  scripts: string[];
  styles: string[];
}

/** A page as a document; `files` are the scripts and styles that it loads. */
export function documentOf(page: GuidePage, pages: GuidePage[], contents: Part[], files: Files): string {
  const order = contents.flatMap((part) => part.pages);
  const at = order.indexOf(page.name);
  const titleOf = (name: string) => escaped(pages.find((each) => each.name === name)?.title ?? name);
  const step = (name: string | undefined, rel: string, words: string) =>
    name === undefined ? "<span></span>" : `<a rel="${rel}" href="/docs/${name}"><small>${words}</small>${titleOf(name)}</a>`;
  const parts = contents.map(({ part, pages: own }) => {
    const links = own.map((name) => {
      const current = name === page.name;
      const inside = current
        ? page.sections
            .filter(({ id }) => id !== "" && page.html.includes(`<h2 id="${id}"`))
            .map(({ id, heading }) => `<li><a href="#${id}">${escaped(heading)}</a></li>`)
            .join("")
        : "";
      const mark = current ? ' aria-current="page"' : "";
      return `<li><a href="/docs/${name}"${mark}>${titleOf(name)}</a>${inside === "" ? "" : `<ul class="inside">${inside}</ul>`}</li>`;
    });
    return `<p class="part">${escaped(part)}</p><ul>${links.join("")}</ul>`;
  });
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${escaped(page.title)} · Millstream guide</title>
    <link rel="icon" href="/icon.svg" type="image/svg+xml">
    <script src="/scheme.js"></script>
    ${files.styles.map((href) => `<link rel="stylesheet" href="${href}">`).join("\n    ")}
    ${files.scripts.map((src) => `<script type="module" src="${src}"></script>`).join("\n    ")}
  </head>
  <body>
    <a class="skip" href="#content">Skip to the content</a>
    <header>
      <a class="home" href="/"><img src="/icon.svg" alt="" width="22" height="22"> Millstream</a>
      <search>
        <input id="search" type="search" placeholder="Search the guide" aria-label="Search the guide" autocomplete="off" aria-controls="found" aria-expanded="false" role="combobox">
        <ul id="found" hidden role="listbox" aria-label="Found"></ul>
      </search>
      <a class="side" href="/api/reference">API reference</a>
    </header>
    <div class="columns">
      <details class="contents" open>
        <summary>Contents</summary>
        <nav aria-label="Guide">${parts.join("")}</nav>
      </details>
      <main id="content" tabindex="-1">
        ${page.html}
        <nav class="steps" aria-label="Before and after">${step(order[at - 1], "prev", "Before")}${step(order[at + 1], "next", "Next")}</nav>
      </main>
    </div>
  </body>
</html>
`;
}

/** The pages by the names of their files, beside what search reads. */
export function filesOf(docs: string, files: Files): Map<string, string> {
  const [pages, contents] = [renderAll(docs), partsOf(docs)];
  const made = new Map<string, string>();
  for (const page of pages) {
    const document = documentOf(page, pages, contents, files);
    made.set(`docs/${page.name}.html`, document);
    if (page.name === FIRST) made.set("docs/index.html", document);
  }
  made.set("docs/search.json", JSON.stringify(pages.flatMap((page) => page.sections)));
  return made;
}
