import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconUsers } from "@tabler/icons-react";
import { fieldName } from "./field-name";
import { same, valueAt } from "./merge";

interface ConflictsProps {
  /** Pointers of what both changed. */
  at: string[];
  mine: unknown;
  theirs: unknown;
  onKeep: (pointer: string) => void;
  onTake: (pointer: string) => void;
}

/** Fields that somebody else changed, too: theirs beside mine, to choose from. */
export function Conflicts({ at, mine, theirs, onKeep, onTake }: ConflictsProps) {
  const open = at.filter((pointer) => !same(valueAt(mine, pointer), valueAt(theirs, pointer)));
  if (open.length === 0) return null;
  return (
    <Alert color="yellow" icon={<IconUsers size={18} />} title="Somebody else changed this, too" mb="md">
      <Stack gap="md">
        {open.map((pointer) => {
          const name = fieldName(pointer, theirs);
          return (
            <div key={pointer} role="group" aria-label={`Changed by somebody else, too: ${name}`}>
              <Text size="sm" fw={600}>
                {name}
              </Text>
              <Version whose="Theirs, which is stored:" value={valueAt(theirs, pointer)} />
              <Version whose="Mine:" value={valueAt(mine, pointer)} />
              <Group gap={8} mt={8}>
                <Button size="xs" variant="default" onClick={() => { onKeep(pointer); }}>
                  Keep mine
                </Button>
                <Button size="xs" variant="default" onClick={() => { onTake(pointer); }}>
                  Take theirs
                </Button>
              </Group>
            </div>
          );
        })}
      </Stack>
    </Alert>
  );
}

function Version({ whose, value }: { whose: string; value: unknown }) {
  return (
    <div style={{ marginTop: 6 }}>
      <Text size="sm">{whose}</Text>
      <pre className="mono" style={{ margin: 0, maxHeight: 200, overflow: "auto", whiteSpace: "pre-wrap" }} tabIndex={0}>
        {said(value)}
      </pre>
    </div>
  );
}

/** A value to read; what is secret isn't shown. */
function said(value: unknown): string {
  if (value === undefined || value === null || value === "") return "Empty";
  if (typeof value === "string") return value;
  return JSON.stringify(masked(value), null, 2);
}

/** Without the values of what is marked as secret. */
export function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value);
  const hides = "secret" in value && value.secret === true;
  return Object.fromEntries(members.map(([name, member]) => [name, hides && name === "value" ? "•••" : masked(member)]));
}
