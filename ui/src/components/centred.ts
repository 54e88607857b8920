/** How far to scroll so that what begins at `start` stands in the middle of what is seen, as far as there is anything to scroll. */
export function centred(start: number, length: number, seen: number, whole: number): number {
  return Math.max(0, Math.min(whole - seen, start - (seen - length) / 2));
}
