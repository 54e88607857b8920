import { Text } from "@mantine/core";
import type { FieldChange } from "./difference";
import classes from "./changes.module.css";

const NAMES: Record<string, string> = {
  url: "URL",
  name: "Name",
  notes: "Notes",
  enabled: "Enabled",
  events: "Events",
  users: "Users",
  headers: "Headers",
  properties: "Properties",
  property_choice: "Choice of properties",
  withhold_properties: "Withhold properties",
  mappings: "Mappings",
  mapping_kinds: "Kinds of identifiers",
  parameters: "Parameters",
  user_agent: "User agent",
  typed_properties: "Typed properties",
  concurrency: "Requests at once",
  requests_per_minute: "Requests a minute",
  definition: "Destination",
  display_name: "Display name",
  about: "Connection info",
  limits: "Limits",
};

/** A field's name as people say it, by its path or its JSON pointer. */
export function fieldName(path: string): string {
  const [first = "", ...rest] = path.startsWith("/") ? path.slice(1).split("/") : path.split(".");
  return [NAMES[first] ?? first, ...rest].join(" › ");
}

/** Fields that differ, before beside after. */
export function Changes({ changes }: { changes: FieldChange[] }) {
  if (changes.length === 0) return <Text c="dimmed">Nothing differs.</Text>;
  return (
    <ul className={classes.list}>
      {changes.map((change) => (
        <li key={change.path} className={classes.change}>
          <div className={classes.path}>{fieldName(change.path)}</div>
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
