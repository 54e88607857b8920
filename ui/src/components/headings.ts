/** The level of the page's headings that a text of others' stands under. */
const ABOVE = 2;

/**
 * The HTML of a description with its headings below the page's own, each at most one level below the one that it is
 * under: whatever marks its author chose, readers of headings find an outline without gaps.
 */
export function outlined(html: string): string {
  const under: number[] = [];
  return html.replace(/<(\/?)h([1-6])>/g, (_, end: string, written: string) => {
    const level = Number(written);
    if (end === "") {
      while ((under.at(-1) ?? 0) >= level) under.pop();
      under.push(level);
    }
    return `<${end}h${String(Math.min(ABOVE + under.length, 6))}>`;
  });
}
