import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { api, ProblemError, type Schemas, take } from "@/api/client";
import { type Line, linesOf } from "./archive";
import type { Replay } from "@/features/failures/queries";

/** How much of a request's body lines may take, written as JSON, and how many they may be. */
const REQUEST_BYTES = 1 << 20;
const REQUEST_LINES = 2_000;

/** How long to wait when the server can't take lines, and how often to try. */
const PAUSE_MILLISECONDS = 2_000;
const TRIES = 30;

/** Refused lines that are named. */
const NAMED = 100;

/** What became of the lines so far. */
export interface Report {
  read: number;
  taken: number;
  duplicates: number;
  refused: number;
  /** The first of those that were refused: where, and why. */
  named: { file: string; number: number; why: string }[];
}

export const NOTHING: Report = { read: 0, taken: 0, duplicates: 0, refused: 0, named: [] };

/** Tells the archives' contents from others': the same that the command line says of them. */
export async function digestOf(archives: File[], signal: AbortSignal): Promise<string> {
  const whole = sha256.create();
  for (const archive of archives) {
    const own = sha256.create();
    const reader = archive.stream().getReader();
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) break;
      own.update(value);
    }
    whole.update(own.digest());
  }
  return bytesToHex(whole.digest());
}

/** What people call archives: their files' names, 200 characters at most. */
export function nameOf(archives: File[]): string {
  const names = Array.from(archives.map(({ name }) => name).join(", "));
  return names.length > 200 ? `${names.slice(0, 199).join("")}…` : names.join("");
}

interface Upload {
  project: string;
  sync: string;
  archives: File[];
  perMinute: number | null;
  signal: AbortSignal;
  /** What is done at present. */
  onStep: (step: "digest" | "lines") => void;
  onReport: (report: Report) => void;
}

/** Makes an import of archives and hands their lines over, or goes on with one that broke off. */
export async function upload({ project, sync, archives, perMinute, signal, onStep, onReport }: Upload): Promise<Uploaded> {
  onStep("digest");
  const digest = await digestOf(archives, signal);
  const path = { project, sync };
  const made = await take(
    api.POST("/api/v1/projects/{project}/syncs/{sync}/replays", {
      params: { path },
      body: { import: { name: nameOf(archives), digest }, per_minute: perMinute },
      signal,
    }),
  );
  // What was imported before is not imported twice.
  if (made.import?.complete === true) return { replay: made, known: true };
  onStep("lines");
  const of = { ...path, replay: made.id };
  let report = NOTHING;
  for await (const batch of batchesOf(archives)) {
    signal.throwIfAborted();
    report = await handOver(of, batch, report, signal);
    onReport(report);
  }
  await persistently(
    () => take(api.POST("/api/v1/projects/{project}/syncs/{sync}/replays/{replay}/complete", { params: { path: of }, signal })),
    signal,
  );
  return { replay: made, known: false };
}

/** An import, and whether all of it had been imported before. */
export interface Uploaded {
  replay: Replay;
  known: boolean;
}

/** What an import would send of archives, and what became of their lines. */
export interface Tried {
  report: Report;
  trial: DryRun;
}

type DryRun = Schemas["DryRunView"];

/** Some deliveries are shown as they would be made. */
const EXAMPLES = 5;

/** Has the server look at the archives' lines as an import does, and take none of them. */
export async function tryOut({ project, sync, archives, signal, onReport }: Omit<Upload, "perMinute" | "onStep">): Promise<Tried> {
  const params = { path: { project, sync } };
  // Nothing is made of it: any digest will do.
  const what = { name: nameOf(archives), digest: "none" };
  let report = NOTHING;
  let trial: DryRun = { total: 0, looked_at: 0, matching: 0, estimate: 0, exact: true, refused: 0, refused_lines: [], examples: [] };
  for await (const batch of batchesOf(archives)) {
    signal.throwIfAborted();
    report = begun(report, batch);
    if (batch.lines.length > 0) {
      const body = { import: what, lines: batch.lines.map(({ text }) => text) };
      const answer = await persistently(
        () => take(api.POST("/api/v1/projects/{project}/syncs/{sync}/replays/dry-run", { params, body, signal })),
        signal,
      );
      report = answered({ ...report, taken: report.taken + answer.looked_at }, batch, answer.refused_lines);
      // The server names the first ones of each request.
      report = { ...report, refused: report.refused + answer.refused - answer.refused_lines.length };
      trial = {
        ...trial,
        matching: trial.matching + answer.matching,
        estimate: trial.estimate + answer.estimate,
        examples: [...trial.examples, ...answer.examples].slice(0, EXAMPLES),
      };
    }
    trial = { ...trial, total: report.read, looked_at: report.taken, refused: report.refused };
    onReport(report);
  }
  return { report, trial };
}

/** Lines that go together, and those among them that can't be sent. */
export interface Batch {
  lines: Line[];
  wrong: Line[];
}

/** The lines of archives, as many at a time as a request may carry. */
export async function* batchesOf(archives: File[]): AsyncGenerator<Batch> {
  let [batch, bytes]: [Batch, number] = [{ lines: [], wrong: [] }, 0];
  for (const archive of archives) {
    for await (const line of linesOf(archive)) {
      const own = line.wrong === null ? new TextEncoder().encode(JSON.stringify(line.text)).length + 1 : 0;
      if (bytes + own > REQUEST_BYTES || batch.lines.length + batch.wrong.length >= REQUEST_LINES) {
        yield batch;
        [batch, bytes] = [{ lines: [], wrong: [] }, 0];
      }
      if (own > REQUEST_BYTES) batch.wrong.push({ ...line, wrong: "It is longer than a request may be." });
      else if (line.wrong === null) batch.lines.push(line);
      else batch.wrong.push(line);
      bytes += own > REQUEST_BYTES ? 0 : own;
    }
  }
  yield batch;
}

async function handOver(path: { project: string; sync: string; replay: string }, batch: Batch, before: Report, signal: AbortSignal): Promise<Report> {
  const report = begun(before, batch);
  if (batch.lines.length === 0) return report;
  const body = { lines: batch.lines.map(({ text }) => text) };
  const answer = await persistently(
    () => take(api.POST("/api/v1/projects/{project}/syncs/{sync}/replays/{replay}/lines", { params: { path }, body, signal })),
    signal,
  );
  return answered({ ...report, taken: report.taken + answer.taken, duplicates: report.duplicates + answer.duplicates }, batch, answer.refused);
}

/** With the lines of a batch that were read, and those of them that can't be sent. */
function begun(before: Report, { lines, wrong }: Batch): Report {
  return refused({ ...before, read: before.read + lines.length + wrong.length }, wrong.map((line) => [line, line.wrong ?? ""]));
}

/** With those of a batch's lines that the server refused, by their places in it. */
function answered(report: Report, { lines }: Batch, refusals: Schemas["RefusedLine"][]): Report {
  return refused(
    report,
    refusals.flatMap(({ index, message }) => (lines[index] === undefined ? [] : [[lines[index], message] as const])),
  );
}

function refused(report: Report, lines: (readonly [Line, string])[]): Report {
  if (lines.length === 0) return report;
  const named = lines.map(([{ file, number }, why]) => ({ file, number, why }));
  return { ...report, refused: report.refused + lines.length, named: [...report.named, ...named].slice(0, NAMED) };
}

/** However often the server has to be asked: what it has it doesn't take twice. */
async function persistently<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (problem) {
      signal.throwIfAborted();
      const passing = problem instanceof ProblemError && (problem.status === 0 || problem.status === 429 || problem.status >= 502);
      if (!passing || tries === TRIES) throw problem;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
      signal.throwIfAborted();
    }
  }
}
