import { Alert, Button, Group, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { IconShieldCheck } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, take } from "@/api/client";
import { useChecks } from "@/components/checks";
import { Code } from "@/components/code";
import { CopyField } from "@/components/copy";
import { done } from "@/components/notices";
import { QrCode } from "@/components/qr";
import { Failed } from "@/components/states";
import { meQuery } from "@/features/access/me";

/** Setting a second factor up, and removing it. */
export function SecondFactor({ active }: { active: boolean }) {
  return active ? <Active /> : <SetUp />;
}

function SetUp() {
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
    <form {...checks.form(submit)}>
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
          {...checks.field("code")}
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
          {...checks.field("password")}
          onChange={(event) => {
            setPassword(event.currentTarget.value);
          }}
        />
        {confirm.error !== null && <Failed error={confirm.error} what="Two-factor authentication isn't set up yet" />}
        <Button type="submit" loading={confirm.isPending} style={{ alignSelf: "flex-start" }}>
          Turn on
        </Button>
      </Stack>
    </form>
  );
}

function Active() {
  const checks = useChecks();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const [password, setPassword] = useState("");
  const remove = useMutation({
    mutationFn: () => take(api.POST("/api/v1/me/second-factor/remove", { body: { password } })),
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
        <form
          {...checks.form(() => {
            remove.mutate();
          })}
        >
          <Stack>
            <PasswordInput
              label="Your password"
              autoComplete="current-password"
              required
              withAsterisk={false}
              w={320}
              value={password}
              {...checks.field("password")}
              onChange={(event) => {
                setPassword(event.currentTarget.value);
              }}
            />
            {remove.error !== null && <Failed error={remove.error} what="Two-factor authentication stays on" />}
            <Button type="submit" color="red" loading={remove.isPending}>
              Turn off
            </Button>
          </Stack>
        </form>
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
