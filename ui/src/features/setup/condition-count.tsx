import { useQuery } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { api, take } from "@/api/client";
import { useSettled } from "@/components/settled";
import { WINDOW } from "@/features/events/queries";
import type { Sync } from "@/features/syncs/queries";
import { type Test, valuesOf } from "./condition";
import { matched } from "./match-count";

/** Of which sync and type of event conditions are counted; null: there is none here. */
export const CountedFor = createContext<{ sync: Sync; type: string | null } | null>(null);

/** How many of the newest events a single condition takes, whatever stands beside it. */
export function ConditionCount({ test }: { test: Test["test"] }) {
  const counted = useContext(CountedFor);
  const settled = useSettled(test, 500);
  const complete = settled.property.name !== "" && (valuesOf(settled.operator) === "none" || (settled.values ?? []).length > 0);
  const condition = { test: settled };
  const sync = counted?.sync;
  const type = counted?.type ?? null;
  const count = useQuery({
    queryKey: ["condition-count", sync?.project, sync?.id, sync?.version, type, settled],
    queryFn: () => {
      if (sync === undefined) throw new Error("there is no sync");
      const select = type === null ? { all: { condition } } : { types: [{ event_type: type, condition }] };
      return take(
        api.POST("/api/v1/projects/{project}/syncs/{sync}/difference", {
          params: { path: { project: sync.project, sync: sync.id } },
          body: { changes: { events: { ...sync.events, send: true, select }, users: { send: false } }, events: WINDOW },
        }),
      );
    },
    enabled: sync !== undefined && complete,
    staleTime: 60_000,
    retry: false,
  });
  if (count.data === undefined || count.data.events === 0) return null;
  const { events } = count.data;
  return (
    <span className="muted numbers" style={{ minWidth: 76, fontSize: 12.5, textAlign: "end", whiteSpace: "nowrap" }} title={`Of the last ${events.toLocaleString()} events, by this condition alone`}>
      {matched(count.data).toLocaleString()} of {events.toLocaleString()}
    </span>
  );
}
