import { Button, Group, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { ProblemError } from "@/api/client";
import { Failed } from "@/components/states";
import { UnreadyList } from "./unready-list";

interface NotReady {
  error: unknown;
  /** What was asked for, that is not so now. */
  title: string;
  /** The sync as it would be. */
  settings: unknown;
  /** Leads to the set-up; absent: there one is. */
  onSetup?: () => void;
}

/** Says why a sync wasn't enabled: all that is missing and all that is wrong, at once. */
export function openNotReady({ error, title, settings, onSetup }: NotReady): void {
  const problems = error instanceof ProblemError && error.code === "sync_not_ready" ? error.errors : [];
  if (problems.length === 0) {
    modals.open({ title, children: <Failed error={error} what="The server refused it" /> });
    return;
  }
  modals.open({
    title,
    children: (
      <>
        <Text size="sm">This is left to do before it can send anything:</Text>
        <UnreadyList problems={problems} settings={settings} />
        <Group justify="flex-end" mt="lg">
          <Button
            onClick={() => {
              modals.closeAll();
              onSetup?.();
            }}
          >
            {onSetup === undefined ? "Close" : "Open set-up"}
          </Button>
        </Group>
      </>
    ),
  });
}
