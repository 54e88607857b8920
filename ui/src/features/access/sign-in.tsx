import { Alert, Button, Divider, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api, ProblemError, take } from "@/api/client";
import { useChecks } from "@/components/checks";
import { TextLink } from "@/components/links";
import { Failed } from "@/components/states";
import { AccessCard } from "./card";
import { providersQuery } from "./providers";
import { REFUSALS, safeTarget } from "./targets";

const route = getRouteApi("/sign-in");

/** Signing in with a password, a second factor where there is one, or at another provider. */
export function SignInPage() {
  const checks = useChecks();
  const { to, error: refusal } = route.useSearch();
  const target = safeTarget(to);
  const navigate = useNavigate();
  const client = useQueryClient();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [asksCode, setAsksCode] = useState(false);
  const providers = useQuery(providersQuery);

  const signIn = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/session", {
          body: { email, password, ...(asksCode ? { code: code.trim() } : {}) },
        }),
      ),
    onSuccess: async () => {
      client.clear();
      await navigate({ href: target, replace: true });
    },
    onError: (error) => {
      if (error instanceof ProblemError && error.code === "second_factor_needed") setAsksCode(true);
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
  const offered = providers.data?.providers ?? [];

  return (
    <AccessCard
      title={asksCode ? "Two-factor authentication" : "Sign in"}
      about={
        asksCode
          ? "Enter the code of your authenticator app, or one of your recovery codes."
          : undefined
      }
    >
      {refusal !== undefined && (
        <Alert color="red" title="You are not signed in" role="alert">
          {REFUSALS[refusal] ?? `The provider's response could not be used (${refusal}).`}
        </Alert>
      )}
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
                setAsksCode(false);
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
      {!asksCode && offered.length > 0 && (
        <>
          <Divider label="or" />
          <Stack gap="xs">
            {offered.map((provider) => (
              <Button
                key={provider.id}
                component="a"
                variant="default"
                fullWidth
                href={`/api/v1/session/openid/${encodeURIComponent(provider.id)}/start?return_to=${encodeURIComponent(target)}`}
              >
                Sign in with {provider.name}
              </Button>
            ))}
          </Stack>
        </>
      )}
    </AccessCard>
  );
}
