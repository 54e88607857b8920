import { Button, Group, Text } from "@mantine/core";
import { IconCircleCheck, IconPlayerPlay } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Absent } from "@/components/absent";
import { ButtonLink } from "@/components/links";
import { Section } from "@/components/page";
import { stepOf } from "@/features/setup/form";
import { leftToDo, unreadyQuery } from "@/features/setup/unready";
import { UnreadyList } from "@/features/setup/unready-list";
import { useSwitch } from "./actions";
import type { Sync } from "./queries";

/** A sync that was never enabled: what is left to do until it can be. */
export function Draft({ sync, may }: { sync: Sync; may: boolean }) {
  const unready = useQuery(unreadyQuery(sync));
  const onOff = useSwitch(sync);
  const problems = unready.data;
  const ready = problems?.length === 0;
  const first = problems?.[0];
  return (
    <div>
      <Text size="lg">This sync isn&apos;t enabled yet.</Text>
      <Text c="dimmed" maw={640}>
        Nothing was sent, and nothing waits for it. It starts with the first event received once it is enabled; earlier ones can be
        sent under <i>Replay</i> then.
      </Text>
      <Section title={problems === undefined ? "Set-up" : ready ? "It is ready" : leftToDo(problems, sync)}>
        {unready.data === undefined && <Absent query={unready} failed="What is left to do can't be shown" rows={2} />}
        {ready && (
          <Group gap={8}>
            <IconCircleCheck size={18} color="var(--ms-healthy)" aria-hidden />
            <Text>All that it needs is filled in.</Text>
          </Group>
        )}
        {problems !== undefined && !ready && <UnreadyList problems={problems} settings={sync} of={sync} />}
        <Group mt="lg" gap="sm">
          {ready && may && (
            <Button
              leftSection={<IconPlayerPlay size={15} />}
              loading={onOff.isPending}
              onClick={() => {
                onOff.mutate(true);
              }}
            >
              Enable sync
            </Button>
          )}
          <ButtonLink
            variant={ready ? "default" : "filled"}
            to="/p/$project/syncs/$sync/settings"
            params={{ project: sync.project, sync: sync.id }}
            search={first === undefined ? {} : { step: stepOf(first) }}
          >
            {may && !ready ? "Finish set-up" : "Open set-up"}
          </ButtonLink>
        </Group>
      </Section>
    </div>
  );
}
