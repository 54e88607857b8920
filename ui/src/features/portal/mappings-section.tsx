import { Checkbox, TagsInput, TextInput } from "@mantine/core";
import type { Schemas } from "@/api/client";
import { Items } from "@/components/items";
import { Section } from "@/components/page";
import { problemAt, type TabProps } from "./shared";
import classes from "./editor.module.css";

type Mapping = Schemas["Mapping"];

/** Fields that users fill from their properties: `mappedFields.NAME` in templates. */
export function MappingsSection({ draft, may, check }: TabProps) {
  const { mappings } = draft.content;
  return (
    <Section
      title="User properties mapping"
      about="Fields that users fill from a property of their choice. Use them as ${mappedFields.name}."
    >
      <Items
        look="cards"
        what="mapping"
        items={mappings}
        disabled={!may}
        nameOf={(mapping, index) => mapping.name || String(index + 1)}
        make={(number): Mapping => ({ name: `field_${String(number)}` })}
        onChange={(next) => {
          draft.change({ mappings: next });
        }}
      >
        {(mapping, index, replace) => {
          const at = `/mappings/${String(index)}`;
          return (
            <>
            <div className={classes.grid}>
              <TextInput
                label="Destination property name"
                disabled={!may}
                classNames={{ input: "mono" }}
                data-pointer={`${at}/name`}
                value={mapping.name}
                error={problemAt(check, `${at}/name`)}
                onChange={(event) => {
                  replace({ name: event.currentTarget.value });
                }}
              />
              <TextInput
                label="Help"
                disabled={!may}
                value={mapping.help ?? ""}
                error={problemAt(check, `${at}/help`)}
                onChange={(event) => {
                  replace({ help: event.currentTarget.value });
                }}
              />
            </div>
            <TagsInput
              mt={10}
              label="Identifier types"
              description="Where users also choose what the value is, such as external_id or email. None: it is the field itself."
              disabled={!may}
              acceptValueOnBlur
              value={mapping.kinds ?? []}
              error={problemAt(check, `${at}/kinds`)}
              onChange={(kinds) => {
                replace({ kinds });
              }}
            />
              <Checkbox
                mt={12}
                label="Required"
                disabled={!may}
                checked={mapping.required ?? false}
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
