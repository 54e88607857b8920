//! What people are told of a failure where their project has sensitive properties.
//!
//! A failure's words may quote what the destination said, and its host may be made of the event; which
//! event that was is not known here. So what is told is what we can say ourselves: the status, or the kind
//! of failure. What was seen is kept as it was: properties can be marked and unmarked at any time.

use std::borrow::Cow;

use axum::http::StatusCode;
use model::ProjectId;
use model::sensitive::SensitiveProperties;
use store::alert::Seen;

use crate::portal::{ApiError, Portal};

/// Behind these words of a lane come those of a failure, or of a template.
const QUOTING: [&str; 2] = [", the last one: ", "discarded: "];

impl Portal {
    /// What was seen of a project's sync, as it may be told.
    pub(super) async fn as_told<'s>(
        &self,
        project: ProjectId,
        seen: &'s Seen,
    ) -> Result<Cow<'s, Seen>, ApiError> {
        match self.store.project(project).await {
            Ok(project) => Ok(as_told(seen, &project.sensitive)),
            // Deleted meanwhile: what was marked can't be told any more.
            Err(store::Error::NoProject(_)) => Ok(Cow::Owned(in_own_words(seen))),
            Err(error) => Err(error.into()),
        }
    }
}

/// What was seen, as it may be told in a project with these sensitive properties.
pub(super) fn as_told<'s>(seen: &'s Seen, sensitive: &SensitiveProperties) -> Cow<'s, Seen> {
    match sensitive.is_empty() {
        true => Cow::Borrowed(seen),
        false => Cow::Owned(in_own_words(seen)),
    }
}

fn in_own_words(seen: &Seen) -> Seen {
    let words = words(seen);
    let quoted = seen.message.as_deref().unwrap_or_default();
    let reason = match quoted.is_empty() {
        true => seen.reason.clone(),
        false => seen.reason.replace(quoted, &words),
    };
    // Of another failure than the one that was noted.
    let other = QUOTING.into_iter().find_map(|opening| {
        let (front, quoted) = reason.split_once(opening)?;
        (!quoted.starts_with(&words)).then(|| format!("{front}{opening}{words}"))
    });
    Seen {
        reason: other.unwrap_or(reason),
        message: seen.message.as_ref().map(|_| words),
        ..seen.clone()
    }
}

/// What can be said of the failure without its own words.
fn words(seen: &Seen) -> String {
    let status = seen
        .status
        .and_then(|status| StatusCode::from_u16(status).ok());
    let what = match (status, seen.category) {
        (Some(status), _) => format!("the destination answered {status} "),
        (None, Some(category)) => format!("no answer: {} ", category.name()),
        (None, None) => String::new(),
    };
    format!("{what}(more is not shown: it may tell sensitive values)")
}

#[cfg(test)]
mod tests {
    use model::outcome::Category;

    use super::*;

    fn seen(reason: &str, message: Option<&str>, status: Option<u16>) -> Seen {
        Seen {
            reason: reason.into(),
            message: message.map(str::to_owned),
            category: message.map(|_| Category::ClientError),
            status,
            ..Seen::default()
        }
    }

    const SAID: &str = "ann.example.com answered 422 Unprocessable Entity: no user ann@example.com";

    #[test]
    fn a_failure_is_told_in_own_words_wherever_it_stands() {
        let failing = format!(
            "the sync is failing: 6 attempts in a row failed, the last one: {SAID}; a probe is under way"
        );
        for (reason, told) in [
            (
                format!("the destination refuses the credentials: {SAID}"),
                "the destination refuses the credentials: the destination answered 422 Unprocessable \
                 Entity (more is not shown: it may tell sensitive values)",
            ),
            (
                failing.clone(),
                "the sync is failing: 6 attempts in a row failed, the last one: the destination \
                 answered 422 Unprocessable Entity (more is not shown: it may tell sensitive values); a \
                 probe is under way",
            ),
            (
                "3 of 4 attempts (75 %) failed within 5 minutes".into(),
                "3 of 4 attempts (75 %) failed within 5 minutes",
            ),
        ] {
            let shown = in_own_words(&seen(&reason, Some(SAID), Some(422)));
            assert_eq!(shown.reason, told);
            let message = shown.message.unwrap();
            assert!(message.starts_with("the destination answered 422"));
            assert!(!message.contains("ann"), "{message}");
        }
        // A failure that was noted since, or none.
        for message in [None, Some("other.example.com answered 500")] {
            let shown = in_own_words(&seen(&failing, message, message.map(|_| 500)));
            assert!(!shown.reason.contains("ann"), "{}", shown.reason);
            assert!(shown.reason.contains("6 attempts in a row failed"));
            assert_eq!(shown.message.is_some(), message.is_some());
        }
    }

    #[test]
    fn a_failure_without_an_answer_is_told_by_its_kind() {
        let mut dns = seen("late", Some("ann.example.com: no such host"), None);
        dns.category = Some(Category::Dns);
        let message = in_own_words(&dns).message.unwrap();
        assert!(message.starts_with("no answer: dns ("), "{message}");
        let none = SensitiveProperties::default();
        assert_eq!(as_told(&dns, &none).message, dns.message);
    }
}
