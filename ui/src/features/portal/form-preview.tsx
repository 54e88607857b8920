import { Badge, Stack, Text } from "@mantine/core";
import type { Schemas } from "@/api/client";
import { Logo } from "@/components/logo";
import { CATEGORIES } from "@/features/catalog/queries";
import { ParameterField } from "@/features/setup/connection";
import type { SecretField } from "@/features/setup/form";
import { type Property, suggestions } from "@/features/setup/property";
import { PropertyPicker } from "@/features/setup/property-picker";
import type { Content } from "./queries";
import classes from "./editor.module.css";

/** The tile, as the catalog shows it. */
export function TilePreview({ content }: { content: Content }) {
  return (
    <div className={classes.tile}>
      <Logo name={content.display_name} logo={content.about.logo} size={44} />
      <div>
        <Text fw={600}>{content.display_name}</Text>
        <Text size="sm" c="dimmed">
          {content.about.summary === "" ? "No summary yet" : content.about.summary}
        </Text>
        <Badge size="sm" color="gray" mt={8}>
          {CATEGORIES[content.about.category ?? "other"]}
        </Badge>
      </div>
    </div>
  );
}

/** What is filled in of a set-up. */
export interface Filled {
  parameters: Record<string, SecretField>;
  mappings: Record<string, Property>;
}

interface FormProps {
  content: Content;
  filled: Filled;
  onChange: (filled: Filled) => void;
  problems: Schemas["FieldProblem"][];
}

/** The set-up that users see: the very fields of it, which can be filled in. */
export function SetupForm({ content, filled, onChange, problems }: FormProps) {
  const offered = suggestions(undefined);
  return (
    <Stack gap="sm">
      {content.parameters.length === 0 && content.mappings.length === 0 && (
        <Text size="sm" c="dimmed">
          Users have nothing to fill in.
        </Text>
      )}
      {content.parameters.map((parameter) => (
        <ParameterField
          key={parameter.name}
          parameter={parameter}
          field={filled.parameters[parameter.name]}
          stored={false}
          problems={problems}
          disabled={false}
          onChange={(field) => {
            onChange({ ...filled, parameters: { ...filled.parameters, [parameter.name]: field } });
          }}
        />
      ))}
      {content.mappings.map((mapping) => (
        <PropertyPicker
          key={mapping.name}
          label={mapping.name}
          description={mapping.help === "" ? undefined : mapping.help}
          required={mapping.required === true}
          suggestions={offered}
          value={filled.mappings[mapping.name] ?? null}
          onChange={(property) => {
            if (property !== null) onChange({ ...filled, mappings: { ...filled.mappings, [mapping.name]: property } });
          }}
        />
      ))}
    </Stack>
  );
}
