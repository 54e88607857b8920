/** A field that differs, with what it was and is; absent: it wasn't or isn't there. */
export interface FieldChange {
  path: string;
  before?: string;
  after?: string;
}

/** All fields in which two JSON values differ, in the order of the first, then of the second. */
export function differences(before: unknown, after: unknown): FieldChange[] {
  const was = flat(before);
  const is = flat(after);
  const paths = new Set([...was.keys(), ...is.keys()]);
  const changes: FieldChange[] = [];
  for (const path of paths) {
    const [old, now] = [was.get(path), is.get(path)];
    if (old !== now) {
      changes.push({
        path,
        ...(old === undefined ? {} : { before: old }),
        ...(now === undefined ? {} : { after: now }),
      });
    }
  }
  return changes;
}

/** What a document says that stands alone: what it leaves empty or switched off isn't said. */
export function stated(document: unknown): FieldChange[] {
  const unsaid = new Set(["", "none", "No"]);
  return differences({}, document).filter(({ after }) => after !== undefined && !unsaid.has(after));
}

/** Leaves by their path, as text. Empty lists and objects are leaves, too. */
function flat(value: unknown, path = "", into = new Map<string, string>()): Map<string, string> {
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    if (members.length > 0) {
      for (const [name, member] of members) flat(member, path === "" ? name : `${path}.${name}`, into);
      return into;
    }
    if (path !== "") into.set(path, "none");
    return into;
  }
  if (value !== null && value !== undefined) into.set(path, typeof value === "string" ? value : value === true ? "Yes" : value === false ? "No" : JSON.stringify(value));
  return into;
}
