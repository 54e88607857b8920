import { plainly } from "@/components/highlight";
import { inZone } from "@/components/time";
import type { SyncStatus } from "./queries";

const count = new Intl.NumberFormat();

/** How a sync does, in one sentence. */
export function inWords(status: SyncStatus): string {
  const { health, backlog, awaiting_properties: awaiting, waiting_in_order: behind } = status;
  const retried = status.pending - awaiting;
  const waiting = backlog === 1 ? "1 event waits" : `${count.format(backlog)} events wait`;
  if (status.never_enabled) return "Not enabled yet: nothing was sent";
  if (health === "paused") {
    return backlog === 0 ? "Sends nothing while it is paused" : `${waiting} until it is enabled`;
  }
  if (status.reason != null && status.reason !== "") return reasonInWords(status.reason);
  if (retried > 0) {
    return retried === 1 ? "1 retry is pending" : `${count.format(retried)} retries are pending`;
  }
  if (awaiting > 0) {
    return awaiting === 1
      ? "1 delivery waits for a property of its user"
      : `${count.format(awaiting)} deliveries wait for properties of their users`;
  }
  if (behind > 0) {
    return behind === 1
      ? "1 delivery waits for an earlier one of its user"
      : `${count.format(behind)} deliveries wait for earlier ones of their users`;
  }
  return backlog > 0 ? `${waiting} to be sent` : "Everything is delivered";
}

/** Why a sync isn't healthy, as a sentence. */
export function reasonInWords(reason: string | null | undefined): string {
  const words = plainly(reason ?? "").replace(/^discarded: /, "the last event could not be sent: ");
  return inZone(words.charAt(0).toUpperCase() + words.slice(1));
}
