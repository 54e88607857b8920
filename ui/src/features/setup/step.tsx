import { Title, Text } from "@mantine/core";
import type { ReactNode } from "react";
import type { Destination } from "@/features/catalog/queries";
import type { Observed } from "@/features/events/queries";
import type { Sync } from "@/features/syncs/queries";
import type { FieldProblem, Form } from "./form";
import classes from "./step.module.css";

/** What every step of the set-up works with. */
export interface StepProps {
  form: Form;
  set: (part: Partial<Form>) => void;
  sync: Sync;
  destination: Destination;
  problems: FieldProblem[];
  observed: Observed | undefined;
  disabled: boolean;
  /** The event that the live request is made of. */
  event: Record<string, unknown> | null;
  /** The same as it is streamed: JSON text. */
  eventText: string | null;
}

/** A step's frame. */
export function Step({ title, about, children }: { title: string; about?: ReactNode; children: ReactNode }) {
  return (
    <div className={classes.step}>
      <div>
        <Title order={2} tabIndex={-1} className={classes.title ?? ""}>
          {title}
        </Title>
        {about !== undefined && (
          <Text c="dimmed" size="sm" component="div">
            {about}
          </Text>
        )}
      </div>
      {children}
    </div>
  );
}
