import createClient from "openapi-fetch";
import { sentenceCase } from "@/components/highlight";
import { toJson, withTexts } from "@/components/json-text";
import type { components, paths } from "./schema";

/** The API's own names of what it takes and answers. */
export type Schemas = components["schemas"];

/** No answer came, or it broke off. */
class UnreachedError extends Error {}

/** Sends a request and has all of its answer; what fails before that is a fault of the page, not a server that is away. */
export async function send(request: Request): Promise<Response> {
  try {
    const response = await fetch(request);
    await response.clone().blob();
    return response;
  } catch (cause) {
    throw new UnreachedError(NO_ANSWER, { cause });
  }
}

export const api = createClient<paths>({
  baseUrl: "/",
  fetch: send,
  bodySerializer: (body: unknown) => (body instanceof FormData ? body : toJson(body)),
});

/** Answers that have values of users' own in them, by the member that they are in: their texts come beside them. */
const TEXTS: Partial<Record<keyof paths, string>> = {
  "/api/v1/projects/{project}/events": "event",
  "/api/v1/projects/{project}/syncs/{sync}/samples/{sample}": "event",
  "/api/v1/projects/{project}/user": "properties",
};

api.use({
  onResponse: async ({ schemaPath, response }) => {
    const member = TEXTS[schemaPath as keyof paths];
    if (member === undefined || !response.ok) return undefined;
    const { status, headers } = response;
    return new Response(JSON.stringify(withTexts(await response.text(), member)), { status, headers });
  },
});

/** Why the server refused, in its own words. */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly errors: Schemas["FieldProblem"][] = [],
    readonly wouldDrop: Schemas["DroppedLane"] | null = null,
  ) {
    super(detail);
  }

  /** What is wrong with the field at this JSON pointer, or below it. */
  at(pointer: string): string | undefined {
    const found = this.errors.find(
      (error) => error.pointer === pointer || error.pointer.startsWith(`${pointer}/`),
    );
    return found?.message;
  }
}

/** Said where no answer came. */
export const NO_ANSWER = "The server doesn't respond. Check that it is running and that you are connected.";

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What was answered; throws a `ProblemError` when it was refused or no answer came. */
export async function take<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch (error) {
    if (!(error instanceof UnreachedError)) throw error;
    throw new ProblemError(0, "unreachable", NO_ANSWER);
  }
  const { data, error, response } = answer;
  if (response.ok) return data as T;
  throw problem(response.status, error);
}

function problem(status: number, body: unknown): ProblemError {
  if (typeof body === "object" && body !== null && "code" in body && "detail" in body) {
    const told = body as Schemas["Problem"];
    return new ProblemError(
      status,
      told.code,
      sentenceCase(told.detail),
      (told.errors ?? []).map((each) => ({ ...each, message: sentenceCase(each.message) })),
      told.would_drop ?? null,
    );
  }
  // A proxy before the server says so when the server is away.
  if (status === 502 || status === 503 || status === 504) return new ProblemError(status, "unreachable", NO_ANSWER);
  return new ProblemError(
    status,
    "unknown",
    `The server answered ${String(status)}. Try again, or look at its log.`,
  );
}

/** The `If-Match` of a version that was read. */
export function matching(version: number): { "if-match": string } {
  return { "if-match": `"v${String(version)}"` };
}

/** A key that makes repeating a creation harmless. */
export function idempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
