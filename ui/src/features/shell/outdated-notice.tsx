import { Button } from "@mantine/core";
import { IconClockExclamation } from "@tabler/icons-react";
import { notifyManager, useQueryClient } from "@tanstack/react-query";
import { useCallback, useSyncExternalStore } from "react";
import { isOutdated, wordsOf } from "./outdated";
import classes from "./shell.module.css";

/** What is looked at: whatever is on the page now. */
const SHOWN = { type: "active", predicate: isOutdated } as const;

/**
 * Says that something on the page is as it was before, since it couldn't be asked for anew. It stays there, with what
 * somebody has typed in it: one notice for whatever page it is.
 */
export function Outdated() {
  const client = useQueryClient();
  const cache = client.getQueryCache();
  const error = useSyncExternalStore(
    useCallback((heard) => cache.subscribe(notifyManager.batchCalls(heard)), [cache]),
    () => cache.findAll(SHOWN)[0]?.state.error ?? null,
  );
  if (error === null) return null;
  const { words, again } = wordsOf(error);
  return (
    <div className={classes.offline} role="status">
      <IconClockExclamation size={16} aria-hidden />
      <span>{words}</span>
      {again && (
        <Button variant="default" size="compact-xs" onClick={() => void client.refetchQueries(SHOWN)}>
          Try again
        </Button>
      )}
    </div>
  );
}
