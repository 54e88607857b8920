/** A summary without the word that stands above it already. */
export function besideItsState(summary: string): string {
  return summary
    .replace(/^(?:filtered|discarded): /, "")
    .replace(/^delivered at (.+?) at attempt (\d+) in/, "at $1, attempt $2,")
    .replace(/^(?:expired|discarded) at /, "at ");
}
