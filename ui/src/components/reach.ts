import { useEffect, useEffectEvent } from "react";
import { ProblemError } from "@/api/client";

/** How long is waited before the server is asked again whether it answers. */
const PAUSE_MILLISECONDS = 2000;

/** Whether this failed because no answer came: of the API, or of the part of the page that was to be loaded. */
export function isUnreached(error: unknown): boolean {
  if (error instanceof ProblemError) return error.code === "unreachable";
  // What browsers call a part of the page that they couldn't load.
  return error instanceof TypeError && /module script|imported module/i.test(error.message);
}

/** Whether the server answers now. */
export function answers(): Promise<boolean> {
  return fetch("/health/live", { cache: "no-store" }).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Asks again and again while the server is away; tells once when it is back. */
export function useReturn(away: boolean, onReturn: () => void): void {
  const back = useEffectEvent(onReturn);
  useEffect(() => {
    if (!away) return;
    let over = false;
    const ask = async () => {
      const is = await answers();
      if (over) return;
      if (is) back();
      else timer = setTimeout(() => void ask(), PAUSE_MILLISECONDS);
    };
    let timer = setTimeout(() => void ask(), PAUSE_MILLISECONDS);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [away]);
}
