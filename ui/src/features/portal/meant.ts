import type { Schemas } from "@/api/client";

type Finding = Schemas["FindingView"];

/** A name that was probably meant, and the edit that writes it. */
export interface Meant {
  name: string;
  edit: Schemas["EditView"];
}

/**
 * The name that was meant where a template reads one that no event has: a default for it would hide the slip.
 * Null: the name is known, or none is near.
 */
export function meantBy(template: string, finding: Finding): Meant | null {
  const characters = Array.from(template);
  const from = indexOf(characters, finding.line, finding.column);
  const blamed = characters.slice(from, indexOf(characters, finding.end_line, finding.end_column) + 1).join("");
  for (const read of blamed.matchAll(/(?<![\w.])(input|parameters|mappedFields)\.([A-Za-z_]\w*)/g)) {
    const [whole, root = "", name = ""] = read;
    const known = namesOf(root, finding.proof);
    const meant = known.includes(name) ? null : nearest(name, known);
    if (meant === null) continue;
    // Mends count bytes of UTF-8.
    const start_byte = new TextEncoder().encode(characters.slice(0, from).join("") + blamed.slice(0, read.index)).length;
    const { line, column, end_line, end_column } = finding;
    const replacement = `${root}.${meant}`;
    const edit = { line, column, end_line, end_column, start_byte, end_byte: start_byte + whole.length, replacement };
    return { name: replacement, edit };
  }
  return null;
}

/** Where a line and column, both from 1, are in a text. */
function indexOf(characters: string[], line: number, column: number): number {
  let begins = 0;
  for (let passed = 1; passed < line; passed += 1) {
    const end = characters.indexOf("\n", begins);
    if (end < 0) return characters.length;
    begins = end + 1;
  }
  return begins + column - 1;
}

/** The names that there are: those of the event and the fields that show the fault. */
function namesOf(root: string, { event, parameters, mapped_fields }: Finding["proof"]): string[] {
  const text = { input: event, parameters, mappedFields: mapped_fields }[root];
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null ? Object.keys(value) : [];
  } catch {
    return [];
  }
}

/** The closest of the names, when it is close enough to be a slip: a third of its letters differ at most. */
export function nearest(name: string, known: string[]): string | null {
  const allowed = Math.ceil(name.length / 3);
  let best: { name: string; distance: number } | null = null;
  for (const each of known) {
    const found = distance(name.toLowerCase(), each.toLowerCase());
    if (found <= allowed && (best === null || found < best.distance)) best = { name: each, distance: found };
  }
  return best?.name ?? null;
}

/** How many letters are to be inserted, taken away or replaced. */
function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [at, letter] of Array.from(left).entries()) {
    const next = [at + 1];
    for (const [index, other] of Array.from(right).entries()) {
      const replaced = (row[index] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? left.length;
}
