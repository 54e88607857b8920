import { Text } from "@mantine/core";
import { fieldName } from "@/components/field-name";
import { CATEGORIES } from "@/features/catalog/queries";
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
  const named = changes.map((change) => ({ change: inWords(change), name: fieldName(change.path, of) }));
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

/** What the API calls settings that people choose from a few, as the page does where they are chosen. */
const WORDS: Record<string, Record<string, string>> = {
  category: CATEGORIES,
  unit: { object: "An object", array_of_one: "A list of one object" },
  property_choice: { only: "Only these", all_but: "All except these" },
  choice: { only: "Only these", all_but: "All except these" },
  order: { none: "In any order", per_user: "In order for each user" },
  user_agent: { millstream: "Millstream", original: "Amplitude/Webhook/1.0" },
  on: { events: "With each event", changes: "When something changed" },
  scope: { event: "Event property", user: "User property", group: "Group property", field: "Field of the event" },
  kind: { text: "Text", secret: "Secret", select: "Choice", checkbox: "Checkbox", url: "URL" },
  all: { none: "All events" },
};

/** A change with what is chosen from a few in words; what people wrote stays as it is. */
function inWords(change: FieldChange): FieldChange {
  const words = WORDS[change.path.slice(change.path.lastIndexOf(".") + 1)];
  if (words === undefined) return change;
  const said = (text: string | undefined) => (text !== undefined && Object.hasOwn(words, text) ? words[text] : text);
  const { before, after } = change;
  return { ...change, ...(before === undefined ? {} : { before: said(before) ?? "" }), ...(after === undefined ? {} : { after: said(after) ?? "" }) };
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
