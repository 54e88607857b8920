import { hoverTooltip, type Tooltip } from "@codemirror/view";
import type { Seen } from "./completion";
import classes from "./editor.module.css";

/** The name at a place of a template, such as `input.user_properties.plan`, if there is one. */
export function nameAt(line: string, column: number): { from: number; to: number; path: string[] } | null {
  for (const found of line.matchAll(/\b(?:input|parameters|mappedFields|mappedProperties)(?:\.\w+|\["[^"\]]*"\])+/g)) {
    const [from, to] = [found.index, found.index + found[0].length];
    if (column < from || column > to) continue;
    const path = [...found[0].matchAll(/\.(\w+)|\["([^"\]]*)"\]|^(\w+)/g)].map(([, dotted, bracketed, root]) => dotted ?? bracketed ?? root ?? "");
    return { from, to, path };
  }
  return null;
}

/** Shows what a name is in recent events, and how often it is absent. */
export function values(seen: () => ((path: string[]) => Seen | null) | undefined) {
  return hoverTooltip((view, position): Tooltip | null => {
    const line = view.state.doc.lineAt(position);
    const name = nameAt(line.text, position - line.from);
    const found = name === null ? null : (seen()?.(name.path) ?? null);
    if (name === null || found === null) return null;
    return {
      pos: line.from + name.from,
      end: line.from + name.to,
      above: true,
      create: () => ({ dom: tooltip(name.path, found) }),
    };
  });
}

function tooltip(path: string[], { examples, of }: Seen): HTMLElement {
  const box = document.createElement("div");
  box.className = classes.hover ?? "";
  const title = box.appendChild(document.createElement("b"));
  title.textContent = path.join(".");
  for (const example of examples.slice(0, 5)) {
    const value = box.appendChild(document.createElement("div"));
    value.className = "mono";
    value.textContent = example.length > 80 ? `${example.slice(0, 80)}…` : example;
  }
  const words = box.appendChild(document.createElement("div"));
  words.className = classes.absent ?? "";
  words.textContent = of;
  return box;
}
