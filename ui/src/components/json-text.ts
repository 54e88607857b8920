/**
 * JSON as it is written. A value that JavaScript parsed has lost what numbers were (1234567890123456789 and 1.10 become
 * others), how characters were escaped, and names that stood there twice: what was sent is shown by its text.
 */

/** Strings, marks, and whatever stands between them: numbers and words. */
const PIECES = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;

/** Deeper than this, lines begin no further to the right: they couldn't be read, and would grow without bound. */
const INDENTED = 100;

/** JSON on many lines: only the white space between its pieces is another. The text has to be JSON. */
export function laidOut(text: string): string {
  const pieces = text.match(PIECES) ?? [];
  const line = (depth: number) => `\n${"  ".repeat(Math.min(depth, INDENTED))}`;
  let depth = 0;
  let before = "";
  const written = pieces.map((piece) => {
    const opened = before === "{" || before === "[";
    before = piece;
    if (piece === "}" || piece === "]") {
      depth -= 1;
      return opened ? piece : line(depth) + piece;
    }
    const begins = opened ? line(depth) : "";
    if (piece === "{" || piece === "[") depth += 1;
    if (piece === ",") return piece + line(depth);
    return begins + (piece === ":" ? ": " : piece);
  });
  return written.join("");
}

/** JSON on one line, without white space. The text has to be JSON. */
export function onOneLine(text: string): string {
  return (text.match(PIECES) ?? []).join("");
}

/** A member of an object, or an element of an array, whose name is empty; its value as it is written. */
export interface Member {
  name: string;
  text: string;
}

/** What is in an object's or an array's text, in its order, also members of a name that stands there twice; none in other values. */
export function members(text: string): Member[] {
  const found: Member[] = [];
  let depth = 0;
  let named = false;
  let name: string | undefined;
  let begin: number | undefined;
  let end = 0;
  for (const { 0: piece, index } of text.matchAll(PIECES)) {
    const opens = piece === "{" || piece === "[";
    const closes = piece === "}" || piece === "]";
    if (depth === 0) {
      if (!opens) return [];
      named = piece === "{";
    } else if (depth === 1 && (piece === "," || closes)) {
      if (begin !== undefined) found.push({ name: name === undefined ? "" : (JSON.parse(name) as string), text: text.slice(begin, end) });
      name = begin = undefined;
    } else if (depth === 1 && named && name === undefined) {
      name = piece;
    } else if (piece !== ":") {
      begin ??= index;
    }
    depth += opens ? 1 : closes ? -1 : 0;
    end = index + piece.length;
  }
  return found;
}

/** The value at a path of names as it is written; of a name that stands there twice the last, as readers take it. */
export function textAt(text: string, path: string[]): string | undefined {
  return path.reduce<string | undefined>(
    (at, step) => (at === undefined ? undefined : members(at).findLast(({ name }) => name === step)?.text),
    text,
  );
}

/**
 * An answer with the text of an object's member `name` beside it, as `NAME_text`: in the answer itself, and in each of
 * its `items`; none beside null. The text has to be JSON.
 */
export function withTexts(answer: string, name: string): unknown {
  const value: unknown = JSON.parse(answer);
  const add = (to: unknown, text: string) => {
    const own = textAt(text, [name]);
    if (own !== undefined && own !== "null" && typeof to === "object" && to !== null) (to as Record<string, unknown>)[`${name}_text`] = own;
  };
  add(value, answer);
  const items = (value as { items?: unknown }).items;
  const listed = textAt(answer, ["items"]);
  if (Array.isArray(items) && listed !== undefined) {
    members(listed).forEach(({ text }, index) => {
      add(items[index], text);
    });
  }
  return value;
}

/** JSON that goes into a request as it is written. */
export class Written {
  constructor(readonly text: string) {}

  /** Where it is compared, or part of a key. */
  toJSON(): string {
    return this.text;
  }
}

/** A value as JSON, as `JSON.stringify` has it; what is `Written` stands in it as it is. */
export function toJson(value: unknown): string | undefined {
  if (value instanceof Written) return value.text;
  if (Array.isArray(value)) return `[${value.map((each) => toJson(each) ?? "null").join(",")}]`;
  if (typeof value !== "object" || value === null || "toJSON" in value) return JSON.stringify(value) as string | undefined;
  const written = Object.entries(value).flatMap(([name, member]) => {
    const text = toJson(member);
    return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`];
  });
  return `{${written.join(",")}}`;
}
