import { Alert } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { AccessCard } from "./card";
import { ASKS_CODE, SignInForm } from "./sign-in-form";
import { tellSignedIn } from "./signed-in";
import { REFUSALS, safeTarget } from "./targets";

const route = getRouteApi("/sign-in");

/** Signing in with a password, a second factor where there is one, or at another provider. */
export function SignInPage() {
  const { to, error: refusal } = route.useSearch();
  const target = safeTarget(to);
  const navigate = useNavigate();
  const client = useQueryClient();
  const [asksCode, setAsksCode] = useState(false);
  return (
    <AccessCard title={asksCode ? "Two-factor authentication" : "Sign in"} about={asksCode ? ASKS_CODE : undefined}>
      {refusal !== undefined && (
        <Alert color="red" title="You are not signed in" role="alert">
          {REFUSALS[refusal] ?? `The provider's response could not be used (${refusal}).`}
        </Alert>
      )}
      {/* One child of the card, so that its parts keep their own distances. */}
      <div>
        <SignInForm
          target={target}
          asksCode={asksCode}
          onAsksCode={setAsksCode}
          onSignedIn={async () => {
            tellSignedIn();
            client.clear();
            await navigate({ href: target, replace: true });
          }}
        />
      </div>
    </AccessCard>
  );
}
