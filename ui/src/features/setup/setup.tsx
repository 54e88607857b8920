import { Button, Group, Text } from "@mantine/core";
import { IconAlertCircle, IconCircle, IconCircleCheck } from "@tabler/icons-react";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useBlocker } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { Absent } from "@/components/absent";
import { Conflicts } from "@/components/conflicts";
import { useHeldFocus } from "@/components/held-focus";
import { merge, valueAt, withValueAt } from "@/components/merge";
import { useSettled } from "@/components/settled";
import { useMay } from "@/features/access/me";
import { type Destination, destinationQuery } from "@/features/catalog/queries";
import { observedQuery } from "@/features/events/queries";
import { projectQuery } from "@/features/shell/projects";
import { type Sync, syncQuery } from "@/features/syncs/queries";
import { AdvancedStep } from "./advanced";
import { chosenTypes } from "./choice";
import { ConnectionStep } from "./connection";
import { EventsStep } from "./events-step";
import { changesOf, type FieldProblem, type Form, formOf, isTouched, STEP_NAMES, type StepId, stepOf, stepsOf } from "./form";
import { LiveRequest } from "./live-request";
import { MappingsStep } from "./mappings";
import { usePreview } from "./preview";
import { PropertiesStep } from "./properties";
import { SaveBar } from "./save-bar";
import type { StepProps } from "./step";
import { leftToDo } from "./unready";
import { UsersStep } from "./users-step";
import classes from "./setup.module.css";

const route = getRouteApi("/shell/p/$project/syncs/$sync/settings");

/** A sync's set-up: steps, form, and the request that it makes of a real event. */
export function SetupPage() {
  const { project, sync: id } = route.useParams();
  const { organisation } = useSuspenseQuery(projectQuery(project)).data;
  const sync = useSuspenseQuery(syncQuery(project, id)).data;
  const destination = useQuery(destinationQuery(organisation, sync.definition.id));
  if (destination.data === undefined) return <Absent query={destination} failed="The settings can't be shown" rows={6} />;
  return <Setup key={sync.id} sync={sync} destination={destination.data} organisation={organisation} />;
}

interface SetupProps {
  sync: Sync;
  destination: Destination;
  organisation: string;
}

function Setup({ sync, destination, organisation }: SetupProps) {
  const stored = formOf(sync);
  const [edited, setEdited] = useState<Edited | null>(null);
  // What others saved meanwhile is taken, field by field; what was changed here stays.
  if (edited !== null && edited.version < sync.version) setEdited(rebased(edited, edited.base, sync));
  const form = edited?.form ?? stored;
  const changes = changesOf(form, stored);
  const dirty = Object.keys(changes).length > 0;
  const may = useMay(organisation, "syncs:write");

  const steps = stepsOf(destination);
  const { step: wanted } = route.useSearch();
  const step = steps.find((each) => each === wanted) ?? "connection";
  const observed = useQuery(observedQuery(sync.project)).data;

  // What was not come to yet isn't called wrong: the steps count it, and fields say it once a step was left.
  const [left, setLeft] = useState<ReadonlySet<StepId>>(new Set());
  const [asked, setAsked] = useState(false);
  const [at, setAt] = useState(step);
  if (at !== step) {
    setLeft(new Set([...left, at]));
    setAt(step);
  }

  const place = useRef<HTMLDivElement>(null);
  useHeldFocus(place);
  // Whoever goes on to the next step goes on at its beginning.
  const came = useRef(step);
  useEffect(() => {
    if (came.current === step) return;
    came.current = step;
    const at = document.activeElement;
    if (at === document.body || place.current?.contains(at) === true) place.current?.querySelector<HTMLElement>("h2")?.focus();
  }, [step]);

  const settled = useSettled(changes, 300);
  const preview = usePreview(sync, settled, chosenTypes(form.events.select), may);
  const problems = preview.problems;

  useBlocker({
    shouldBlockFn: ({ current, next }) =>
      dirty &&
      current.pathname !== next.pathname &&
      !window.confirm("Leave without saving your changes?"),
    enableBeforeUnload: dirty,
  });

  const shown: StepProps = {
    form,
    set: (part) => {
      setEdited((before) => {
        const now = before ?? { base: stored, version: sync.version, form: stored, conflicts: [] };
        return { ...now, form: { ...now.form, ...part } };
      });
    },
    sync,
    destination,
    problems: sync.enabled || asked || left.has(step) ? problems : problems.filter((each) => isTouched(each, changes)),
    observed,
    disabled: !may,
    event: preview.event,
    eventText: preview.text,
  };
  return (
    <>
      <div className={classes.columns}>
        <Steps steps={steps} current={step} problems={problems} settings={form} sync={sync} />
        <div ref={place} className={classes.form}>
          {!may && (
            <Text c="dimmed" mb="md">
              Your role can view these settings, but not change them.
            </Text>
          )}
          {edited !== null && (
            <Conflicts
              at={edited.conflicts}
              mine={form}
              theirs={stored}
              onKeep={(pointer) => {
                setEdited(decided(edited, pointer));
              }}
              onTake={(pointer) => {
                setEdited(decided({ ...edited, form: withValueAt(form, pointer, valueAt(stored, pointer)) }, pointer));
              }}
            />
          )}
          <StepForm step={step} {...shown} />
          <Next steps={steps} current={step} sync={sync} />
        </div>
        <LiveRequest sync={sync} changes={settled} preview={preview} may={may} />
      </div>
      {may && (
        <SaveBar
          sync={sync}
          settings={form}
          changes={changes}
          problems={problems}
          onAsked={() => {
            setAsked(true);
          }}
          onSaved={(saved, sent) => {
            // What was typed while it was saved isn't saved yet.
            setEdited((now) => now && { ...rebased(now, sent, saved), conflicts: [] });
          }}
          onDiscard={() => {
            setEdited(null);
          }}
        />
      )}
    </>
  );
}

/** What was filled in, and what it was begun from. */
interface Edited {
  base: Form;
  version: number;
  form: Form;
  /** Pointers of what somebody else changed, too. */
  conflicts: string[];
}

/** Goes on from the sync as it is stored now. */
function rebased({ form, conflicts }: Edited, base: Form, sync: Sync): Edited {
  const stored = formOf(sync);
  const merged = merge(base, form, stored);
  return { base: stored, version: sync.version, form: merged.value, conflicts: [...new Set([...conflicts, ...merged.conflicts])] };
}

function decided(edited: Edited, pointer: string): Edited {
  return { ...edited, conflicts: edited.conflicts.filter((each) => each !== pointer) };
}

function StepForm({ step, ...props }: StepProps & { step: StepId }) {
  switch (step) {
    case "connection":
      return <ConnectionStep {...props} />;
    case "mappings":
      return <MappingsStep {...props} />;
    case "events":
      return <EventsStep {...props} />;
    case "properties":
      return <PropertiesStep {...props} />;
    case "users":
      return <UsersStep {...props} />;
    case "advanced":
      return <AdvancedStep {...props} />;
  }
}

interface StepsProps {
  steps: StepId[];
  current: StepId;
  problems: FieldProblem[];
  /** What the problems point into. */
  settings: Form;
  sync: Sync;
}

function Steps({ steps, current, problems, settings, sync }: StepsProps) {
  return (
    <nav className={classes.steps} aria-label="Steps of the set-up">
      {steps.map((step) => {
        const own = problems.filter((problem) => stepOf(problem) === step);
        return (
          <Link
            key={step}
            to="/p/$project/syncs/$sync/settings"
            params={{ project: sync.project, sync: sync.id }}
            search={{ step }}
            replace
            className={classes.step}
            data-current={step === current}
            aria-current={step === current ? "step" : undefined}
          >
            {own.length > 0 ? (
              <IconAlertCircle size={16} color="var(--ms-degraded)" aria-hidden />
            ) : step === "advanced" ? (
              <IconCircle size={16} color="var(--ms-line-strong)" aria-hidden />
            ) : (
              <IconCircleCheck size={16} color="var(--ms-healthy)" aria-hidden />
            )}
            <span>
              {STEP_NAMES[step]}
              {own.length > 0 && (
                <span className={classes.missing}>{leftToDo(own, settings)}</span>
              )}
            </span>
          </Link>
        );
      })}
    </nav>
  );
}

function Next({ steps, current, sync }: Omit<StepsProps, "problems" | "settings">) {
  const next = steps[steps.indexOf(current) + 1];
  if (next === undefined) return null;
  return (
    <Group mt="xl">
      <Button
        variant="default"
        renderRoot={(props: Record<string, unknown>) => (
          <Link
            {...props}
            to="/p/$project/syncs/$sync/settings"
            params={{ project: sync.project, sync: sync.id }}
            search={{ step: next }}
            replace
          />
        )}
      >
        Next: {STEP_NAMES[next]}
      </Button>
    </Group>
  );
}


