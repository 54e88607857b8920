import { ActionIcon, Button, Checkbox, Group, TagsInput, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import type { Schemas } from "@/api/client";
import { Section } from "@/components/page";
import { problemAt, type TabProps } from "./shared";
import classes from "./editor.module.css";

type Mapping = Schemas["Mapping"];

/** Fields that users fill from their properties: `mappedFields.NAME` in templates. */
export function MappingsSection({ draft, may, check }: TabProps) {
  const { mappings } = draft.content;
  const replace = (index: number, part: Partial<Mapping>) => {
    draft.change({ mappings: mappings.map((each, at) => (at === index ? { ...each, ...part } : each)) });
  };
  return (
    <Section
      title="User properties mapping"
      about="Fields that users fill from a property of their choice. Use them as ${mappedFields.name}."
    >
      <div className={classes.fields}>
        {mappings.map((mapping, index) => {
          const at = `/mappings/${String(index)}`;
          return (
            <div key={index} className={classes.item} role="group" aria-label={`Mapping ${mapping.name}`}>
              <div className={classes.grid}>
                <TextInput
                  label="Destination property name"
                  disabled={!may}
                  classNames={{ input: "mono" }}
                  value={mapping.name}
                  error={problemAt(check, `${at}/name`)}
                  onChange={(event) => {
                    replace(index, { name: event.currentTarget.value });
                  }}
                />
                <TextInput
                  label="Help"
                  disabled={!may}
                  value={mapping.help ?? ""}
                  error={problemAt(check, `${at}/help`)}
                  onChange={(event) => {
                    replace(index, { help: event.currentTarget.value });
                  }}
                />
              </div>
              <TagsInput
                mt={10}
                label="Kinds of identifier"
                description="Where users also choose what the value is, such as external_id or email. None: it is the field itself."
                disabled={!may}
                acceptValueOnBlur
                value={mapping.kinds ?? []}
                error={problemAt(check, `${at}/kinds`)}
                onChange={(kinds) => {
                  replace(index, { kinds });
                }}
              />
              <Group mt={12} justify="space-between">
                <Checkbox
                  label="Required"
                  disabled={!may}
                  checked={mapping.required ?? false}
                  onChange={(event) => {
                    replace(index, { required: event.currentTarget.checked });
                  }}
                />
                {may && (
                  <ActionIcon
                    aria-label={`Remove mapping ${mapping.name}`}
                    onClick={() => {
                      draft.change({ mappings: mappings.filter((_, each) => each !== index) });
                    }}
                  >
                    <IconTrash size={16} />
                  </ActionIcon>
                )}
              </Group>
            </div>
          );
        })}
        {may && (
          <Button
            variant="default"
            style={{ alignSelf: "flex-start" }}
            leftSection={<IconPlus size={14} />}
            onClick={() => {
              draft.change({ mappings: [...mappings, { name: `field_${String(mappings.length + 1)}` }] });
            }}
          >
            Add mapping
          </Button>
        )}
      </div>
    </Section>
  );
}
