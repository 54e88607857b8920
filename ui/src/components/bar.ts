import { useCallback } from "react";

/** How much of the page's bottom a bar covers; the styles of the document and of what scrolls by itself go by it. */
const HEIGHT = "--ms-bar";

/**
 * For a bar that stays at the bottom of the page: it tells the page how much of it it covers, so that what gets the
 * focus is scrolled above it, and makes way where it comes while something has the focus.
 */
export function useBar(): (bar: HTMLElement | null) => (() => void) | undefined {
  return useCallback((bar: HTMLElement | null) => {
    if (bar === null) return undefined;
    const root = document.documentElement;
    const measure = () => {
      const height = getComputedStyle(bar).position === "sticky" ? bar.offsetHeight : 0;
      root.style.setProperty(HEIGHT, `${String(height)}px`);
      uncover(bar);
    };
    const watch = new ResizeObserver(measure);
    watch.observe(bar);
    return () => {
      watch.disconnect();
      root.style.removeProperty(HEIGHT);
    };
  }, []);
}

/** Scrolls what has the focus out from under the bar, where it is there. */
function uncover(bar: HTMLElement): void {
  const at = document.activeElement;
  if (!(at instanceof HTMLElement) || at === document.body || bar.contains(at)) return;
  const { top, bottom } = at.getBoundingClientRect();
  const edge = bar.getBoundingClientRect().top;
  // What is higher than the window can't be seen whole, and has its caret somewhere in it.
  if (bottom > edge && top < window.innerHeight && bottom - top < edge / 2) at.scrollIntoView({ block: "nearest" });
}
