import type { Schemas } from "@/api/client";

export type Condition = Schemas["Condition"];
export type Operator = Schemas["Operator"];
export type Test = Extract<Condition, { test: unknown }>;

/** How operators read in a sentence, in the order in which they are offered. */
export const OPERATORS: Record<Operator, string> = {
  is: "is any of",
  is_not: "is none of",
  contains: "contains",
  does_not_contain: "doesn't contain",
  starts_with: "starts with",
  ends_with: "ends with",
  greater: "is more than",
  greater_or_equal: "is at least",
  less: "is less than",
  less_or_equal: "is at most",
  is_set: "has a value",
  is_not_set: "has no value",
  matches: "matches the expression",
  set_contains: "is a list with",
};

/** How many values an operator takes. */
export function valuesOf(operator: Operator): "none" | "one" | "many" {
  switch (operator) {
    case "is_set":
    case "is_not_set":
      return "none";
    case "less":
    case "less_or_equal":
    case "greater":
    case "greater_or_equal":
    case "matches":
      return "one";
    default:
      return "many";
  }
}

/** A text that somebody typed, as the value that was meant: numbers and words of JSON stay such. */
export function meant(text: string): string | number | boolean {
  if (text === "true") return true;
  if (text === "false") return false;
  // Only what is written back the same: 007 and 1e3 are texts.
  if (/^-?\d/.test(text) && String(Number(text)) === text) return Number(text);
  return text;
}

/** The operator changed; values that it doesn't take go. */
export function withOperator(test: Test["test"], operator: Operator): Test["test"] {
  const takes = valuesOf(operator);
  const values = test.values ?? [];
  const kept = takes === "none" ? [] : takes === "one" ? values.slice(0, 1) : values;
  return { property: test.property, operator, ...(kept.length > 0 ? { values: kept } : {}) };
}

/** The conditions of a group, and how they are joined. */
export function groupOf(condition: Condition): { joined: "all" | "any"; members: Condition[] } | null {
  if ("all" in condition) return { joined: "all", members: condition.all };
  if ("any" in condition) return { joined: "any", members: condition.any };
  return null;
}

export function makeGroup(joined: "all" | "any", members: Condition[]): Condition {
  return joined === "all" ? { all: members } : { any: members };
}

/** Always a group: how the builder shows it. */
export function asGroup(condition: Condition | null | undefined): Condition {
  if (condition == null) return { all: [] };
  return groupOf(condition) === null ? { all: [condition] } : condition;
}

/** A test to begin with. */
export function blankTest(): Condition {
  return { test: { property: { scope: "event", name: "" }, operator: "is", values: [] } };
}

/**
 * What is sent: without tests of which no property is chosen yet, and without groups that hold nothing. Null:
 * no condition at all. A test that lacks only its values is sent, and refused: without it, more would go out.
 */
export function complete(condition: Condition): Condition | null {
  const group = groupOf(condition);
  if (group === null) {
    if (!("test" in condition)) return null;
    return condition.test.property.name !== "" ? condition : null;
  }
  const members = group.members.map(complete).filter((member) => member !== null);
  return members.length === 0 ? null : makeGroup(group.joined, members);
}
