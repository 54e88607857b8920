//! What the commands print: tables for people, JSON for programs.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

/// Prints a text and the end of its line to standard output.
pub(crate) fn print(text: &str) {
    write(format!("{text}\n").as_bytes());
}

/// Prints to standard output. A reader that has gone away (`| head`) ends the program quietly.
pub(crate) fn write(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    if let Err(error) = written {
        let code = if error.kind() == io::ErrorKind::BrokenPipe {
            0
        } else {
            1
        };
        std::process::exit(code);
    }
}

/// A number with the word for as many: `1 line`, `2 lines`.
pub(crate) fn counted(number: u64, one: &str, more: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {more}"),
    }
}

/// Prints a value as JSON, indented.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Prints an error and what caused it to standard error.
pub(crate) fn error(error: &anyhow::Error) {
    // Nothing is left to do when standard error is closed.
    let _ = writeln!(io::stderr(), "error: {error:#}");
}

/// Columns of a table or lines of a description: what each is called, and where its value stands in an
/// item (a JSON pointer).
pub(crate) type Fields<'f> = &'f [(&'static str, &'f str)];

/// Prints a list: JSON, or a table with these columns.
pub(crate) fn print_list(json: bool, items: &[Value], columns: Fields<'_>) -> anyhow::Result<()> {
    if json {
        return print_json(&items);
    }
    let headings: Vec<_> = columns.iter().map(|(heading, _)| *heading).collect();
    let row = |item: &Value| columns.iter().map(|(_, at)| at_pointer(item, at)).collect();
    print_table(&headings, &items.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

/// Prints one item: JSON, or a line for each of these fields.
pub(crate) fn print_item(json: bool, item: &Value, fields: Fields<'_>) -> anyhow::Result<()> {
    if json {
        return print_json(item);
    }
    let line = |&(name, at): &(&'static str, &str)| (name, at_pointer(item, at));
    print_fields(&fields.iter().map(line).collect::<Vec<_>>());
    Ok(())
}

/// Prints what was done: JSON, or a sentence.
pub(crate) fn print_done(json: bool, value: &Value, sentence: &str) -> anyhow::Result<()> {
    if json {
        return print_json(value);
    }
    print(sentence);
    Ok(())
}

fn at_pointer(item: &Value, pointer: &str) -> String {
    item.pointer(pointer).map(text).unwrap_or_default()
}

/// A value as people read it: a string without its quotes, nothing for null.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Prints rows under headings, each column as wide as its widest cell.
pub(crate) fn print_table(headings: &[&str], rows: &[Vec<String>]) {
    print(&table(headings, rows));
}

fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = headings
        .iter()
        .map(|heading| heading.chars().count())
        .collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&mut headings.iter().copied())];
    lines.extend(
        rows.iter()
            .map(|row| line(&mut row.iter().map(String::as_str))),
    );
    lines.join("\n")
}

/// Prints names and values, one a line, the values aligned.
pub(crate) fn print_fields(fields: &[(&str, String)]) {
    let width = fields
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    let line =
        |(name, value): &(&str, String)| format!("{name:<width$}  {value}").trim_end().to_owned();
    print(&fields.iter().map(line).collect::<Vec<_>>().join("\n"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{at_pointer, table};

    #[test]
    fn values_are_shown_as_people_read_them() {
        let item = json!({"a": {"b": "c"}, "flag": true, "none": null, "list": ["x", 1]});
        let shown = ["/a/b", "/flag", "/none", "/list", "/missing"].map(|at| at_pointer(&item, at));
        assert_eq!(shown, ["c", "yes", "", "x, 1", ""]);
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec!["a".into(), "größer".into()],
            vec!["long one".into(), "b".into()],
        ];
        assert_eq!(
            table(&["NAME", "X"], &rows),
            "NAME      X\na         größer\nlong one  b"
        );
    }
}
