import { Button, Stack, TagsInput, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, matching, ProblemError, take, type Schemas } from "@/api/client";
import { done } from "@/components/notices";
import { Failed } from "@/components/states";
import { type Observed, observedQuery } from "@/features/events/queries";
import type { Project } from "@/features/shell/projects";

type Sensitive = Schemas["SensitiveProperties"];
type Scope = keyof Sensitive;

const SCOPES: Record<Scope, string> = {
  event: "Event properties",
  user: "User properties",
  group: "Group properties",
};

/** Which properties' values are shown to nobody, wherever events are shown. */
export function SensitiveForm({ project, onDone }: { project: Project; onDone: () => void }) {
  const client = useQueryClient();
  const observed = useQuery(observedQuery(project.id)).data;
  const [names, setNames] = useState<Sensitive>(project.sensitive);
  const save = useMutation({
    mutationFn: () =>
      take(
        api.PATCH("/api/v1/projects/{project}", {
          params: { path: { project: project.id }, header: matching(project.version) },
          body: { sensitive: names },
        }),
      ),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["projects"] });
      void client.invalidateQueries({ queryKey: ["project", project.id] });
      // What was shown before is not shown any more.
      client.removeQueries({ queryKey: ["events", project.id] });
      client.removeQueries({ queryKey: ["event", project.id] });
      client.removeQueries({ queryKey: ["observed", project.id] });
      done("Their values are masked from now on.");
      onDone();
    },
  });
  const suspected = suspectedOf(observed).filter(({ scope, name }) => !(names[scope] ?? []).includes(name));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Stack>
        <Text size="sm" c="dimmed">
          Their values are masked on this page and in the API wherever events are shown. Deliveries contain them unmasked.
        </Text>
        {(Object.keys(SCOPES) as Scope[]).map((scope) => (
          <TagsInput
            key={scope}
            label={SCOPES[scope]}
            acceptValueOnBlur
            data={namesIn(observed, scope)}
            value={names[scope] ?? []}
            error={save.error instanceof ProblemError ? save.error.at(`/sensitive/${scope}`) : undefined}
            onChange={(chosen) => {
              setNames({ ...names, [scope]: chosen });
            }}
          />
        ))}
        {suspected.length > 0 && (
          <div>
            <Text size="sm">These look sensitive by name or value:</Text>
            {suspected.slice(0, 8).map(({ scope, name }) => (
              <Button
                key={`${scope}:${name}`}
                variant="default"
                size="xs"
                mr={8}
                mt={8}
                onClick={() => {
                  setNames({ ...names, [scope]: [...(names[scope] ?? []), name] });
                }}
              >
                Add {name}
              </Button>
            ))}
          </div>
        )}
        {save.error !== null && <Failed error={save.error} what="Nothing was changed" />}
        <Button type="submit" loading={save.isPending}>
          Save
        </Button>
      </Stack>
    </form>
  );
}

/** The properties that were received lately, by their scope. */
function propertiesIn(observed: Observed | undefined, scope: Scope) {
  if (observed === undefined) return [];
  switch (scope) {
    case "event":
      return observed.event_types.flatMap((type) => type.properties);
    case "user":
      return observed.user_properties;
    case "group":
      return observed.group_properties.flatMap((group) => group.properties);
  }
}

function namesIn(observed: Observed | undefined, scope: Scope): string[] {
  return [...new Set(propertiesIn(observed, scope).map((each) => each.name))];
}

/** Properties that the server takes for sensitive ones, and nobody has marked. */
export function suspectedOf(observed: Observed | undefined): { scope: Scope; name: string }[] {
  const found = (Object.keys(SCOPES) as Scope[]).flatMap((scope) =>
    propertiesIn(observed, scope)
      .filter((each) => each.sensitive === "suspected")
      .map(({ name }) => ({ scope, name })),
  );
  return found.filter((each, index) => found.findIndex(({ scope, name }) => scope === each.scope && name === each.name) === index);
}
