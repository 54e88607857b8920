//! Headers of a sync's own.

use std::collections::BTreeSet;

use axum::http::HeaderName;
use model::definition::{Definition, Header};
use model::sync::Settings;
use store::SecretFields;

use super::{HeaderInput, check_count, kept_or_given};
use crate::portal::problem::{FieldProblem, pointer};

const HEADER_VALUE_BYTES: usize = 8 << 10;

/// Headers that belong to the connection, to the framing or to the delivery itself.
const FORBIDDEN_HEADERS: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Our own headers start like this.
const OWN_PREFIX: &str = "millstream-";

/// Parts of names whose headers hold secrets, unless the client says otherwise.
const SENSITIVE: &[&str] = &[
    "auth",
    "cookie",
    "credential",
    "key",
    "passw",
    "secret",
    "session",
    "signature",
    "token",
];

/// The headers and the names of the secret ones.
pub(super) fn headers(
    input: Vec<HeaderInput>,
    stored: &Settings,
    secret: &SecretFields,
    definition: &Definition,
    problems: &mut Vec<FieldProblem>,
) -> (Vec<Header>, BTreeSet<String>) {
    let most = usize::from(definition.extra_headers);
    check_count("/headers", input.len(), most, problems);
    let (mut headers, mut secrets) = (Vec::new(), BTreeSet::new());
    let mut seen = BTreeSet::new();
    for (index, input) in input.into_iter().take(most).enumerate() {
        let place = pointer("/headers", index);
        let lower = input.name.to_ascii_lowercase();
        if let Some(message) = header_name_problem(&input.name, &lower) {
            problems.push(FieldProblem::new(format!("{place}/name"), message));
        }
        if !seen.insert(lower.clone()) {
            let message = "a header of this name is already there";
            problems.push(FieldProblem::new(format!("{place}/name"), message));
        }
        let before = stored.headers.iter();
        let before = before
            .clone()
            .find(|header| header.name.eq_ignore_ascii_case(&lower));
        let was_secret = before.is_some_and(|header| secret.headers.contains(&header.name));
        let is_secret = match (input.secret, before) {
            (Some(secret), _) => secret,
            (None, Some(_)) => was_secret,
            (None, None) => SENSITIVE.iter().any(|part| lower.contains(part)),
        };
        let value = kept_or_given(
            input.value,
            before.map(|header| &header.value),
            was_secret && !is_secret,
            &place,
            problems,
        );
        if value.len() > HEADER_VALUE_BYTES {
            let message = format!("at most {HEADER_VALUE_BYTES} bytes");
            problems.push(FieldProblem::new(format!("{place}/value"), message));
        }
        if value.chars().any(|c| c.is_control() && c != '\t') {
            let message = "no line breaks and no other control characters";
            problems.push(FieldProblem::new(format!("{place}/value"), message));
        }
        if is_secret {
            secrets.insert(input.name.clone());
        }
        headers.push(Header {
            name: input.name,
            value,
        });
    }
    (headers, secrets)
}

fn header_name_problem(name: &str, lower: &str) -> Option<&'static str> {
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        Some("not a header name: letters, digits and - only")
    } else if FORBIDDEN_HEADERS.contains(&lower) {
        Some("this header belongs to the connection and can't be set")
    } else if lower.starts_with(OWN_PREFIX) {
        Some("headers that start with `Millstream-` are ours")
    } else {
        None
    }
}
