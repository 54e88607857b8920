import type { Schemas } from "@/api/client";
import { sentenceCase } from "@/components/highlight";
import type { Draft } from "./draft";
import type { Pin, Returned } from "./pins";
import type { Check, Definition } from "./queries";

/** What the tabs of the editor work with. */
export interface TabProps {
  organisation: string;
  definition: Definition;
  draft: Draft;
  may: boolean;
  check: Check | undefined;
  findings: Schemas["FindingView"][];
  /** What the linter has not looked at. */
  left: Schemas["LeftView"][];
  /** What the newest version was sent back with; null: it wasn't. */
  returned: Returned | null;
  /** What was said of single fields then, at the draft's. */
  pins: Pin[];
  /** A place that somebody wants to see. */
  jump: Jump | undefined;
  onJump: (jump: Jump) => void;
}

/** A field, and where it is a template a place in it. */
export interface Jump {
  pointer: string;
  line?: number | null;
  column?: number | null;
}

/** Whether nothing says yet where requests are sent. */
export function isNoUrl(url: string): boolean {
  return /^(?:https?:\/\/)?$/.test(url.trim());
}

/** What is wrong at a place of the draft, or below it. */
export function problemsAt(check: Check | undefined, pointer: string): Schemas["FieldProblem"][] {
  return (check?.problems ?? []).filter(
    (problem) => problem.pointer === pointer || problem.pointer.startsWith(`${pointer}/`),
  );
}

/** The first thing that is wrong there, for below a field. */
export function problemAt(check: Check | undefined, pointer: string): string | undefined {
  const found = (check?.problems ?? []).find((problem) => problem.pointer === pointer);
  if (found === undefined) return undefined;
  return found.line == null ? sentenceCase(found.message) : `Line ${String(found.line)}: ${found.message}`;
}
