import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import type { EditorView } from "@codemirror/view";
import { onOneLine, textAt } from "@/components/json-text";
import { BUILT_INS, DIRECTIVES, type Word } from "./vocabulary";

/** What names mean in a template. */
export interface Scope {
  /** An event as templates see it, if one is known. */
  input: Record<string, unknown> | null;
  /** The same as it is written: JSON text. Without it, values are shown as JavaScript has them. */
  inputText?: string | null;
  parameters: string[];
  mappedFields: string[];
  /** Whether there is an answer to read: in a request that follows one. */
  answer?: boolean;
  /** What recent events have at a path, such as `["input", "user_id"]`. */
  seen?: (path: string[]) => Seen | null;
}

/** What recent events have where a template reads. */
export interface Seen {
  /** Values, as JSON. */
  examples: string[];
  /** Of how many events, and in how many it is absent, in words. */
  of: string;
}

/** Completes directives, built-ins and names, by what stands before the cursor. */
export function completeTemplate(scope: () => Scope) {
  return (context: CompletionContext): CompletionResult | null => {
    const directive = context.matchBefore(/<#\w*$/);
    if (directive !== null) {
      return { from: directive.from + 2, options: DIRECTIVES.map((word) => written(word, "keyword")) };
    }
    const before = context.matchBefore(/[$#]\{[^}]*$|<[#@][^>]*$/);
    if (before === null) return null;
    const builtIn = context.matchBefore(/[^?]\?\w*$/);
    if (builtIn !== null) {
      const from = builtIn.from + builtIn.text.indexOf("?") + 1;
      return { from, options: BUILT_INS.map((word) => written(word, "function")) };
    }
    const name = context.matchBefore(/[\w.]*$/);
    if (name === null) return null;
    const dot = name.text.lastIndexOf(".");
    const path = dot < 0 ? [] : name.text.slice(0, dot).split(".");
    const options = namesIn(scope(), path);
    return options.length === 0 ? null : { from: name.from + dot + 1, options, validFor: /^\w*$/ };
  };
}

/** Names that stand at a path, such as those in `input.user_properties`. */
export function namesIn(scope: Scope, path: string[]): Completion[] {
  const [root, ...rest] = path;
  switch (root) {
    case undefined:
      return [
        { label: "input", type: "variable", info: "The event, as it is streamed." },
        { label: "parameters", type: "variable", info: "The sync's settings, as users fill them in." },
        { label: "mappedFields", type: "variable", info: "Fields that users fill from their properties." },
        { label: "mappedProperties", type: "variable", info: "The properties that users choose to send." },
        ...(scope.answer === true ? [{ label: "answer", type: "variable", info: "The response to the first request." }] : []),
      ];
    case "answer":
      if (scope.answer !== true || rest.length > 0) return [];
      return [
        { label: "status", type: "property", info: "The response's status, a number." },
        { label: "body", type: "property", info: "The response's body, if it is JSON." },
      ];
    case "parameters":
      return rest.length > 0 ? [] : scope.parameters.map((label) => ({ label, type: "property" }));
    case "mappedFields":
      return rest.length > 0 ? [] : scope.mappedFields.map((label) => ({ label, type: "property" }));
    case "input": {
      const members = rest.reduce<unknown>(
        (value, name) => (isObject(value) ? value[name] : undefined),
        scope.input,
      );
      if (!isObject(members)) return [];
      const written = scope.inputText == null ? undefined : textAt(scope.inputText, rest);
      return Object.entries(members).map(([name, value]) => completionOf(name, (written && textAt(written, [name])) ?? JSON.stringify(value)));
    }
    default:
      return [];
  }
}

/** A member of the event with the value that it has in it, given as JSON. Names that need brackets get them. */
function completionOf(name: string, value: string): Completion {
  const plain = /^[A-Za-z_]\w*$/.test(name);
  const shown = onOneLine(value);
  const detail = shown.length > 40 ? `${shown.slice(0, 40)}…` : shown;
  if (plain) return { label: name, type: "property", detail };
  return {
    label: name,
    type: "property",
    detail,
    apply: (view: EditorView, _: Completion, from: number, to: number) => {
      // The dot before it goes: `input.a b` isn't an expression, `input["a b"]` is.
      const insert = `[${JSON.stringify(name)}]`;
      view.dispatch({ changes: { from: from - 1, to, insert }, selection: { anchor: from - 1 + insert.length } });
    },
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function written(word: Word, type: string): Completion {
  const { name, about, write } = word;
  if (write === undefined) return { label: name, type, info: about };
  return {
    label: name,
    type,
    info: about,
    apply: (view: EditorView, _: Completion, from: number, to: number) => {
      const at = write.indexOf("#") < 0 || write.startsWith("else") ? write.length : write.indexOf("#");
      const insert = at === write.length ? write : write.slice(0, at) + write.slice(at + 1);
      view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + at } });
    },
  };
}
