import {
  IconAlertTriangle,
  IconArrowBackUp,
  IconCircleCheck,
  IconCircleX,
  IconFilter,
  IconHistory,
  IconTrash,
  IconDropletOff,
  IconPlayerSkipForward,
  IconHourglass,
  IconRepeat,
  type Icon,
} from "@tabler/icons-react";
import { Button, Text } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { sentenceCase } from "@/components/highlight";
import { TextLink } from "@/components/links";
import { Time } from "@/components/moment";
import { inZone } from "@/components/time";
import { inNumbers } from "@/features/overview/figures";
import type { Explained, ExplainedSync, Verdict } from "./queries";
import { besideItsState, doersFirst, foldedOf } from "./summary";
import classes from "./why.module.css";

interface Look {
  word: string;
  colour: string;
  icon: Icon;
}

/** States in words, with a picture: never by colour alone. */
const LOOKS: Record<Schemas["VerdictState"], Look> = {
  delivered: { word: "Delivered", colour: "var(--ms-healthy)", icon: IconCircleCheck },
  pending: { word: "Retrying", colour: "var(--ms-degraded)", icon: IconRepeat },
  expired: { word: "Expired", colour: "var(--ms-failing)", icon: IconCircleX },
  discarded: { word: "Request could not be built", colour: "var(--ms-failing)", icon: IconAlertTriangle },
  filtered: { word: "Filtered out", colour: "var(--ms-paused)", icon: IconFilter },
  waiting: { word: "Waiting", colour: "var(--ms-waiting)", icon: IconHourglass },
  withdrawn: { word: "No longer sent", colour: "var(--ms-paused)", icon: IconArrowBackUp },
  dropped: { word: "Dropped", colour: "var(--ms-paused)", icon: IconTrash },
  superseded: { word: "Skipped for a newer event", colour: "var(--ms-paused)", icon: IconPlayerSkipForward },
  lost: { word: "Lost", colour: "var(--ms-failing)", icon: IconDropletOff },
  before_sync: { word: "Before the sync started", colour: "var(--ms-paused)", icon: IconHistory },
  forgotten: { word: "No longer recorded", colour: "var(--ms-paused)", icon: IconHistory },
  never_enabled: { word: "Never enabled", colour: "var(--ms-paused)", icon: IconHistory },
};

/** What each sync did with an event, and why. */
export function Verdicts({ project, event }: { project: string; event: Explained }) {
  if (event.syncs.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        The project has no syncs.
      </Text>
    );
  }
  const { did, drafts } = foldedOf(event.syncs);
  return (
    <>
      {did.length > 0 && <Syncs project={project} syncs={did} label="What each sync did" />}
      {drafts.length > 0 && <Drafts project={project} drafts={drafts} />}
    </>
  );
}

/** Syncs that were never enabled did nothing with any event: they are counted, and named to whoever asks. */
function Drafts({ project, drafts }: { project: string; drafts: ExplainedSync[] }) {
  const [opened, setOpened] = useState(false);
  return (
    <details
      className={classes.drafts}
      onToggle={(event) => {
        setOpened(event.currentTarget.open);
      }}
    >
      <summary>{inNumbers(drafts.length)} syncs were never enabled</summary>
      {opened && <Syncs project={project} syncs={drafts} label="Syncs that were never enabled" />}
    </details>
  );
}

/** How many syncs are shown of an event at a time. */
const SHOWN = 50;

function Syncs({ project, syncs, label }: { project: string; syncs: ExplainedSync[]; label: string }) {
  const [shown, setShown] = useState(SHOWN);
  const left = syncs.length - shown;
  const sorted = syncs.length > SHOWN ? doersFirst(syncs) : syncs;
  return (
    <>
      <List project={project} syncs={sorted.slice(0, shown)} label={label} />
      {left > 0 && (
        <Button
          variant="default"
          size="xs"
          mt="xs"
          onClick={() => {
            setShown(shown + SHOWN);
          }}
        >
          Show {inNumbers(Math.min(left, SHOWN))} more of {inNumbers(left)} syncs
        </Button>
      )}
    </>
  );
}

function List({ project, syncs, label }: { project: string; syncs: ExplainedSync[]; label: string }) {
  return (
    <ul className={classes.syncs} aria-label={label}>
      {syncs.map((sync) => (
        <li key={sync.sync} className={classes.sync}>
          <TextLink to="/p/$project/syncs/$sync" params={{ project, sync: sync.sync }} fw={600}>
            {sync.name}
          </TextLink>
          {sync.verdicts.map((verdict) => (
            <OneVerdict key={`${verdict.replay ?? ""} ${verdict.part}`} verdict={verdict} both={hasBoth(sync.verdicts)} />
          ))}
        </li>
      ))}
    </ul>
  );
}

/** Whether deliveries of the event and of its user are told apart. */
const hasBoth = (verdicts: Verdict[]) => new Set(verdicts.map(({ part }) => part)).size > 1;

/** What became of a delivery, in a word with its picture; with `part` it says of which one. */
export function StateMark({ state, part }: { state: Schemas["VerdictState"]; part?: Schemas["Part"] | undefined }) {
  const { word, colour, icon: Picture } = LOOKS[state];
  return (
    <span className={classes.state} style={{ color: colour }}>
      <Picture size={15} aria-hidden />
      {part !== undefined && (part === "event" ? "Event: " : "User: ")}
      {word}
    </span>
  );
}

function OneVerdict({ verdict, both }: { verdict: Verdict; both: boolean }) {
  const attempts = verdict.delivery?.attempts ?? [];
  return (
    <div className={classes.verdict}>
      <StateMark state={verdict.state} part={both ? verdict.part : undefined} />
      {verdict.state !== "never_enabled" && <Text size="sm">{sentenceCase(besideItsState(inZone(verdict.summary)))}</Text>}
      {attempts.length > 1 && (
        <ol className={classes.attempts}>
          {attempts.map((attempt) => (
            <li key={attempt.attempt}>
              {attempt.outcome === "discarded" && attempt.tries === 0 ? "No request" : `Attempt ${attempt.attempt}`},{" "}
              <Time at={attempt.at} />: {attempt.message}
              <span className="muted numbers"> in {attempt.timing.took_ms} ms</span>
            </li>
          ))}
        </ol>
      )}
      {verdict.settings_are_newer && (
        <Text size="xs" c="dimmed">
          The sync was changed after this event: the current settings are used here.
        </Text>
      )}
    </div>
  );
}
