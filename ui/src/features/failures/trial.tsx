import { Alert, Text } from "@mantine/core";
import type { Schemas } from "@/api/client";
import { plainly } from "@/components/highlight";
import { Time } from "@/components/moment";
import { inNumbers } from "@/features/overview/figures";
import { RequestView } from "@/features/setup/live-request";
import { inDuration } from "./words";
import classes from "./failures.module.css";

interface TrialProps {
  trial: Schemas["DryRunView"];
  /** What is sent: deliveries that failed, events of the past, or those of archives. */
  of: "failed" | "events" | "archive";
  /** How many a minute are begun at most. */
  perMinute?: number | null;
}

/** How many of the samples there can't be made a request of, as the sync is now. */
export function unbuilt({ examples }: Pick<Schemas["DryRunView"], "examples">): number {
  return examples.filter(({ now }) => now == null || now.outcome === "discarded").length;
}

/** Said where nothing would be sent of so many. */
function nothing(of: TrialProps["of"], total: number): string {
  const all = inNumbers(total);
  if (of === "failed") return total === 0 ? "There are no failed deliveries." : `None of ${all} failed deliveries matches.`;
  if (of === "events") return total === 0 ? "No events of this period are kept." : `None of ${all} ${total === 1 ? "event" : "events"} of this period is selected by this sync.`;
  return total === 0 ? "The archives have no event that can be read." : `None of ${all} ${total === 1 ? "event" : "events"} in the archives is selected by this sync.`;
}

/** What would be sent: how many, how long that takes at a rate, and some of them as they would be made now. */
export function Trial({ trial, of, perMinute = null }: TrialProps) {
  const { estimate, exact, examples } = trial;
  // Of archives, what can be read.
  const total = of === "archive" ? trial.looked_at : trial.total;
  const failed = of === "failed";
  const without = unbuilt(trial);
  if (estimate === 0) {
    return (
      <Alert color="gray">
        {nothing(of, total)}
      </Alert>
    );
  }
  return (
    <div aria-live="polite">
      <Text>
        {exact ? "" : "About "}
        {failed ? (
          <>
            <b className="numbers">{inNumbers(estimate)}</b> of <span className="numbers">{inNumbers(total)}</span> failed deliveries would be replayed with the sync's current settings, under their original ids.
          </>
        ) : (
          <>
            <b className="numbers">{inNumbers(estimate)}</b> {estimate === 1 ? "delivery" : "deliveries"} of{" "}
            <span className="numbers">{inNumbers(total)}</span> {total === 1 ? "event" : "events"} would be sent, each with a new id and marked <code className="mono">Millstream-Backfill</code>.
          </>
        )}
        {perMinute !== null && estimate > perMinute && ` At this rate it takes ${inDuration((60 * estimate) / perMinute)} or longer.`}
      </Text>
      {without > 0 && (
        <Alert color="yellow" mt="sm" role="status">
          {without === examples.length
            ? `The request can't be built from ${examples.length === 1 ? "the sample" : `any of the ${inNumbers(examples.length)} samples`} below: as the sync is now, ${failed ? "they would fail again" : "nothing would arrive"}.`
            : `The request can't be built from ${inNumbers(without)} of the ${inNumbers(examples.length)} samples below: such ${failed ? "deliveries would fail again" : "events would not arrive"}.`}
        </Alert>
      )}
      <ul className={classes.examples} aria-label="Examples">
        {examples.map((example, index) => (
          <li key={`${String(index)}-${String(example.offset)}-${example.part}`}>
            <details className={classes.example} open={index === 0}>
              <summary>
                <b>{example.event_type ?? "An event"}</b>
                {of === "archive" ? (
                  example.part === "user" && <span className="muted">its user</span>
                ) : (
                  <span className="muted">
                    {example.part === "user" ? "its user, " : ""}received <Time at={example.received_at} />
                  </span>
                )}
              </summary>
              {example.message != null && (
                <Text size="sm" mb={8}>
                  It failed: {plainly(example.message)}
                </Text>
              )}
              {example.now == null ? (
                <Text size="sm" c="dimmed">
                  The sync&apos;s settings can&apos;t be used, so no request can be shown.
                </Text>
              ) : (
                <RequestView part={example.now} />
              )}
            </details>
          </li>
        ))}
      </ul>
    </div>
  );
}
