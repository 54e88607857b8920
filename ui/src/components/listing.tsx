import { Button } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { Absent } from "./absent";
import { Failed } from "./states";

/** What a list that comes page by page has of its query. */
export interface PagedQuery<T> {
  data: { pages: { items: T[] }[] } | undefined;
  error: Error | null;
  isError: boolean;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  isFetchNextPageError: boolean;
  fetchNextPage: () => Promise<unknown>;
  refetch: () => Promise<unknown>;
}

interface ListingProps<T> {
  query: PagedQuery<T>;
  /** What it means that the list didn't come, such as `Members can't be shown`. */
  failed: string;
  /** In place of a list that has nothing. */
  empty: ReactNode;
  more?: string;
  rows?: number;
  rowHeight?: number;
  /** How many are shown at first of a list that other things stand below. */
  few?: number;
  children: (items: T[]) => ReactNode;
}

/** A list in its four states: on its way, failed, empty, and there, with a way to more of it. */
export function Listing<T>({ query, failed, empty, more = "Show more", rows, rowHeight, few, children }: ListingProps<T>) {
  const [all, setAll] = useState(false);
  if (query.data === undefined) {
    return <Absent query={query} failed={failed} {...(rows === undefined ? {} : { rows })} {...(rowHeight === undefined ? {} : { height: rowHeight })} />;
  }
  const items = query.data.pages.flatMap((page) => page.items);
  if (items.length === 0 && !query.hasNextPage) return <>{empty}</>;
  // One or two more aren't worth a button.
  const hides = few !== undefined && !all && items.length > few + 2;
  return (
    <>
      {children(hides ? items.slice(0, few) : items)}
      {query.isFetchNextPageError && (
        <div style={{ marginTop: 12 }}>
          <Failed error={query.error} what="No more can be shown" />
        </div>
      )}
      {(hides || query.hasNextPage) && (
        <Button
          variant="default"
          mt="sm"
          loading={query.isFetchingNextPage}
          onClick={() => {
            if (hides) setAll(true);
            else void query.fetchNextPage();
          }}
        >
          {more}
        </Button>
      )}
    </>
  );
}
