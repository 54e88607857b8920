import { Button, Group, Popover, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, ProblemError, take } from "@/api/client";
import { fieldName } from "@/components/field-name";
import { sentenceCase } from "@/components/highlight";
import { done, failed } from "@/components/notices";
import { Failed } from "@/components/states";
import { noteSync, preconditionOf } from "@/features/syncs/actions";
import { type Sync, syncQuery } from "@/features/syncs/queries";
import { TrafficQuestion } from "@/features/syncs/traffic";
import { type FieldProblem, STEP_NAMES, stepOf, type SyncInput } from "./form";
import classes from "./save-bar.module.css";

interface SaveBarProps {
  sync: Sync;
  changes: SyncInput;
  problems: FieldProblem[];
  /** Called when it is asked what is missing. */
  onAsked: () => void;
  onSaved: () => void;
  onDiscard: () => void;
}

/** Saving and enabling; a running sync's change is shown on recent events first. */
export function SaveBar({ sync, changes, problems, onAsked, onSaved, onDiscard }: SaveBarProps) {
  const client = useQueryClient();
  const dirty = Object.keys(changes).length > 0;
  const save = useMutation({
    mutationFn: (enable: boolean) =>
      take(
        api.PATCH("/api/v1/projects/{project}/syncs/{sync}", {
          params: { path: { project: sync.project, sync: sync.id }, header: preconditionOf(sync) },
          body: enable ? { ...changes, enabled: true } : changes,
        }),
      ),
    onSuccess: (changed, enable) => {
      noteSync(client, changed);
      onSaved();
      done(enable ? `${changed.name} is enabled: events flow from now on.` : "Saved.");
    },
    onError: (error) => {
      if (error instanceof ProblemError && error.code === "precondition_failed") {
        // What others changed is taken; what was typed here stays beside it.
        void client.invalidateQueries({ queryKey: syncQuery(sync.project, sync.id).queryKey });
        failed("Somebody else changed this sync")(
          new Error("Their changes are shown now, yours are still here. Look at both, then save again."),
        );
        return;
      }
      modals.open({
        title: "The sync wasn't saved",
        children: <Failed error={error} what="Some fields need to be fixed" />,
      });
    },
  });
  const ask = () => {
    modals.open({
      title: "What this changes",
      size: "lg",
      children: (
        <TrafficQuestion
          sync={sync}
          changes={changes}
          onSave={() => {
            modals.closeAll();
            save.mutate(false);
          }}
        />
      ),
    });
  };
  const what = Object.keys(changes).map((field) => fieldName(field));
  if (!dirty && sync.enabled) return null;
  return (
    <div className={classes.bar} role="region" aria-label="Save">
      <Text size="sm" c={dirty ? undefined : "dimmed"} className={classes.what}>
        {dirty && sync.enabled && problems.length > 0
          ? `Before this can be saved: ${problems.map((problem) => `${STEP_NAMES[stepOf(problem)]}: ${sentenceCase(problem.message)}`).join(" ")}`
          : dirty ? `Not saved yet: ${what.join(", ")}` : problems.length === 0 ? "Everything is saved. Nothing is sent before you enable it." : missingWords(problems.length)}
      </Text>
      <Group gap={8} wrap="nowrap">
        {dirty && (
          <Button variant="subtle" color="gray" onClick={onDiscard}>
            Discard
          </Button>
        )}
        {dirty && (
          <Button
            variant={sync.enabled ? "filled" : "default"}
            disabled={sync.enabled && problems.length > 0}
            loading={save.isPending && !save.variables}
            onClick={() => {
              if (sync.enabled) ask();
              else save.mutate(false);
            }}
          >
            {sync.enabled ? "Review and save" : "Save"}
          </Button>
        )}
        {!sync.enabled && (
          <EnableButton
            problems={problems}
            dirty={dirty}
            pending={save.isPending && save.variables}
            onAsked={onAsked}
            onEnable={() => {
              save.mutate(true);
            }}
          />
        )}
      </Group>
    </div>
  );
}

function missingWords(count: number): string {
  return `${count === 1 ? "1 thing is" : `${String(count)} things are`} missing before the sync can be enabled.`;
}

interface EnableProps {
  problems: FieldProblem[];
  dirty: boolean;
  pending: boolean;
  onAsked: () => void;
  onEnable: () => void;
}

/** Enabling, once nothing is missing; until then it says what is. */
function EnableButton({ problems, dirty, pending, onAsked, onEnable }: EnableProps) {
  const label = dirty ? "Save and enable" : "Enable";
  if (problems.length === 0) {
    return (
      <Button loading={pending} onClick={onEnable}>
        {label}
      </Button>
    );
  }
  return (
    <Popover position="top-end" shadow="md" width={340}>
      <Popover.Target>
        <Button aria-disabled="true" className={classes.waiting ?? ""} onClick={onAsked}>
          {label}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Text fw={600} size="sm">
          Before it can be enabled
        </Text>
        <ul className={classes.reasons}>
          {problems.map((problem) => (
            <li key={problem.pointer + problem.message}>
              {STEP_NAMES[stepOf(problem)]}: {sentenceCase(problem.message)}
            </li>
          ))}
        </ul>
      </Popover.Dropdown>
    </Popover>
  );
}
