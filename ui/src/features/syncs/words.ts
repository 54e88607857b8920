import { inZone } from "@/components/time";
import type { SyncStatus } from "./queries";

const count = new Intl.NumberFormat();

/** How a sync does, in one sentence. */
export function inWords(status: SyncStatus): string {
  const { health, pending, backlog } = status;
  const waiting = backlog === 1 ? "1 event waits" : `${count.format(backlog)} events wait`;
  if (health === "paused") {
    return backlog === 0 ? "Sends nothing while it is paused" : `${waiting} until it is enabled`;
  }
  if (status.reason != null && status.reason !== "") {
    return inZone(status.reason.charAt(0).toUpperCase() + status.reason.slice(1));
  }
  if (pending > 0) {
    return pending === 1 ? "1 delivery is tried again" : `${count.format(pending)} deliveries are tried again`;
  }
  return backlog > 0 ? `${waiting} to be sent` : "Everything is delivered";
}
