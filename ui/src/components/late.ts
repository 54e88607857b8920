import { type ComponentType, lazy } from "react";
import { answers } from "./reach";

/** How long is waited before it is seen again whether the server answers. */
const PAUSE_MILLISECONDS = 2000;

/**
 * A part of a page that is loaded when it is needed. While the server is away it is waited for: what has been typed
 * around it stays.
 */
export function late<T>(load: () => Promise<{ default: ComponentType<T> }>) {
  return lazy(() => patiently(load));
}

/**
 * What is loaded once the server answers. Not before: of a module that they could not have, browsers say the same ever
 * after.
 */
export async function patiently<T>(load: () => Promise<T>, isThere = answers, pause = PAUSE_MILLISECONDS): Promise<T> {
  while (!(await isThere())) await new Promise((resolve) => setTimeout(resolve, pause));
  return load();
}
