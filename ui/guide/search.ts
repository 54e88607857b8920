/** What search finds: a heading with the text below it. */
export interface Entry {
  page: string;
  of: string;
  heading: string;
  id: string;
  text: string;
}

/** Entries that have all of the words, the best first: a word in a heading counts more than one in the text. */
export function found(entries: Entry[], sought: string, most: number): Entry[] {
  const words = sought.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return [];
  const scored = entries.flatMap((entry) => {
    const [heading, of, text] = [entry.heading.toLowerCase(), entry.of.toLowerCase(), entry.text.toLowerCase()];
    let score = 0;
    for (const word of words) {
      if (heading.includes(word)) score += heading.startsWith(word) ? 6 : 4;
      else if (text.includes(word)) score += 1;
      else if (of.includes(word)) score += 0.5;
      else return [];
    }
    return [{ entry, score }];
  });
  return scored
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
    .map(({ entry }) => entry);
}

/** The text around the first of the words. */
export function glimpse(text: string, sought: string): string {
  const words = sought.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const places = words.map((word) => text.toLowerCase().indexOf(word)).filter((at) => at >= 0);
  const from = Math.max(0, Math.min(...(places.length > 0 ? places : [0])) - 40);
  return `${from > 0 ? "…" : ""}${text.slice(from, from + 120)}${text.length > from + 120 ? "…" : ""}`;
}
