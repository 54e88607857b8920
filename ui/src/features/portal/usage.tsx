import { Table, Text, UnstyledButton } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";
import { fieldName } from "@/components/field-name";
import { Section } from "@/components/page";
import type { Check, Content } from "./queries";
import type { Jump } from "./shared";
import classes from "./editor.module.css";

interface UsageProps {
  check: Check | undefined;
  content: Content;
  onJump: (jump: Jump) => void;
}

/** DECLARED and USED: each parameter and mapped field, and where templates use it. */
export function Usage({ check, content, onJump }: UsageProps) {
  if (check === undefined) return null;
  const rows = [
    ...check.parameters.map((usage) => ({ usage, kind: "parameters" })),
    ...check.mapped_fields.map((usage) => ({ usage, kind: "mappedFields" })),
  ];
  return (
    <Section title="Declared and used">
      {rows.length === 0 ? (
        <Text size="sm" c="dimmed">
          There are no parameters and no mapped fields.
        </Text>
      ) : (
        <Table fz="sm" verticalSpacing={6} horizontalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th>Declared</Table.Th>
              <Table.Th>Used</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map(({ usage, kind }) => (
              <Table.Tr key={`${kind}.${usage.name}`}>
                <Table.Td className={`mono ${classes.name ?? ""}`}>
                  <span className="muted">{kind}.</span>
                  <wbr />
                  {usage.name}
                </Table.Td>
                <Table.Td>
                  <Mark yes={usage.declared} />
                </Table.Td>
                <Table.Td>
                  {usage.used.length === 0 && <Mark yes={false} />}
                  {usage.used.map((place) => (
                    <UnstyledButton
                      key={`${place.pointer}:${String(place.line)}:${String(place.column)}`}
                      className={classes.jump ?? ""}
                      onClick={() => {
                        onJump(place);
                      }}
                    >
                      {fieldName(place.pointer, content)}
                      {place.line != null && `, line ${String(place.line)}`}
                    </UnstyledButton>
                  ))}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Section>
  );
}

function Mark({ yes }: { yes: boolean }) {
  return yes ? (
    <IconCheck size={16} color="var(--ms-healthy)" aria-label="Yes" />
  ) : (
    <IconX size={16} color="var(--ms-failing)" aria-label="No" />
  );
}
