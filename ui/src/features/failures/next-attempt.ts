import type { SyncStatus } from "@/features/syncs/queries";

/** A time, or what comes first. */
type Next = { at: string } | { when: string };

/** When a delivery that is due is really tried again: no earlier than its sync goes on. */
export function nextAttempt(due: string, status: Pick<SyncStatus, "health" | "enabled" | "next_probe_at"> | undefined): Next {
  if (status === undefined) return { at: due };
  if (!status.enabled) return { when: "When the sync is enabled" };
  if (status.health === "misconfigured") return { when: "When the sync is fixed" };
  const probe = status.next_probe_at;
  return probe != null && Date.parse(probe) > Date.parse(due) ? { at: probe } : { at: due };
}
