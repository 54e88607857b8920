//! What a change of a sync would mean: the requests for real events before and after it, and how two
//! versions of a definition differ.

mod definition;
mod json;
mod lines;
mod request;

use std::sync::Arc;

use model::outcome::{Discarded, Filtered};
use model::{Event, OutboundRequest, Part};
use serde::Serialize;

use crate::plan::{Outcome, Plan};

pub use definition::{DefinitionDifference, FieldChange, TemplateChange, definitions};
pub use json::{Change, changes};
pub use lines::{Line, LineChange, lines};
pub use request::{Changes, Header, HeaderChange, Replaced, Request};

/// Compares what two plans make of events, one after the other: only what is shown of them is kept.
#[derive(Debug)]
pub struct Comparison {
    /// `None`: nothing was sent.
    before: Option<Arc<Plan>>,
    after: Arc<Plan>,
    samples: usize,
    found: Difference,
}

/// What a change means for some events. Counts are of deliveries: an event that sends itself and its
/// user makes two.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = TrafficDifference))]
pub struct Difference {
    /// How many events were looked at.
    pub events: u64,
    /// Sent from now on, and not before.
    pub newly_matched: Found<Request>,
    /// Sent before, and no more.
    pub no_longer_matched: Found<Reason>,
    /// Sent before and after, but not alike.
    pub changed: Found<Changes>,
    /// From now on no request can be made of them.
    pub newly_invalid: Found<Reason>,
    /// Before, no request could be made of them.
    pub newly_valid: Found<Request>,
    /// The same request before and after.
    pub unchanged: u64,
    /// No request can be made of them, before and after.
    pub still_invalid: u64,
    /// Not sent, before and after.
    pub still_unmatched: u64,
}

/// How often something was found, and a few examples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Found<T> {
    /// How often.
    pub count: u64,
    /// The first few.
    pub samples: Vec<Sample<T>>,
}

/// An example of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sample<T> {
    /// The event's position in the project's log.
    pub offset: u64,
    /// Whether the event or its user is delivered.
    pub part: Part,
    /// What was found.
    pub found: T,
}

/// Why something is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = NotSentReason))]
pub struct Reason {
    /// The reason's stable name.
    pub reason: &'static str,
    /// The reason in words.
    pub message: String,
    /// The line in the template or body, from 1, where it is about one.
    pub line: Option<u32>,
    /// The column in the template or body, from 1, where it is about one.
    pub column: Option<u32>,
}

impl Comparison {
    /// Begins to compare; of each kind of difference, this many samples are kept at most. Where there
    /// is no plan before, nothing was sent. Plans that ask for the time need a clock that stands still,
    /// or each request differs by it.
    pub fn new(before: Option<Arc<Plan>>, after: Arc<Plan>, samples: usize) -> Self {
        Self {
            before,
            after,
            samples,
            found: Difference::default(),
        }
    }

    /// What was found so far.
    pub fn finish(self) -> Difference {
        self.found
    }

    /// Looks at one more event.
    pub fn add(&mut self, event: &Event) {
        self.found.events += 1;
        let before = self.before.as_ref().map(|before| before.matching(event));
        let (before, after) = (before.unwrap_or_default(), self.after.matching(event));
        let sent = self.before.as_ref().map(|before| before.parts(event.kind));
        let kinds = (sent.unwrap_or_default(), self.after.parts(event.kind));
        for part in [Part::Event, Part::User] {
            let matched = (before.contains(part), after.contains(part));
            if matched != (false, false) {
                self.compare(event, part, matched);
            } else if kinds.0.contains(part) || kinds.1.contains(part) {
                self.found.still_unmatched += 1;
            }
        }
    }

    fn compare(&mut self, event: &Event, part: Part, (was, is): (bool, bool)) {
        let most = self.samples;
        let before = self.before.as_ref().filter(|_| was);
        let before = before.and_then(|plan| made(plan, event, part));
        let after = Some(&self.after).filter(|_| is);
        let after = after.and_then(|plan| made(plan, event, part));
        let found = &mut self.found;
        match (before, after) {
            (Some(Ok(before)), Some(Ok(after))) if before == after => found.unchanged += 1,
            (Some(Ok(before)), Some(Ok(after))) => {
                let changes = || Changes::between(&before, &after);
                found.changed.note(most, event, part, changes);
            }
            (None, Some(Ok(after))) => {
                let request = || Request::of(&after);
                found.newly_matched.note(most, event, part, request);
            }
            (Some(Err(_)), Some(Ok(after))) => {
                let request = || Request::of(&after);
                found.newly_valid.note(most, event, part, request);
            }
            (Some(Err(_)), Some(Err(_))) => found.still_invalid += 1,
            (_, Some(Err(why))) => {
                let reason = || Reason::from(&why);
                found.newly_invalid.note(most, event, part, reason);
            }
            (Some(_), None) => {
                let why = self.after.explain(event, part);
                let reason = || Reason::from(&why.unwrap_or(Filtered::PathOff));
                found.no_longer_matched.note(most, event, part, reason);
            }
            (None, None) => found.still_unmatched += 1,
        }
    }
}

/// The request for a part of an event that is sent, or why there is none.
fn made(plan: &Plan, event: &Event, part: Part) -> Option<Result<OutboundRequest, Discarded>> {
    match plan.render(event, part) {
        Outcome::Request(request) => Some(Ok(request)),
        Outcome::Discarded(why) => Some(Err(why)),
        Outcome::Filtered(_) => None,
    }
}

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self {
            count: 0,
            samples: Vec::new(),
        }
    }
}

impl<T> Found<T> {
    fn note(&mut self, most: usize, event: &Event, part: Part, found: impl FnOnce() -> T) {
        self.count += 1;
        if self.samples.len() < most {
            self.samples.push(Sample {
                offset: event.offset.0,
                part,
                found: found(),
            });
        }
    }
}

impl From<&Filtered> for Reason {
    fn from(why: &Filtered) -> Self {
        let (reason, message) = match why {
            Filtered::PathOff => ("path_off", "the sync does not send this".to_owned()),
            Filtered::EventType => ("event_type", "its type is not selected".to_owned()),
            Filtered::Unchanged => (
                "unchanged",
                "nothing changed of the user that counts".to_owned(),
            ),
            Filtered::Condition { condition } => ("condition", condition.clone()),
        };
        Self {
            reason,
            message,
            line: None,
            column: None,
        }
    }
}

impl From<&Discarded> for Reason {
    fn from(why: &Discarded) -> Self {
        let place = match why {
            Discarded::Template { line, column, .. }
            | Discarded::InvalidJson { line, column, .. } => Some((*line, *column)),
            _ => None,
        };
        Self {
            reason: why.name(),
            message: why.to_string(),
            line: place.map(|(line, _)| line),
            column: place.map(|(_, column)| column),
        }
    }
}
