import { ActionIcon, Button, Group, Select, TagsInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { useAdded } from "@/components/added";
import {
  blankTest,
  type Condition,
  groupOf,
  makeGroup,
  meant,
  type Operator,
  OPERATORS,
  type Test,
  valuesOf,
  withOperator,
} from "./condition";
import { ConditionCount } from "./condition-count";
import { keyOf, type Suggestion } from "./property";
import { PropertyPicker } from "./property-picker";
import classes from "./filter.module.css";

/** How deep the builder lets groups nest; deeper ones that are there are shown. */
const DEPTH = 4;

interface GroupProps {
  condition: Condition;
  onChange: (condition: Condition) => void;
  suggestions: Suggestion[];
  disabled: boolean;
  depth?: number;
  onRemove?: () => void;
}

/** Conditions that hold together, as a sentence; groups in it as rails. */
export function FilterGroup({ condition, onChange, suggestions, disabled, depth = 0, onRemove }: GroupProps) {
  const group = groupOf(condition);
  const { place, note } = useAdded(group?.members.length ?? 0);
  if (group === null) return null;
  const { joined, members } = group;
  const set = (next: Condition[]) => {
    onChange(makeGroup(joined, next));
  };
  return (
    <div ref={place} className={classes.group} data-nested={depth > 0} role="group" aria-label={joined === "all" ? "All of these match" : "Any of these matches"}>
      {members.map((member, index) => {
        const replace = (next: Condition) => {
          set(members.map((each, at) => (at === index ? next : each)));
        };
        const remove = () => {
          set(members.filter((_, at) => at !== index));
        };
        return (
          <div key={index} data-item className={classes.member}>
            <span className={classes.joint}>
              {index === 0 ? (
                "where"
              ) : index === 1 && !disabled ? (
                <button
                  type="button"
                  className={classes.join}
                  title="Switch between “and” and “or”"
                  onClick={() => {
                    onChange(makeGroup(joined === "all" ? "any" : "all", members));
                  }}
                >
                  {joined === "all" ? "and" : "or"}
                </button>
              ) : joined === "all" ? (
                "and"
              ) : (
                "or"
              )}
            </span>
            {"test" in member ? (
              <TestRow
                test={member.test}
                suggestions={suggestions}
                disabled={disabled}
                onChange={(test) => {
                  replace({ test });
                }}
                onRemove={remove}
              />
            ) : (
              <FilterGroup
                condition={member}
                suggestions={suggestions}
                disabled={disabled}
                depth={depth + 1}
                onChange={replace}
                onRemove={remove}
              />
            )}
          </div>
        );
      })}
      {!disabled && (
        <Group gap={4}>
          <Button
            variant="subtle"
            size="xs"
            leftSection={<IconPlus size={14} />}
            onClick={() => {
              note();
              set([...members, blankTest()]);
            }}
          >
            Add condition
          </Button>
          {depth < DEPTH && members.length > 0 && (
            <Button
              variant="subtle"
              color="gray"
              size="xs"
              onClick={() => {
                note();
                set([...members, makeGroup(joined === "all" ? "any" : "all", [blankTest()])]);
              }}
            >
              Add group
            </Button>
          )}
          {onRemove !== undefined && (
            <Button variant="subtle" color="gray" size="xs" onClick={onRemove}>
              Remove group
            </Button>
          )}
        </Group>
      )}
    </div>
  );
}

interface RowProps {
  test: Test["test"];
  suggestions: Suggestion[];
  disabled: boolean;
  onChange: (test: Test["test"]) => void;
  onRemove: () => void;
}

function TestRow({ test, suggestions, disabled, onChange, onRemove }: RowProps) {
  const takes = valuesOf(test.operator);
  const known = test.property.name === "" ? undefined : suggestions.find((each) => keyOf(each.property) === keyOf(test.property));
  const examples = (known?.examples ?? []).filter((example) => typeof example !== "object").map(String);
  return (
    <div className={classes.test}>
      <div className={classes.property}>
        <PropertyPicker
          label="Property"
          hiddenLabel
          value={test.property.name === "" ? null : test.property}
          suggestions={suggestions}
          disabled={disabled}
          onChange={(property) => {
            if (property !== null) onChange({ ...test, property });
          }}
        />
      </div>
      <Select
        aria-label="Comparison"
        className={classes.operator}
        disabled={disabled}
        value={test.operator}
        data={Object.entries(OPERATORS).map(([value, label]) => ({ value, label }))}
        onChange={(operator) => {
          if (operator !== null) onChange(withOperator(test, operator as Operator));
        }}
      />
      {takes !== "none" && (
        <TagsInput
          aria-label="Values"
          className={classes.values}
          disabled={disabled}
          size="sm"
          maxTags={takes === "one" ? 1 : 100}
          acceptValueOnBlur
          placeholder={(test.values ?? []).length === 0 ? "Type a value, then Enter" : undefined}
          data={[...new Set(examples)]}
          value={(test.values ?? []).map(String)}
          onChange={(values) => {
            onChange({ ...test, values: values.map(meant) });
          }}
        />
      )}
      <ConditionCount test={test} />
      {!disabled && (
        <ActionIcon aria-label="Remove condition" onClick={onRemove}>
          <IconX size={15} />
        </ActionIcon>
      )}
    </div>
  );
}
