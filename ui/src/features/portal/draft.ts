import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useBlocker } from "@tanstack/react-router";
import { useEffect, useEffectEvent, useLayoutEffect, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { api, matching, ProblemError, take, type Schemas } from "@/api/client";
import { merge, same, valueAt, withValueAt } from "@/components/merge";
import { isUnreached, useReturn } from "@/components/reach";
import { type Content, type Definition, definitionQuery } from "./queries";

/** How long somebody doesn't type before what they typed is saved. */
const PAUSE_MILLISECONDS = 700;

/** How often it is saved for somebody who leaves. */
const MOST_SAVES = 3;

export interface Draft {
  /** What is seen: also what isn't saved yet. */
  content: Content;
  change: (part: Partial<Content>) => void;
  saving: boolean;
  /** Whether something isn't saved yet. */
  dirty: boolean;
  error: Error | null;
  saveNow: () => void;
  /** Pointers of what somebody else changed, too; nothing is saved until it is decided. */
  conflicts: string[];
  /** What is stored, as far as is known. */
  stored: Content;
  keepMine: (pointer: string) => void;
  takeTheirs: (pointer: string) => void;
}

interface Editing {
  /** What was read, and of which revision it is. */
  base: Content;
  revision: number;
  mine: Content;
  conflicts: string[];
}

/**
 * A definition's draft under edit. It saves itself: a draft takes anything, and what is said about it (check,
 * preview, test) is said of what is saved. What others save meanwhile is taken field by field.
 */
export function useDraft(organisation: string, definition: Definition): Draft {
  const client = useQueryClient();
  const [editing, setEditing] = useState<Editing>(() => ({
    base: definition.draft,
    revision: definition.revision,
    mine: definition.draft,
    conflicts: [],
  }));
  if (definition.revision > editing.revision) setEditing(rebased(editing, definition));
  const dirty = !same(editing.mine, editing.base);
  const held = editing.conflicts.length > 0;

  const save = useMutation({
    mutationFn: (sent: Editing) =>
      take(
        api.PATCH("/api/v1/organisations/{organisation}/definitions/{definition}", {
          params: { path: { organisation, definition: definition.id }, header: matching(sent.revision) },
          body: changed(sent) as Schemas["DefinitionInput"],
        }),
      ),
    onSuccess: (saved, sent) => {
      // What was typed meanwhile stays; what was just saved is read from what is stored. Who waited for this save, to
      // leave, is to see the new revision, not that of the render before: else it would be saved once more, as outdated.
      flushSync(() => {
        setEditing((now) => ({
          base: saved.draft,
          revision: saved.revision,
          mine: merge(sent.mine, now.mine, saved.draft).value,
          conflicts: [],
        }));
      });
      client.setQueryData(definitionQuery(organisation, definition.id).queryKey, saved);
      void client.invalidateQueries({ queryKey: ["definitions", organisation] });
    },
    onError: (error) => {
      // What the others saved is taken first; then this is saved anew.
      if (isOutdated(error)) void client.invalidateQueries({ queryKey: definitionQuery(organisation, definition.id).queryKey });
    },
  });

  const { mutateAsync, isPending } = save;
  const running = useRef<Promise<boolean>>(undefined);
  const saveNow = () => {
    running.current ??= mutateAsync(editing)
      .then(
        () => true,
        () => false,
      )
      .finally(() => {
        running.current = undefined;
      });
    return running.current;
  };
  // What was refused isn't sent again as it is.
  const refused = save.isError && save.variables.mine === editing.mine && save.variables.revision === editing.revision;
  const due = useEffectEvent(() => void saveNow());
  useEffect(() => {
    if (!dirty || held || isPending || refused) return;
    const timer = setTimeout(due, PAUSE_MILLISECONDS);
    return () => {
      clearTimeout(timer);
    };
  }, [editing, dirty, held, isPending, refused]);
  useReturn(dirty && !held && isUnreached(save.error), () => void saveNow());

  const latest = useRef({ dirty, held, saveNow });
  useLayoutEffect(() => {
    latest.current = { dirty, held, saveNow };
  });
  useBlocker({
    // Whoever leaves at once has typed it, too: it is saved first, and asked about only where it can't be.
    shouldBlockFn: async ({ current, next }) => {
      if (current.pathname === next.pathname) return false;
      await running.current;
      // What is typed while it is saved is saved, too; who goes on typing for ever is asked.
      for (let saves = 0; saves < MOST_SAVES && latest.current.dirty && !latest.current.held; saves += 1) {
        if (!(await latest.current.saveNow())) break;
      }
      return latest.current.dirty && !window.confirm("Leave without saving your changes?");
    },
    enableBeforeUnload: dirty,
  });

  return {
    content: editing.mine,
    change: (part) => {
      setEditing((now) => ({ ...now, mine: { ...now.mine, ...part } }));
    },
    saving: isPending,
    dirty,
    error: isOutdated(save.error) ? null : save.error,
    saveNow: () => void saveNow(),
    conflicts: editing.conflicts,
    stored: editing.base,
    keepMine: (pointer) => {
      setEditing((now) => decided(now, pointer));
    },
    takeTheirs: (pointer) => {
      setEditing((now) => decided({ ...now, mine: withValueAt(now.mine, pointer, valueAt(now.base, pointer)) }, pointer));
    },
  };
}

function isOutdated(error: Error | null): boolean {
  return error instanceof ProblemError && error.code === "precondition_failed";
}

/** Goes on from what is stored now. */
function rebased({ base, mine, conflicts }: Editing, { draft, revision }: Definition): Editing {
  const merged = merge(base, mine, draft);
  const open = new Set([...conflicts, ...merged.conflicts]);
  return {
    base: draft,
    revision,
    mine: merged.value,
    conflicts: [...open].filter((pointer) => !same(valueAt(merged.value, pointer), valueAt(draft, pointer))),
  };
}

function decided(editing: Editing, pointer: string): Editing {
  return { ...editing, conflicts: editing.conflicts.filter((each) => each !== pointer) };
}

/** The parts of the content that differ, each as a whole. */
function changed({ base, mine }: Editing): Partial<Content> {
  const names = new Set([...Object.keys(base), ...Object.keys(mine)]) as Set<keyof Content>;
  return Object.fromEntries([...names].filter((name) => !same(base[name], mine[name])).map((name) => [name, mine[name] ?? null]));
}
