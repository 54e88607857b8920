import { Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { type Column, DataTable } from "@/components/table";
import { listed, type PropertyRow } from "./listed";
import classes from "./users.module.css";

/** More properties than this can be searched. */
const SEARCHED = 12;

const COLUMNS: Column<PropertyRow>[] = [
  { name: "Name", cell: ({ name }) => <span className="mono">{name}</span> },
  { name: "Value", cell: ({ value }) => <span className={`mono ${classes.value ?? ""}`}>{value}</span> },
  { name: "Type", cell: ({ kind }) => <span className="muted">{kind}</span> },
];

/** A user's properties, given as their JSON, by name, members of objects by their path. */
export function Properties({ properties }: { properties: string }) {
  const [sought, setSought] = useState("");
  const all = listed(properties);
  const shown = all.filter(({ name, value }) => `${name} ${value}`.toLowerCase().includes(sought.trim().toLowerCase()));
  if (all.length === 0) {
    return <Text c="dimmed">None yet. Identify calls and events with user properties set them.</Text>;
  }
  return (
    <>
      {all.length > SEARCHED && (
        <TextInput
          aria-label="Search in properties"
          placeholder={`Search in ${String(all.length)} properties`}
          maw={340}
          mb="xs"
          value={sought}
          onChange={(event) => {
            setSought(event.currentTarget.value);
          }}
        />
      )}
      {shown.length === 0 ? (
        <Text c="dimmed">No property matches.</Text>
      ) : (
        <DataTable label="Properties" columns={COLUMNS} rows={shown} keyOf={({ name }) => name} />
      )}
    </>
  );
}
