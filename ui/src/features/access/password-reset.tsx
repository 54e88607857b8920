import { Alert, Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ProblemError, take } from "@/api/client";
import { useChecks } from "@/components/checks";
import { ButtonLink, TextLink } from "@/components/links";
import { Failed } from "@/components/states";
import { AccessCard } from "./card";
import { useLinkToken } from "./link-token";
import { useSendsMail } from "./providers";

/** Asking for a link to choose a new password, and choosing it. */
export function PasswordResetPage() {
  const token = useLinkToken();
  return token === "" ? <Ask /> : <Choose token={token} />;
}

function Ask() {
  const checks = useChecks();
  const [email, setEmail] = useState("");
  const sendsMail = useSendsMail();
  const ask = useMutation({
    mutationFn: () => take(api.POST("/api/v1/password-resets", { body: { email } })),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask.mutate();
  };
  if (ask.isSuccess) {
    return (
      <AccessCard title={sendsMail === false ? "Ask for your link" : "Check your mail"}>
        <Alert color="water" role="status">
          {sendsMail === false
            ? `If ${email} has an account, a link to reset the password is ready. No mail server is set up: ask an operator of this installation for it.`
            : `If ${email} has an account, a link to reset the password is on its way.`}
        </Alert>
        <TextLink to="/sign-in">Back to signing in</TextLink>
      </AccessCard>
    );
  }
  return (
    <AccessCard title="Reset your password" about={
        sendsMail === false
          ? "No mail server is set up here: ask an operator of this installation for the link."
          : "We send a link to your e-mail address."
      }>
      <form {...checks.form(submit)}>
        <Stack>
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
          {ask.error !== null && <Failed error={ask.error} what="No link was created" />}
          <Button type="submit" loading={ask.isPending}>
            {sendsMail === false ? "Request link" : "Send link"}
          </Button>
          <TextLink to="/sign-in" size="sm">
            Back to signing in
          </TextLink>
        </Stack>
      </form>
    </AccessCard>
  );
}

function Choose({ token }: { token: string }) {
  const checks = useChecks();
  const [password, setPassword] = useState("");
  const redeem = useMutation({
    mutationFn: () => take(api.POST("/api/v1/password-resets/redeem", { body: { token, password } })),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    redeem.mutate();
  };
  if (redeem.isSuccess) {
    return (
      <AccessCard title="Your password is changed" about="All other sessions have ended.">
        <ButtonLink to="/sign-in">Sign in</ButtonLink>
      </AccessCard>
    );
  }
  return (
    <AccessCard title="Reset your password">
      <form {...checks.form(submit)}>
        <Stack>
          <PasswordInput
            label="New password"
            description="At least 10 characters."
            autoFocus
            required
            minLength={10}
            withAsterisk={false}
            autoComplete="new-password"
            value={password}
            {...checks.field("password", redeem.error instanceof ProblemError ? redeem.error.at("/password") : undefined)}
            onChange={(event) => {
              setPassword(event.currentTarget.value);
            }}
          />
          {redeem.error !== null && <Failed error={redeem.error} what="The password wasn't changed" />}
          <Button type="submit" loading={redeem.isPending}>
            Change password
          </Button>
        </Stack>
      </form>
    </AccessCard>
  );
}
