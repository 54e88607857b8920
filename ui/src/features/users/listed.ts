/** A property as a row: its path, its value as JSON, and what that is. */
export interface PropertyRow {
  name: string;
  value: string;
  kind: string;
}

/** Properties in order of their names; members of objects by their paths, lists as they are. */
export function listed(properties: Record<string, unknown>): PropertyRow[] {
  const rows: PropertyRow[] = [];
  const add = (path: string, value: unknown) => {
    const members = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
    if (members.length > 0) for (const [name, member] of members) add(`${path}.${name}`, member);
    else rows.push({ name: path, value: typeof value === "string" ? value : JSON.stringify(value), kind: kindOf(value) });
  };
  for (const [name, value] of Object.entries(properties)) add(name, value);
  return rows.sort((a, b) => a.name.localeCompare(b.name));
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  return { string: "text", number: "number", boolean: "true or false" }[typeof value as string] ?? "object";
}
