//! What the commands print: tables for people, JSON for programs.

use std::io::{self, Write};

use serde::Serialize;

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

/// A value as text: a string without its quotes, nothing for null.
pub(crate) fn text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
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
    use super::table;

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
