//! What an event lacks that a later one of its user may bring.

use model::Event;
use model::json::{self, Limits, Value};

use crate::plan::{Plan, root};
use crate::settings::is_nothing;

/// An event with what it lacked.
#[derive(Debug)]
pub struct Completed {
    /// The event.
    pub event: Event,
    /// The properties that it was given, as a JSON object.
    pub given: String,
}

impl Plan {
    /// The user properties without which no request can be made of `event`: required mappings name
    /// them, and it has no value for them. None where nothing is missing, and where something is that no
    /// later event brings, such as one of its own properties.
    pub fn awaited(&self, event: &Event) -> Vec<&str> {
        match root(event) {
            Ok(root) if !event.is_erased() => self.mapped().awaited(root),
            _ => Vec::new(),
        }
    }

    /// Whether `event` may bring what earlier ones of its user wait for: it changed such a property, or
    /// has a value for each.
    pub fn may_bring_awaited(&self, event: &Event) -> bool {
        let changed = event.changed_properties();
        changed.iter().any(|name| self.mapped().requires(name)) || self.awaited(event).is_empty()
    }

    /// `event` with what it lacks, from `properties`: those of its user, a JSON object. `None` when these
    /// don't have it either.
    pub fn completed(&self, event: &Event, properties: &[u8]) -> Option<Completed> {
        let properties = json::parse(properties, &Limits::OWN).ok()?;
        let known = self.awaited(event).into_iter().map(|name| {
            let value = properties.get(name).filter(|value| !value.is_null());
            (!is_nothing(value)).then_some((name, value?))
        });
        let known: Vec<(&str, &Value<'_>)> = known.collect::<Option<_>>()?;
        let complete = event.with_user_properties(&known)?;
        root(&complete).ok()?;
        let mut given = json::Object::new();
        for (name, value) in known {
            given.set(name.to_owned(), value.clone());
        }
        let mut text = Vec::new();
        json::write_object(&given, &mut text);
        Some(Completed {
            event: complete,
            given: String::from_utf8(text).ok()?,
        })
    }

    /// `event` with what it was given before, as [`Completed::given`] has it. `None` when that can't be
    /// read.
    pub fn completed_again(&self, event: &Event, given: &str) -> Option<Event> {
        let given = json::parse(given.as_bytes(), &Limits::OWN).ok()?;
        let given: Vec<_> = given.as_object()?.iter().collect();
        event.with_user_properties(&given)
    }
}
