import { Alert, Badge, Button, Group, Modal, SegmentedControl, Stack, Text } from "@mantine/core";
import { IconMail } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { api, take } from "@/api/client";
import { Absent } from "@/components/absent";
import { Code } from "@/components/code";
import { CopyField } from "@/components/copy";
import { Listing } from "@/components/listing";
import { Time } from "@/components/moment";
import { done, failed } from "@/components/notices";
import { Empty } from "@/components/states";
import { type Column, DataTable } from "@/components/table";
import { useSendsMail } from "@/features/access/providers";
import { linkOf, type Mail, outboxQuery, readMail } from "./outbox-queries";

const route = getRouteApi("/shell/installation/outbox");

const STATES: Record<string, { word: string; colour: string }> = {
  queued: { word: "Waiting", colour: "blue" },
  sent: { word: "Sent", colour: "green" },
  failed: { word: "Given up", colour: "red" },
};

/** Mails that wait, went out or failed; where no mail server is set up, also what they say. */
export function OutboxPage() {
  const { state } = route.useSearch();
  const navigate = route.useNavigate();
  const sendsMail = useSendsMail();
  const [opened, setOpened] = useState<Mail>();
  const mails = useInfiniteQuery(outboxQuery(state));
  const client = useQueryClient();
  const again = useMutation({
    mutationFn: (mail: Mail) => take(api.POST("/api/v1/installation/outbox/{mail}/resend", { params: { path: { mail: mail.id } } })),
    onSuccess: (mail) => {
      void client.invalidateQueries({ queryKey: ["outbox"] });
      done(`The mail to ${mail.recipient} will be sent again.`);
    },
    onError: failed("The mail isn't sent again"),
  });
  const columns: Column<Mail>[] = [
    {
      name: "Subject",
      cell: (mail) => (
        <>
          <b>{mail.subject}</b>
          <div className="muted">{mail.recipient}</div>
        </>
      ),
    },
    {
      name: "State",
      cell: (mail) => (
        <div>
          <Badge size="sm" color={STATES[mail.state]?.colour ?? "gray"}>
            {STATES[mail.state]?.word ?? mail.state}
          </Badge>
          {mail.error != null && (
            <Text size="sm" c="dimmed">
              {mail.error}
            </Text>
          )}
        </div>
      ),
    },
    { name: "Created", cell: (mail) => <Time at={mail.created_at} /> },
    { name: "Attempts", end: true, cell: (mail) => mail.attempts },
    {
      name: "Actions",
      quiet: true,
      end: true,
      cell: (mail) => (
        <Group gap={4} justify="flex-end" wrap="nowrap">
          {mail.state === "failed" && (
            <Button
              variant="subtle"
              size="xs"
              aria-label={`Send again: ${mail.subject} to ${mail.recipient}`}
              loading={again.isPending && again.variables.id === mail.id}
              onClick={() => {
                again.mutate(mail);
              }}
            >
              Send again
            </Button>
          )}
          <Button
            variant="subtle"
            size="xs"
            aria-label={`Read ${mail.subject} for ${mail.recipient}`}
            onClick={() => {
              setOpened(mail);
            }}
          >
            Read
          </Button>
        </Group>
      ),
    },
  ];
  return (
    <>
      {sendsMail === false && (
        <Alert color="blue" mb="md" title="No mail server is set up">
          Mails wait here. Open one and pass its link on yourself, or set a server up: <code className="mono">mail.host</code> in the
          configuration.
        </Alert>
      )}
      <SegmentedControl
        size="xs"
        mb="md"
        aria-label="Which mails"
        value={state ?? "all"}
        data={[{ value: "all", label: "All" }, ...Object.entries(STATES).map(([value, { word }]) => ({ value, label: word }))]}
        onChange={(value) =>
          void navigate({ search: { state: value === "all" ? undefined : (value as "queued" | "sent" | "failed") }, replace: true })
        }
      />
      <Listing
        query={mails}
        failed="The outbox can't be shown"
        empty={
          <Empty icon={<IconMail size={22} />} title="No mails">
            Invitations, password reset links and notifications appear here.
          </Empty>
        }
      >
        {(items) => <DataTable label="Mails" columns={columns} rows={items} keyOf={({ id }) => id} />}
      </Listing>
      <Modal
        opened={opened !== undefined}
        onClose={() => {
          setOpened(undefined);
        }}
        size="lg"
        title={opened?.subject ?? ""}
      >
        {opened !== undefined && <MailText mail={opened} />}
      </Modal>
    </>
  );
}

function MailText({ mail }: { mail: Mail }) {
  const read = useQuery({ queryKey: ["mail", mail.id], queryFn: () => readMail(mail.id), staleTime: 0, gcTime: 0 });
  if (read.data === undefined) return <Absent query={read} failed="The mail can't be shown" rows={4} />;
  const { text, masked } = read.data;
  if (text == null) return <Text>Its text is no longer kept.</Text>;
  const link = masked ? null : linkOf(text);
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        To {mail.recipient}
      </Text>
      {link !== null && <CopyField value={link} label="Link" />}
      {masked && (
        <Text size="sm" c="dimmed">
          The secret of its link is hidden: the mail server delivers it to the recipient.
        </Text>
      )}
      <Code text={text} label="The mail" copy={false} />
    </Stack>
  );
}
