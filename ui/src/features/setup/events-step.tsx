import { ActionIcon, Autocomplete, Button, Group, Radio, Stack, Switch, Text } from "@mantine/core";
import { IconFilter, IconPlus, IconX } from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { asGroup, blankTest, complete, type Condition } from "./condition";
import { CountedFor } from "./condition-count";
import { FilterGroup } from "./filter";
import { MatchCount } from "./match-count";
import { PayloadField } from "./payload";
import { suggestions } from "./property";
import { allOf } from "./seen";
import { Step, type StepProps } from "./step";
import classes from "./events-step.module.css";

type Selection = Schemas["Selection"];
type SelectedType = Schemas["SelectedType"];

/** Which events are sent, under which conditions, and as what. */
export function EventsStep(props: StepProps) {
  const { form, set, sync, destination, problems, observed, disabled } = props;
  const { events } = form;
  const send = events.send ?? true;
  const select: Selection = events.select ?? { all: {} };
  const change = (selection: Selection) => {
    set({ events: { ...events, select: selection } });
  };
  return (
    <Step title="Events" about="Select only the events that the destination needs.">
      <Switch
        label={send ? `Events are sent to ${destination.tile.display_name}` : "Events are not sent"}
        checked={send}
        disabled={disabled}
        onChange={(event) => {
          set({ events: { ...events, send: event.currentTarget.checked } });
        }}
      />
      {send && (
        <>
          <Radio.Group
            label="Which events"
            value={"types" in select ? "types" : "all"}
            onChange={(kind) => {
              change(kind === "all" ? { all: {} } : { types: [] });
            }}
          >
            <Stack gap={8} mt={8}>
              <Radio value="all" label="All events" disabled={disabled} />
              <Radio value="types" label="Selected event types" disabled={disabled} />
            </Stack>
          </Radio.Group>
          {"types" in select ? (
            <Types
              sync={sync}
              types={select.types}
              observed={observed}
              disabled={disabled}
              onChange={(types) => {
                change({ types });
              }}
            />
          ) : (
            <Filter
              sync={sync}
              condition={select.all.condition}
              observed={observed}
              disabled={disabled}
              onChange={(condition) => {
                change({ all: condition === null ? {} : { condition } });
              }}
            />
          )}
          <MatchCount sync={sync} form={form} />
          {destination.own_templates && (
            <PayloadField
              {...props}
              label="Payload of events"
              template={events.template ?? null}
              pointer="/events/template"
              problems={problems}
              onChange={(template) => {
                const { template: former, ...others } = events;
                void former;
                set({ events: template === null ? others : { ...others, template } });
              }}
            />
          )}
        </>
      )}
    </Step>
  );
}

interface FilterProps {
  sync: StepProps["sync"];
  condition: Condition | null | undefined;
  observed: StepProps["observed"];
  disabled: boolean;
  eventType?: string;
  onChange: (condition: Condition | null) => void;
}

/** A condition under construction: what isn't filled in yet is kept here, and not sent. */
export function Filter({ sync, condition, observed, disabled, eventType, onChange }: FilterProps) {
  const [edited, setEdited] = useState<Condition>();
  const stored = JSON.stringify(complete(asGroup(condition)));
  const current =
    edited !== undefined && JSON.stringify(complete(edited)) === stored ? edited : asGroup(condition);
  const change = (next: Condition) => {
    setEdited(next);
    onChange(complete(next));
  };
  const empty = "all" in current && current.all.length === 0;
  if (empty) {
    return (
      <Group>
        <Button
          variant="subtle"
          size="xs"
          disabled={disabled}
          leftSection={<IconFilter size={14} />}
          onClick={() => {
            change({ all: [blankTest()] });
          }}
        >
          Add a filter
        </Button>
      </Group>
    );
  }
  return (
    <CountedFor value={{ sync, type: eventType ?? null }}>
      <FilterGroup
        condition={current}
        suggestions={suggestions(observed, eventType)}
        disabled={disabled}
        onChange={change}
      />
    </CountedFor>
  );
}

interface TypesProps {
  sync: StepProps["sync"];
  types: SelectedType[];
  observed: StepProps["observed"];
  disabled: boolean;
  onChange: (types: SelectedType[]) => void;
}

function Types({ sync, types, observed, disabled, onChange }: TypesProps) {
  const [text, setText] = useState("");
  const seen = new Map(observed?.event_types.map((each) => [each.event_type, each.events]) ?? []);
  const free = [...seen.keys()].filter((name) => !types.some((type) => type.event_type === name));
  const add = (name: string) => {
    const event_type = name.trim();
    if (event_type === "" || types.some((type) => type.event_type === event_type)) return;
    onChange([...types, { event_type }]);
    setText("");
  };
  return (
    <div className={classes.types}>
      {types.map((type) => (
        <div key={type.event_type} className={classes.type}>
          <div className={classes.head}>
            <b>{type.event_type}</b>
            <span className="muted numbers">
              {observed === undefined
                ? ""
                : seen.has(type.event_type)
                  ? `${(seen.get(type.event_type) ?? 0).toLocaleString("en")} of ${allOf(observed)}`
                  : "not received lately"}
            </span>
            {!disabled && (
              <ActionIcon
                aria-label={`Remove ${type.event_type}`}
                onClick={() => {
                  onChange(types.filter((each) => each.event_type !== type.event_type));
                }}
              >
                <IconX size={15} />
              </ActionIcon>
            )}
          </div>
          <Filter
            sync={sync}
            condition={type.condition}
            observed={observed}
            disabled={disabled}
            eventType={type.event_type}
            onChange={(condition) => {
              onChange(
                types.map((each) =>
                  each.event_type === type.event_type
                    ? { event_type: each.event_type, ...(condition === null ? {} : { condition }) }
                    : each,
                ),
              );
            }}
          />
        </div>
      ))}
      {types.length === 0 && (
        <Text size="sm" c="dimmed">
          No event type is selected yet: nothing would be sent.
        </Text>
      )}
      {!disabled && (
        <Group gap={8} align="flex-end">
          <Autocomplete
            aria-label="Event type to add"
            placeholder="Choose or enter an event type"
            w={300}
            value={text}
            data={free}
            onChange={setText}
            onOptionSubmit={(name) => {
              add(name);
              // The component writes the choice into the field after this.
              requestAnimationFrame(() => {
                setText("");
              });
            }}
            onKeyDown={(event) => {
              if (event.key === "Enter") {
                event.preventDefault();
                add(text);
              }
            }}
          />
          <Button
            variant="default"
            leftSection={<IconPlus size={14} />}
            onClick={() => {
              add(text);
            }}
          >
            Add
          </Button>
        </Group>
      )}
    </div>
  );
}
