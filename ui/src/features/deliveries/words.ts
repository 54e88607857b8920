import type { Schemas } from "@/api/client";
import { sentenceCase } from "@/components/highlight";
import { absolute, inZone } from "@/components/time";
import { reasonWords } from "@/features/failures/words";
import type { KnownDelivery } from "./queries";

/** A delivery's state as people say it; those of a delivery are among those of an event. */
export function stateOf({ state }: KnownDelivery): Schemas["VerdictState"] {
  return state === "waiting_in_order" ? "waiting" : state;
}

/** How a delivery stands, in a sentence. */
export function standing(delivery: KnownDelivery): string {
  switch (delivery.state) {
    case "delivered": {
      const status = delivery.status == null ? "" : `, response ${String(delivery.status)}`;
      return `At attempt ${String(delivery.attempt)}, ${absolute(delivery.at)}${status}.`;
    }
    case "pending": {
      const { category, message } = delivery.last_failure;
      if (category === "awaiting_property") return sentenceCase(inZone(message));
      return `Attempt ${String(delivery.attempts_made + 1)} of 10 is due ${absolute(delivery.due_at)}.`;
    }
    case "waiting_in_order":
      return "Waiting for an earlier delivery of the same user: this sync keeps their order.";
    case "expired":
      return `Given up after ${String(delivery.attempts_made)} attempts, ${absolute(delivery.at)}.`;
    case "discarded":
      return `${reasonWords(delivery.reason)}: ${sentenceCase(delivery.message)}`;
    case "withdrawn":
      return "Attempts failed, and no more are made: it is no longer sent, or was dropped with what the sync held.";
  }
}
