//! An event as the journal keeps it and the lanes read it.

use std::sync::OnceLock;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::id::ProjectId;
use crate::json::{self, Limits, Tree};
use crate::time::Timestamp;

/// A position in a project's log: dense, from 0, never used twice.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Offset(pub u64);

impl Offset {
    /// The position behind this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What an event is, which decides the path it takes through a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EventKind {
    /// Something a user did: takes the events path, and the users path where users are sent.
    Track = 0,
    /// `$identify`: takes the users path only.
    Identify = 1,
    /// `$groupidentify`: takes the users path only.
    GroupIdentify = 2,
}

impl EventKind {
    /// The kind that an event type names.
    pub fn of_type(event_type: &str) -> Self {
        match event_type {
            "$identify" => Self::Identify,
            "$groupidentify" => Self::GroupIdentify,
            _ => Self::Track,
        }
    }

    /// The kind with this storage code.
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Track),
            1 => Some(Self::Identify),
            2 => Some(Self::GroupIdentify),
            _ => None,
        }
    }
}

/// A durable event. Its text is the event as it is streamed, `user_properties` as they were after
/// it; the tree is parsed once, when the first lane needs it, and shared by all.
#[derive(Debug)]
pub struct Event {
    /// The project whose log holds it.
    pub project: ProjectId,
    /// Its position there.
    pub offset: Offset,
    /// Which paths it takes.
    pub kind: EventKind,
    /// When the server took it.
    pub received_at: Timestamp,
    text: Bytes,
    /// The names of the user properties that it changed, as a JSON array; empty for none.
    changed: Bytes,
    tree: OnceLock<Result<Tree, json::Error>>,
}

impl Event {
    /// The event whose streamed form is `text`, a JSON object.
    pub fn new(
        project: ProjectId,
        offset: Offset,
        kind: EventKind,
        received_at: Timestamp,
        text: Bytes,
    ) -> Self {
        Self {
            project,
            offset,
            kind,
            received_at,
            text,
            changed: Bytes::new(),
            tree: OnceLock::new(),
        }
    }

    /// The same, which changed the user properties that `names` lists, a JSON array.
    #[must_use]
    pub fn with_changed_properties(mut self, names: Bytes) -> Self {
        self.changed = names;
        self
    }

    /// The same event with another text, to be shown in place of it.
    #[must_use]
    pub(crate) fn with_text(&self, text: Bytes) -> Self {
        Self::new(self.project, self.offset, self.kind, self.received_at, text)
            .with_changed_properties(self.changed.clone())
    }

    /// The same event, with these values for properties of its user. `None` when it can't be read.
    #[must_use]
    pub fn with_user_properties(&self, added: &[(&str, &json::Value<'_>)]) -> Option<Self> {
        const NAME: &str = "user_properties";
        let root = self.root().ok()?.as_object()?;
        let mut properties = match root.get(NAME) {
            Some(properties) => properties.as_object()?.clone(),
            None => json::Object::new(),
        };
        for (name, value) in added {
            properties.set((*name).to_owned(), (*value).clone());
        }
        let mut root = root.clone();
        root.set(NAME, json::Value::Object(properties));
        let mut text = Vec::with_capacity(self.text.len() + 64);
        json::write_object(&root, &mut text);
        Some(self.with_text(text.into()))
    }

    /// The names of the user properties that have another value since the event, or one for the first
    /// time, or none any more.
    pub fn changed_properties(&self) -> Vec<String> {
        match json::parse(&self.changed, &Limits::OWN) {
            Ok(json::Value::Array(names)) => names
                .into_iter()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
            // Nothing, mostly.
            _ => Vec::new(),
        }
    }

    /// Whether the event was erased with its user: its position is all that is left, and its text is
    /// empty. Nothing is made of it.
    pub fn is_erased(&self) -> bool {
        self.text.is_empty()
    }

    /// The event as it is streamed: JSON.
    pub fn text(&self) -> &Bytes {
        &self.text
    }

    /// The parsed form of [`text`](Self::text).
    pub fn root(&self) -> Result<&json::Value<'_>, json::Error> {
        let parsed = self
            .tree
            .get_or_init(|| Tree::parse(self.text.clone(), &Limits::OWN));
        parsed.as_ref().map(Tree::root).map_err(Clone::clone)
    }
}
