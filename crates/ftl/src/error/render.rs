//! The failure as a person wants to see it: message, excerpt with carets, tips.

use std::fmt::Write;

use super::Error;

/// Lines shown before the place.
const CONTEXT_LINES: usize = 2;
/// Longer lines are cut around the place, so that a one-line template of a megabyte stays readable.
const MAX_WIDTH: usize = 120;

pub(super) fn render(error: &Error, source: Option<&str>) -> String {
    let mut text = format!("error: {}\n", error.message());
    if let (Some(span), Some(source)) = (error.span(), source) {
        let last = span.line as usize;
        let first = last.saturating_sub(CONTEXT_LINES).max(1);
        let gutter = last.to_string().len();
        let _ = writeln!(
            text,
            "{:gutter$}--> {}:{}:{}",
            "",
            error.template_name(),
            span.line,
            span.column
        );
        let _ = writeln!(text, "{:gutter$} |", "");
        for (number, line) in source
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
            .skip(first - 1)
            .take(last - first + 1)
        {
            let from = if number == last {
                (span.column as usize - 1).saturating_sub(MAX_WIDTH / 2)
            } else {
                0
            };
            let shown: String = line
                .chars()
                .map(|c| if c == '\t' { ' ' } else { c })
                .skip(from)
                .take(MAX_WIDTH)
                .collect();
            let _ = writeln!(text, "{number:gutter$} | {shown}");
            if number == last {
                let start = span.column as usize - 1 - from;
                let end = if span.end_line == span.line {
                    span.end_column as usize
                } else {
                    line.chars().count()
                };
                let carets = end
                    .saturating_sub(span.column as usize - 1)
                    .clamp(1, MAX_WIDTH);
                let _ = writeln!(text, "{:gutter$} | {:start$}{}", "", "", "^".repeat(carets));
            }
        }
    }
    for tip in error.tips() {
        let _ = writeln!(text, "tip: {tip}");
    }
    if let Some(cause) = error.cause() {
        let _ = write!(text, "caused by: {}", cause.render());
    }
    text
}
