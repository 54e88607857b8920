import { type RefObject, useEffect } from "react";

const FOCUSABLE = "a[href], button:not(:disabled), input:not(:disabled), textarea:not(:disabled), [tabindex='0']";

/** Of what was there in this order, what is left and stood next after `gone`; where nothing follows, what stood before. */
export function neighbour<T>(order: T[], gone: T, isLeft: (each: T) => boolean): T | undefined {
  const at = order.indexOf(gone);
  return order.slice(at + 1).find(isLeft) ?? order.slice(0, Math.max(at, 0)).findLast(isLeft);
}

/**
 * Whoever works by keys keeps their place: when the control inside that has the focus goes, such as with the row that
 * it removes, what stands where it was gets the focus.
 */
export function useHeldFocus(within: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const root = within.current;
    if (root === null) return;
    const focusable = () => [...root.querySelectorAll<HTMLElement>(FOCUSABLE)].filter((each) => each.tabIndex >= 0);
    let held: { element: HTMLElement; order: HTMLElement[] } | null = null;
    const note = () => {
      const at = document.activeElement;
      held = at instanceof HTMLElement && root.contains(at) ? { element: at, order: focusable() } : null;
    };
    const hold = () => {
      if (held === null) return;
      const { element, order } = held;
      if (element.isConnected) {
        held = { element, order: focusable() };
        return;
      }
      held = null;
      // A focus that somebody set on purpose stays.
      if (document.activeElement !== document.body) return;
      const now = focusable();
      // Where something else came in its place, as a form does for the button that opens it, it is that.
      const before = order.slice(0, order.indexOf(element)).findLast((each) => each.isConnected);
      const came = now.slice(before === undefined ? 0 : now.indexOf(before) + 1).find((each) => !order.includes(each));
      (came ?? neighbour(order, element, (each) => each.isConnected))?.focus();
    };
    const watch = new MutationObserver(hold);
    watch.observe(root, { childList: true, subtree: true });
    root.addEventListener("focusin", note);
    return () => {
      watch.disconnect();
      root.removeEventListener("focusin", note);
    };
  }, [within]);
}
