import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleX,
  IconHourglass,
  IconPencil,
  IconPlayerPause,
  IconTool,
} from "@tabler/icons-react";
import type { ComponentType } from "react";
import type { Schemas } from "@/api/client";
import classes from "./health.module.css";

interface Look {
  word: string;
  colour: string;
  icon: ComponentType<{ size?: number; "aria-hidden"?: boolean }>;
}

const LOOKS: Record<Schemas["Health"], Look> = {
  healthy: { word: "Healthy", colour: "var(--ms-healthy)", icon: IconCircleCheck },
  degraded: { word: "Degraded", colour: "var(--ms-degraded)", icon: IconAlertTriangle },
  failing: { word: "Failing", colour: "var(--ms-failing)", icon: IconCircleX },
  paused: { word: "Paused", colour: "var(--ms-paused)", icon: IconPlayerPause },
  misconfigured: { word: "Needs mending", colour: "var(--ms-failing)", icon: IconTool },
  stalled: { word: "Stalled", colour: "var(--ms-waiting)", icon: IconHourglass },
};

/** One that was never enabled isn't paused. */
const DRAFT: Look = { word: "Draft", colour: "var(--ms-paused)", icon: IconPencil };

/** A sync's state: icon and word, never colour alone. */
export function HealthMark({ status }: { status: { health: Schemas["Health"]; never_enabled?: boolean } }) {
  const { word, colour, icon: Icon } = status.never_enabled === true ? DRAFT : LOOKS[status.health];
  return (
    <span className={classes.mark} style={{ color: colour }}>
      <Icon size={15} aria-hidden />
      {word}
    </span>
  );
}
