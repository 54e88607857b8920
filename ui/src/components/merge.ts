/** What two changed at once, each otherwise. */
export interface Merged<T> {
  /** Both's changes; where both changed the same field, mine. */
  value: T;
  /** JSON pointers of what both changed. */
  conflicts: string[];
}

/** Deeper than this, members only mean something together: a property's scope and its name, a choice and what was chosen. */
const DEPTH = 2;

/**
 * Brings together what was changed on both sides of the same base, field by field: what I didn't touch follows theirs.
 * Lists are fields as a whole.
 */
export function merge<T>(base: T, mine: T, theirs: T): Merged<T> {
  const conflicts: string[] = [];
  return { value: merged(base, mine, theirs, "", 0, conflicts) as T, conflicts };
}

function merged(base: unknown, mine: unknown, theirs: unknown, at: string, depth: number, conflicts: string[]): unknown {
  if (same(mine, base) || same(mine, theirs)) return theirs;
  if (same(theirs, base)) return mine;
  if (depth === DEPTH || !isObject(base) || !isObject(mine) || !isObject(theirs)) {
    conflicts.push(at);
    return mine;
  }
  const names = new Set([...Object.keys(theirs), ...Object.keys(mine)]);
  const members = [...names].map((name) => {
    const pointer = `${at}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    return [name, merged(base[name], mine[name], theirs[name], pointer, depth + 1, conflicts)] as const;
  });
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

/** What stands at a pointer; nothing where it leads nowhere. */
export function valueAt(document: unknown, pointer: string): unknown {
  let at = document;
  for (const name of steps(pointer)) at = isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  return at;
}

/** The document with another value at a pointer; undefined takes the member away. */
export function withValueAt<T>(document: T, pointer: string, value: unknown): T {
  return put(document, steps(pointer), value) as T;
}

function put(document: unknown, [name, ...rest]: string[], value: unknown): unknown {
  if (name === undefined) return value;
  const before = isObject(document) ? document : {};
  const { [name]: member, ...others } = before;
  const after = put(member, rest, value);
  return after === undefined ? others : { ...before, [name]: after };
}

function steps(pointer: string): string[] {
  return pointer.split("/").slice(1).map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Whether both are the same JSON, in whatever order members stand. */
export function same(left: unknown, right: unknown): boolean {
  return canonical(left) === canonical(right);
}

function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, member: unknown) => {
    if (!isObject(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
