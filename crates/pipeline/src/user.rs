//! The user as it is streamed: a projection of the event that changed or showed the user.

use ftl::{Data, Entries, Hash, View};
use model::EventKind;
use model::json::{Object, Value, write_string, write_value};

/// Under which name a user carries which of the event's fields, in order. Names are those of the
/// Identify API, which differ from the event's in two places.
const FIELDS: &[(&str, &str)] = &[
    ("user_id", "user_id"),
    ("device_id", "device_id"),
    ("amplitude_id", "amplitude_id"),
    ("event_time", "event_time"),
    ("user_properties", "user_properties"),
    ("groups", "groups"),
    ("app_version", "version_name"),
    ("platform", "platform"),
    ("os_name", "os_name"),
    ("os_version", "os_version"),
    ("device_brand", "device_brand"),
    ("device_manufacturer", "device_manufacturer"),
    ("device_model", "device_model"),
    ("carrier", "device_carrier"),
    ("country", "country"),
    ("region", "region"),
    ("city", "city"),
    ("dma", "dma"),
    ("language", "language"),
    ("paying", "paying"),
    ("start_version", "start_version"),
];

/// The names under which a user carries the event's fields.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|(name, _)| *name)
}

/// The event's field that a user carries under `name`.
pub(crate) fn source(name: &str) -> Option<&'static str> {
    let all = FIELDS.iter().chain([&GROUP_FIELD]);
    all.filter(|(known, _)| *known == name)
        .map(|(_, source)| *source)
        .next()
}

/// What a group identify changed; a user's own payload goes without.
const GROUP_FIELD: (&str, &str) = ("group_properties", "group_properties");

/// A user as a template sees it, and as it is sent without one.
pub(crate) struct UserView<'a> {
    event: &'a Object<'a>,
    kind: EventKind,
}

impl<'a> UserView<'a> {
    pub(crate) fn new(event: &'a Object<'a>, kind: EventKind) -> Self {
        Self { event, kind }
    }

    fn event_type(&self) -> &'static str {
        match self.kind {
            EventKind::Track | EventKind::Identify => "$identify",
            EventKind::GroupIdentify => "$groupidentify",
        }
    }

    /// The fields that have a value, but for the event type.
    fn fields(&self) -> impl Iterator<Item = (&'static str, &'a Value<'a>)> {
        let group = (self.kind == EventKind::GroupIdentify).then_some(&GROUP_FIELD);
        FIELDS.iter().chain(group).filter_map(|&(name, source)| {
            let value = self.event.get(source)?;
            Some((name, value))
        })
    }

    /// The user as JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"event_type\":");
        write_string(self.event_type(), out);
        for (name, value) in self.fields() {
            out.push(b',');
            write_string(name, out);
            out.push(b':');
            write_value(value, out);
        }
        out.push(b'}');
    }
}

impl Hash for UserView<'_> {
    fn get(&self, key: &str) -> Option<View<'_>> {
        if key == "event_type" {
            return Some(View::Str(self.event_type()));
        }
        let (_, value) = self.fields().find(|(name, _)| *name == key)?;
        Some(value.view())
    }

    fn len(&self) -> usize {
        1 + self.fields().count()
    }

    fn entries(&self) -> Entries<'_> {
        let event_type = std::iter::once(("event_type", View::Str(self.event_type())));
        let fields = self.fields();
        Box::new(event_type.chain(fields.map(|(name, value)| (name, value.view()))))
    }
}
