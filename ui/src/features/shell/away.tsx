import { useNetwork } from "@mantine/hooks";
import { IconPlugConnectedX, IconWifiOff } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { NO_ANSWER, ProblemError } from "@/api/client";
import { answers, isUnreached, useReturn } from "@/components/reach";
import classes from "./shell.module.css";

/** Says that what is seen may be old while the server can't be reached, and brings everything back when it can. */
export function Away() {
  const { online } = useNetwork();
  const away = useUnreached();
  if (online && !away) return null;
  return (
    <div className={classes.offline} role="status">
      {online ? <IconPlugConnectedX size={16} aria-hidden /> : <IconWifiOff size={16} aria-hidden />}
      <span>
        {online ? "The server doesn't respond. It is tried again every few seconds; what" : "You are offline. What"} you see
        may be outdated, and changes can't be saved meanwhile.
      </span>
    </div>
  );
}

/** How often it is seen to that the server still answers. */
const PULSE_MILLISECONDS = 10_000;

async function askLive(): Promise<null> {
  if (await answers()) return null;
  throw new ProblemError(0, "unreachable", NO_ANSWER);
}

/** Whether the last answers failed to come. When they come again, what failed meanwhile is asked for anew. */
function useUnreached(): boolean {
  const client = useQueryClient();
  const router = useRouter();
  const [away, setAway] = useState(false);
  // Asked also where nothing else is, so that nobody writes at length on a page that can't save it.
  useQuery({ queryKey: ["answers"], queryFn: askLive, refetchInterval: PULSE_MILLISECONDS, retry: false });
  useEffect(() => {
    const heard = (event: { type: string; action?: { type: string; error?: unknown } }) => {
      if (event.type === "updated" && (event.action?.type === "failed" || event.action?.type === "error") && isUnreached(event.action.error)) setAway(true);
    };
    const ends = [client.getQueryCache().subscribe(heard), client.getMutationCache().subscribe(heard)];
    return () => {
      for (const end of ends) end();
    };
  }, [client]);
  useReturn(away, () => {
    setAway(false);
    void client.invalidateQueries();
    void router.invalidate();
  });
  return away;
}
