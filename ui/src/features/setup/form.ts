import type { Schemas } from "@/api/client";
import { sentenceCase } from "@/components/highlight";
import type { Destination } from "@/features/catalog/queries";
import type { Sync } from "@/features/syncs/queries";

export type SyncInput = Schemas["SyncInput"];
export type FieldProblem = Schemas["FieldProblem"];

/** What can be filled in of a sync; secrets that are stored are null. */
export interface Form {
  name: string;
  notes: string;
  url: string;
  headers: HeaderField[];
  parameters: Record<string, SecretField>;
  mappings: Record<string, Schemas["Property"]>;
  mapping_kinds: Record<string, string>;
  events: Schemas["Events"];
  users: Schemas["Users"];
  properties: Schemas["Property"][];
  property_choice: Schemas["PropertyChoice"];
  withhold_properties: boolean;
  user_agent: Schemas["UserAgent"];
  typed_properties: boolean | null;
  concurrency: number | null;
  requests_per_minute: number | null;
  order: Schemas["Order"];
  wait_for_properties_seconds: number | null;
}

/** How long events wait for properties of their users, where nobody says. */
export const WAIT_SECONDS = 3600;

export interface SecretField {
  secret: boolean;
  /** Null: what is stored stays. */
  value: string | null;
}

export interface HeaderField extends SecretField {
  name: string;
}

/** A sync as the form has it. */
export function formOf(sync: Sync): Form {
  const parameters = Object.entries(sync.parameters).map(([name, { secret, value }]) => [
    name,
    { secret, value: value ?? null },
  ]);
  return {
    name: sync.name,
    notes: sync.notes,
    url: sync.url ?? "",
    headers: sync.headers.map(({ name, secret, value }) => ({ name, secret, value: value ?? null })),
    parameters: Object.fromEntries(parameters) as Form["parameters"],
    mappings: sync.mappings,
    mapping_kinds: sync.mapping_kinds,
    events: sync.events,
    users: sync.users,
    properties: sync.properties,
    property_choice: sync.property_choice,
    withhold_properties: sync.withhold_properties,
    user_agent: sync.user_agent,
    typed_properties: sync.typed_properties ?? null,
    concurrency: sync.concurrency ?? null,
    requests_per_minute: sync.requests_per_minute ?? null,
    order: sync.order,
    wait_for_properties_seconds: sync.wait_for_properties_seconds ?? null,
  };
}

/** What differs from what is stored, as the API takes it; empty: nothing. */
export function changesOf(form: Form, stored: Form): SyncInput {
  const changes: Record<string, unknown> = {};
  for (const field of Object.keys(form) as (keyof Form)[]) {
    if (!same(form[field], stored[field])) changes[field] = form[field];
  }
  // A header without a name is a row that somebody just added.
  if (changes.headers !== undefined) {
    changes.headers = form.headers.filter((header) => header.name.trim() !== "");
    if (same(changes.headers, stored.headers)) delete changes.headers;
  }
  if (changes.parameters !== undefined) {
    const given = Object.entries(form.parameters).filter(([, { value }]) => value !== "");
    changes.parameters = Object.fromEntries(given);
    if (same(changes.parameters, stored.parameters)) delete changes.parameters;
  }
  return changes as SyncInput;
}

function same(left: unknown, right: unknown): boolean {
  return canonical(left) === canonical(right);
}

/** JSON with the members of objects in order, so that equal values have equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    const entries = Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries);
  });
}

export type StepId = "connection" | "mappings" | "events" | "properties" | "users" | "advanced";

export const STEP_NAMES: Record<StepId, string> = {
  connection: "Connection",
  mappings: "Mappings",
  events: "Events",
  properties: "Properties",
  users: "Users",
  advanced: "Advanced",
};

/** The steps that a destination's set-up has. */
export function stepsOf({ content }: Destination): StepId[] {
  const steps: (StepId | false)[] = [
    "connection",
    content.mappings.length > 0 && "mappings",
    content.events != null && "events",
    "properties",
    content.users != null && "users",
    "advanced",
  ];
  return steps.filter((step) => step !== false);
}

/** Where a problem is to be mended. */
export function stepOf({ pointer }: FieldProblem): StepId {
  const [, field = ""] = pointer.split("/");
  switch (field) {
    case "mappings":
    case "mapping_kinds":
      return "mappings";
    case "events":
      return "events";
    case "users":
      return "users";
    case "properties":
    case "property_choice":
    case "withhold_properties":
      return "properties";
    case "notes":
    case "user_agent":
    case "typed_properties":
    case "concurrency":
    case "requests_per_minute":
    case "order":
    case "wait_for_properties_seconds":
      return "advanced";
    default:
      return "connection";
  }
}

/** What is said of a field. */
export function problemAt(problems: FieldProblem[], pointer: string): string | undefined {
  const found = problems.find((each) => each.pointer === pointer || each.pointer.startsWith(`${pointer}/`));
  return found === undefined ? undefined : sentenceCase(found.message);
}

/** Whether a problem is of something that was filled in just now: its pointer leads to it in what was changed. */
export function isTouched({ pointer }: FieldProblem, changes: SyncInput): boolean {
  let at: unknown = changes;
  for (const step of pointer.split("/").slice(1)) {
    // A change of a part is one of all that is in it: lists and conditions are given whole.
    if (Array.isArray(at)) return true;
    if (typeof at !== "object" || at === null) return false;
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (!Object.hasOwn(at, name)) return false;
    at = (at as Record<string, unknown>)[name];
  }
  return at !== undefined;
}
