import type { Schemas } from "@/api/client";

/** The template after a mend. Its places count bytes of UTF-8, as the linter does. */
export function mended(template: string, mend: Schemas["EditView"]): string {
  const bytes = new TextEncoder().encode(template);
  const text = (from: number, to?: number) => new TextDecoder().decode(bytes.subarray(from, to));
  return text(0, mend.start_byte) + mend.replacement + text(mend.end_byte);
}
