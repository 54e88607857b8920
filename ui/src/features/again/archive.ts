import { contentOf, entriesOf } from "./zip";

/** A line of an archive, or what is wrong with it. */
export interface Line {
  /** The archive's file, and the one within. */
  file: string;
  /** Counts from 1. */
  number: number;
  text: string;
  /** Why it can't be sent; null: it can. */
  wrong: string | null;
}

/** Longest line, in bytes. */
export const LINE_BYTES = 1 << 20;

/** How many times its own size an archive may unpack to, and what any may unpack to. */
const MOST_RATIO = 200;
const ALWAYS_BYTES = 64 << 20;

type Bytes = ReadableStream<Uint8Array<ArrayBuffer>>;

/**
 * The lines of an export archive that aren't blank: of a zip of gzipped files, such a file by itself, or a plain one.
 * Nothing is held but what is read; what unpacks to far more than an export does is given up.
 */
export async function* linesOf(archive: File): AsyncGenerator<Line> {
  const budget = { left: Math.max(ALWAYS_BYTES, archive.size * MOST_RATIO) };
  const start = new Uint8Array(await archive.slice(0, 4).arrayBuffer());
  const zipped = start[0] === 0x50 && start[1] === 0x4b && start[2] === 3 && start[3] === 4;
  const gzipped = start[0] === 0x1f && start[1] === 0x8b;
  if (!zipped) {
    // Read as text, each of its lines would be refused without a word of why.
    for (const [ending, kind, fits] of [[".zip", "zip", zipped], [".gz", "gzip", gzipped]] as const) {
      if (archive.name.toLowerCase().endsWith(ending) && !fits) throw new Error(`${archive.name} is no ${kind} file, whatever it is called.`);
    }
    yield* linesIn(archive.name, archive.stream(), budget);
    return;
  }
  for (const entry of await entriesOf(archive)) {
    yield* linesIn(`${archive.name}/${entry.name}`, await contentOf(archive, entry), budget);
  }
}

/** The lines of one file, gzipped or not. */
async function* linesIn(file: string, packed: Bytes, budget: { left: number }): AsyncGenerator<Line> {
  const reader = (await unpacked(packed)).getReader();
  let [number, parts, bytes]: [number, Uint8Array[], number] = [0, [], 0];
  const line = (): Line | null => {
    number += 1;
    if (bytes === 0) return null;
    const text = bytes > LINE_BYTES ? null : textOf(joined(parts, bytes));
    const wrong = bytes > LINE_BYTES ? "It is longer than 1 MiB." : text === null ? "It is not UTF-8." : null;
    [parts, bytes] = [[], 0];
    return text === "" ? null : { file, number, text: text ?? "", wrong };
  };
  const take = (part: Uint8Array) => {
    bytes += part.length;
    // What is too long anyway isn't held.
    if (bytes <= LINE_BYTES) parts.push(part);
  };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      budget.left -= value.length;
      if (budget.left < 0) throw new Error(`It unpacks to more than ${String(MOST_RATIO)} times its size, which no export does.`);
      let from = 0;
      for (let end = value.indexOf(10); end >= 0; end = value.indexOf(10, from)) {
        take(value.subarray(from, end));
        const found = line();
        if (found !== null) yield found;
        from = end + 1;
      }
      take(value.subarray(from));
    }
  } catch (problem) {
    const why = problem instanceof Error && !(problem instanceof TypeError) ? problem.message : "It is damaged, or was packed in several parts.";
    throw new Error(`${file} can't be read on. ${why}`, { cause: problem });
  } finally {
    void reader.cancel().catch(() => undefined);
  }
  if (bytes > 0) {
    const last = line();
    if (last !== null) yield last;
  }
}

/** What a file holds: gzip tells itself by its first bytes. */
async function unpacked(packed: Bytes): Promise<Bytes> {
  const reader = packed.getReader();
  const begun: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  while (length < 2) {
    const { done, value } = await reader.read();
    if (done) break;
    begun.push(value);
    length += value.length;
  }
  const start = joined(begun, length);
  const whole = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => {
      if (start.length > 0) controller.enqueue(start);
    },
    pull: async (controller) => {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return start[0] === 0x1f && start[1] === 0x8b ? whole.pipeThrough(new DecompressionStream("gzip")) : whole;
}

function joined(parts: Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).trim();
  } catch {
    return null;
  }
}
