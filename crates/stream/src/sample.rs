//! Samples of what went wrong: an attempt with all that there is to show of it, secrets masked. Sensitive
//! properties are masked when a sample is shown: which they are can change at any time.
//!
//! They are made by those who made the attempt, seldom enough that a destination that is down costs
//! no more with them than without.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use delivery::Evidence;
use journal::fate::{SampleBody, SampleRequest, SampleResponse, Split, beginning};
use model::definition::Definition;
use model::outcome::Failure;
use model::sync::Sync;
use model::{Clock, Event, OutboundRequest, Part, Timestamp};
use pipeline::preview::{Preview, Redaction, Secrets, Shown};

/// Larger events are not kept with a sample.
const MOST_EVENT_BYTES: usize = 64 << 10;

/// How much of a request's body is kept.
const MOST_BODY_BYTES: usize = 64 << 10;

/// How many headers of a request or an answer are kept, and how much of each value.
const MOST_HEADERS: usize = 50;
const MOST_HEADER_BYTES: usize = 512;

/// So many of the same kind are made in this time at most.
const AT_ONCE: u8 = 2;
const WINDOW: Duration = Duration::from_secs(30);

/// More kinds than there are: reasons, and categories by the attempt's number.
const MOST_KINDS: usize = 1000;

/// Headers of answers that hold credentials.
const MASKED_HEADERS: [&str; 6] = [
    "authorization",
    "cookie",
    "proxy-authenticate",
    "proxy-authorization",
    "set-cookie",
    "www-authenticate",
];

/// What is shown in place of what is masked.
const MASK: &str = "[secret]";

/// A sync as its samples show it.
pub(crate) struct Subject {
    definition: Definition,
    sync: Sync,
    secrets: Secrets,
    /// Of the values of its secrets.
    redaction: Redaction,
    /// Headers of its requests whose values secrets have a part in, in some form.
    secret_headers: Vec<String>,
    clock: Arc<dyn Clock>,
}

impl Subject {
    pub(crate) fn new(
        definition: &Definition,
        sync: &Sync,
        secrets: Secrets,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            redaction: Redaction::of(secret_values(sync, &secrets)),
            secret_headers: secret_headers(definition, sync, &secrets),
            definition: definition.clone(),
            sync: sync.clone(),
            secrets: Secrets {
                // Whoever may look at samples need not know them.
                unknown_to_viewer: true,
                ..secrets
            },
            clock,
        }
    }

    /// A sample of an attempt that failed, as JSON. `sent` is what was sent, with its secrets.
    pub(crate) fn of_failure(
        &self,
        event: &Event,
        part: Part,
        sent: &OutboundRequest,
        failure: &Failure,
        answer: Option<&Evidence>,
        split: Split,
    ) -> Arc<str> {
        let shown = self.shown(event, part);
        let redaction = shown
            .as_ref()
            .map(|shown| Redaction::new(&secret_values(&self.sync, &self.secrets), sent, shown));
        let redacted = |text: &str| match &redaction {
            Some(redaction) => redaction.apply(text),
            // What is a secret can't be told.
            None => String::new(),
        };
        let response = failure.status.map(|status| SampleResponse {
            status,
            headers: answer.map_or_else(Vec::new, |answer| headers(answer, &redacted)),
            body: redacted(&failure.response),
        });
        written(&SampleBody {
            event: event_text(event),
            received_at: event.received_at.0,
            request: shown.as_ref().map(|shown| request(shown, sent)),
            message: redacted(&failure.message),
            response,
            split,
        })
    }

    /// A sample of an event that no request could be made of, as JSON.
    pub(crate) fn of_discarded(&self, event: &Event, message: &str, split: Split) -> Arc<str> {
        written(&SampleBody {
            event: event_text(event),
            received_at: event.received_at.0,
            message: message.to_owned(),
            split,
            ..SampleBody::default()
        })
    }

    /// The request with its secrets masked: rendered anew, without them.
    fn shown(&self, event: &Event, part: Part) -> Option<pipeline::preview::Request> {
        let Self {
            definition,
            sync,
            secrets,
            clock,
            ..
        } = self;
        let preview = Preview::compile(definition, sync, secrets, event, clock).ok()?;
        match preview.apply(event, part) {
            Shown::Request(request) => Some(request),
            Shown::Filtered(_) | Shown::Discarded(_) | Shown::Broken(..) => None,
        }
    }

    /// What may be shown of texts that came of a request, or of making it.
    pub(crate) fn redaction(&self, sent: Option<&OutboundRequest>) -> Redaction {
        let mut redaction = self.redaction.clone();
        if let Some(sent) = sent {
            let headers = self.secret_headers.iter();
            headers.for_each(|name| redaction.add_header(sent, name));
        }
        redaction
    }
}

/// What nobody is shown of a sync's settings.
fn secret_values<'s>(sync: &'s Sync, secrets: &Secrets) -> Vec<&'s str> {
    let settings = &sync.settings;
    let parameters = secrets.parameters.iter();
    let parameters = parameters.filter_map(|name| settings.parameters.get(name));
    let headers = settings.headers.iter();
    let headers = headers.filter(|header| secrets.has_header(&header.name));
    let headers = headers.map(|header| &header.value);
    parameters.chain(headers).map(String::as_str).collect()
}

/// The headers whose templates name a secret: what they make of it, such as Base64 of it and more, is none
/// of the sync's values. A name that is a template itself names none that can be told; such headers are
/// few, and their secrets are found where they stand as they are.
fn secret_headers(definition: &Definition, sync: &Sync, secrets: &Secrets) -> Vec<String> {
    let payloads = definition.events.iter().chain(&definition.users);
    let declared = payloads.flat_map(|payload| &payload.headers);
    let names_a_secret = |template: &str| {
        let mut names = secrets.parameters.iter();
        names.any(|name| template.contains(name.as_str()))
    };
    let declared = declared.filter(|header| names_a_secret(&header.value));
    let own = sync.settings.headers.iter();
    let own = own.filter(|header| secrets.has_header(&header.name));
    declared
        .chain(own)
        .map(|header| header.name.clone())
        .collect()
}

/// Everything of a definition and a sync that may be secret, where nobody says what is: the
/// parameters that the definition declares so, and all headers of the sync's own.
pub(crate) fn all_secrets(definition: &Definition, sync: &Sync) -> Secrets {
    let parameters = definition.parameters.iter();
    let parameters = parameters.filter(|parameter| parameter.is_secret());
    let headers = sync.settings.headers.iter();
    Secrets {
        parameters: parameters.map(|parameter| parameter.name.clone()).collect(),
        headers: headers.map(|header| header.name.clone()).collect(),
        unknown_to_viewer: true,
    }
}

fn event_text(event: &Event) -> Option<String> {
    let text = std::str::from_utf8(event.text()).ok()?;
    (text.len() <= MOST_EVENT_BYTES).then(|| text.to_owned())
}

fn request(shown: &pipeline::preview::Request, sent: &OutboundRequest) -> SampleRequest {
    let headers = shown.headers.iter().take(MOST_HEADERS);
    let headers = headers.map(|(name, value)| (name.masked(), cut(&value.masked())));
    let body = shown.body.masked();
    SampleRequest {
        method: shown.method.to_string(),
        url: shown.url.masked(),
        headers: headers.collect(),
        body: beginning(&body, MOST_BODY_BYTES).to_owned(),
        body_bytes: sent.body.len() as u64,
    }
}

fn headers(answer: &Evidence, redacted: &impl Fn(&str) -> String) -> Vec<(String, String)> {
    let shown = answer.headers.iter().take(MOST_HEADERS);
    let shown = shown.map(|(name, value)| {
        let value = match MASKED_HEADERS.contains(&name.as_str()) {
            true => MASK.to_owned(),
            false => cut(&redacted(&String::from_utf8_lossy(value.as_bytes()))),
        };
        (name.to_string(), value)
    });
    shown.collect()
}

fn cut(value: &str) -> String {
    beginning(value, MOST_HEADER_BYTES).to_owned()
}

fn written(body: &SampleBody) -> Arc<str> {
    body.to_json().into()
}

/// Whose turn it is to be sampled.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    taken: Mutex<HashMap<Kind, Window>>,
}

/// What an attempt came to, and which it was.
type Kind = (&'static str, u8);

/// Since when samples are counted, and how many there are.
type Window = (Timestamp, u8);

impl Turns {
    /// Whether an attempt that came to this (a category or a reason) is sampled.
    pub(crate) fn take(&self, kind: &'static str, attempt: u8, now: Timestamp) -> bool {
        // Nothing panics while the lock is held.
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.len() >= MOST_KINDS {
            taken.clear();
        }
        let (since, count) = taken.entry((kind, attempt)).or_insert((now, 0));
        // Also when the clock was set back.
        if now.since(*since) >= WINDOW || now < *since {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= AT_ONCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_turns() {
        let turns = Turns::default();
        let at = |seconds: i64| Timestamp(seconds * 1_000_000);
        let taken: Vec<_> = (0..4)
            .map(|second| turns.take("dns", 1, at(second)))
            .collect();
        assert_eq!(taken, [true, true, false, false]);
        assert!(turns.take("dns", 2, at(3)));
        assert!(turns.take("tls", 1, at(3)));
        assert!(!turns.take("dns", 1, at(29)));
        assert!(turns.take("dns", 1, at(30)));
    }
}
