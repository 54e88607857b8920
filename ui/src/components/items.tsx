import { ActionIcon, Button } from "@mantine/core";
import { IconPlus, IconTrash, IconX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useAdded } from "./added";
import classes from "./items.module.css";

interface ItemsProps<T> {
  items: T[];
  onChange: (items: T[]) => void;
  disabled: boolean;
  /** What one of them is, such as `parameter`; with its place or name it says what is removed. */
  what: string;
  nameOf?: (item: T, index: number) => string;
  make: (number: number) => T;
  most?: number;
  /** Each is a card of fields, or one row of them. */
  look: "cards" | "rows";
  children: (item: T, index: number, replace: (part: Partial<T>) => void) => ReactNode;
}

/** A list of things of the same shape to add to, to change and to take from. */
export function Items<T extends object>(props: ItemsProps<T>) {
  const { items, onChange, disabled, what, nameOf, make, most = Infinity, look, children } = props;
  const cards = look === "cards";
  const { place, note } = useAdded(items.length);
  const title = what.charAt(0).toUpperCase() + what.slice(1);
  return (
    <div ref={place} className={cards ? classes.cards : classes.rows}>
      {items.map((item, index) => {
        const name = nameOf?.(item, index) ?? String(index + 1);
        const remove = !disabled && (
          <ActionIcon
            className={cards ? classes.corner : undefined}
            aria-label={`Remove ${what} ${name}`}
            onClick={() => {
              onChange(items.filter((_, at) => at !== index));
            }}
          >
            {cards ? <IconTrash size={16} /> : <IconX size={15} />}
          </ActionIcon>
        );
        const replace = (part: Partial<T>) => {
          onChange(items.map((each, at) => (at === index ? { ...each, ...part } : each)));
        };
        return (
          <div key={index} data-item className={cards ? classes.card : classes.row} role="group" aria-label={`${title} ${name}`}>
            {children(item, index, replace)}
            {remove}
          </div>
        );
      })}
      {!disabled && (
        <Button
          variant={cards ? "default" : "subtle"}
          size={cards ? "sm" : "xs"}
          className={classes.add ?? ""}
          leftSection={<IconPlus size={14} />}
          disabled={items.length >= most}
          onClick={() => {
            note();
            onChange([...items, make(items.length + 1)]);
          }}
        >
          Add {what}
        </Button>
      )}
    </div>
  );
}
