import { Alert, Button, Center, Group, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconAlertTriangle, IconMapOff, IconPlugConnectedX } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { NO_ANSWER, ProblemError } from "@/api/client";
import { fieldName } from "./field-name";
import { ButtonLink } from "./links";
import { isUnreached, reloadOnce, useReturn } from "./reach";
import classes from "./states.module.css";

/** A list's place while it comes. */
export function LoadingRows({ rows = 5, height = 44 }: { rows?: number; height?: number }) {
  return (
    <Stack gap={8} aria-busy="true" aria-label="Loading" role="status">
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={height} radius="sm" />
      ))}
    </Stack>
  );
}

interface EmptyProps {
  title: string;
  icon?: ReactNode;
  children: ReactNode;
  action?: ReactNode;
  /** Whether this is the whole page. */
  whole?: boolean;
}

/** Says what would stand here and what to do: one sentence, one action. */
export function Empty({ title, icon, children, action, whole = false }: EmptyProps) {
  return (
    <div className={classes.empty}>
      {icon !== undefined && <div className={classes.icon}>{icon}</div>}
      <Title order={whole ? 1 : 2}>{title}</Title>
      <Text c="dimmed" maw={420} ta="center">
        {children}
      </Text>
      {action !== undefined && <div className={classes.action}>{action}</div>}
    </div>
  );
}

/** Whether there is no such thing, or none that whoever asks may know of. */
function isGone(error: unknown): boolean {
  return error instanceof ProblemError && error.code === "not_found";
}

const isForbidden = (error: unknown): error is ProblemError => error instanceof ProblemError && error.code === "forbidden";

/** Why something failed, in words. */
function reasonOf(error: unknown): string {
  if (isGone(error)) {
    return "It doesn't exist, or you don't have access: it may have been deleted, the link may be incomplete, or you are signed in with another account.";
  }
  if (isForbidden(error)) return `${error.message}. Your role doesn't have it: ask an admin of your organisation.`;
  if (isUnreached(error)) return NO_ANSWER;
  return error instanceof Error ? error.message : "Something unexpected happened.";
}

/** What happened, why, and the next step. */
export function Failed({ error, what, again }: { error: unknown; what: string; again?: () => void }) {
  const gone = isGone(error);
  const forbidden = isForbidden(error);
  const fields = error instanceof ProblemError ? error.errors : [];
  return (
    <Alert color="red" icon={<IconAlertTriangle size={18} />} title={what} role="alert">
      <Stack gap={8} align="flex-start">
        <Text size="sm">{reasonOf(error)}</Text>
        {fields.length > 0 && (
          <ul className={classes.fields}>
            {fields.slice(0, 12).map((field) => (
              <li key={field.pointer + field.message}>
                {field.pointer !== "" && <b>{fieldName(field.pointer)}:</b>} {field.message}
              </li>
            ))}
          </ul>
        )}
        {again !== undefined && !forbidden && !gone && (
          <Button variant="default" size="xs" onClick={again}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** An address that leads nowhere. */
export function NotFound() {
  return (
    <Center mih="60vh" p="lg">
      <Empty
        whole
        icon={<IconMapOff size={22} />}
        title="Page not found"
        action={<ButtonLink to="/">Go to the overview</ButtonLink>}
      >
        It may have been deleted, the link may be incomplete, or your account has no access to it.
      </Empty>
    </Center>
  );
}

/** An address that leads nowhere, where no page is around it. */
export function NothingHere() {
  return (
    <main>
      <NotFound />
    </main>
  );
}

/** A page that broke, or didn't come. */
export function PageFailed({ error, reset }: { error: unknown; reset?: () => void }) {
  const [stuck, setStuck] = useState(false);
  const away = isUnreached(error) && !stuck;
  // A page that couldn't be had because the server was away comes when the server does.
  useReturn(away, () => {
    if (!reloadOnce()) setStuck(true);
  });
  const title = away ? "The server doesn't respond" : "This page can't be shown";
  useDocumentTitle(`${title} · Millstream`);
  if (isGone(error)) return <NotFound />;
  const again = (
    <Button
      variant="default"
      onClick={() => {
        reset?.();
        window.location.reload();
      }}
    >
      Try again
    </Button>
  );
  if (away) {
    return (
      <Center mih="50vh" p="lg">
        <div role="status">
          <Empty whole icon={<IconPlugConnectedX size={22} />} title={title}>
            This page opens when it does.
          </Empty>
        </div>
      </Center>
    );
  }
  return (
    <Center mih="50vh" p="lg">
      <div role="alert">
        <Empty
          whole
          icon={<IconAlertTriangle size={22} />}
          title={title}
          action={
            <Group justify="center">
              {again}
              <ButtonLink to="/" variant="subtle">
                Go to the overview
              </ButtonLink>
            </Group>
          }
        >
          {stuck ? "The server responds, but a part of the page can't be loaded from it." : reasonOf(error)}
        </Empty>
      </div>
    </Center>
  );
}
