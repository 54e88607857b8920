import { type ReactNode } from "react";
import classes from "./table.module.css";

/** A column of a table. */
export interface Column<T> {
  name: string;
  cell: (row: T) => ReactNode;
  /** Numbers and buttons stand at the end. */
  end?: boolean;
  /** Its values are short, and never broken into lines. */
  whole?: boolean;
  /** What heads it needs no word: buttons, and what a row is known by. */
  quiet?: boolean;
}

/**
 * A value beside its name, where a row is a card: one element, whatever it is made of, so that all of it stands in one
 * place. What is nothing stays nothing: its name isn't shown either.
 */
function labelled(alone: boolean, value: ReactNode): ReactNode {
  if (alone || value === null || value === undefined || value === false || value === "") return value;
  return <div className={classes.value}>{value}</div>;
}

interface TableProps<T> {
  /** What it lists, to screen readers. */
  label: string;
  columns: Column<T>[];
  rows: T[];
  keyOf: (row: T) => string;
}

/**
 * Rows to compare. Where it is narrow each row is a card that names its values. The roles are said, since a
 * table that is laid out otherwise is none to some browsers.
 */
export function DataTable<T>({ label, columns, rows, keyOf }: TableProps<T>) {
  return (
    <table className={classes.table} role="table" aria-label={label}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ name, end, quiet }) => (
            <th key={name} role="columnheader" scope="col" data-end={end === true ? true : undefined}>
              {quiet === true ? <span className="sr-only">{name}</span> : name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={keyOf(row)} role="row">
            {columns.map(({ name, cell, end, whole, quiet }, index) => (
              <td
                key={name}
                role="cell"
                data-end={end === true ? true : undefined}
                data-whole={whole === true ? true : undefined}
                data-label={quiet === true || index === 0 ? undefined : name}
              >
                {labelled(quiet === true || index === 0, cell(row))}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
