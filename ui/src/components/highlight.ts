import { laidOut } from "./json-text";

/** A piece of JSON text. */
export interface Token {
  kind: "name" | "string" | "number" | "word" | null;
  text: string;
}

/** Longest text that is coloured: more elements than that make a browser slow. */
const COLOURED = 60_000;

const PIECE = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

/** The pieces of a text that may be JSON; together they are the text, whatever it is. */
export function tokens(text: string): Token[] {
  if (text.length > COLOURED) return [{ kind: null, text }];
  const found: Token[] = [];
  let end = 0;
  const plain = (until: number) => {
    if (until > end) found.push({ kind: null, text: text.slice(end, until) });
  };
  for (const match of text.matchAll(PIECE)) {
    plain(match.index);
    const [whole, string, colon, number] = match;
    if (string !== undefined) {
      found.push({ kind: colon === undefined ? "string" : "name", text: string });
      if (colon !== undefined) found.push({ kind: null, text: colon });
    } else {
      found.push({ kind: number === undefined ? "word" : "number", text: whole });
    }
    end = match.index + whole.length;
  }
  plain(text.length);
  return found;
}

/** JSON on many lines, when it is JSON; the text itself otherwise. Nothing but white space is changed. */
export function pretty(text: string): { text: string; json: boolean } {
  try {
    JSON.parse(text);
    return { text: laidOut(text), json: true };
  } catch {
    return { text, json: false };
  }
}

/** What a template engine says in its own words, in those of whoever looks at what was sent. */
export function plainly(message: string): string {
  return message.replace(/The following has evaluated to null or missing:\s+==>\s+(.+?)(?=$|;| \[in | \(line \d)/, "$1 has no value in this event");
}

/** A message of the API as a sentence. */
export function sentenceCase(words: string): string {
  const message = plainly(words);
  // A name of a field, such as `external_id`, stays as it is.
  const named = /^\S*[_.$\d]\S*\s/.test(message);
  const begun = named ? message : message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?:…`]\)?$/.test(begun) ? begun : `${begun}.`;
}

/** What is said of a place in a template, with its line, where it doesn't name that itself. */
export function atLine(message: string, line: number | null | undefined): string {
  return line == null || /\bline \d/i.test(message) ? message : `${message} (line ${String(line)})`;
}
