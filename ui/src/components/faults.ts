/** What of a field tells whether it can be taken. */
export interface Filled {
  value: string;
  type: string;
  required: boolean;
  /** -1: none is demanded. */
  minLength: number;
  disabled: boolean;
  validity: { typeMismatch: boolean; badInput: boolean };
}

const EXAMPLES: Record<string, string> = {
  email: "Enter an e-mail address, such as ann@example.com.",
  url: "Enter a URL, such as https://example.com/hook.",
};

/** What is wrong with a field as it is filled in, and what to do; null: nothing. */
export function faultOf({ value, type, required, minLength, disabled, validity }: Filled): string | null {
  if (disabled) return null;
  // A password may be blanks, a name may not.
  const given = type === "password" ? value : value.trim();
  if (given === "") {
    if (validity.badInput) return "Enter a whole value.";
    if (!required) return null;
    return EXAMPLES[type] ?? (type === "password" ? "Enter the password." : "Fill this in.");
  }
  if (validity.typeMismatch || (type === "email" && !given.includes("@"))) return EXAMPLES[type] ?? "This can't be used.";
  // As the server counts: by characters, not by what they are stored in.
  if (minLength > 0 && [...given].length < minLength) return `Enter at least ${String(minLength)} characters.`;
  return null;
}
