import { Text } from "@mantine/core";
import { fieldName } from "@/components/field-name";
import type { FieldChange } from "./difference";
import classes from "./changes.module.css";

/** Fields that differ, before beside after; `of` is the document whose items have names. */
export function Changes({ changes, of }: { changes: FieldChange[]; of?: unknown }) {
  if (changes.length === 0) return <Text c="dimmed">Nothing differs.</Text>;
  return (
    <ul className={classes.list}>
      {changes.map((change) => (
        <li key={change.path} className={classes.change}>
          <div className={classes.path}>{fieldName(change.path, of)}</div>
          {change.before !== undefined && (
            <pre className={classes.before}>
              <span className="sr-only">Before: </span>
              {change.before}
            </pre>
          )}
          {change.after !== undefined && (
            <pre className={classes.after}>
              <span className="sr-only">After: </span>
              {change.after}
            </pre>
          )}
        </li>
      ))}
    </ul>
  );
}
