import { TextLink } from "@/components/links";
import type { Sync } from "@/features/syncs/queries";
import { type FieldProblem, stepOf } from "./form";
import { isMissing, placeOf, saidOf } from "./unready";
import classes from "./save-bar.module.css";

interface UnreadyProps {
  problems: FieldProblem[];
  /** What the problems point into. */
  settings: unknown;
  /** Whose set-up the steps lead to; absent: nothing leads anywhere, such as where no links can be. */
  of?: Sync;
}

/** What keeps a sync from being enabled: what is missing, then what is wrong with what is there. */
export function UnreadyList({ problems, settings, of }: UnreadyProps) {
  const missing = problems.filter((each) => isMissing(each, settings));
  const wrong = problems.filter((each) => !missing.includes(each));
  return (
    <>
      {missing.length > 0 && <Group title={wrong.length > 0 ? "To fill in" : null} problems={missing} of={of} />}
      {wrong.length > 0 && <Group title="To fix" problems={wrong} of={of} />}
    </>
  );
}

function Group({ title, problems, of }: { title: string | null; problems: FieldProblem[]; of: Sync | undefined }) {
  return (
    <section className={classes.unready}>
      {title !== null && <h3>{title}</h3>}
      <ul className={classes.reasons}>
        {problems.map((problem) => (
          <li key={problem.pointer + problem.message}>
            {of === undefined ? (
              <b>{placeOf(problem)}</b>
            ) : (
              <TextLink
                size="sm"
                fw={500}
                underline="always"
                to="/p/$project/syncs/$sync/settings"
                params={{ project: of.project, sync: of.id }}
                search={{ step: stepOf(problem) }}
              >
                {placeOf(problem)}
              </TextLink>
            )}
            : {saidOf(problem)}
          </li>
        ))}
      </ul>
    </section>
  );
}
