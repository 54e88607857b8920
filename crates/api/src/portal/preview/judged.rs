//! What an answer would mean that a client gives.

use axum::body::Bytes;
use model::Answer;
use model::definition::{Meaning, Payload, deciding};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::view::PartView;

/// An answer of a destination's.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct AnswerInput {
    /// The status.
    #[schema(minimum = 100, maximum = 599)]
    #[serde(deserialize_with = "status")]
    status: u16,
    /// The body as text; absent: empty.
    #[serde(default)]
    body: String,
}

/// A status that an answer can have.
fn status<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    let status = u16::deserialize(from)?;
    match status {
        100..=599 => Ok(status),
        _ => Err(D::Error::custom("expected a status from 100 to 599")),
    }
}

impl AnswerInput {
    /// The answer, as if all of it had been read.
    pub(super) fn answer(&self) -> Answer {
        Answer {
            status: self.status,
            body: Bytes::from(self.body.clone()),
            complete: true,
        }
    }
}

/// What an answer would mean.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct JudgedView {
    /// What it means for the delivery.
    means: Meaning,
    /// Which rule of `responses` says so, from 0; null: none, the status does.
    rule: Option<usize>,
    /// What the rule says of it.
    message: String,
    /// The request that would follow; null where none does.
    #[schema(no_recursion)]
    follow_up: Option<Box<PartView>>,
}

impl JudgedView {
    /// What `answer` means by the rules of a payload; `follow_up` makes the request that follows.
    pub(super) fn new(
        payload: &Payload,
        answer: &Answer,
        follow_up: impl FnOnce() -> PartView,
    ) -> Self {
        let rules = &payload.responses;
        let rule = deciding(rules, answer);
        let means = rule.map_or(Meaning::of_status(answer.status), |rule| rule.means);
        let asks = means == Meaning::FollowUp;
        Self {
            means,
            rule: rule.and_then(|rule| rules.iter().position(|each| std::ptr::eq(each, rule))),
            message: rule.map(|rule| rule.message.clone()).unwrap_or_default(),
            follow_up: asks.then(|| Box::new(follow_up())),
        }
    }
}
