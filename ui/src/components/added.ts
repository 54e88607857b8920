import { type RefObject, useEffect, useRef } from "react";

/** A list whose items have `data-item`, and what is called when one is added to it at its end. */
interface Added {
  place: RefObject<HTMLDivElement | null>;
  note: () => void;
}

/** Whoever adds something to a list goes on in the first field of it; `count` is how many there are. */
export function useAdded(count: number): Added {
  const place = useRef<HTMLDivElement>(null);
  const added = useRef(false);
  useEffect(() => {
    if (!added.current) return;
    added.current = false;
    const last = [...(place.current?.querySelectorAll(":scope > [data-item]") ?? [])].at(-1);
    const field = last?.querySelector<HTMLElement>("input:not(:disabled), textarea:not(:disabled)");
    field?.focus();
    // What it begins with is to be written over.
    if (field instanceof HTMLInputElement && field.type === "text") field.select();
  }, [count]);
  const note = () => {
    added.current = true;
  };
  return { place, note };
}
