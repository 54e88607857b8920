import { Alert, Button, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Absent } from "@/components/absent";
import { CopyField } from "@/components/copy";
import { usePerson } from "@/features/access/me";
import { linkOf, newestMail, readMail } from "./outbox-queries";

interface HandOnProps {
  recipient: string;
  /** What kind of mail it is, as the outbox calls it. */
  kind: string;
  /** What was done, as a title. */
  what: string;
  onDone: () => void;
}

/** A link that no mail brings: operators see it here, everybody else is told whom to ask. */
export function HandOn({ recipient, kind, what, onDone }: HandOnProps) {
  const { operator } = usePerson().installation;
  return (
    <Stack>
      <Alert color="water" title={what} role="status">
        No mail server is set up, so nothing was sent.{" "}
        {operator
          ? "Pass this link on yourself. Whoever has it can use it, once."
          : "An operator of this installation finds the link in the outbox and can pass it on."}
      </Alert>
      {operator && <Link recipient={recipient} kind={kind} />}
      <Button onClick={onDone}>Done</Button>
    </Stack>
  );
}

function Link({ recipient, kind }: { recipient: string; kind: string }) {
  const link = useQuery({
    queryKey: ["outbox-link", kind, recipient],
    queryFn: async () => {
      const mail = await newestMail(recipient, kind);
      return mail === null ? null : linkOf((await readMail(mail.id)).text ?? "");
    },
    staleTime: 0,
    gcTime: 0,
  });
  if (link.data === undefined) return <Absent query={link} failed="The link can't be shown" rows={1} />;
  if (link.data === null) return <Text size="sm">The link is in the outbox of the installation.</Text>;
  return <CopyField value={link.data} label="Link" />;
}
