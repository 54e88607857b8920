import { Checkbox, Select, TagsInput, TextInput } from "@mantine/core";
import type { Schemas } from "@/api/client";
import { Items } from "@/components/items";
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
  return (
    <Section title="Parameters" about="What users are asked. Use them in the URL, headers and body as ${parameters.name}.">
      <Items
        look="cards"
        what="parameter"
        items={parameters}
        disabled={!may}
        nameOf={(parameter, index) => parameter.display_name || String(index + 1)}
        make={(number): Parameter => ({
          name: `parameter_${String(number)}`,
          display_name: `Parameter ${String(number)}`,
          kind: "text",
        })}
        onChange={(next) => {
          draft.change({ parameters: next });
        }}
      >
        {(parameter, index, replace) => {
          const at = `/parameters/${String(index)}`;
          return (
            <>
            <div className={classes.grid}>
              <TextInput
                label="Parameter display name"
                disabled={!may}
                value={parameter.display_name}
                error={problemAt(check, `${at}/display_name`)}
                onChange={(event) => {
                  replace({ display_name: event.currentTarget.value });
                }}
              />
              <TextInput
                label="Parameter name"
                disabled={!may}
                classNames={{ input: "mono" }}
                data-pointer={`${at}/name`}
                value={parameter.name}
                error={problemAt(check, `${at}/name`)}
                onChange={(event) => {
                  replace({ name: event.currentTarget.value });
                }}
              />
              <Select
                label="Kind"
                disabled={!may}
                data={KINDS}
                value={parameter.kind ?? "text"}
                onChange={(kind) => {
                  if (kind !== null) replace({ kind: kind as Schemas["ParameterKind"] });
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
                replace({ help: event.currentTarget.value });
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
                  replace({ options: values.map((value) => ({ value, label: labels.get(value) ?? value })) });
                }}
              />
            )}
              <Checkbox
                mt={12}
                label="Required"
                disabled={!may}
                checked={parameter.required ?? false}
                onChange={(event) => {
                  replace({ required: event.currentTarget.checked });
                }}
              />
            </>
          );
        }}
      </Items>
    </Section>
  );
}
