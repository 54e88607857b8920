//! How failures of templates are told: drawn for people, as JSON for programs.

use ftl::{Error, Span};
use serde_json::{Map, Value, json};

use crate::cli::Failure;

/// The failure as a person wants to see it: with the excerpt, and the directives that led to it.
pub(super) fn drawn(error: &Error) -> Failure {
    let drawn = error.render();
    // The prefix comes with every failure of a command.
    let mut text = drawn
        .strip_prefix("error: ")
        .unwrap_or(&drawn)
        .trim_end()
        .to_owned();
    if error.stack().len() > 1 {
        text.push_str("\nFTL stack:\n");
        text.push_str(error.stack_trace().trim_end());
    }
    Failure::Failed(anyhow::anyhow!(text))
}

/// The failure in FreeMarker's words, with its place.
pub(super) fn failed(error: &Error) -> Map<String, Value> {
    refused(&error.description(), error.span())
}

/// A failure that no template is to blame for.
pub(super) fn refused(error: &str, place: Option<Span>) -> Map<String, Value> {
    members([
        ("ok", json!(false)),
        ("error", json!(error)),
        ("line", json!(place.map(|place| place.line))),
        ("column", json!(place.map(|place| place.column))),
    ])
}

/// A success, with what it gives.
pub(super) fn done(name: &str, value: Value) -> Map<String, Value> {
    members([("ok", json!(true)), (name, value)])
}

fn members<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    let owned = members.map(|(name, value)| (name.to_owned(), value));
    owned.into_iter().collect()
}
