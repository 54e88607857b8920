import { Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import type { ReactNode } from "react";

interface Question {
  title: string;
  what: ReactNode;
  /** What the button does, such as `Delete sync`. */
  action: string;
  onConfirm: () => void;
  /** Nothing is lost by it: the button is no warning. */
  safe?: boolean;
  /** What the button that changes nothing says, where it is not `Keep`. */
  keep?: string;
}

/** Asks before what can't be undone. */
export function confirmDanger({ title, what, action, onConfirm, safe = false, keep }: Question): void {
  modals.openConfirmModal({
    title,
    children: (
      <Text size="sm" component="div">
        {what}
      </Text>
    ),
    labels: { confirm: action, cancel: keep ?? "Cancel" },
    confirmProps: safe ? {} : { color: "red" },
    onConfirm,
  });
}
