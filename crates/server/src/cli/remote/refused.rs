//! What the server says when it says no.

use http::StatusCode;
use serde_json::Value;

/// The server said no: problem details (RFC 9457) in words, with every single problem on a line of its
/// own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(in crate::cli) struct Refused {
    /// The answer's JSON; `null` when it was none.
    pub(in crate::cli) problem: Value,
    message: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, body: &[u8]) -> Self {
        let problem: Value = serde_json::from_slice(body).unwrap_or_default();
        let words = ["detail", "title"]
            .iter()
            .find_map(|field| problem[field].as_str());
        let mut message = match words {
            Some(words) => words.to_owned(),
            None => format!("the server answered {status}"),
        };
        for one in problem["errors"].as_array().into_iter().flatten() {
            let place = one["pointer"].as_str().unwrap_or_default();
            let what = one["message"].as_str().unwrap_or_default();
            let position = match (one["line"].as_u64(), one["column"].as_u64()) {
                (Some(line), Some(column)) => format!(" line {line} column {column}"),
                _ => String::new(),
            };
            message.push_str(&format!("\n  {place}{position}: {what}"));
        }
        Self { problem, message }
    }

    /// The same, with a hint at its end.
    pub(super) fn with_hint(mut self, hint: &str) -> Self {
        self.message.push_str(hint);
        self
    }

    /// The stable code of its kind; empty when there is none.
    pub(in crate::cli) fn code(&self) -> &str {
        self.problem["code"].as_str().unwrap_or_default()
    }

    /// The refusal that `error` is, if its kind has this code.
    pub(in crate::cli) fn find<'e>(error: &'e anyhow::Error, code: &str) -> Option<&'e Self> {
        let refused = error.downcast_ref::<Self>()?;
        (refused.code() == code).then_some(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_every_problem_and_its_place() {
        let body = br#"{"title":"Invalid settings","detail":"the sync can't be used","errors":[
            {"pointer":"/events/template","message":"unexpected end","line":3,"column":7}]}"#;
        let error = Refused::new(StatusCode::UNPROCESSABLE_ENTITY, body).to_string();
        assert_eq!(
            error,
            "the sync can't be used\n  /events/template line 3 column 7: unexpected end"
        );
        let error = Refused::new(StatusCode::BAD_GATEWAY, b"<html>").to_string();
        assert_eq!(error, "the server answered 502 Bad Gateway");
    }
}
