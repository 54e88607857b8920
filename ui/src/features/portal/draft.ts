import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useDebouncedCallback } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import { api, matching, ProblemError, take, type Schemas } from "@/api/client";
import { type Content, type Definition, definitionQuery } from "./queries";

/** How long somebody doesn't type before what they typed is saved. */
const PAUSE_MILLISECONDS = 700;

export interface Draft {
  /** What is seen: also what isn't saved yet. */
  content: Content;
  change: (part: Partial<Content>) => void;
  saving: boolean;
  /** Whether something isn't saved yet. */
  dirty: boolean;
  error: Error | null;
  saveNow: () => void;
}

/**
 * A definition's draft under edit. It saves itself: a draft takes anything, and what is said about it (check,
 * preview, test) is said of what is saved.
 */
export function useDraft(organisation: string, definition: Definition): Draft {
  const client = useQueryClient();
  const [edited, setEdited] = useState<Partial<Content>>({});
  const pending = useRef<Partial<Content>>({});
  const revision = useRef(definition.revision);
  useEffect(() => {
    revision.current = Math.max(revision.current, definition.revision);
  }, [definition.revision]);

  const save = useMutation({
    mutationFn: (part: Partial<Content>) =>
      take(
        api.PATCH("/api/v1/organisations/{organisation}/definitions/{definition}", {
          params: { path: { organisation, definition: definition.id }, header: matching(revision.current) },
          body: part as Schemas["DefinitionInput"],
        }),
      ),
    onSuccess: (saved, part) => {
      revision.current = saved.revision;
      client.setQueryData(definitionQuery(organisation, definition.id).queryKey, saved);
      void client.invalidateQueries({ queryKey: ["definitions", organisation] });
      // What was typed meanwhile stays; what was just saved is read from what is stored.
      setEdited((now) => {
        const left = Object.entries(now).filter(([name, value]) => part[name as keyof Content] !== value);
        return Object.fromEntries(left) as Partial<Content>;
      });
      if (Object.keys(pending.current).length > 0) flush();
    },
    onError: (error, part) => {
      // What isn't saved goes along with the next try.
      pending.current = { ...part, ...pending.current };
      if (error instanceof ProblemError && error.code === "precondition_failed") {
        void client.invalidateQueries({ queryKey: definitionQuery(organisation, definition.id).queryKey });
      }
    },
  });
  const flush = () => {
    const part = pending.current;
    if (Object.keys(part).length === 0) return;
    pending.current = {};
    save.mutate(part);
  };
  const later = useDebouncedCallback(
    () => {
      if (!save.isPending) flush();
    },
    // Whoever leaves at once has typed it, too.
    { delay: PAUSE_MILLISECONDS, flushOnUnmount: true },
  );

  return {
    content: { ...definition.draft, ...edited },
    change: (part) => {
      setEdited((before) => ({ ...before, ...part }));
      pending.current = { ...pending.current, ...part };
      later();
    },
    saving: save.isPending,
    dirty: Object.keys(edited).length > 0,
    error: save.error,
    saveNow: () => {
      pending.current = { ...edited };
      flush();
    },
  };
}
