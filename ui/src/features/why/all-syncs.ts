import type { Schemas } from "@/api/client";

type Why = Schemas["Why"];
type Explained = Schemas["ExplainedEvent"];

/** What became of events on all syncs. */
export interface WhyOfAll extends Why {
  /** How many answers it is made of. */
  asked: number;
}

/** How many answers are asked for at most, each of which tells of 200 syncs. */
export const MOST_ANSWERS = 10;

/** Asks for what each sync did, answer by answer, until there are no more syncs or the bound is met. */
export async function ofAllSyncs(ask: (syncsAfter: string | undefined) => Promise<Why>): Promise<WhyOfAll> {
  let whole: WhyOfAll = { ...(await ask(undefined)), asked: 1 };
  while (whole.next_syncs != null && whole.asked < MOST_ANSWERS) {
    whole = joined(whole, await ask(whole.next_syncs));
  }
  return whole;
}

const placeOf = ({ import: of, offset }: Explained) => `${of ?? ""} ${String(offset)}`;

/**
 * Adds what further syncs did with the same events. An event that came meanwhile is left out, its first syncs weren't
 * asked about it; one of an import isn't: it is of one sync.
 */
function joined(whole: WhyOfAll, more: Why): WhyOfAll {
  const further = new Map(more.events.map((event) => [placeOf(event), event]));
  const events = whole.events.map((event) => ({ ...event, syncs: [...event.syncs, ...(further.get(placeOf(event))?.syncs ?? [])] }));
  const known = new Set(whole.events.map(placeOf));
  const imported = more.events.filter((event) => event.import != null && !known.has(placeOf(event)));
  return {
    ...whole,
    events: [...events, ...imported],
    next_syncs: more.next_syncs ?? null,
    syncs_left_out: more.syncs_left_out,
    replays_left_out: whole.replays_left_out || more.replays_left_out,
    asked: whole.asked + 1,
  };
}
