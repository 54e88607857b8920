import { useEffect, useEffectEvent } from "react";
import { ProblemError } from "@/api/client";

/** How long is waited before the server is asked again whether it answers. */
const PAUSE_MILLISECONDS = 2000;

/** Parts of the page that could not be loaded: what was told instead of them. */
const unloaded = new WeakSet<Error>();

/** Hears which parts of the page can't be loaded, from now on. */
export function hearUnloaded(): void {
  window.addEventListener("vite:preloadError", ({ payload }) => {
    unloaded.add(payload);
    // What bundlers and browsers say is for nobody; and by the browser's words the router would load the whole page
    // anew, of which nothing is left then while the server is away.
    payload.message = "A part of the page could not be loaded.";
  });
}

/** Whether this is what is told instead of a part of the page that could not be loaded. */
export function isUnloaded(error: unknown): boolean {
  // The latter is how browsers call it, where nobody was heard.
  return error instanceof Error && (unloaded.has(error) || (error instanceof TypeError && /module script|imported module/i.test(error.message)));
}

/** Whether this failed because no answer came: of the API, or of the part of the page that was to be loaded. */
export function isUnreached(error: unknown): boolean {
  return error instanceof ProblemError ? error.code === "unreachable" : isUnloaded(error);
}

/** Where a window keeps when it was last loaded anew by itself, and how long it isn't again after that. */
const RELOADED = "millstream-reloaded-at";
const RELOAD_PAUSE_MILLISECONDS = 30_000;

/**
 * Loads the whole page anew, as it has to be where a part of it failed; false: that was done just before, and didn't
 * help, or it can't be known. Whoever asks for it by hand may always do so.
 */
export function reloadOnce(now = Date.now()): boolean {
  try {
    const last = Number(sessionStorage.getItem(RELOADED) ?? 0);
    if (now - last < RELOAD_PAUSE_MILLISECONDS) return false;
    sessionStorage.setItem(RELOADED, String(now));
  } catch {
    // Where storage is forbidden, it could go on for ever.
    return false;
  }
  window.location.reload();
  return true;
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
