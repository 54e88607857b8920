import { members, onOneLine } from "@/components/json-text";

/** A property as a row: its path, its value as JSON, and what that is. */
export interface PropertyRow {
  name: string;
  value: string;
  kind: string;
}

/** Properties, given as their JSON, in order of their names; members of objects by their paths, lists as they are. */
export function listed(properties: string): PropertyRow[] {
  const rows: PropertyRow[] = [];
  const add = (path: string, text: string) => {
    const own = text.startsWith("{") ? members(text) : [];
    if (own.length > 0) for (const member of own) add(`${path}.${member.name}`, member.text);
    else rows.push({ name: path, value: text.startsWith('"') ? (JSON.parse(text) as string) : onOneLine(text), kind: kindOf(text) });
  };
  for (const { name, text } of members(properties)) add(name, text);
  return rows.sort((a, b) => a.name.localeCompare(b.name));
}

function kindOf(text: string): string {
  const begun = { '"': "text", "[": "list", "{": "object", n: "null", t: "true or false", f: "true or false" }[text.charAt(0)];
  return begun ?? "number";
}
