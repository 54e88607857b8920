import { Button, Group, Modal, Popover, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ProblemError, take } from "@/api/client";
import { useBar } from "@/components/bar";
import { masked } from "@/components/conflicts";
import { fieldName } from "@/components/field-name";
import { done, failed } from "@/components/notices";
import { Failed } from "@/components/states";
import { noteSync, preconditionOf } from "@/features/syncs/actions";
import { Changes } from "@/features/syncs/changes";
import { differences } from "@/features/syncs/difference";
import { statusQuery, type Sync, syncQuery } from "@/features/syncs/queries";
import { ResumeForm } from "@/features/syncs/resume";
import { TrafficQuestion } from "@/features/syncs/traffic";
import { type FieldProblem, type Form, formOf, type SyncInput } from "./form";
import { openNotReady } from "./not-ready";
import { leftToDo, placeOf, saidOf } from "./unready";
import { UnreadyList } from "./unready-list";
import classes from "./save-bar.module.css";

interface SaveBarProps {
  sync: Sync;
  /** The sync as it is filled in. */
  settings: Form;
  changes: SyncInput;
  problems: FieldProblem[];
  /** Called when it is asked what is missing. */
  onAsked: () => void;
  /** Called with what is stored now, and the form as it was when it was sent. */
  onSaved: (saved: Sync, sent: Form) => void;
  onDiscard: () => void;
}

/** Saving and enabling; a running sync's change is shown on recent events first. */
export function SaveBar({ sync, settings, changes, problems, onAsked, onSaved, onDiscard }: SaveBarProps) {
  const client = useQueryClient();
  const dirty = Object.keys(changes).length > 0;
  const patch = ({ of, changes, enable }: Sent) =>
    take(
      api.PATCH("/api/v1/projects/{project}/syncs/{sync}", {
        params: { path: { project: of.project, sync: of.id }, header: preconditionOf(of) },
        body: enable ? { ...changes, enabled: true } : changes,
      }),
    );
  const sent = (enable: boolean): Sent => ({ of: sync, changes, settings, enable });
  const save = useMutation({
    mutationFn: patch,
    onSuccess: (changed, { settings, enable }) => {
      onSaved(changed, settings);
      noteSync(client, changed);
      done(enable ? `${changed.name} is enabled: events flow from now on.` : "Saved.");
    },
    onError: (error, sent) => {
      if (error instanceof ProblemError && error.code === "precondition_failed") {
        // What others changed is taken; what was typed here stays beside it.
        void client.invalidateQueries({ queryKey: syncQuery(sync.project, sync.id).queryKey });
        failed("Somebody else changed this sync")(
          new Error("Their changes are shown now, yours are still here, not saved yet. Look at both, then save again."),
        );
        return;
      }
      if (error instanceof ProblemError && error.code === "sync_not_ready") {
        openNotReady({ error, title: "The sync wasn't saved", settings });
        return;
      }
      modals.open({
        title: "The sync wasn't saved",
        children: <NotSaved error={error} onAgain={() => { save.mutate(sent); }} />,
      });
    },
  });
  const status = useQuery(statusQuery(sync.project, sync.id));
  const owes = status.data !== undefined && status.data.backlog + status.data.pending > 0;
  const [resumes, setResumes] = useState(false);
  /** Keeps what was filled in, before the sync goes on with it. */
  const stored = async () => {
    const changed = await patch(sent(false));
    onSaved(changed, settings);
    noteSync(client, changed);
    return changed;
  };
  const ask = () => {
    // Saved is what was shown: where the sync changes meanwhile, it is asked about anew.
    const shown = sent(false);
    modals.open({
      title: "What this changes",
      size: "lg",
      children: (
        <>
        <Changed sync={sync} changes={changes} />
        <TrafficQuestion
          sync={sync}
          changes={changes}
          onSave={() => {
            modals.closeAll();
            save.mutate(shown);
          }}
        />
        </>
      ),
    });
  };
  const what = Object.keys(changes).map((field) => fieldName(field));
  const bar = useBar();
  if (!dirty && sync.enabled) return null;
  return (
    <div ref={bar} className={classes.bar} role="region" aria-label="Save">
      <Text size="sm" c={dirty ? undefined : "dimmed"} className={classes.what}>
        {dirty && sync.enabled && problems.length > 0
          ? `Before this can be saved: ${problems.map((problem) => `${placeOf(problem)}: ${saidOf(problem)}`).join(" ")}`
          : dirty ? `Not saved yet: ${what.join(", ")}` : problems.length === 0 ? "Everything is saved. Nothing is sent before you enable it." : `${leftToDo(problems, settings)} before the sync can be enabled.`}
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
            loading={save.isPending && !save.variables.enable}
            onClick={() => {
              if (sync.enabled) ask();
              else save.mutate(sent(false));
            }}
          >
            {sync.enabled ? "Review and save" : "Save"}
          </Button>
        )}
        {!sync.enabled && (
          <EnableButton
            of={sync}
            settings={settings}
            problems={problems}
            label={`${dirty ? "Save and enable" : "Enable"}${owes ? "…" : ""}`}
            pending={status.isPending || (save.isPending && save.variables.enable)}
            onAsked={onAsked}
            onEnable={() => {
              // What it owes is asked about before it goes on.
              if (owes) setResumes(true);
              else save.mutate(sent(true));
            }}
          />
        )}
      </Group>
      {status.data !== undefined && (
        <Modal
          opened={resumes}
          onClose={() => {
            setResumes(false);
          }}
          title={dirty ? `Save and enable ${sync.name}` : `Enable ${sync.name}`}
          size="lg"
        >
          <ResumeForm
            sync={sync}
            status={status.data}
            {...(dirty ? { save: stored } : {})}
            onDone={() => {
              setResumes(false);
            }}
          />
        </Modal>
      )}
    </div>
  );
}

/** What is saved, and of which version of the sync. */
interface Sent {
  of: Sync;
  changes: SyncInput;
  settings: Form;
  enable: boolean;
}

/** Why a sync wasn't saved. Where that may pass, it is tried again: what was typed is still there. */
function NotSaved({ error, onAgain }: { error: Error; onAgain: () => void }) {
  if (error instanceof ProblemError && error.errors.length > 0) return <Failed error={error} what="Some fields need to be fixed" />;
  return (
    <Failed
      error={error}
      what="Your changes are still here, but not saved yet"
      again={() => {
        modals.closeAll();
        onAgain();
      }}
    />
  );
}

/** All fields that a change is of, each with what it was and becomes; secrets aren't shown. */
function Changed({ sync, changes }: { sync: Sync; changes: SyncInput }) {
  const names = Object.keys(changes) as (keyof Form)[];
  const stored = formOf(sync);
  const before = Object.fromEntries(names.map((name) => [name, stored[name]]));
  return (
    <section aria-label="What is changed" style={{ marginBottom: 16 }}>
      <Changes changes={differences(masked(before), masked(changes))} of={{ ...before, ...changes }} />
    </section>
  );
}

interface EnableProps {
  of: Sync;
  settings: Form;
  problems: FieldProblem[];
  label: string;
  pending: boolean;
  onAsked: () => void;
  onEnable: () => void;
}

/** Enabling, once nothing is missing; until then it says what is. */
function EnableButton({ of, settings, problems, label, pending, onAsked, onEnable }: EnableProps) {
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
        <UnreadyList problems={problems} settings={settings} of={of} />
      </Popover.Dropdown>
    </Popover>
  );
}
