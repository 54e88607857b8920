import { Select, Switch, TagsInput, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { Items } from "@/components/items";
import { meant } from "@/features/setup/condition";
import { blankRule, BODY_OPERATORS, type BodyOperator, isStatuses, type Meaning, MEANINGS, type Rule, takesValues } from "./answers";
import { problemAt, type TabProps } from "./shared";
import classes from "./editor.module.css";

interface RulesProps {
  rules: Rule[];
  /** Where they stand in the draft. */
  at: string;
  may: boolean;
  check: TabProps["check"];
  /** Whether one more request may follow. */
  follows: boolean;
  onChange: (rules: Rule[]) => void;
}

/** Rules about answers: of several the first that holds decides. */
export function RulesField({ rules, at, may, check, follows, onChange }: RulesProps) {
  return (
    <Items look="cards" what="rule" items={rules} disabled={!may} most={20} make={blankRule} onChange={onChange}>
      {(rule, index, replace) => (
        <RuleFields rule={rule} at={`${at}/${String(index)}`} may={may} check={check} follows={follows} replace={replace} />
      )}
    </Items>
  );
}

interface RuleProps {
  rule: Rule;
  at: string;
  may: boolean;
  check: TabProps["check"];
  follows: boolean;
  replace: (part: Partial<Rule>) => void;
}

function RuleFields({ rule, at, may, check, follows, replace }: RuleProps) {
  const { failed_item: failed, body = [], means } = rule;
  const meanings = (Object.keys(MEANINGS) as Meaning[]).filter((each) => follows || each !== "follow_up" || each === means);
  return (
    <div className={classes.fields}>
      <StatusField rule={rule} at={at} may={may} check={check} replace={replace} />
      <div>
        <Switch
          label="The response lists what failed"
          description="For batches: the rule matches what is in the list."
          disabled={!may}
          checked={failed != null}
          onChange={(event) => {
            replace({ failed_item: event.currentTarget.checked ? { list: "/errors", index: "/index" } : null });
          }}
        />
        {failed != null && (
          <div className={classes.grid} style={{ marginTop: 10 }}>
            <TextInput
              label="The list"
              description="A JSON pointer, such as /errors."
              disabled={!may}
              classNames={{ input: "mono" }}
              data-pointer={`${at}/failed_item/list`}
              value={failed.list}
              error={problemAt(check, `${at}/failed_item/list`)}
              onChange={(event) => {
                replace({ failed_item: { ...failed, list: event.currentTarget.value } });
              }}
            />
            <TextInput
              label="Which one failed"
              description="In an entry. Empty: each is about what was sent."
              disabled={!may}
              classNames={{ input: "mono" }}
              data-pointer={`${at}/failed_item/index`}
              value={failed.index ?? ""}
              error={problemAt(check, `${at}/failed_item/index`)}
              onChange={(event) => {
                replace({ failed_item: { ...failed, index: event.currentTarget.value === "" ? null : event.currentTarget.value } });
              }}
            />
          </div>
        )}
      </div>
      <div>
        {body.length > 0 && (
          <Text size="sm" fw={500}>
            {failed == null ? "And in the body" : "And in its entry"}
          </Text>
        )}
        <Conditions conditions={body} at={`${at}/body`} may={may} check={check} onChange={(next) => { replace({ body: next }); }} />
      </div>
      <div className={classes.grid}>
        <Select
          label="Then"
          disabled={!may}
          data={meanings.map((value) => ({ value, label: MEANINGS[value] }))}
          value={means}
          data-pointer={`${at}/means`}
          error={problemAt(check, `${at}/means`) ?? problemAt(check, at)}
          onChange={(value) => {
            if (value !== null) replace({ means: value as Meaning });
          }}
        />
        <TextInput
          label="Message"
          placeholder="Shown with the failure"
          maxLength={200}
          disabled={!may}
          data-pointer={`${at}/message`}
          value={rule.message ?? ""}
          error={problemAt(check, `${at}/message`)}
          onChange={(event) => {
            replace({ message: event.currentTarget.value });
          }}
        />
      </div>
    </div>
  );
}

/** What isn't a status is said and not taken: the draft couldn't hold it. */
function StatusField({ rule, at, may, check, replace }: Omit<RuleProps, "follows">) {
  const [wrong, setWrong] = useState<string>();
  const status = (rule.status ?? []).map(String);
  return (
    <TagsInput
      label="When the status is"
      description="One (409), a class (4xx) or a range (500-503)."
      placeholder={status.length === 0 ? "Any" : undefined}
      disabled={!may}
      acceptValueOnBlur
      splitChars={[",", " "]}
      data-pointer={`${at}/status`}
      value={status}
      error={wrong === undefined ? problemAt(check, `${at}/status`) : `${wrong} is no status.`}
      onChange={(values) => {
        setWrong(values.find((value) => !isStatuses(value)));
        replace({ status: values.filter(isStatuses) });
      }}
    />
  );
}

interface ConditionsProps {
  conditions: Schemas["BodyCondition"][];
  at: string;
  may: boolean;
  check: TabProps["check"];
  onChange: (conditions: Schemas["BodyCondition"][]) => void;
}

function Conditions({ conditions, at, may, check, onChange }: ConditionsProps) {
  return (
    <Items
      look="rows"
      what="condition"
      items={conditions}
      disabled={!may}
      most={10}
      make={(): Schemas["BodyCondition"] => ({ pointer: "/code", operator: "is", values: [] })}
      onChange={onChange}
    >
      {({ pointer, operator, values = [] }, index, replace) => (
        <>
          <TextInput
            aria-label={`Path of condition ${String(index + 1)}`}
            placeholder="/code"
            disabled={!may}
            classNames={{ input: "mono" }}
            data-pointer={`${at}/${String(index)}/pointer`}
            value={pointer}
            error={problemAt(check, `${at}/${String(index)}/pointer`)}
            onChange={(event) => {
              replace({ pointer: event.currentTarget.value });
            }}
          />
          <Select
            aria-label={`Comparison of condition ${String(index + 1)}`}
            disabled={!may}
            data={Object.entries(BODY_OPERATORS).map(([value, label]) => ({ value, label }))}
            value={operator}
            onChange={(value) => {
              if (value === null) return;
              const next = value as BodyOperator;
              replace({ operator: next, values: takesValues(next) ? values : [] });
            }}
          />
          {takesValues(operator) && (
            <TagsInput
              aria-label={`Values of condition ${String(index + 1)}`}
              placeholder={values.length === 0 ? "Type a value, then Enter" : undefined}
              disabled={!may}
              acceptValueOnBlur
              data-pointer={`${at}/${String(index)}/values`}
              value={values.map(String)}
              error={problemAt(check, `${at}/${String(index)}/values`)}
              onChange={(texts) => {
                replace({ values: texts.map(meant) });
              }}
            />
          )}
        </>
      )}
    </Items>
  );
}
