/**
 * Where in a later document stands what a JSON pointer names in an earlier one: items of lists are known by their
 * names, wherever they have gone. Null: it isn't there any more.
 */
export function moved(pointer: string, from: unknown, to: unknown): string | null {
  let [was, is] = [from, to];
  let path = "";
  for (const step of pointer.split("/").slice(1)) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    const item = member(was, key);
    let next = step;
    if (Array.isArray(was) && Array.isArray(is)) {
      const at = place(item, Number(key), is);
      if (at === null) return null;
      next = String(at);
    }
    path += `/${next}`;
    was = item;
    is = member(is, Array.isArray(is) ? next : key);
  }
  return path;
}

/** Where in a list an item is that stood at `index` before. */
function place(item: unknown, index: number, list: unknown[]): number | null {
  const own = nameOf(item);
  if (own === null) return index < list.length ? index : null;
  if (nameOf(list[index]) === own) return index;
  const found = list.findIndex((each) => nameOf(each) === own);
  return found === -1 ? null : found;
}

/** What an item is known by. */
function nameOf(item: unknown): string | null {
  if (typeof item === "string") return item;
  for (const key of ["name", "value", "url"]) {
    const found = member(item, key);
    if (typeof found === "string" && found !== "") return found;
  }
  return null;
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
