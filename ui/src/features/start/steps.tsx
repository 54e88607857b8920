import { IconCheck } from "@tabler/icons-react";
import classes from "./steps.module.css";

const STEPS = ["Create a project", "Send an event", "Connect a destination"];

/** How far somebody is who begins. */
export function Steps({ current }: { current: number }) {
  return (
    <ol className={classes.steps}>
      {STEPS.map((step, index) => (
        <li
          key={step}
          className={classes.step}
          data-done={index < current}
          aria-current={index === current ? "step" : undefined}
        >
          <span className={classes.number}>
            {index < current ? <IconCheck size={13} stroke={2.5} aria-label="Done" /> : index + 1}
          </span>
          {step}
        </li>
      ))}
    </ol>
  );
}
