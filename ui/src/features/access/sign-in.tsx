import { Alert, Button, Divider, Stack } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { AccessCard } from "./card";
import { providersQuery } from "./providers";
import { SignInForm } from "./sign-in-form";
import { REFUSALS, safeTarget } from "./targets";

const route = getRouteApi("/sign-in");

/** Signing in with a password, a second factor where there is one, or at another provider. */
export function SignInPage() {
  const { to, error: refusal } = route.useSearch();
  const target = safeTarget(to);
  const navigate = useNavigate();
  const client = useQueryClient();
  const [asksCode, setAsksCode] = useState(false);
  const providers = useQuery(providersQuery);

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
      <SignInForm
        asksCode={asksCode}
        onAsksCode={setAsksCode}
        onSignedIn={async () => {
          client.clear();
          await navigate({ href: target, replace: true });
        }}
      />
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
