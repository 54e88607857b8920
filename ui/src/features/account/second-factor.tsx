import { Alert, Button, Group, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { IconShieldCheck } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useRef, useState } from "react";
import { api, type Schemas, take } from "@/api/client";
import { useChecks, useRefused } from "@/components/checks";
import { Code } from "@/components/code";
import { CopyField } from "@/components/copy";
import { sentenceCase } from "@/components/highlight";
import { done } from "@/components/notices";
import { QrCode } from "@/components/qr";
import { Failed } from "@/components/states";
import { meQuery } from "@/features/access/me";

/** What both forms have of fields: what the server refuses is said there. */
const FIELDS = ["password", "code"] as const;

/** Setting a second factor up, and removing it. */
export function SecondFactor({ active }: { active: boolean }) {
  return active ? <Active /> : <SetUp />;
}

function SetUp() {
  const form = useRef<HTMLFormElement>(null);
  const checks = useChecks();
  const client = useQueryClient();
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const offer = useMutation({ mutationFn: () => take(api.POST("/api/v1/me/second-factor/offer")) });
  const secret = offer.data?.secret ?? "";
  const confirm = useMutation({
    mutationFn: () =>
      take(api.PUT("/api/v1/me/second-factor", { body: { secret, code: code.trim(), password } })),
  });
  const refused = useRefused(form, confirm.error, FIELDS);
  if (confirm.data !== undefined) {
    return (
      <Stack maw={460}>
        <Alert color="yellow" title="Keep these recovery codes">
          Each works once, if you lose access to your app. They are not shown again.
        </Alert>
        <Code text={confirm.data.recovery_codes.join("\n")} label="Recovery codes" />
        <Button
          style={{ alignSelf: "flex-start" }}
          onClick={() => void client.invalidateQueries({ queryKey: meQuery.queryKey })}
        >
          I have saved them
        </Button>
      </Stack>
    );
  }
  if (offer.data === undefined) {
    return (
      <Stack align="flex-start">
        {offer.error !== null && <Failed error={offer.error} what="Two-factor authentication can't be set up" />}
        <Button
          variant="default"
          loading={offer.isPending}
          onClick={() => {
            offer.mutate();
          }}
        >
          Set up two-factor authentication
        </Button>
      </Stack>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    confirm.mutate();
  };
  return (
    <form ref={form} {...checks.form(submit)}>
      <Stack maw={460}>
        <Text size="sm">Scan this with your authenticator app, or enter the key below it.</Text>
        <QrCode text={offer.data.url} label="QR code for an authenticator app" />
        <CopyField value={secret} label="Key for the app" />
        <a href={offer.data.url} className="muted">
          Open in an authenticator app on this device
        </a>
        <TextInput
          label="Code from the app"
          inputMode="numeric"
          autoComplete="one-time-code"
          required
          withAsterisk={false}
          value={code}
          {...checks.field("code", sentence(refused.at("code")))}
          onChange={(event) => {
            setCode(event.currentTarget.value);
          }}
        />
        <PasswordInput
          label="Your password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          value={password}
          {...checks.field("password", sentence(refused.at("password")))}
          onChange={(event) => {
            setPassword(event.currentTarget.value);
          }}
        />
        {refused.rest !== null && <Failed error={refused.rest} what="Two-factor authentication isn't set up yet" />}
        <Button type="submit" loading={confirm.isPending} style={{ alignSelf: "flex-start" }}>
          Turn on
        </Button>
      </Stack>
    </form>
  );
}

function Active() {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: (proof: Schemas["PasswordProof"]) => take(api.POST("/api/v1/me/second-factor/remove", { body: proof })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: meQuery.queryKey });
      done("Two-factor authentication is off.");
    },
  });
  return (
    <Stack align="flex-start" maw={460}>
      <Group gap={8}>
        <IconShieldCheck size={18} color="var(--ms-healthy)" aria-hidden />
        <Text>It is on.</Text>
      </Group>
      {asking ? (
        <TurnOff
          error={remove.error}
          pending={remove.isPending}
          onProof={(proof) => {
            remove.mutate(proof);
          }}
        />
      ) : (
        <Button
          variant="default"
          onClick={() => {
            setAsking(true);
          }}
        >
          Turn off…
        </Button>
      )}
    </Stack>
  );
}

interface TurnOffProps {
  error: Error | null;
  pending: boolean;
  onProof: (proof: Schemas["PasswordProof"]) => void;
}

/** Asks for what proves that it is the owner of the account who turns it off: both factors. */
function TurnOff({ error, pending, onProof }: TurnOffProps) {
  const checks = useChecks();
  const form = useRef<HTMLFormElement>(null);
  const refused = useRefused(form, error, FIELDS);
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  return (
    <form
      ref={form}
      {...checks.form(() => {
        onProof({ password, code: code.trim() });
      })}
    >
      <Stack w={320}>
        <PasswordInput
          label="Your password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          value={password}
          {...checks.field("password", sentence(refused.at("password")))}
          onChange={(event) => {
            setPassword(event.currentTarget.value);
          }}
        />
        <TextInput
          label="Code from the app, or a recovery code"
          description="Whoever has neither asks an operator of this installation to turn it off."
          autoComplete="one-time-code"
          required
          withAsterisk={false}
          value={code}
          {...checks.field("code", sentence(refused.at("code")))}
          onChange={(event) => {
            setCode(event.currentTarget.value);
          }}
        />
        {refused.rest !== null && <Failed error={refused.rest} what="Two-factor authentication stays on" />}
        <Button type="submit" color="red" loading={pending}>
          Turn off
        </Button>
      </Stack>
    </form>
  );
}

/** The server's words as a sentence of its own, below a field. */
const sentence = (words: string | undefined) => (words === undefined ? undefined : sentenceCase(words));
