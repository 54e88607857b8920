import { Combobox, InputBase, Text, useCombobox } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import { inNumbers } from "@/features/overview/figures";
import { keyOf, namedBy, OFFERED, type Property, propertyOf, SCOPES, type Suggestion } from "./property";
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
  const typed = (search ?? "").trim();
  const known = (scope: string) =>
    fitting.some((each) => each.property.scope === scope && each.property.name === typed);
  const meant = namedBy(fitting, typed);
  const list = useRef<HTMLDivElement>(null);
  // Enter takes what is marked: what was typed as it is named, or else the first that fits.
  const { selectFirstOption, selectOption } = combobox;
  const meantKey = meant === null ? null : keyOf(meant);
  useEffect(() => {
    if (typed === "") return;
    const keys = [...(list.current?.querySelectorAll("[data-key]") ?? [])].map((each) => each.getAttribute("data-key"));
    const place = keys.indexOf(meantKey);
    if (place < 0) selectFirstOption();
    else selectOption(place);
  }, [typed, meantKey, selectFirstOption, selectOption]);

  return (
    <Combobox
      store={combobox}
      shadow="md"
      position="bottom-start"
      width="max-content"
      disabled={disabled ?? false}
      onOptionSubmit={(key) => {
        onChange(key === "" ? null : propertyOf(key));
        combobox.closeDropdown();
      }}
    >
      <Combobox.Target withExpandedAttribute>
        <InputBase
          label={hiddenLabel === true ? undefined : label}
          labelProps={{ id: labelId }}
          aria-label={hiddenLabel === true && typeof label === "string" ? label : undefined}
          description={description}
          error={error}
          withAsterisk={required ?? false}
          disabled={disabled ?? false}
          placeholder={hiddenLabel === true ? "Property" : "Choose a property"}
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
            // Whoever typed a whole name and went on has chosen it.
            if (meant !== null) onChange(meant);
            combobox.closeDropdown();
          }}
          onChange={(event) => {
            setSearch(event.currentTarget.value);
            combobox.openDropdown();
            combobox.resetSelectedOption();
          }}
        />
      </Combobox.Target>
      <Combobox.Dropdown className={classes.dropdown ?? ""}>
        <Combobox.Options ref={list} className={classes.options} aria-label={typeof label === "string" ? label : "Properties"}>
          {clearable === true && value !== null && (
            <Combobox.Option value="" data-key="">
              <Text size="sm" className={classes.none ?? ""}>
                No property
              </Text>
            </Combobox.Option>
          )}
          {OFFERED.map((scope) => {
            const own = fitting.filter((each) => each.property.scope === scope);
            if (own.length === 0) return null;
            return (
              <Combobox.Group key={scope} label={plural(scope)}>
                {own.map((each) => (
                  <Combobox.Option key={keyOf(each.property)} value={keyOf(each.property)} data-key={keyOf(each.property)}>
                    <span className={classes.option}>
                      <span>{shown(each.property)}</span>
                      {each.events !== null && <span className={classes.count}>{inNumbers(each.events)} {each.events === 1 ? "event" : "events"}</span>}
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
                  <Combobox.Option key={scope} value={`${scope}:${typed}`} data-key={`${scope}:${typed}`}>
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
