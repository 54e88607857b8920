//! What is told of incidents, in the form of each way.

use std::time::Duration;

use model::Timestamp;
use model::alert::Kind;
use serde_json::{Value, json};
use store::alert::{Ended, Seen, Subject};

use super::watch::Over;
use crate::portal::view::rfc3339;

/// An incident to be told of.
pub(super) struct Told<'a> {
    pub(super) id: String,
    pub(super) about: &'a Subject,
    pub(super) kind: Kind,
    pub(super) opened_at: Timestamp,
    pub(super) seen: &'a Seen,
    /// When it was over, and how.
    pub(super) ended: Option<(Timestamp, &'a Ended)>,
    /// The sync's page.
    pub(super) link: String,
}

/// What a rule is about, in words.
pub(super) fn what(kind: Kind) -> &'static str {
    match kind {
        Kind::State => "is not delivering",
        Kind::ErrorRate => "fails too often",
        Kind::BacklogAge => "is behind",
        Kind::Expiry => "loses deliveries",
        Kind::Credentials => "is refused by its destination",
        Kind::Loss => "loses events that it holds",
    }
}

impl Told<'_> {
    /// The body of a webhook's request.
    pub(super) fn webhook(&self, now: Timestamp) -> String {
        let (about, seen) = (self.about, self.seen);
        let ended = self.ended.map(|(at, ended)| {
            json!({
                "at": rfc3339(at),
                "why": ended.why,
                "lasted_seconds": at.since(self.opened_at).as_secs(),
                "lost": {
                    "expired": ended.expired,
                    "discarded": ended.discarded,
                    "beyond_bounds": ended.lost,
                },
                "held": {"pending": ended.pending, "backlog": ended.backlog},
            })
        });
        // Of one that is over, how it does now.
        let health = self.ended.and_then(|(_, ended)| ended.health.as_ref());
        let health = health.unwrap_or(&seen.health);
        let kind = match ended {
            Some(_) => "incident.closed",
            None => "incident.opened",
        };
        let body = json!({
            "type": kind,
            "timestamp": rfc3339(now),
            "data": {
                "id": self.id,
                "rule": self.kind.name(),
                "sync": {"id": about.sync.to_string(), "name": about.sync_name},
                "project": {"id": about.project.to_string(), "name": about.project_name},
                "url": self.link,
                "opened_at": rfc3339(self.opened_at),
                "reason": seen.reason,
                "health": health,
                "sample": self.sample(),
                "held": {"pending": seen.pending, "backlog": seen.backlog},
                "ended": ended,
            },
        });
        body.to_string()
    }

    fn sample(&self) -> Value {
        let seen = self.seen;
        match &seen.message {
            None => Value::Null,
            Some(message) => json!({
                "category": seen.category,
                "status": seen.status,
                "message": message,
            }),
        }
    }

    /// The body of a request to Slack.
    pub(super) fn slack(&self) -> String {
        let (sync, project) = (
            escaped(&self.about.sync_name),
            escaped(&self.about.project_name),
        );
        let link = &self.link;
        let text = match self.ended {
            None => {
                let reason = escaped(&self.seen.reason);
                let sample = self.seen.message.as_ref().map(|message| escaped(message));
                // The reason says it already, mostly.
                let sample = sample.filter(|sample| !reason.contains(sample.as_str()));
                let sample = sample.map(|sample| format!("\nLast failure: {sample}"));
                format!(
                    ":rotating_light: *{sync}* ({project}) {}: {reason}{}\n<{link}|Look at it>",
                    what(self.kind),
                    sample.unwrap_or_default()
                )
            }
            Some((at, ended)) => format!(
                ":white_check_mark: *{sync}* ({project}): {}\n<{link}|Look at it>",
                over(self.opened_at, at, ended)
            ),
        };
        json!({"text": text}).to_string()
    }
}

/// How an incident ended, in words.
pub(super) fn over(opened_at: Timestamp, at: Timestamp, ended: &Ended) -> String {
    let lasted = lasted(at.since(opened_at));
    let end = match ended.why.as_str() {
        why if why == Over::SwitchedOff.name() => format!("it was switched off after {lasted}"),
        why if why == Over::Deleted.name() => format!("the sync was deleted after {lasted}"),
        why if why == Over::RuleOff.name() => {
            format!("nobody watches this any more after {lasted}")
        }
        _ => format!("over after {lasted}"),
    };
    let lost = match (ended.expired + ended.discarded, ended.lost) {
        (0, 0) => "nothing was lost".to_owned(),
        (0, beyond) => format!("lost: {beyond} beyond the bounds"),
        (_, beyond) => {
            let (expired, discarded) = (ended.expired, ended.discarded);
            let beyond = match beyond {
                0 => String::new(),
                beyond => format!(", {beyond} beyond the bounds"),
            };
            format!("lost: {expired} expired, {discarded} discarded{beyond}")
        }
    };
    let held = match ended.pending + ended.backlog {
        0 => String::new(),
        held => format!("; {held} still to be delivered"),
    };
    format!("{end}; {lost}{held}")
}

/// A time in words, in its two largest units.
pub(super) fn lasted(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// A text as Slack shows it as it is.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        for (seconds, words) in [
            (7, "7 s"),
            (60, "1 min"),
            (3 * 3600 + 59, "3 h 0 min"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(lasted(Duration::from_secs(seconds)), words);
        }
    }

    #[test]
    fn nobody_speaks_through_a_name() {
        assert_eq!(
            escaped("<!channel> & <http://a|b>"),
            "&lt;!channel&gt; &amp; &lt;http://a|b&gt;"
        );
    }
}
