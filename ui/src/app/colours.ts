/** Of words that name what can't be undone: readable on every ground, light and dark. */
export const DANGER = "var(--mantine-color-error)";
