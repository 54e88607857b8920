import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconRepeat, type Icon } from "@tabler/icons-react";
import { type Outcome, OUTCOMES } from "./search";
import classes from "./deliveries.module.css";

const LOOKS: Record<Outcome, { colour: string; icon: Icon }> = {
  delivered: { colour: "var(--ms-healthy)", icon: IconCircleCheck },
  failed: { colour: "var(--ms-degraded)", icon: IconRepeat },
  expired: { colour: "var(--ms-failing)", icon: IconCircleX },
  discarded: { colour: "var(--ms-failing)", icon: IconAlertTriangle },
};

/** How an attempt ended: picture and words, never colour alone. */
export function OutcomeMark({ outcome }: { outcome: Outcome }) {
  const { colour, icon: Picture } = LOOKS[outcome];
  return (
    <span className={classes.outcome} style={{ color: colour }}>
      <Picture size={15} aria-hidden />
      {OUTCOMES[outcome]}
    </span>
  );
}
