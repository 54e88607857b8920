//! Which events, and which outcomes.

use axum::http::HeaderMap;
use model::Event;
use model::tail::{Ending, Outcome};
use utoipa::IntoParams;

use crate::portal::ApiError;

/// Most event types that can be named.
const MOST_TYPES: usize = 50;

/// Longest text to look for, and longest name or id.
const LONGEST: usize = 1024;

/// Which events. For the document: a name can come several times, which `Query` can't read into this.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // its fields are read by `EventChoice`
pub(in crate::portal) struct EventQuery {
    /// Only events of this type; several times: of one of these.
    event_type: Option<Vec<String>>,
    /// Only events of the user with this id.
    user_id: Option<String>,
    /// Only events of the device with this id.
    device_id: Option<String>,
    /// Only events in whose text, as it is shown, this occurs; large and small letters are the same.
    text: Option<String>,
    /// Begins behind the event at this position, as far as that is near the end: of more than 10,000
    /// events since, the oldest are skipped. Absent: with the next event that is accepted.
    after: Option<u64>,
}

/// Which outcomes. For the document, as above.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // its fields are read by `OutcomeChoice`
pub(in crate::portal) struct OutcomeQuery {
    /// Only those of events of this type; several times: of one of these.
    event_type: Option<Vec<String>>,
    /// Only those of events of the user with this id.
    user_id: Option<String>,
    /// Only those of events of the device with this id.
    device_id: Option<String>,
    /// Only those that ended so; several times: in one of these ways.
    outcome: Option<Vec<Ending>>,
}

/// Which events.
#[derive(Debug, Default)]
pub(super) struct EventChoice {
    whose: Whose,
    /// In small letters.
    text: Option<String>,
    pub(super) after: Option<u64>,
}

/// Which outcomes.
#[derive(Debug, Default)]
pub(super) struct OutcomeChoice {
    whose: Whose,
    /// None: all.
    endings: Vec<Ending>,
}

/// What can be asked of both.
#[derive(Debug, Default)]
struct Whose {
    /// None: all.
    event_types: Vec<String>,
    user_id: Option<String>,
    device_id: Option<String>,
}

impl Whose {
    /// Takes a parameter if it is one of these; gives it back otherwise.
    fn take(&mut self, name: String, value: String) -> Result<Option<(String, String)>, ApiError> {
        match name.as_str() {
            "event_type" if self.event_types.len() == MOST_TYPES => {
                return refused(format!("event_type: at most {MOST_TYPES} types"));
            }
            "event_type" => self.event_types.push(value),
            "user_id" => once(&name, &mut self.user_id, value)?,
            "device_id" => once(&name, &mut self.device_id, value)?,
            _ => return Ok(Some((name, value))),
        }
        Ok(None)
    }

    fn fits(&self, event_type: Option<&str>, user: Option<&str>, device: Option<&str>) -> bool {
        let is = |wanted: &Option<String>, found| match wanted {
            None => true,
            Some(wanted) => Some(wanted.as_str()) == found,
        };
        let of_type = |wanted: &String| Some(wanted.as_str()) == event_type;
        (self.event_types.is_empty() || self.event_types.iter().any(of_type))
            && is(&self.user_id, user)
            && is(&self.device_id, device)
    }

    fn is_open(&self) -> bool {
        self.event_types.is_empty() && self.user_id.is_none() && self.device_id.is_none()
    }
}

impl EventChoice {
    pub(super) fn read(query: Vec<(String, String)>) -> Result<Self, ApiError> {
        let mut choice = Self::default();
        for (name, value) in query {
            check_length(&name, &value)?;
            let Some((name, value)) = choice.whose.take(name, value)? else {
                continue;
            };
            match name.as_str() {
                "text" => once(&name, &mut choice.text, value.to_lowercase())?,
                "after" => {
                    let position = value.parse().ok();
                    let Some(position) = position else {
                        return refused("after: not a whole number".into());
                    };
                    once(&name, &mut choice.after, position)?;
                }
                _ => return unknown(&name, "event_type, user_id, device_id, text, after"),
            }
        }
        Ok(choice)
    }

    /// Whether an event is of the types and of whom this asks for.
    pub(super) fn is_of(&self, event: &Event) -> bool {
        if self.whose.is_open() {
            return true;
        }
        let Ok(root) = event.root() else { return false };
        let text = |name: &str| root.get(name).and_then(|value| value.as_str());
        let (user, device) = (text("user_id"), text("device_id"));
        self.whose.fits(text("event_type"), user, device)
    }

    /// Whether the text looked for is in what people see of an event: only there, nobody shall find out
    /// the rest by looking for it.
    pub(super) fn reads(&self, shown: &Event) -> bool {
        self.text.as_ref().is_none_or(|wanted| {
            let shown = String::from_utf8_lossy(shown.text());
            shown.to_lowercase().contains(wanted)
        })
    }
}

impl OutcomeChoice {
    pub(super) fn read(query: Vec<(String, String)>) -> Result<Self, ApiError> {
        let mut choice = Self::default();
        for (name, value) in query {
            check_length(&name, &value)?;
            let Some((name, value)) = choice.whose.take(name, value)? else {
                continue;
            };
            if name != "outcome" {
                return unknown(&name, "event_type, user_id, device_id, outcome");
            }
            let Some(ending) = Ending::of_name(&value) else {
                let names = Ending::ALL.map(Ending::name).join(", ");
                return refused(format!("outcome: one of {names}"));
            };
            if !choice.endings.contains(&ending) {
                choice.endings.push(ending);
            }
        }
        Ok(choice)
    }

    /// Whether an outcome is one of these.
    pub(super) fn fits(&self, outcome: &Outcome) -> bool {
        let (user, device) = (outcome.user_id.as_deref(), outcome.device_id.as_deref());
        (self.endings.is_empty() || self.endings.contains(&outcome.ending))
            && self.whose.fits(Some(&outcome.event_type), user, device)
    }
}

/// The last event that a client has, who comes back.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let position = value.to_str().ok().and_then(|text| text.parse().ok());
    let position = position.ok_or_else(|| ApiError::Header {
        name: "Last-Event-ID",
        message: "the id of an event that came before".into(),
    });
    position.map(Some)
}

fn check_length(name: &str, value: &str) -> Result<(), ApiError> {
    match value.len() {
        0 => refused(format!("{name}: empty")),
        1..=LONGEST => Ok(()),
        _ => refused(format!("{name}: at most {LONGEST} bytes")),
    }
}

fn once<T>(name: &str, place: &mut Option<T>, value: T) -> Result<(), ApiError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => refused(format!("{name}: given twice")),
    }
}

fn unknown<T>(name: &str, known: &str) -> Result<T, ApiError> {
    refused(format!("unknown field `{name}`, expected one of {known}"))
}

fn refused<T>(message: String) -> Result<T, ApiError> {
    Err(ApiError::Query { message })
}
