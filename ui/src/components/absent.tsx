import { Failed, LoadingRows } from "./states";

interface AbsentProps {
  query: { error: Error | null; isError: boolean; refetch: () => Promise<unknown> };
  /** What it means that it didn't come, such as `Members can't be shown`. */
  failed: string;
  /** How many rows, as high as this, keep its place. */
  rows?: number;
  height?: number;
}

/**
 * In place of what a query hasn't brought yet: it is on its way, or failed. For queries without data alone: what is
 * there stays when asking for it again fails, with what somebody has typed in it, and the frame says that it may be old.
 */
export function Absent({ query, failed, rows, height }: AbsentProps) {
  return query.isError ? (
    <Failed error={query.error} what={failed} again={() => void query.refetch()} />
  ) : (
    <LoadingRows {...(rows === undefined ? {} : { rows })} {...(height === undefined ? {} : { height })} />
  );
}
