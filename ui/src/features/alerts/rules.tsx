import { Alert, Button, Group, NumberInput, Stack, Switch, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Schemas } from "@/api/client";
import { Absent } from "@/components/absent";
import { confirmDanger } from "@/components/confirm";
import { done, failed } from "@/components/notices";
import { Failed } from "@/components/states";
import { ProblemError } from "@/api/client";
import { changeRules, RULES, resetRules, type RulesOf, rulesQuery } from "./queries";
import { QuietHours } from "./quiet-hours";
import classes from "./rules.module.css";

type Input = Schemas["AlertRulesInput"];

/** What begins an incident, and when anything is told: of a project's syncs, or of one of them. */
export function RulesForm({ of, may }: { of: RulesOf; may: boolean }) {
  const client = useQueryClient();
  const { queryKey } = rulesQuery(of);
  const stored = useQuery(rulesQuery(of));
  const [edited, setEdited] = useState<Input>({});
  const save = useMutation({
    mutationFn: (tag: string) => changeRules(of, tag, edited),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey });
      setEdited({});
      done("The rules are saved.");
    },
    // What others changed meanwhile is taken; what was set here stays beside it.
    onError: () => void client.invalidateQueries({ queryKey }),
  });
  const reset = useMutation({
    mutationFn: () => resetRules(of),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey });
      setEdited({});
      done("The sync uses its project's rules again.");
    },
    onError: failed("The rules weren't reset"),
  });
  if (stored.data === undefined) return <Absent query={stored} failed="Rules can't be shown" rows={5} />;
  const rules = { ...stored.data.rules, ...without(edited) };
  const { state, error_rate: rate, backlog_age: age, expiry, credentials, loss } = rules;
  const { own } = stored.data.rules;
  const ofSync = of.sync !== undefined;
  const problem = save.error instanceof ProblemError ? save.error : undefined;
  const set = (part: Input) => {
    setEdited({ ...edited, ...part });
  };
  return (
    <Stack gap="md" maw={900}>
      {ofSync && (
        <Alert color="gray" py={10}>
          <Group justify="space-between" gap="sm">
            <Text size="sm">
              {own ? "This sync has its own rules; the project's don't apply to it." : `This sync uses its project's rules.${may ? " Changes here apply to this sync only." : ""}`}
            </Text>
            {own && may && (
              <Button
                size="xs"
                variant="default"
                loading={reset.isPending}
                onClick={() => {
                  confirmDanger({
                    title: "Use the project's rules?",
                    what: "This sync's own rules are deleted.",
                    action: "Use the project's rules",
                    onConfirm: () => {
                      reset.mutate();
                    },
                  });
                }}
              >
                Use the project&apos;s
              </Button>
            )}
          </Group>
        </Alert>
      )}
      <Switch
        label={ofSync ? "Watch this sync" : "Watch the syncs of this project"}
        disabled={!may}
        checked={rules.enabled ?? true}
        onChange={(event) => {
          set({ enabled: event.currentTarget.checked });
        }}
      />
      <div className={classes.rules}>
        <Rule name={RULES.state} rule={state} may={may} onChange={(next) => { set({ state: next }); }}>
          <span>for</span>
          <Bound label="seconds" least={0} most={86_400} value={state?.after_seconds} may={may} error={problem?.at("/state")} onChange={(after_seconds) => { set({ state: { ...state, after_seconds } }); }} />
        </Rule>
        <Rule name={RULES.error_rate} rule={rate} may={may} onChange={(next) => { set({ error_rate: next }); }}>
          <span>more than</span>
          <Bound label="percent" most={99} value={rate?.percent} may={may} error={problem?.at("/error_rate/percent")} onChange={(percent) => { set({ error_rate: { ...rate, percent } }); }} />
          <span>of at least</span>
          <Bound label="attempts" most={1_000_000} value={rate?.minimum} may={may} error={problem?.at("/error_rate/minimum")} onChange={(minimum) => { set({ error_rate: { ...rate, minimum } }); }} />
          <span>within</span>
          <Bound label="minutes" most={60} value={rate?.window_minutes} may={may} error={problem?.at("/error_rate/window_minutes")} onChange={(window_minutes) => { set({ error_rate: { ...rate, window_minutes } }); }} />
        </Rule>
        <Rule name={RULES.backlog_age} rule={age} may={may} onChange={(next) => { set({ backlog_age: next }); }}>
          <span>longer than</span>
          <Bound label="minutes" most={10_080} value={age?.minutes} may={may} error={problem?.at("/backlog_age")} onChange={(minutes) => { set({ backlog_age: { ...age, minutes } }); }} />
        </Rule>
        <Rule name={RULES.expiry} rule={expiry} may={may} onChange={(next) => { set({ expiry: next }); }} />
        <Rule name={RULES.credentials} rule={credentials} may={may} onChange={(next) => { set({ credentials: next }); }} />
        <Rule name={RULES.loss} rule={loss} may={may} onChange={(next) => { set({ loss: next }); }}>
          <span>at least</span>
          <Bound label="events" most={1_000_000} value={loss?.minimum} may={may} error={problem?.at("/loss")} onChange={(minimum) => { set({ loss: { ...loss, minimum } }); }} />
          <span>in an hour</span>
        </Rule>
        <div className={classes.rule} role="group" aria-label="Resolved after">
          <span>Resolved after no problem for</span>
          <div className={classes.bounds}>
            <Bound label="minutes" most={1440} value={rules.calm_minutes} may={may} error={problem?.at("/calm_minutes")} onChange={(calm_minutes) => { set({ calm_minutes }); }} />
          </div>
        </div>
      </div>
      <QuietHours
        hours={rules.quiet_hours ?? null}
        may={may}
        problem={problem}
        onChange={(quiet_hours) => {
          set({ quiet_hours });
        }}
      />
      <Switch
        label="Mail to owners, admins and the sync's creator"
        disabled={!may}
        checked={rules.default_recipients ?? true}
        onChange={(event) => {
          set({ default_recipients: event.currentTarget.checked });
        }}
      />
      {save.error !== null && <Failed error={save.error} what="The rules weren't saved" />}
      {may && (
        <Group>
          <Button
            disabled={Object.keys(edited).length === 0}
            loading={save.isPending}
            onClick={() => {
              save.mutate(stored.data.tag);
            }}
          >
            Save rules
          </Button>
        </Group>
      )}
    </Stack>
  );
}

/** What is set, without what is null: that is as it was. Of quiet hours null is a choice. */
function without(input: Input): Partial<Schemas["AlertRules"]> {
  return Object.fromEntries(Object.entries(input).filter(([name, value]) => value != null || name === "quiet_hours"));
}

interface RuleProps<T> {
  name: string;
  rule: T | undefined;
  may: boolean;
  onChange: (rule: T & { enabled: boolean }) => void;
  children?: React.ReactNode;
}

function Rule<T extends { enabled?: boolean }>({ name, rule, may, onChange, children }: RuleProps<T>) {
  return (
    <div className={classes.rule} role="group" aria-label={name}>
      <Switch
        label={name}
        disabled={!may}
        checked={rule?.enabled ?? true}
        onChange={(event) => {
          onChange({ ...(rule as T), enabled: event.currentTarget.checked });
        }}
      />
      {children !== undefined && (
        <div className={classes.bounds} data-off={rule?.enabled === false}>
          {children}
        </div>
      )}
    </div>
  );
}

interface BoundProps {
  label: string;
  value: number | undefined;
  least?: number;
  most: number;
  may: boolean;
  error: string | undefined;
  onChange: (value: number) => void;
}

/** A number in a sentence: its unit stands behind it and is its name. */
function Bound({ label, value, least = 1, most, may, error, onChange }: BoundProps) {
  return (
    <span className={classes.bound}>
      <NumberInput
        aria-label={label}
        size="xs"
        w={76}
        hideControls
        min={least}
        max={most}
        allowDecimal={false}
        disabled={!may}
        error={error}
        value={value ?? ""}
        onChange={(next) => {
          if (typeof next === "number") onChange(next);
        }}
      />
      <span aria-hidden>{label}</span>
    </span>
  );
}
