import { NumberInput, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asField } from "@/components/time";
import { observedQuery } from "@/features/events/queries";
import { CATEGORIES, REASONS } from "@/features/failures/words";
import { RANGES } from "@/features/overview/range";
import { type DeliveriesSearch, KNOWN_BY, knownBy, type KnownBy, LAST, type Last, type Outcome, OUTCOMES, soughtBy } from "./search";
import classes from "./deliveries.module.css";

interface FiltersProps {
  project: string;
  search: DeliveriesSearch;
  onChange: (search: DeliveriesSearch) => void;
}

const optionsOf = (words: Record<string, string>) => Object.entries(words).map(([value, label]) => ({ value, label }));

const WHAT = [
  { group: "Failed attempts", items: optionsOf(CATEGORIES).filter(({ value }) => value !== "discarded" && value !== "awaiting_property") },
  { group: "Request could not be built", items: optionsOf(REASONS) },
];

/** Which attempts are listed: each choice is in the address at once. */
export function Filters({ project, search, onChange }: FiltersProps) {
  const observed = useQuery(observedQuery(project)).data;
  const types = new Set(observed?.event_types.map((each) => each.event_type) ?? []);
  if (search.type !== undefined) types.add(search.type);
  // A reason that this page has no words for is shown as it is.
  const unknown = search.reason !== undefined && !(search.reason in CATEGORIES) && !(search.reason in REASONS);
  return (
    <fieldset className={classes.filters}>
      <legend className="sr-only">Which attempts</legend>
      <Select
        aria-label="Outcome"
        placeholder="Any outcome"
        clearable
        data={optionsOf(OUTCOMES)}
        value={search.outcome ?? null}
        onChange={(value) => {
          onChange({ ...search, outcome: (value as Outcome | null) ?? undefined });
        }}
      />
      <Select
        aria-label="Reason"
        placeholder="Any reason"
        clearable
        searchable
        data={unknown ? [...WHAT, { group: "Others", items: [{ value: search.reason ?? "", label: search.reason ?? "" }] }] : WHAT}
        value={search.reason ?? null}
        onChange={(value) => {
          onChange({ ...search, reason: value ?? undefined });
        }}
      />
      <StatusField search={search} onChange={onChange} />
      <Select
        aria-label="Event type"
        placeholder="All types"
        clearable
        searchable
        data={[...types]}
        value={search.type ?? null}
        onChange={(value) => {
          onChange({ ...search, type: value ?? undefined });
        }}
      />
      <KnownField search={search} onChange={onChange} />
      <TimeField search={search} onChange={onChange} />
    </fieldset>
  );
}

type FieldProps = Omit<FiltersProps, "project">;

/** How long somebody types before the list is asked for. */
const TYPING_MILLISECONDS = 300;

function StatusField({ search, onChange }: FieldProps) {
  const seek = useDebouncedCallback((value: number | string) => {
    onChange({ ...search, status: typeof value === "number" && value >= 100 && value <= 999 ? value : undefined });
  }, TYPING_MILLISECONDS);
  return (
    <NumberInput
      key={search.status ?? "any"}
      aria-label="Response status"
      placeholder="Status"
      className={classes.short ?? ""}
      hideControls
      allowDecimal={false}
      allowNegative={false}
      maxLength={3}
      defaultValue={search.status ?? ""}
      onChange={seek}
    />
  );
}

function KnownField({ search, onChange }: FieldProps) {
  const given = knownBy(search);
  const value = given === undefined ? "" : (search[given] ?? "");
  const [by, setBy] = useState<KnownBy>(given ?? "user");
  const [text, setText] = useState(value);
  // What the address says came from elsewhere, unless it is what was just typed.
  const [at, setAt] = useState({ given, value });
  if (at.given !== given || at.value !== value) {
    setAt({ given, value });
    if (given !== undefined) setBy(given);
    if (value !== text.trim()) setText(value);
  }
  const seek = useDebouncedCallback((next: KnownBy, typed: string) => {
    onChange(soughtBy(search, next, typed.trim()));
  }, TYPING_MILLISECONDS);
  const wrong = by === "event_id" && text.trim() !== "" && !/^-?\d{1,15}$/.test(text.trim());
  return (
    <div className={classes.known}>
      <Select
        aria-label="Search by"
        data={optionsOf(KNOWN_BY)}
        value={by}
        onChange={(next) => {
          setBy(next as KnownBy);
          if (text.trim() !== "") seek(next as KnownBy, text);
        }}
      />
      <TextInput
        aria-label={KNOWN_BY[by]}
        placeholder="Anyone"
        classNames={text === "" ? {} : { input: "mono" }}
        value={text}
        error={wrong ? "An event ID is a number." : undefined}
        onChange={(event) => {
          setText(event.currentTarget.value);
          seek(by, event.currentTarget.value);
        }}
      />
    </div>
  );
}

const BETWEEN = "between";

function TimeField({ search, onChange }: FieldProps) {
  const { last, from, until } = search;
  const [between, setBetween] = useState(false);
  const chosen = last ?? (between || from !== undefined || until !== undefined ? BETWEEN : null);
  const timeOf = (field: string) => (field === "" ? undefined : new Date(field).toISOString());
  return (
    <>
      <Select
        aria-label="Time"
        placeholder="Any time"
        clearable
        data={[
          ...(Object.keys(LAST) as Last[]).map((each) => ({ value: each, label: `In ${RANGES[each].words}` })),
          { value: BETWEEN, label: "Custom period" },
        ]}
        value={chosen}
        onChange={(value) => {
          setBetween(value === BETWEEN);
          onChange({ ...search, last: value === BETWEEN || value === null ? undefined : (value as Last), from: undefined, until: undefined });
        }}
      />
      {chosen === BETWEEN && (
        <div className={classes.between}>
          <TextInput
            type="datetime-local"
            aria-label="From"
            value={from === undefined ? "" : asField(new Date(from))}
            onChange={(event) => {
              onChange({ ...search, from: timeOf(event.currentTarget.value) });
            }}
          />
          <TextInput
            type="datetime-local"
            aria-label="Until"
            value={until === undefined ? "" : asField(new Date(until))}
            error={from !== undefined && until !== undefined && Date.parse(until) <= Date.parse(from) ? "The end must be after the start." : undefined}
            onChange={(event) => {
              onChange({ ...search, until: timeOf(event.currentTarget.value) });
            }}
          />
        </div>
      )}
    </>
  );
}
