/** A page of a list, and where the next one begins. */
interface Page<T> {
  items: T[];
  next?: string | null;
}

/** All of a list, as far as is worth holding. */
export interface Whole<T> {
  items: T[];
  /** Whether there are more. */
  more: boolean;
}

/** How many items are asked for at a time: as many as the API gives. */
export const PAGE = 200;

/** Asks for a list page by page, until there is no more or as many as `most` are there. */
export async function allOf<T>(most: number, ask: (cursor: string | undefined) => Promise<Page<T>>): Promise<Whole<T>> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(cursor);
    items.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && items.length < most);
  return { items: items.slice(0, most), more: cursor !== undefined || items.length > most };
}
