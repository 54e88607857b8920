//! What a change of a sync would mean: the requests for real events before and after it, and how two
//! versions of a definition differ.

mod definition;
mod json;
mod lines;
mod request;

use std::sync::Arc;

use model::outcome::{Discarded, Filtered};
use model::sensitive::{self, SensitiveProperties};
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
    /// Values of these are masked in samples.
    sensitive: SensitiveProperties,
    /// Whether they are before anything is decided by them.
    masks_first: bool,
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
    /// The position of the first of them that the settings select after the change, be a request possible
    /// or not. Of the newest events it is the newest one; null: none is selected.
    pub first_matched: Option<u64>,
    /// In so many of them sensitive values were masked before anything was decided by them, so that a
    /// condition on one may count otherwise than it would: for those who may see nothing that depends on
    /// such values. 0 for others.
    pub decided_masked: u64,
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
    /// Whether the event has sensitive values: then what is shown was made of the event with these
    /// masked, and is empty or `[sensitive]` where that comes out in another way.
    pub masked: bool,
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
            sensitive: SensitiveProperties::default(),
            masks_first: false,
            found: Difference::default(),
        }
    }

    /// The same, with the values of these properties masked in all that is shown. What is found, and
    /// how often, is that of the events as they are.
    #[must_use]
    pub fn masking(mut self, sensitive: SensitiveProperties) -> Self {
        self.sensitive = sensitive;
        self
    }

    /// The same with these masked before anything is decided by them: whoever chooses conditions and
    /// templates learns nothing of the values from how often they hold.
    #[must_use]
    pub fn masking_first(mut self) -> Self {
        self.masks_first = true;
        self
    }

    /// What was found so far.
    pub fn finish(self) -> Difference {
        self.found
    }

    /// Looks at one more event.
    pub fn add(&mut self, event: &Arc<Event>) {
        if event.is_erased() {
            return;
        }
        self.found.events += 1;
        let masked = match self.masks_first {
            true => sensitive::mask(event, &self.sensitive),
            false => sensitive::mask(event, &SensitiveProperties::default()),
        };
        let (is_masked, event) = (masked.is_changed(), &masked.event);
        self.found.decided_masked += u64::from(is_masked);
        let before = self.before.as_ref().map(|before| before.matching(event));
        let (before, after) = (before.unwrap_or_default(), self.after.matching(event));
        if !after.is_empty() {
            self.found.first_matched.get_or_insert(event.offset.0);
        }
        let sent = self.before.as_ref().map(|before| before.parts(event.kind));
        let kinds = (sent.unwrap_or_default(), self.after.parts(event.kind));
        for part in [Part::Event, Part::User] {
            let matched = (before.contains(part), after.contains(part));
            if matched != (false, false) {
                self.compare((event, is_masked), part, matched);
            } else if kinds.0.contains(part) || kinds.1.contains(part) {
                self.found.still_unmatched += 1;
            }
        }
    }

    fn compare(
        &mut self,
        (event, is_masked): (&Arc<Event>, bool),
        part: Part,
        (was, is): (bool, bool),
    ) {
        let sampler = Sampler {
            most: self.samples,
            event,
            is_masked,
            part,
            sensitive: &self.sensitive,
        };
        let old = self.before.as_deref().filter(|_| was);
        let before = old.and_then(|plan| made(plan, event, part));
        let new = Some(&*self.after).filter(|_| is);
        let after = new.and_then(|plan| made(plan, event, part));
        let found = &mut self.found;
        match (before, after) {
            (Some(Ok(before)), Some(Ok(after))) if before == after => found.unchanged += 1,
            (Some(Ok(before)), Some(Ok(after))) => {
                sampler.note(&mut found.changed, |masked| match masked {
                    None => Changes::between(&before, &after),
                    Some(event) => {
                        let remade = |plan: Option<&Plan>| made(plan?, event, part)?.ok();
                        match (remade(old), remade(new)) {
                            (Some(before), Some(after)) => Changes::between(&before, &after),
                            _ => Changes::default(),
                        }
                    }
                });
            }
            (None, Some(Ok(after))) => {
                let request = |masked: Option<&Event>| shown_request(new, &after, masked, part);
                sampler.note(&mut found.newly_matched, request);
            }
            (Some(Err(_)), Some(Ok(after))) => {
                let request = |masked: Option<&Event>| shown_request(new, &after, masked, part);
                sampler.note(&mut found.newly_valid, request);
            }
            (Some(Err(_)), Some(Err(_))) => found.still_invalid += 1,
            (_, Some(Err(why))) => {
                sampler.note(&mut found.newly_invalid, |masked| match masked {
                    None => Reason::from(&why),
                    Some(event) => match new.and_then(|plan| made(plan, event, part)) {
                        Some(Err(shown)) if shown.name() == why.name() => Reason::from(&shown),
                        _ => Reason::from(&why).withheld(),
                    },
                });
            }
            (Some(_), None) => {
                let plan = &self.after;
                sampler.note(&mut found.no_longer_matched, |masked| {
                    let why = plan.explain(event, part).unwrap_or(Filtered::PathOff);
                    let Some(event) = masked else {
                        return Reason::from(&why);
                    };
                    match (&why, plan.explain(event, part)) {
                        (Filtered::Condition { .. }, Some(shown @ Filtered::Condition { .. })) => {
                            Reason::from(&shown)
                        }
                        (Filtered::Condition { .. }, _) => Reason::from(&why).withheld(),
                        _ => Reason::from(&why),
                    }
                });
            }
            (None, None) => found.still_unmatched += 1,
        }
    }
}

/// The request that is shown in place of `real`, which the plan makes of the event as it is.
fn shown_request(
    plan: Option<&Plan>,
    real: &OutboundRequest,
    masked: Option<&Event>,
    part: Part,
) -> Request {
    let Some(event) = masked else {
        return Request::of(real);
    };
    match plan.and_then(|plan| made(plan, event, part)) {
        Some(Ok(request)) => Request::of(&request),
        _ => Request::withheld(real),
    }
}

/// Takes samples of what is found of a delivery.
struct Sampler<'c> {
    most: usize,
    event: &'c Arc<Event>,
    /// Whether the event is one whose sensitive values are masked already.
    is_masked: bool,
    part: Part,
    sensitive: &'c SensitiveProperties,
}

impl Sampler<'_> {
    /// Counts what was found. `show` says what is shown of it, of the masked event if there is one.
    fn note<T>(&self, found: &mut Found<T>, show: impl FnOnce(Option<&Event>) -> T) {
        found.count += 1;
        if found.samples.len() >= self.most {
            return;
        }
        let masked = sensitive::mask(self.event, self.sensitive);
        let shown = (!self.is_masked && masked.is_changed()).then_some(&*masked.event);
        found.samples.push(Sample {
            offset: self.event.offset.0,
            part: self.part,
            masked: self.is_masked || shown.is_some(),
            found: show(shown),
        });
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

impl Reason {
    /// The same without words that may quote the event.
    fn withheld(self) -> Self {
        Self {
            message: "not shown: it may tell sensitive values".to_owned(),
            ..self
        }
    }
}

impl From<&Filtered> for Reason {
    fn from(why: &Filtered) -> Self {
        let (reason, message) = match why {
            Filtered::PathOff => ("path_off", "the sync doesn't send such events".to_owned()),
            Filtered::EventType => ("event_type", "its type is not selected".to_owned()),
            Filtered::Unchanged => (
                "unchanged",
                "nothing changed about the user that the sync sends".to_owned(),
            ),
            Filtered::Condition { condition } => ("condition", condition.clone()),
            Filtered::Erased => ("erased", "it was erased with its user".to_owned()),
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
