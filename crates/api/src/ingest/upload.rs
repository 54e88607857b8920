//! From the text of a request to the events of a project: pure, so that it can run on any thread.

use std::net::IpAddr;
use std::sync::Arc;

use journal::IncomingEvent;
use model::json::{Limits, Object, Value, parse};
use model::{ApiKey, Random, Timestamp};

use super::answer::{Problems, Refusal};
use super::normalise::{Envelope, Normaliser};
use super::{Known, ProjectIngest, Projects, validate};

/// The most events that one request may hold.
const MAX_EVENTS: usize = 2_000;

/// What is known of a request beside its body.
#[derive(Clone, Copy)]
pub struct Reception<'a> {
    /// Who may upload.
    pub projects: &'a dyn Projects,
    /// The project that was read because its key wasn't known.
    pub read: Option<&'a (ApiKey, Option<Arc<ProjectIngest>>)>,
    /// Where event ids come from.
    pub random: &'a dyn Random,
    /// When the request was received.
    pub received_at: Timestamp,
    /// From where.
    pub uploader: Option<IpAddr>,
}

/// The events of a request, all of them valid.
#[derive(Debug)]
pub struct Upload {
    /// Whose they are.
    pub project: Arc<ProjectIngest>,
    /// In the order in which they were sent.
    pub events: Vec<IncomingEvent>,
}

impl Reception<'_> {
    /// Reads the body of `/2/httpapi` and `/batch`.
    pub fn events(&self, body: &[u8]) -> Result<Upload, Refusal> {
        let mut request = object(body)?;
        let project = self.project(request.get("api_key"))?;
        let events = match request.remove("events") {
            None | Some(Value::Null) => return Err(Refusal::MissingField("events")),
            Some(Value::Array(events)) => events,
            Some(_) => return Err(Refusal::InvalidEventJson),
        };
        if events.len() > MAX_EVENTS {
            return Err(Refusal::TooLarge);
        }
        let options = request.get("options");
        let min_id_length = min_id_length(options.and_then(|o| o.get("min_id_length")))?;
        let envelope = Envelope {
            project: project.project,
            received_at: self.received_at,
            uploaded_at: request
                .get("client_upload_time")
                .and_then(validate::upload_time),
            uploader: self.uploader,
            min_id_length,
            event_bytes: body.len() / events.len().max(1),
        };
        let events = self.normalise(&envelope, events, |_, event, _| Some(event))?;
        Ok(Upload { project, events })
    }

    /// The project that `api_key` names. Says no more than that there is none.
    pub(super) fn project(
        &self,
        api_key: Option<&Value<'_>>,
    ) -> Result<Arc<ProjectIngest>, Refusal> {
        let key = match api_key {
            None | Some(Value::Null) => return Err(Refusal::MissingField("api_key")),
            Some(key) => key.as_str().and_then(|key| key.parse::<ApiKey>().ok()),
        };
        let key = key.ok_or(Refusal::InvalidApiKey)?;
        let project = match self.read {
            Some((read, project)) if *read == key => project.clone(),
            _ => match self.projects.known(key) {
                Known::Is(project) => project,
                Known::Unread => return Err(Refusal::UnreadKey(key)),
            },
        };
        project.ok_or(Refusal::InvalidApiKey)
    }

    /// Normalises every one of `items` or, when one is wrong, none. `shape` makes an event of an
    /// item, or notes why it can't.
    pub(super) fn normalise<'v>(
        &self,
        envelope: &Envelope,
        items: Vec<Value<'v>>,
        shape: impl Fn(usize, Object<'v>, &mut Problems) -> Option<Object<'v>>,
    ) -> Result<Vec<IncomingEvent>, Refusal> {
        let normaliser = Normaliser::new(envelope, self.random);
        let mut problems = Problems::default();
        let mut events = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let item = match item {
                Value::Object(item) => item,
                other => {
                    problems.no_event(index, other.kind());
                    continue;
                }
            };
            if let Some(event) = shape(index, item, &mut problems) {
                events.extend(normaliser.event(index, event, &mut problems));
            }
        }
        match problems.is_empty() {
            true => Ok(events),
            false => Err(Refusal::InvalidFields(problems)),
        }
    }
}

/// How short an id may be, where the request says so. A wrong value isn't passed over: with the usual
/// length instead, ids that the client means to be valid would be dropped.
fn min_id_length(sent: Option<&Value<'_>>) -> Result<Option<usize>, Refusal> {
    let length = match sent {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value.as_number().and_then(|number| number.as_i64()),
    };
    match length.map(usize::try_from) {
        Some(Ok(length)) => Ok(Some(length)),
        _ => Err(Refusal::InvalidOption(
            "options.min_id_length: expected an integer, 0 or more",
        )),
    }
}

/// The body as a JSON object. A byte order mark before it, which some clients write, is ignored.
pub(super) fn object(body: &[u8]) -> Result<Object<'_>, Refusal> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.trim_ascii().is_empty() {
        return Err(Refusal::MissingBody);
    }
    match parse(body, &Limits::FOREIGN)? {
        Value::Object(object) => Ok(object),
        other => Err(Refusal::InvalidJson(format!(
            "expected an object, found {}",
            other.kind()
        ))),
    }
}
