import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ProblemError, take } from "@/api/client";
import { useChecks } from "@/components/checks";
import { TextLink } from "@/components/links";
import { Failed } from "@/components/states";

interface SignInFormProps {
  /** Whose address stands there at first. */
  address?: string;
  /** Whether the second factor is asked for. */
  asksCode: boolean;
  onAsksCode: (asks: boolean) => void;
  onSignedIn: () => Promise<void>;
}

/** Address and password, then the code of the second factor where there is one. */
export function SignInForm({ address = "", asksCode, onAsksCode, onSignedIn }: SignInFormProps) {
  const checks = useChecks();
  const [email, setEmail] = useState(address);
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const signIn = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/session", {
          body: { email, password, ...(asksCode ? { code: code.trim() } : {}) },
        }),
      ),
    onSuccess: onSignedIn,
    onError: (error) => {
      if (error instanceof ProblemError && error.code === "second_factor_needed") onAsksCode(true);
    },
  });
  const problem =
    signIn.error instanceof ProblemError && signIn.error.code === "second_factor_needed"
      ? null
      : signIn.error;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
    <form {...checks.form(submit)}>
      <Stack>
        {asksCode ? (
          <TextInput
            key="code"
            label="Code"
            autoFocus
            required
            withAsterisk={false}
            autoComplete="one-time-code"
            value={code}
            {...checks.field("code")}
            onChange={(event) => {
              setCode(event.currentTarget.value);
            }}
          />
        ) : (
          <>
            <TextInput
              label="E-mail address"
              type="email"
              autoFocus
              required
              withAsterisk={false}
              autoComplete="username"
              value={email}
              {...checks.field("email")}
              onChange={(event) => {
                setEmail(event.currentTarget.value);
              }}
            />
            <PasswordInput
              label="Password"
              required
              withAsterisk={false}
              autoComplete="current-password"
              value={password}
              {...checks.field("password")}
              onChange={(event) => {
                setPassword(event.currentTarget.value);
              }}
            />
          </>
        )}
        {problem !== null && <Failed error={problem} what="Sign-in failed" />}
        <Button type="submit" loading={signIn.isPending} fullWidth>
          Sign in
        </Button>
        {asksCode ? (
          <Button
            variant="subtle"
            color="gray"
            onClick={() => {
              onAsksCode(false);
              setCode("");
              signIn.reset();
            }}
          >
            Back
          </Button>
        ) : (
          <TextLink to="/password-reset" size="sm">
            Forgot your password?
          </TextLink>
        )}
      </Stack>
    </form>
  );
}
