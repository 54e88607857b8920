/** What fields are called, by the name that they have in the API. */
const NAMES: Record<string, string> = {
  about: "Connection info",
  all: "all of",
  any: "any of",
  api_key: "API key",
  body: "Body",
  body_bytes: "Maximum body size",
  category: "Category",
  concurrency: "Concurrent requests",
  requests_per_minute: "Requests per minute",
  condition: "Filter",
  default: "Preset value",
  definition: "Destination",
  description: "Full description",
  display_name: "Display name",
  email: "E-mail address",
  enabled: "Enabled",
  event_type: "Event type",
  event_types: "Event types",
  events: "Events",
  headers: "Headers",
  help: "Help",
  kind: "Kind",
  kinds: "Kinds of identifier",
  label: "Label",
  limits: "Limits",
  links: "Links",
  list: "List",
  logo: "Logo",
  mapping_kinds: "Kinds of identifiers",
  mappings: "Mappings",
  method: "Method",
  name: "Name",
  notes: "Notes",
  operator: "Comparison",
  options: "Choices",
  parameters: "Parameters",
  order: "Order of deliveries",
  password: "Password",
  pattern: "Pattern",
  properties: "Properties",
  properties_per_event: "Properties per event",
  properties_per_user: "Properties per user",
  property: "Property",
  property_choice: "Choice of properties",
  required: "Required",
  responses: "Answers",
  follow_up: "Follow-up request",
  failed_item: "What failed",
  identifier_bytes: "Maximum identifier size",
  index: "Which one failed",
  means: "Then",
  message: "In words",
  pointer: "Place",
  status: "Status",
  role: "Role",
  scope: "Kind of property",
  scopes: "Permissions",
  secret: "Secret",
  select: "Choice of events",
  send: "Sent",
  summary: "Summary",
  template: "Template",
  test: "Condition",
  title: "Title",
  unit: "Sent as",
  typed_properties: "Properties keep their types",
  types: "Event types",
  url: "URL",
  user_agent: "User agent",
  users: "Users",
  value: "Value",
  values: "Values",
  version: "Version",
  wait_for_properties_seconds: "Wait for properties of users",
  withhold_properties: "Withhold properties",
};

/** What stands in a list, one by one. */
const SINGLE: Record<string, string> = {
  parameters: "Parameter",
  mappings: "Mapping",
  headers: "Header",
  links: "Link",
  options: "Choice",
  types: "Event type",
  values: "Value",
  properties: "Property",
  list: "Property",
  all: "Condition",
  any: "Condition",
  kinds: "Kind",
  responses: "Rule",
  status: "Status",
  body: "Condition",
};

/** Members that stand for what other people named: their names are shown as they are. */
const BY_NAME = new Set(["parameters", "mappings", "mapping_kinds"]);

/**
 * A field's name as people say it, by its JSON pointer or by its path with dots. With the document that it
 * points into, items of lists are called by the names that they have there.
 */
export function fieldName(pointer: string, document?: unknown): string {
  // Changes of a sync are asked about as a whole, which is nothing that people see.
  const path = pointer.replace(/^\/changes(?=\/)/, "");
  const steps = path.startsWith("/")
    ? path.slice(1).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    : path.split(".");
  const words: string[] = [];
  let at: unknown = document;
  for (const [index, step] of steps.entries()) {
    const parent = steps[index - 1] ?? "";
    at = member(at, step);
    if (/^\d+$/.test(step) && index > 0) {
      const single = SINGLE[parent] ?? NAMES[parent] ?? parent;
      // The list's own name goes: `Parameter “API key”`, not `Parameters › Parameter “API key”`.
      words.pop();
      words.push(`${single} ${called(at) ?? String(Number(step) + 1)}`);
    } else if (BY_NAME.has(parent) && !(step in NAMES && index > 1)) {
      words.push(called(at) ?? `“${step}”`);
    } else if (step !== "") {
      words.push(NAMES[step] ?? step);
    }
  }
  return words.join(" › ");
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/** What an item of a list is called, in quotes. */
function called(item: unknown): string | null {
  if (typeof item === "string") return item === "" ? null : `“${item}”`;
  for (const name of ["display_name", "event_type", "label", "title", "name"]) {
    const found = member(item, name);
    if (typeof found === "string" && found.trim() !== "") return `“${found}”`;
  }
  return null;
}
