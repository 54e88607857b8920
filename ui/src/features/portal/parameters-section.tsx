import { ActionIcon, Button, Checkbox, Group, Select, TagsInput, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import type { Schemas } from "@/api/client";
import { Section } from "@/components/page";
import { problemAt, type TabProps } from "./shared";
import classes from "./editor.module.css";

type Parameter = Schemas["Parameter"];

const KINDS: { value: Schemas["ParameterKind"]; label: string }[] = [
  { value: "text", label: "Text" },
  { value: "secret", label: "Secret" },
  { value: "url", label: "URL" },
  { value: "select", label: "Choice" },
  { value: "checkbox", label: "Checkbox" },
];

/** What users fill in: `parameters.NAME` in templates. */
export function ParametersSection({ draft, may, check }: TabProps) {
  const { parameters } = draft.content;
  const replace = (index: number, part: Partial<Parameter>) => {
    draft.change({ parameters: parameters.map((each, at) => (at === index ? { ...each, ...part } : each)) });
  };
  return (
    <Section title="Parameters" about="What users are asked. Use them in the URL, headers and body as ${parameters.name}.">
      <div className={classes.fields}>
        {parameters.map((parameter, index) => {
          const at = `/parameters/${String(index)}`;
          return (
            <div key={index} className={classes.item} role="group" aria-label={`Parameter ${parameter.display_name}`}>
              <div className={classes.grid}>
                <TextInput
                  label="Parameter display name"
                  disabled={!may}
                  value={parameter.display_name}
                  error={problemAt(check, `${at}/display_name`)}
                  onChange={(event) => {
                    replace(index, { display_name: event.currentTarget.value });
                  }}
                />
                <TextInput
                  label="Parameter name"
                  disabled={!may}
                  classNames={{ input: "mono" }}
                  value={parameter.name}
                  error={problemAt(check, `${at}/name`)}
                  onChange={(event) => {
                    replace(index, { name: event.currentTarget.value });
                  }}
                />
                <Select
                  label="Kind"
                  disabled={!may}
                  data={KINDS}
                  value={parameter.kind ?? "text"}
                  onChange={(kind) => {
                    if (kind !== null) replace(index, { kind: kind as Schemas["ParameterKind"] });
                  }}
                />
              </div>
              <TextInput
                mt={10}
                label="Help"
                disabled={!may}
                value={parameter.help ?? ""}
                error={problemAt(check, `${at}/help`)}
                onChange={(event) => {
                  replace(index, { help: event.currentTarget.value });
                }}
              />
              {parameter.kind === "select" && (
                <TagsInput
                  mt={10}
                  label="Choices"
                  description="As they are sent. Type one, then Enter."
                  disabled={!may}
                  acceptValueOnBlur
                  value={(parameter.options ?? []).map((option) => option.value)}
                  error={problemAt(check, `${at}/options`)}
                  onChange={(values) => {
                    const labels = new Map((parameter.options ?? []).map(({ value, label }) => [value, label]));
                    replace(index, { options: values.map((value) => ({ value, label: labels.get(value) ?? value })) });
                  }}
                />
              )}
              <Group mt={12} justify="space-between">
                <Checkbox
                  label="Required"
                  disabled={!may}
                  checked={parameter.required ?? false}
                  onChange={(event) => {
                    replace(index, { required: event.currentTarget.checked });
                  }}
                />
                {may && (
                  <ActionIcon
                    aria-label={`Remove parameter ${parameter.display_name}`}
                    onClick={() => {
                      draft.change({ parameters: parameters.filter((_, each) => each !== index) });
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
              const number = parameters.length + 1;
              const fresh: Parameter = {
                name: `parameter_${String(number)}`,
                display_name: `Parameter ${String(number)}`,
                kind: "text",
              };
              draft.change({ parameters: [...parameters, fresh] });
            }}
          >
            Add parameter
          </Button>
        )}
      </div>
    </Section>
  );
}
