import { ActionIcon, Button } from "@mantine/core";
import { IconPlus, IconTrash, IconX } from "@tabler/icons-react";
import { type ReactNode, useEffect, useRef } from "react";
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
  // Whoever adds one goes on in it.
  const place = useRef<HTMLDivElement>(null);
  const added = useRef(false);
  useEffect(() => {
    if (!added.current) return;
    added.current = false;
    const field = place.current?.querySelector<HTMLElement>(":scope > [role=group]:last-of-type")?.querySelector<HTMLElement>("input, textarea");
    field?.focus();
    // What it begins with is to be written over.
    if (field instanceof HTMLInputElement && field.type === "text") field.select();
  }, [items.length]);
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
          <div key={index} className={cards ? classes.card : classes.row} role="group" aria-label={`${title} ${name}`}>
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
            added.current = true;
            onChange([...items, make(items.length + 1)]);
          }}
        >
          Add {what}
        </Button>
      )}
    </div>
  );
}
