import { ActionIcon, Radio, Stack, Switch, Text } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { problemAt } from "./form";
import { keyOf, type Property, SCOPES, type Suggestion, suggestions } from "./property";
import { PropertyPicker } from "./property-picker";
import { Step, type StepProps } from "./step";
import classes from "./properties.module.css";

/** Which properties go along. */
export function PropertiesStep({ form, set, problems, observed, disabled }: StepProps) {
  return (
    <Step
      title="Properties"
      about="Which event and user properties go along. A payload template finds them in mappedProperties."
    >
      <Radio.Group
        label="Which properties are sent"
        value={form.property_choice}
        onChange={(choice) => {
          set({ property_choice: choice === "only" ? "only" : "all_but" });
        }}
      >
        <Stack gap={8} mt={8}>
          <Radio value="only" label="Only these" disabled={disabled} />
          <Radio value="all_but" label="All except these" disabled={disabled} />
        </Stack>
      </Radio.Group>
      <PropertyList
        list={form.properties}
        suggestions={suggestions(observed).filter((each) => each.property.scope !== "field")}
        disabled={disabled}
        error={problemAt(problems, "/properties")}
        empty={form.property_choice === "only" ? "No properties are sent." : "All properties are sent."}
        onChange={(properties) => {
          set({ properties });
        }}
      />
      <Switch
        label="Hide the others from templates, too"
        description="Properties that aren't sent are removed from the event before the template sees it."
        checked={form.withhold_properties}
        disabled={disabled}
        onChange={(event) => {
          set({ withhold_properties: event.currentTarget.checked });
        }}
      />
    </Step>
  );
}

interface ListProps {
  list: Property[];
  suggestions: Suggestion[];
  disabled: boolean;
  error?: string | undefined;
  empty: string;
  onChange: (list: Property[]) => void;
}

/** A list of properties to add to and take from. */
export function PropertyList({ list, suggestions, disabled, error, empty, onChange }: ListProps) {
  const chosen = new Set(list.map(keyOf));
  return (
    <div>
      <ul className={classes.list}>
        {list.map((property) => (
          <li key={keyOf(property)} className={classes.item}>
            <span className="mono">{property.name}</span>
            <span className="muted">{SCOPES[property.scope]}</span>
            {!disabled && (
              <ActionIcon
                size="sm"
                aria-label={`Remove ${property.name}`}
                onClick={() => {
                  onChange(list.filter((each) => keyOf(each) !== keyOf(property)));
                }}
              >
                <IconX size={14} />
              </ActionIcon>
            )}
          </li>
        ))}
      </ul>
      {list.length === 0 && (
        <Text size="sm" c="dimmed" mb={8}>
          {empty}
        </Text>
      )}
      {!disabled && (
        <PropertyPicker
          label="Add a property"
          value={null}
          error={error}
          suggestions={suggestions.filter((each) => !chosen.has(keyOf(each.property)))}
          onChange={(property) => {
            if (property !== null && !chosen.has(keyOf(property))) onChange([...list, property]);
          }}
        />
      )}
    </div>
  );
}
