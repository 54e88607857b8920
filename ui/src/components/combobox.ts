/** After each of these an option may be gone. */
const MOMENTS = ["focusin", "keyup", "input", "click"] as const;

/**
 * A field with a list names the option that arrows are on. Mantine's go on to name it when it was chosen or typed
 * away: from now on they name none then, so that nobody is told of an option that isn't there.
 */
export function watchComboboxes(document: Document): void {
  const look = () => {
    // What was done is on the page by then.
    requestAnimationFrame(() => {
      const field = document.activeElement;
      const option = field?.getAttribute("aria-activedescendant");
      if (field != null && option != null && document.getElementById(option) === null) field.removeAttribute("aria-activedescendant");
    });
  };
  for (const moment of MOMENTS) document.addEventListener(moment, look);
}
