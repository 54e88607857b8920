import { Alert, Button, Group, Modal, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ProblemError, take, type Schemas } from "@/api/client";
import { useCreationKeys } from "@/api/idempotency";
import { useChecks } from "@/components/checks";
import { confirmDanger } from "@/components/confirm";
import { CopyField } from "@/components/copy";
import { Listing } from "@/components/listing";
import { Time } from "@/components/moment";
import { done, failed } from "@/components/notices";
import { Failed } from "@/components/states";
import { type Column, DataTable } from "@/components/table";
import { type Channel, channelsQuery, type Way } from "./queries";

const KINDS: Record<Way, string> = { mail: "Mail", webhook: "Webhook", slack: "Slack" };

/** Addresses and URLs that incidents are told to. */
export function Channels({ project, may }: { project: string; may: boolean }) {
  const client = useQueryClient();
  const [opened, { open, close }] = useDisclosure(false);
  const channels = useInfiniteQuery(channelsQuery(project));
  const test = useMutation({
    mutationFn: (channel: string) =>
      take(api.POST("/api/v1/projects/{project}/alert-channels/{channel}/test", { params: { path: { project, channel } } })),
    onSuccess: () => {
      done("A message is on its way. What went wrong with it appears here.");
      void client.invalidateQueries({ queryKey: channelsQuery(project).queryKey });
    },
    onError: failed("The test message wasn't sent"),
  });
  const remove = useMutation({
    mutationFn: (channel: string) =>
      take(api.DELETE("/api/v1/projects/{project}/alert-channels/{channel}", { params: { path: { project, channel } } })),
    onSuccess: () => void client.invalidateQueries({ queryKey: channelsQuery(project).queryKey }),
    onError: failed("The channel wasn't removed"),
  });
  const columns: Column<Channel>[] = [
    {
      name: "Name",
      cell: (channel) => (
        <>
          <b>{channel.name}</b>
          <div className="muted">
            {KINDS[channel.kind]} · {channel.target}
          </div>
          {channel.error != null && (
            <Text size="sm" c="var(--ms-failing)">
              {channel.error}
            </Text>
          )}
        </>
      ),
    },
    { name: "Last notified", cell: (channel) => (channel.told_at == null ? "–" : <Time at={channel.told_at} />) },
    {
      name: "Actions",
      quiet: true,
      end: true,
      cell: (channel) =>
        may ? (
          <Group gap={4} justify="flex-end">
            <Button
              size="xs"
              variant="subtle"
              aria-label={`Send a test message to ${channel.name}`}
              onClick={() => {
                test.mutate(channel.id);
              }}
            >
              Test
            </Button>
            <Button
              size="xs"
              variant="subtle"
              color="gray"
              aria-label={`Remove ${channel.name}`}
              onClick={() => {
                confirmDanger({
                  title: `Remove ${channel.name}?`,
                  what: "It gets no notifications any more.",
                  action: "Remove",
                  onConfirm: () => {
                    remove.mutate(channel.id);
                  },
                });
              }}
            >
              Remove
            </Button>
          </Group>
        ) : null,
    },
  ];
  return (
    <>
      <Listing query={channels} failed="Channels can't be shown" rows={1} empty={<Text c="dimmed">No channels yet. Add a webhook, Slack or a mailbox that is to be notified.</Text>}>
        {(items) => <DataTable label="Channels" columns={columns} rows={items} keyOf={({ id }) => id} />}
      </Listing>
      {may && (
        <Button variant="default" mt="md" onClick={open}>
          Add channel
        </Button>
      )}
      <Modal opened={opened} onClose={close} title="Add channel">
        <ChannelForm project={project} onDone={close} />
      </Modal>
    </>
  );
}

function ChannelForm({ project, onDone }: { project: string; onDone: () => void }) {
  const checks = useChecks();
  const client = useQueryClient();
  const keys = useCreationKeys();
  const [kind, setKind] = useState<Way>("webhook");
  const [name, setName] = useState("");
  const [target, setTarget] = useState("");
  const make = useMutation({
    mutationFn: () => {
      const told = { kind, name, ...(kind === "mail" ? { email: target } : { url: target }) };
      const body = told as unknown as Schemas["AlertChannelInput"];
      return take(
        api.POST("/api/v1/projects/{project}/alert-channels", {
          params: { path: { project }, header: { "idempotency-key": keys.of(body) } },
          body,
        }),
      );
    },
    onSuccess: ({ channel, signing_secret }) => {
      void client.invalidateQueries({ queryKey: channelsQuery(project).queryKey });
      if (signing_secret != null) return;
      done(`Incidents are also sent to ${channel.name}.`);
      onDone();
    },
  });
  if (make.data?.signing_secret != null) {
    return (
      <Stack>
        <Alert color="yellow">
          With this key the receiver knows that a request is ours, as Standard Webhooks libraries take it. It is shown this
          once.
        </Alert>
        <CopyField value={make.data.signing_secret} label="Signing key" />
        <Button onClick={onDone}>Done</Button>
      </Stack>
    );
  }
  const problem = make.error instanceof ProblemError ? make.error : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <form {...checks.form(submit)}>
      <Stack>
        <SegmentedControl
          aria-label="Channel type"
          value={kind}
          data={Object.entries(KINDS).map(([value, label]) => ({ value, label }))}
          onChange={(value) => {
            setKind(value as Way);
            setTarget("");
          }}
        />
        <TextInput
          label="Name"
          data-autofocus
          required
          withAsterisk={false}
          maxLength={200}
          value={name}
          {...checks.field("name", problem?.at("/name"))}
          onChange={(event) => {
            setName(event.currentTarget.value);
          }}
        />
        <TextInput
          key={kind}
          label={kind === "mail" ? "E-mail address" : "URL"}
          description={kind === "mail" ? undefined : "It is kept secret: only its host is shown again."}
          type={kind === "mail" ? "email" : "url"}
          required
          withAsterisk={false}
          value={target}
          {...checks.field("target", problem?.at(kind === "mail" ? "/email" : "/url"))}
          onChange={(event) => {
            setTarget(event.currentTarget.value);
          }}
        />
        {make.error !== null && <Failed error={make.error} what="The channel wasn't created" />}
        <Button type="submit" loading={make.isPending}>
          Add channel
        </Button>
      </Stack>
    </form>
  );
}
