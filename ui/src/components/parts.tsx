import { useLocation } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";
import { centred } from "./centred";
import classes from "@/features/syncs/sync.module.css";

/** Links to the parts of a page, on one line. Where that is too long for the screen, the chosen one is in view. */
export function Parts({ label, children }: { label: string; children: ReactNode }) {
  const nav = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  useEffect(() => {
    const bar = nav.current;
    if (bar === null) return;
    const mark = () => {
      bar.toggleAttribute("data-before", bar.scrollLeft > 1);
      bar.toggleAttribute("data-after", bar.scrollLeft + bar.clientWidth < bar.scrollWidth - 1);
    };
    const show = () => {
      mark();
      const chosen = bar.querySelector<HTMLElement>("[data-active]");
      if (chosen === null) return;
      bar.scrollLeft = centred(chosen.offsetLeft - bar.offsetLeft, chosen.offsetWidth, bar.clientWidth, bar.scrollWidth);
      mark();
    };
    show();
    // Fonts that come later, and a screen that is turned, make other widths.
    const watch = new ResizeObserver(show);
    watch.observe(bar);
    bar.addEventListener("scroll", mark, { passive: true });
    return () => {
      watch.disconnect();
      bar.removeEventListener("scroll", mark);
    };
  }, [pathname]);
  return (
    <nav ref={nav} className={classes.parts} aria-label={label}>
      {children}
    </nav>
  );
}
