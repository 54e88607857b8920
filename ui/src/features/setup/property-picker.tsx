import { Combobox, InputBase, Text, useCombobox } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useId, useState, type ReactNode } from "react";
import { keyOf, type Property, propertyOf, SCOPES, type Suggestion } from "./property";
import classes from "./property-picker.module.css";

interface PickerProps {
  value: Property | null;
  onChange: (property: Property | null) => void;
  suggestions: Suggestion[];
  label: ReactNode;
  /** For screen readers, where `label` is not shown. */
  hiddenLabel?: boolean;
  description?: ReactNode;
  error?: ReactNode;
  required?: boolean;
  clearable?: boolean;
  disabled?: boolean;
}

/** Chooses a property: one that was received, or any by its name. */
export function PropertyPicker(props: PickerProps) {
  const { value, onChange, suggestions, label, hiddenLabel, description, error, required, clearable, disabled } = props;
  const [search, setSearch] = useState<string>();
  const labelId = useId();
  const combobox = useCombobox({
    onDropdownClose: () => {
      combobox.resetSelectedOption();
      setSearch(undefined);
    },
  });
  const sought = (search ?? "").trim().toLowerCase();
  const fitting = suggestions.filter((each) => each.property.name.toLowerCase().includes(sought)).slice(0, 80);
  const scopes = ["user", "event", "group", "field"] as const;
  const typed = (search ?? "").trim();
  const known = (scope: string) =>
    fitting.some((each) => each.property.scope === scope && each.property.name === typed);

  return (
    <Combobox
      store={combobox}
      shadow="md"
      disabled={disabled ?? false}
      onOptionSubmit={(key) => {
        onChange(key === "" ? null : propertyOf(key));
        combobox.closeDropdown();
      }}
    >
      <Combobox.Target>
        <InputBase
          label={hiddenLabel === true ? undefined : label}
          labelProps={{ id: labelId }}
          aria-label={hiddenLabel === true && typeof label === "string" ? label : undefined}
          description={description}
          error={error}
          withAsterisk={required ?? false}
          disabled={disabled ?? false}
          placeholder="Choose a property"
          rightSection={<IconChevronDown size={15} aria-hidden />}
          rightSectionPointerEvents="none"
          value={search ?? (value === null ? "" : shown(value))}
          onFocus={() => {
            combobox.openDropdown();
          }}
          onClick={() => {
            combobox.openDropdown();
          }}
          onBlur={() => {
            combobox.closeDropdown();
          }}
          onChange={(event) => {
            setSearch(event.currentTarget.value);
            combobox.openDropdown();
            combobox.updateSelectedOptionIndex();
          }}
        />
      </Combobox.Target>
      <Combobox.Dropdown>
        <Combobox.Options className={classes.options}>
          {clearable === true && value !== null && (
            <Combobox.Option value="">
              <Text size="sm" c="dimmed">
                Nothing found
              </Text>
            </Combobox.Option>
          )}
          {scopes.map((scope) => {
            const own = fitting.filter((each) => each.property.scope === scope);
            if (own.length === 0) return null;
            return (
              <Combobox.Group key={scope} label={plural(scope)}>
                {own.map((each) => (
                  <Combobox.Option key={keyOf(each.property)} value={keyOf(each.property)}>
                    <span className={classes.option}>
                      <span>{shown(each.property)}</span>
                      {each.events !== null && <span className={classes.count}>{each.events} events</span>}
                    </span>
                  </Combobox.Option>
                ))}
              </Combobox.Group>
            );
          })}
          {typed !== "" && (
            <Combobox.Group label="Use this name">
              {(["user", "event", "field"] as const)
                .filter((scope) => !known(scope))
                .map((scope) => (
                  <Combobox.Option key={scope} value={`${scope}:${typed}`}>
                    {SCOPES[scope]} “{typed}”
                  </Combobox.Option>
                ))}
            </Combobox.Group>
          )}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}

/** A property as people read it. */
function shown(property: Property): string {
  return property.scope === "group" ? `${property.group_type}: ${property.name}` : property.name;
}

function plural(scope: keyof typeof SCOPES): string {
  return {
    event: "Event properties",
    user: "User properties",
    group: "Group properties",
    field: "Fields of the event",
  }[scope];
}
