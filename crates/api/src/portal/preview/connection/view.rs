//! What came of a test, as clients see it.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use model::Part;
use model::definition::Meaning;
use model::outcome::{Category, Failure};
use pipeline::preview::{Redaction, Request};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::courier::{Reply, Timing, Trial};
use super::super::view::{PartView, SentHeader};

/// How much of an answer's body is shown, in bytes.
const SHOWN_BODY_BYTES: usize = 4096;

/// How many headers of an answer are shown.
const SHOWN_HEADERS: usize = 100;

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct TestView {
    /// What was sent, or why nothing was.
    sent: PartView,
    /// What would become of the delivery.
    verdict: VerdictName,
    /// The verdict in words.
    message: String,
    /// Why the delivery would not count as made; null when it would, or nothing was sent.
    failure: Option<TestFailure>,
    /// What was answered; null when there was no answer.
    answer: Option<AnswerView>,
    /// How long it took from sending to the end of the answer; null when nothing was sent.
    milliseconds: Option<f64>,
    /// What was sent because the answer asked for it; null where it didn't. Then verdict, message and
    /// failure are of this.
    follow_up: Option<FollowUpView>,
}

/// The request that followed an answer, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
struct FollowUpView {
    /// What was sent, or why nothing was.
    sent: PartView,
    /// What was answered; null when there was no answer.
    answer: Option<AnswerView>,
    /// How long that took; null when nothing was sent.
    milliseconds: Option<f64>,
}

/// What would become of a delivery.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum VerdictName {
    /// The destination took it.
    Delivered,
    /// It would be tried again and may well succeed.
    Retried,
    /// It would be tried again as well, but has to be mended to succeed.
    Refused,
    /// It would end at once: by the definition's rules, such an answer means never.
    Discarded,
    /// Nothing is sent for such an event.
    NotSent,
}

/// Why a delivery would not count as made.
#[derive(Debug, Serialize, ToSchema)]
struct TestFailure {
    /// The kind of failure.
    category: Category,
    /// What happened, in words.
    message: String,
}

/// What a destination answered.
#[derive(Debug, Serialize, ToSchema)]
struct AnswerView {
    /// The status.
    status: u16,
    /// The headers, secrets masked.
    headers: Vec<SentHeader>,
    /// The first 4 KiB of the body as text, secrets masked.
    body: String,
    /// Whether that is all of it.
    body_complete: bool,
    /// How long its parts took; what is left of the whole was spent on reading the body, or waiting for
    /// a connection.
    timing: TimingView,
}

/// How long the parts of an exchange took, in milliseconds.
#[derive(Debug, Serialize, ToSchema)]
struct TimingView {
    /// Finding the host's addresses; null where a connection was open already.
    lookup: Option<f64>,
    /// Connecting to one of them; null where a connection was open already.
    connect: Option<f64>,
    /// The handshake of TLS; null where a connection was open already, and without TLS.
    tls: Option<f64>,
    /// From sending to the end of the answer's headers.
    wait: f64,
}

impl From<Timing> for TimingView {
    fn from(timing: Timing) -> Self {
        Self {
            lookup: timing.lookup.map(milliseconds),
            connect: timing.connect.map(milliseconds),
            tls: timing.tls.map(milliseconds),
            wait: milliseconds(timing.wait),
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

impl TestView {
    pub(super) fn sent(part: Part, shown: &Request, trial: &Trial, redaction: &Redaction) -> Self {
        let reply = trial.reply.as_ref();
        let (verdict, message) = verdict(reply, trial);
        let message = redaction.apply(&message);
        Self {
            sent: PartView::request(part, shown),
            verdict,
            message,
            failure: trial.failure.as_ref().map(|failure| TestFailure {
                category: failure.category,
                message: redaction.apply(&failure.message),
            }),
            answer: reply.map(|reply| AnswerView::new(reply, redaction)),
            milliseconds: Some(milliseconds(trial.elapsed)),
            follow_up: None,
        }
    }

    /// The same, with what there is to say of what was sent.
    pub(super) fn noted(mut self, note: Option<String>) -> Self {
        self.sent = self.sent.noted(note);
        self
    }

    /// The same, after one more request was sent because the answer asked for it.
    pub(super) fn followed(
        self,
        part: Part,
        shown: &Request,
        trial: &Trial,
        redaction: &Redaction,
    ) -> Self {
        let next = Self::sent(part, shown, trial, redaction);
        Self {
            verdict: next.verdict,
            message: next.message,
            failure: next.failure,
            follow_up: Some(FollowUpView {
                sent: next.sent,
                answer: next.answer,
                milliseconds: next.milliseconds,
            }),
            ..self
        }
    }

    /// The same, where the request that was asked for can't be made.
    pub(super) fn not_followed(self, next: Self) -> Self {
        Self {
            verdict: VerdictName::NotSent,
            message: "the request that should follow can't be made: see `follow_up.sent.reason`"
                .into(),
            follow_up: Some(FollowUpView {
                sent: next.sent,
                answer: None,
                milliseconds: None,
            }),
            ..self
        }
    }

    pub(super) fn not_sent(why: PartView) -> Self {
        Self {
            sent: why,
            verdict: VerdictName::NotSent,
            message: "nothing is sent for this event: see `sent.reason`".into(),
            failure: None,
            answer: None,
            milliseconds: None,
            follow_up: None,
        }
    }

    /// Nothing was sent, and why can't be told without telling of secrets.
    pub(super) fn hidden(part: Part) -> Self {
        Self::not_sent(PartView::withheld(part))
    }
}

fn verdict(reply: Option<&Reply>, trial: &Trial) -> (VerdictName, String) {
    let status = reply.map_or(0, |reply| reply.status.as_u16());
    let Some(Failure {
        category, message, ..
    }) = &trial.failure
    else {
        let message = format!("the destination took it (status {status})");
        return (VerdictName::Delivered, message);
    };
    if trial.means == Meaning::Refused {
        let message = format!(
            "{message}: by the definition's rules that is for good, and nothing is tried again"
        );
        return (VerdictName::Discarded, message);
    }
    match category {
        Category::Blocked
        | Category::Redirect
        | Category::Unauthorized
        | Category::ClientError
        | Category::UnexpectedStatus => (
            VerdictName::Refused,
            format!(
                "{message}: deliveries are tried again for four hours, but succeed only if this is \
                 mended meanwhile"
            ),
        ),
        _ => (
            VerdictName::Retried,
            format!("{message}: deliveries are tried again at once and then for four hours"),
        ),
    }
}

impl AnswerView {
    fn new(reply: &Reply, redaction: &Redaction) -> Self {
        // What stands behind what is shown is only looked at for secrets that begin in it.
        let near = &reply.body[..reply.body.len().min(2 * SHOWN_BODY_BYTES)];
        let text = redaction.apply(&String::from_utf8_lossy(near));
        let end = (0..=SHOWN_BODY_BYTES.min(text.len()))
            .rev()
            .find(|&end| text.is_char_boundary(end));
        let body = &text[..end.unwrap_or(0)];
        Self {
            status: reply.status.as_u16(),
            headers: headers(&reply.headers, redaction),
            body: body.to_owned(),
            body_complete: reply.complete
                && near.len() == reply.body.len()
                && body.len() == text.len(),
            timing: reply.timing.into(),
        }
    }
}

fn headers(headers: &HeaderMap, redaction: &Redaction) -> Vec<SentHeader> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let shown = headers.iter().take(SHOWN_HEADERS);
    let shown = shown.map(|(name, value)| SentHeader {
        name: name.to_string(),
        value: redaction.apply(&text(value)),
    });
    shown.collect()
}
