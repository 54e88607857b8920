//! What an attempt came to, and how an answer is judged.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use model::outcome::{Category, Failure};
use model::{Answer, Timestamp};

use crate::transport::{Response, Timing, TransportError};

/// How much of an answer's body is kept with a failure, in bytes.
const KEPT_RESPONSE_BYTES: usize = 4096;

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The destination took it.
    Delivered {
        /// The status, a 2xx.
        status: StatusCode,
        /// Tries made.
        tries: u8,
        /// How long the attempt took, waits included.
        elapsed: Duration,
        /// How long the parts of the last try took.
        timing: Timing,
    },
    /// It did not, or could not be asked.
    Failed {
        /// The last try's failure.
        failure: Failure,
        /// The destination's wish not to be asked again before this.
        retry_after: Option<Timestamp>,
        /// Tries made.
        tries: u8,
        /// How long the attempt took, waits included.
        elapsed: Duration,
        /// The last try's answer, where there was one.
        answer: Option<Box<Evidence>>,
    },
    /// It did not, and never will.
    Refused {
        /// What it answered.
        failure: Failure,
        /// Tries made.
        tries: u8,
        /// How long the attempt took, waits included.
        elapsed: Duration,
        /// The answer.
        answer: Option<Box<Evidence>>,
    },
    /// Its answer asks for the other request that the definition has.
    FollowUp {
        /// What it answered.
        answer: Answer,
        /// Tries made.
        tries: u8,
        /// How long the attempt took, waits included.
        elapsed: Duration,
    },
}

impl Verdict {
    /// Tries made.
    pub fn tries(&self) -> u8 {
        match self {
            Self::Delivered { tries, .. }
            | Self::Failed { tries, .. }
            | Self::Refused { tries, .. }
            | Self::FollowUp { tries, .. } => *tries,
        }
    }

    /// The failure that it is.
    pub fn failure_mut(&mut self) -> Option<&mut Failure> {
        match self {
            Self::Failed { failure, .. } | Self::Refused { failure, .. } => Some(failure),
            Self::Delivered { .. } | Self::FollowUp { .. } => None,
        }
    }
}

/// What is known of an answer beyond the [`Failure`] that it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Its headers. They may hold secrets.
    pub headers: HeaderMap,
    /// How long its parts took.
    pub timing: Timing,
}

impl From<Response> for Evidence {
    fn from(response: Response) -> Self {
        Self {
            headers: response.headers,
            timing: response.timing,
        }
    }
}

/// The category of an answer that is no success; `None` for a 2xx.
pub(crate) fn category(status: StatusCode) -> Option<Category> {
    match status.as_u16() {
        200..=299 => None,
        300..=399 => Some(Category::Redirect),
        401 | 403 => Some(Category::Unauthorized),
        429 => Some(Category::RateLimited),
        400..=499 => Some(Category::ClientError),
        500..=599 => Some(Category::ServerError),
        _ => Some(Category::UnexpectedStatus),
    }
}

/// The failure that an answer of `host` is by a rule, whatever its status, and what the rule says of it.
pub(crate) fn failed_by_rule(host: &str, response: &Response, said: &str) -> Failure {
    let category = category(response.status).unwrap_or(Category::Rejected);
    let failure = failed_response(host, category, response);
    match said {
        "" => failure,
        said => Failure {
            message: format!("{}: {said}", failure.message),
            ..failure
        },
    }
}

/// The failure that an unsuccessful answer of `host` is.
pub(crate) fn failed_response(host: &str, category: Category, response: &Response) -> Failure {
    let status = response.status;
    let reason = status.canonical_reason().unwrap_or("(no standard meaning)");
    let hint = match category {
        Category::Redirect => "; redirects are not followed",
        _ => "",
    };
    Failure {
        category,
        status: Some(status.as_u16()),
        message: format!("{host} answered {} {reason}{hint}", status.as_u16()),
        response: beginning_as_text(&response.body),
    }
}

/// The failure that a try without an answer is.
pub(crate) fn failed_transport(error: &TransportError) -> Failure {
    Failure {
        category: error.category(),
        status: None,
        message: error.to_string(),
        response: String::new(),
    }
}

/// The first 4 KiB of `body` as text, cut where a character ends.
fn beginning_as_text(body: &[u8]) -> String {
    let cut = &body[..body.len().min(KEPT_RESPONSE_BYTES)];
    let mut text = String::from_utf8_lossy(cut).into_owned();
    if body.len() > KEPT_RESPONSE_BYTES && text.ends_with(char::REPLACEMENT_CHARACTER) {
        // The cut may have gone through a character: what is left of it is no text.
        text.pop();
    }
    // A byte that is no text takes three as a replacement character.
    while text.len() > KEPT_RESPONSE_BYTES {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_category() {
        for (status, expected) in [
            (200, None),
            (204, None),
            (299, None),
            (101, Some(Category::UnexpectedStatus)),
            (301, Some(Category::Redirect)),
            (304, Some(Category::Redirect)),
            (400, Some(Category::ClientError)),
            (401, Some(Category::Unauthorized)),
            (403, Some(Category::Unauthorized)),
            (404, Some(Category::ClientError)),
            (429, Some(Category::RateLimited)),
            (500, Some(Category::ServerError)),
            (599, Some(Category::ServerError)),
            (600, Some(Category::UnexpectedStatus)),
            (999, Some(Category::UnexpectedStatus)),
        ] {
            assert_eq!(
                category(StatusCode::from_u16(status).unwrap()),
                expected,
                "{status}"
            );
        }
    }

    #[test]
    fn the_kept_text_ends_with_a_whole_character() {
        let euros = "€".repeat(2000);
        let kept = beginning_as_text(euros.as_bytes());
        assert_eq!(kept, "€".repeat(4096 / 3));
        assert_eq!(beginning_as_text(b"short"), "short");
    }

    #[test]
    fn bytes_that_are_no_text_stay_within_the_bound() {
        let kept = beginning_as_text(&[0xff; 10_000]);
        assert!(kept.len() <= 4096 && kept.chars().all(|c| c == char::REPLACEMENT_CHARACTER));
        assert!(kept.len() > 4000);
    }
}
