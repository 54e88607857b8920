import { Alert, Button, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, ProblemError, take } from "@/api/client";
import { Time } from "@/components/moment";
import { ButtonLink } from "@/components/links";
import { Failed, LoadingRows } from "@/components/states";
import { AccessCard } from "./card";
import { AccessField, AccessForm, AddressField, PasswordField } from "./form";
import { useLinkToken } from "./link-token";
import { meQuery } from "./me";

/** Taking part: the first start's link, and every invitation. */
export function InvitationPage() {
  const token = useLinkToken();
  const offer = useQuery({
    queryKey: ["invitation", token],
    queryFn: () => take(api.POST("/api/v1/invitations/look", { body: { token } })),
    enabled: token !== "",
    retry: false,
    staleTime: Infinity,
  });
  const me = useQuery(meQuery);

  if (token === "" || (offer.isError && offer.data === undefined)) {
    return (
      <AccessCard title="This link is no longer valid">
        <Text>It was already used, has expired, or is incomplete. Ask for a new one.</Text>
        {offer.error instanceof ProblemError && offer.error.code !== "link_ended" && (
          <Failed error={offer.error} what="The link can't be checked" />
        )}
        <ButtonLink to="/sign-in" variant="default">
          Sign in
        </ButtonLink>
      </AccessCard>
    );
  }
  if (offer.data === undefined || me.isPending) {
    return (
      <AccessCard title="Invitation">
        <LoadingRows rows={3} />
      </AccessCard>
    );
  }
  const present = me.data?.kind === "person" ? me.data.person : undefined;
  const { organisation, role, email, expires_at } = offer.data;
  // The first start's link is nobody's: whoever opens it sets the installation up.
  const first = email == null && present === undefined;
  return (
    <AccessCard
      title={first ? "Welcome to Millstream" : `Join ${organisation}`}
      about={
        first ? (
          <>
            Create the first account. It owns the organisation and operates the installation; you can invite others later.
          </>
        ) : (
          <>
            You are invited as <b>{role}</b>. The link expires <Time at={expires_at} />.
          </>
        )
      }
    >
      {present === undefined ? (
        <NewAccount token={token} invited={email ?? null} first={first} />
      ) : (
        <Join token={token} as={present.email} />
      )}
    </AccessCard>
  );
}

function NewAccount({ token, invited, first }: { token: string; invited: string | null; first: boolean }) {
  const [email, setEmail] = useState(invited ?? "");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const accept = useAcceptance({
    token,
    name,
    password,
    ...(invited === null ? { email } : {}),
  });
  return (
    <AccessForm request={accept} failed="The account wasn't created" action={first ? "Create account" : "Create account and join"}>
      {(field) => (
        <>
          <AddressField readOnly={invited !== null} autoFocus={invited === null} value={email} onChange={setEmail} {...field("email")} />
          <AccessField
            label="Your name"
            description="As colleagues see it."
            autoFocus={invited !== null}
            autoComplete="name"
            value={name}
            onChange={setName}
            {...field("name")}
          />
          <PasswordField chosen value={password} onChange={setPassword} {...field("password")} />
        </>
      )}
    </AccessForm>
  );
}

function Join({ token, as }: { token: string; as: string }) {
  const accept = useAcceptance({ token });
  return (
    <Stack>
      <Alert color="water">You are signed in as {as}.</Alert>
      {accept.error !== null && <Failed error={accept.error} what="You couldn't join" />}
      <Button
        loading={accept.isPending}
        onClick={() => {
          accept.mutate();
        }}
      >
        Join
      </Button>
    </Stack>
  );
}

interface Acceptance {
  token: string;
  email?: string;
  name?: string;
  password?: string;
}

function useAcceptance(body: Acceptance) {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: () => take(api.POST("/api/v1/invitations/accept", { body })),
    onSuccess: async () => {
      client.clear();
      await navigate({ to: "/", replace: true });
    },
  });
}
