import { Text } from "@mantine/core";
import { fieldName } from "@/components/field-name";
import type { FieldChange } from "./difference";
import classes from "./changes.module.css";

/** What stands between the parts of a field's name. */
const BETWEEN = " › ";

interface Named {
  change: FieldChange;
  name: string;
}

/** As many are read as one list; more are told apart by what they are of. */
const FEW = 8;

/** Fields that differ, before beside after; `of` is the document whose items have names. */
export function Changes({ changes, of }: { changes: FieldChange[]; of?: unknown }) {
  if (changes.length === 0) return <Text c="dimmed">No differences.</Text>;
  const named = changes.map((change) => ({ change, name: fieldName(change.path, of) }));
  if (changes.length <= FEW) return <List each={named} />;
  const groups = new Map<string, Named[]>();
  for (const each of named) {
    const group = each.name.includes(BETWEEN) ? each.name.slice(0, each.name.indexOf(BETWEEN)) : "";
    groups.set(group, [...(groups.get(group) ?? []), each]);
  }
  return (
    <div>
      {[...groups].map(([group, each]) => (
        <div key={group} className={classes.part}>
          {group !== "" && <h3 className={classes.group}>{group}</h3>}
          <List each={each.map(({ change, name }) => ({ change, name: group === "" ? name : name.slice(group.length + BETWEEN.length) }))} />
        </div>
      ))}
    </div>
  );
}

function List({ each }: { each: Named[] }) {
  return (
    <ul className={classes.list}>
      {each.map(({ change, name }) => (
        <li key={change.path} className={classes.change} data-long={[change.before, change.after].some((text) => text?.trimEnd().includes("\n"))}>
          <div className={classes.path}>{name}</div>
          <div>
            {change.before !== undefined && change.before !== "" && (
              <pre className={classes.before}>
                <span className="sr-only">Before: </span>
                <span>{change.before}</span>
              </pre>
            )}
            {change.after !== undefined && (change.after !== "" || change.before === undefined) && (
              <pre className={classes.after}>
                <span className="sr-only">After: </span>
                <span>{change.after}</span>
              </pre>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}
