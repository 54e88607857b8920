import { type FormEvent, type RefObject, useEffect, useState } from "react";
import { ProblemError } from "@/api/client";
import { faultOf } from "./faults";

/** How far below the top a button stands beside a field with a label: on the field's line, whatever is said below it. */
export const BESIDE_FIELD = 25;

/** What a form has of its checks. */
export interface Checks {
  /** For the form: what is wrong is said at its fields, and only what isn't is handed on. */
  form: (onSubmit: (event: FormEvent<HTMLFormElement>) => void) => {
    noValidate: true;
    onSubmit: (event: FormEvent<HTMLFormElement>) => void;
    onInput: (event: FormEvent<HTMLFormElement>) => void;
  };
  /** For a field: its name in the form, and what is wrong with it, here or as the server said. */
  field: (name: string, refused?: string) => { name: string; error: string | undefined };
}

/**
 * Says what is wrong with a form's fields at these, in place of the browser's bubbles: by what the fields themselves demand
 * (`required`, `type`, `minLength`). The first that isn't right gets the focus; what is mended is no longer called wrong.
 */
export function useChecks(): Checks {
  const [faults, setFaults] = useState<Record<string, string>>({});
  return {
    form: (onSubmit) => ({
      noValidate: true,
      onSubmit: (event) => {
        event.preventDefault();
        const wrong = fieldsOf(event.currentTarget).flatMap((field) => {
          const fault = faultOf(field);
          return fault === null ? [] : [{ field, fault }];
        });
        setFaults(Object.fromEntries(wrong.map(({ field, fault }) => [field.name, fault])));
        if (wrong.length === 0) onSubmit(event);
        else wrong[0]?.field.focus();
      },
      onInput: ({ target }) => {
        if (!(target instanceof HTMLInputElement) || faults[target.name] === undefined || faultOf(target) !== null) return;
        setFaults(Object.fromEntries(Object.entries(faults).filter(([name]) => name !== target.name)));
      },
    }),
    field: (name, refused) => ({ name, error: faults[name] ?? refused }),
  };
}

/** What the server says of a form's fields. */
export interface Refused {
  /** What is wrong with the field of that name. */
  at: (name: string) => string | undefined;
  /** What isn't said at any field. */
  rest: Error | null;
}

/** What the server refused a form for: said at the fields of these names, of which the first gets the focus. */
export function useRefused(form: RefObject<HTMLFormElement | null>, error: Error | null, names: readonly string[]): Refused {
  const at = (name: string) => (error instanceof ProblemError ? error.at(`/${name}`) : undefined);
  const first = names.find((name) => at(name) !== undefined);
  useEffect(() => {
    if (error === null || first === undefined || form.current === null) return;
    fieldsOf(form.current).find(({ name }) => name === first)?.focus();
  }, [form, error, first]);
  return { at, rest: first === undefined ? error : null };
}

/** The fields that say something: those with a name. */
function fieldsOf(form: HTMLFormElement): HTMLInputElement[] {
  return [...form.elements].filter((each): each is HTMLInputElement => each instanceof HTMLInputElement && each.name !== "");
}
