import { Button, PasswordInput, type PasswordInputProps, Stack, TextInput, type TextInputProps } from "@mantine/core";
import type { FormEvent, ReactNode } from "react";
import { ProblemError } from "@/api/client";
import { type Checks, useChecks } from "@/components/checks";
import { Failed } from "@/components/states";

/** How many characters a password has at least; the server says so, too. */
export const SHORTEST = 10;

/** What a form has of the request that it makes. */
interface Request {
  mutate: () => void;
  error: Error | null;
  isPending: boolean;
}

interface AccessFormProps {
  request: Request;
  /** What it means that it was refused, such as `Sign-in failed`. */
  failed: string;
  /** An answer that is no failure, such as that a code is needed, too. */
  unless?: (problem: ProblemError) => boolean;
  /** What the button does. */
  action: string;
  /** Stands below the button. */
  below?: ReactNode;
  /** The form's fields, which say by these checks what is wrong with them. */
  children: (field: Checks["field"]) => ReactNode;
}

/** A form of those who aren't signed in: its fields, why it was refused, one button, and the way elsewhere. */
export function AccessForm({ request, failed, unless, action, below, children }: AccessFormProps) {
  const checks = useChecks();
  const { error, isPending } = request;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    request.mutate();
  };
  // What the server says of a field stands at that field as well.
  const field: Checks["field"] = (name, refused) =>
    checks.field(name, refused ?? (error instanceof ProblemError ? error.at(`/${name}`) : undefined));
  const told = error !== null && !(error instanceof ProblemError && unless?.(error) === true);
  return (
    <form {...checks.form(submit)}>
      <Stack>
        {children(field)}
        {told && <Failed error={error} what={failed} />}
        <Button type="submit" loading={isPending} fullWidth>
          {action}
        </Button>
        {below}
      </Stack>
    </form>
  );
}

type Own<Props> = Omit<Props, "value" | "onChange"> & { value: string; onChange: (value: string) => void };

/** A field that has to be filled in. */
export function AccessField({ onChange, ...props }: Own<TextInputProps>) {
  return (
    <TextInput
      required
      withAsterisk={false}
      {...props}
      onChange={(event) => {
        onChange(event.currentTarget.value);
      }}
    />
  );
}

/** By what people are known. */
export function AddressField(props: Own<TextInputProps>) {
  return <AccessField label="E-mail address" type="email" autoComplete="username" {...props} />;
}

interface PasswordProps extends Own<PasswordInputProps> {
  /** Whether it is chosen here, rather than known. */
  chosen?: boolean;
}

export function PasswordField({ chosen = false, onChange, ...props }: PasswordProps) {
  return (
    <PasswordInput
      label="Password"
      required
      withAsterisk={false}
      autoComplete={chosen ? "new-password" : "current-password"}
      {...(chosen ? { description: `At least ${String(SHORTEST)} characters.`, minLength: SHORTEST } : {})}
      {...props}
      onChange={(event) => {
        onChange(event.currentTarget.value);
      }}
    />
  );
}
