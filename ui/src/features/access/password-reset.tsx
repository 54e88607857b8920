import { Alert } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import { ButtonLink, TextLink } from "@/components/links";
import { AccessCard } from "./card";
import { AccessForm, AddressField, PasswordField } from "./form";
import { useLinkToken } from "./link-token";
import { useSendsMail } from "./providers";

/** Asking for a link to choose a new password, and choosing it. */
export function PasswordResetPage() {
  const token = useLinkToken();
  return token === "" ? <Ask /> : <Choose token={token} />;
}

function Ask() {
  const [email, setEmail] = useState("");
  const sendsMail = useSendsMail();
  const ask = useMutation({
    mutationFn: () => take(api.POST("/api/v1/password-resets", { body: { email } })),
  });
  const back = (
    <TextLink to="/sign-in" size="sm">
      Back to signing in
    </TextLink>
  );
  if (ask.isSuccess) {
    return (
      <AccessCard title={sendsMail === false ? "Ask for your link" : "Check your mail"}>
        <Alert color="water" role="status">
          {sendsMail === false
            ? `If ${email} has an account, a link to reset the password is ready. No mail server is set up: ask an operator of this installation for it.`
            : `If ${email} has an account, a link to reset the password is on its way.`}
        </Alert>
        {back}
      </AccessCard>
    );
  }
  return (
    <AccessCard
      title="Reset your password"
      about={
        sendsMail === false
          ? "No mail server is set up here: ask an operator of this installation for the link."
          : "We send a link to your e-mail address."
      }
    >
      <AccessForm request={ask} failed="No link was created" action={sendsMail === false ? "Request link" : "Send link"} below={back}>
        {(field) => <AddressField autoFocus value={email} onChange={setEmail} {...field("email")} />}
      </AccessForm>
    </AccessCard>
  );
}

function Choose({ token }: { token: string }) {
  const [password, setPassword] = useState("");
  const redeem = useMutation({
    mutationFn: () => take(api.POST("/api/v1/password-resets/redeem", { body: { token, password } })),
  });
  if (redeem.isSuccess) {
    return (
      <AccessCard title="Your password is changed" about="All other sessions have ended.">
        <ButtonLink to="/sign-in">Sign in</ButtonLink>
      </AccessCard>
    );
  }
  return (
    <AccessCard title="Reset your password">
      <AccessForm request={redeem} failed="The password wasn't changed" action="Change password">
        {(field) => <PasswordField chosen label="New password" autoFocus value={password} onChange={setPassword} {...field("password")} />}
      </AccessForm>
    </AccessCard>
  );
}
