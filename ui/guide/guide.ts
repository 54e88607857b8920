import "@fontsource-variable/inter";
import "@fontsource-variable/jetbrains-mono";
import "./guide.css";
import { type Entry, found, glimpse } from "./search.ts";

const MOST = 12;

const input = document.querySelector<HTMLInputElement>("#search");
const list = document.querySelector<HTMLUListElement>("#found");
let entries: Promise<Entry[]> | undefined;

/** The text of the whole guide, asked for when somebody searches. */
function load(): Promise<Entry[]> {
  entries ??= fetch("/docs/search.json").then((response) => response.json() as Promise<Entry[]>);
  return entries;
}

async function search(field: HTMLInputElement, into: HTMLUListElement): Promise<void> {
  const sought = field.value;
  const results = found(await load(), sought, MOST);
  if (field.value !== sought) return;
  into.replaceChildren(...results.map((entry, index) => itemOf(entry, sought, index)));
  if (results.length === 0 && sought.trim() !== "") {
    const none = document.createElement("li");
    none.textContent = "Nothing in the guide has all of these words.";
    none.setAttribute("role", "option");
    none.setAttribute("aria-disabled", "true");
    into.append(none);
  }
  show(field, into, sought.trim() !== "");
}

function show(field: HTMLInputElement, into: HTMLUListElement, shown: boolean): void {
  into.hidden = !shown;
  field.setAttribute("aria-expanded", String(shown));
}

function itemOf({ page, of, heading, id, text }: Entry, sought: string, index: number): HTMLLIElement {
  const item = document.createElement("li");
  item.setAttribute("role", "option");
  item.id = `found-${String(index)}`;
  item.dataset.href = `/docs/${page}${id === "" ? "" : `#${id}`}`;
  const title = document.createElement("b");
  title.textContent = heading === of ? heading : `${of} › ${heading}`;
  const words = document.createElement("span");
  words.textContent = glimpse(text, sought);
  item.append(title, words);
  return item;
}

/** Moves the choice along the list; what is chosen is said to screen readers. */
function move(field: HTMLInputElement, into: HTMLUListElement, step: number): void {
  const items = [...into.querySelectorAll<HTMLLIElement>("li[data-href]")];
  if (items.length === 0) return;
  const now = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
  const next = (now + step + items.length) % items.length;
  for (const [index, item] of items.entries()) item.setAttribute("aria-selected", String(index === next));
  items[next]?.scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", items[next]?.id ?? "");
}

/** Leads to what was found. */
function follow(item: HTMLElement | null): void {
  const href = item?.dataset.href;
  if (href === undefined || input === null || list === null) return;
  show(input, list, false);
  window.location.href = href;
}

if (input !== null && list !== null) {
  input.addEventListener("input", () => void search(input, list));
  input.addEventListener("focus", () => {
    void load();
    if (input.value.trim() !== "") show(input, list, true);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") move(input, list, 1);
    else if (event.key === "ArrowUp") move(input, list, -1);
    else if (event.key === "Escape") show(input, list, false);
    else if (event.key === "Enter") {
      const chosen = list.querySelector<HTMLElement>('[aria-selected="true"]') ?? list.querySelector<HTMLElement>("[data-href]");
      if (!list.hidden) follow(chosen);
    } else return;
    event.preventDefault();
  });
  document.addEventListener("click", ({ target }) => {
    const item = target instanceof Element ? target.closest<HTMLElement>("#found [data-href]") : null;
    if (item !== null) follow(item);
    else if (target instanceof Node && !input.contains(target)) show(input, list, false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement === document.body) {
      event.preventDefault();
      input.focus();
    }
  });
}

// As long as nobody chose a scheme, the guide goes with the system's.
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ({ matches }) => {
  let chosen: string | null = null;
  try {
    chosen = localStorage.getItem("mantine-color-scheme-value");
  } catch {
    // Storage can be forbidden; the system's choice holds then.
  }
  if (chosen === "light" || chosen === "dark") return;
  document.documentElement.setAttribute("data-mantine-color-scheme", matches ? "dark" : "light");
});

// Where it is narrow the contents are closed at first: the page itself comes first.
const contents = document.querySelector<HTMLDetailsElement>(".contents");
const narrow = window.matchMedia("(max-width: 860px)");
function fold(): void {
  if (contents !== null) contents.open = !narrow.matches;
}
fold();
narrow.addEventListener("change", fold);
