import { Group, Select } from "@mantine/core";
import { escapePointer } from "./connection";
import { problemAt } from "./form";
import { suggestions } from "./property";
import { PropertyPicker } from "./property-picker";
import { Step, type StepProps } from "./step";

/** Which of the user's properties fill the destination's fields. */
export function MappingsStep({ form, set, destination, problems, observed, disabled }: StepProps) {
  const offered = suggestions(observed);
  return (
    <Step
      title="Mappings"
      about={`${destination.tile.display_name} has fields that your properties fill. Choose one for each.`}
    >
      {destination.content.mappings.map((mapping) => {
        const kinds = mapping.kinds ?? [];
        const name = escapePointer(mapping.name);
        return (
          <Group key={mapping.name} align="flex-start" wrap="nowrap" gap="sm">
            <div style={{ flex: 1, minWidth: 0 }}>
              <PropertyPicker
                label={mapping.name}
                description={mapping.help === "" ? undefined : mapping.help}
                required={mapping.required === true}
                clearable={mapping.required !== true}
                disabled={disabled}
                error={problemAt(problems, `/mappings/${name}`)}
                value={form.mappings[mapping.name] ?? null}
                suggestions={offered}
                onChange={(property) => {
                  const { [mapping.name]: former, ...others } = form.mappings;
                  void former;
                  set({ mappings: property === null ? others : { ...others, [mapping.name]: property } });
                }}
              />
            </div>
            {kinds.length > 0 && (
              <Select
                label="Identifier type"
                description={mapping.help === "" ? undefined : " "}
                w={170}
                disabled={disabled}
                error={problemAt(problems, `/mapping_kinds/${name}`)}
                data={kinds}
                placeholder="Choose"
                value={form.mapping_kinds[mapping.name] ?? null}
                onChange={(kind) => {
                  if (kind !== null) set({ mapping_kinds: { ...form.mapping_kinds, [mapping.name]: kind } });
                }}
              />
            )}
          </Group>
        );
      })}
    </Step>
  );
}
