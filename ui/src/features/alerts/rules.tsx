import { Button, Group, NumberInput, Stack, Switch } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take, type Schemas } from "@/api/client";
import { done } from "@/components/notices";
import { Failed, LoadingRows } from "@/components/states";
import { RULES, rulesQuery } from "./queries";

type Input = Schemas["AlertRulesInput"];

/** What begins an incident, and whether anything is told at all. */
export function RulesForm({ project, may }: { project: string; may: boolean }) {
  const client = useQueryClient();
  const stored = useQuery(rulesQuery(project));
  const [edited, setEdited] = useState<Input>({});
  const save = useMutation({
    mutationFn: (tag: string) =>
      take(
        api.PATCH("/api/v1/projects/{project}/alerts", {
          params: { path: { project }, header: { "if-match": tag } },
          body: edited,
        }),
      ),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: rulesQuery(project).queryKey });
      setEdited({});
      done("The rules are saved.");
    },
    // What others changed meanwhile is taken; what was set here stays beside it.
    onError: () => void client.invalidateQueries({ queryKey: rulesQuery(project).queryKey }),
  });
  if (stored.isError) return <Failed error={stored.error} what="Rules can't be shown" again={() => void stored.refetch()} />;
  if (stored.data === undefined) return <LoadingRows rows={5} />;
  const rules = { ...stored.data.rules, ...without(edited) };
  const { state, error_rate: rate, backlog_age: age, expiry, credentials } = rules;
  const set = (part: Input) => {
    setEdited({ ...edited, ...part });
  };
  return (
    <Stack gap="sm" maw={720}>
      <Switch
        label="Watch the syncs of this project"
        disabled={!may}
        checked={rules.enabled ?? true}
        onChange={(event) => {
          set({ enabled: event.currentTarget.checked });
        }}
      />
      <Rule name={RULES.state} rule={state} may={may} onChange={(next) => { set({ state: next }); }}>
        <Bound label="for seconds" value={state?.after_seconds} may={may} onChange={(after_seconds) => { set({ state: { ...state, after_seconds } }); }} />
      </Rule>
      <Rule name={RULES.error_rate} rule={rate} may={may} onChange={(next) => { set({ error_rate: next }); }}>
        <Bound label="percent" value={rate?.percent} may={may} onChange={(percent) => { set({ error_rate: { ...rate, percent } }); }} />
        <Bound label="of at least" value={rate?.minimum} may={may} onChange={(minimum) => { set({ error_rate: { ...rate, minimum } }); }} />
        <Bound label="in minutes" value={rate?.window_minutes} may={may} onChange={(window_minutes) => { set({ error_rate: { ...rate, window_minutes } }); }} />
      </Rule>
      <Rule name={RULES.backlog_age} rule={age} may={may} onChange={(next) => { set({ backlog_age: next }); }}>
        <Bound label="minutes" value={age?.minutes} may={may} onChange={(minutes) => { set({ backlog_age: { ...age, minutes } }); }} />
      </Rule>
      <Rule name={RULES.expiry} rule={expiry} may={may} onChange={(next) => { set({ expiry: next }); }} />
      <Rule name={RULES.credentials} rule={credentials} may={may} onChange={(next) => { set({ credentials: next }); }} />
      <Switch
        label="Mail to owners, admins and who made the sync"
        disabled={!may}
        checked={rules.default_recipients ?? true}
        onChange={(event) => {
          set({ default_recipients: event.currentTarget.checked });
        }}
      />
      {save.error !== null && <Failed error={save.error} what="The rules stay as they were" />}
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

/** What is set, without what is null: that is as it was. */
function without(input: Input): Partial<Schemas["AlertRules"]> {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value != null));
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
    <Group justify="space-between" gap="sm" role="group" aria-label={name}>
      <Switch
        label={name}
        disabled={!may}
        checked={rule?.enabled ?? true}
        onChange={(event) => {
          onChange({ ...(rule as T), enabled: event.currentTarget.checked });
        }}
      />
      {children !== undefined && <Group gap={8}>{children}</Group>}
    </Group>
  );
}

interface BoundProps {
  label: string;
  value: number | undefined;
  may: boolean;
  onChange: (value: number) => void;
}

function Bound({ label, value, may, onChange }: BoundProps) {
  return (
    <NumberInput
      label={label}
      size="xs"
      w={100}
      min={1}
      allowDecimal={false}
      disabled={!may}
      value={value ?? ""}
      onChange={(next) => {
        if (typeof next === "number") onChange(next);
      }}
    />
  );
}
