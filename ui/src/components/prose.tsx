/** A description as the API gives it: HTML of its Markdown with nothing in it but harmless elements. */
export function Prose({ html }: { html: string }) {
  return <div dangerouslySetInnerHTML={{ __html: html }} />;
}
