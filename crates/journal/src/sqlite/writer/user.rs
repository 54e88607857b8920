//! One user's state, and what an event makes of it.

use std::collections::BTreeMap;

use model::json::{self, Limits, Object, Value};
use model::user::PropertyUpdate;
use model::{EventKind, Timestamp};

use crate::IncomingEvent;

/// How many types of groups a user can be in; further ones are not joined.
const MAX_GROUP_TYPES: usize = 100;

/// Group types and the names within them, both sorted.
pub(super) type Groups = BTreeMap<String, Vec<String>>;

/// A stored text doesn't parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Whether the database knows what the memory knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    No,
    Outdated,
    Yes,
}

/// A user's state. `properties` is JSON text, ready to be copied into events.
#[derive(Debug)]
pub(super) struct User {
    pub(super) amplitude_id: i64,
    pub(super) project: i64,
    /// `None`: anonymous, known by one device only.
    pub(super) user_id: Option<Box<str>>,
    pub(super) created_at: Timestamp,
    pub(super) start_version: Option<Box<str>>,
    pub(super) paying: bool,
    pub(super) groups: Groups,
    pub(super) properties: Vec<u8>,
    pub(super) stored: Stored,
    /// The members of streamed events that seldom change, ready to be copied.
    identity: Vec<u8>,
}

impl User {
    pub(super) fn new(
        amplitude_id: i64,
        project: i64,
        user_id: Option<Box<str>>,
        created_at: Timestamp,
    ) -> Self {
        let mut user = Self {
            amplitude_id,
            project,
            user_id,
            created_at,
            start_version: None,
            paying: false,
            groups: Groups::new(),
            properties: b"{}".to_vec(),
            stored: Stored::No,
            identity: Vec::new(),
        };
        user.write_identity();
        user
    }

    /// To be called after `start_version` or `paying` were set.
    pub(super) fn write_identity(&mut self) {
        let mut out = format!(",\"amplitude_id\":{}", self.amplitude_id).into_bytes();
        out.extend_from_slice(b",\"user_creation_time\":\"");
        self.created_at.write(&mut out);
        out.push(b'"');
        if let Some(version) = &self.start_version {
            out.extend_from_slice(b",\"start_version\":");
            json::write_string(version, &mut out);
        }
        if self.paying {
            out.extend_from_slice(b",\"paying\":true");
        }
        self.identity = out;
    }

    pub(super) fn identity(&self) -> &[u8] {
        &self.identity
    }

    /// About how much memory the user takes.
    pub(super) fn weight(&self) -> usize {
        const FIXED: usize = 400;
        let names = |(kind, names): (&String, &Vec<String>)| {
            kind.len() + 48 + names.iter().map(|name| name.len() + 24).sum::<usize>()
        };
        FIXED
            + self.properties.len()
            + self.identity.len()
            + self.groups.iter().map(names).sum::<usize>()
    }

    pub(super) fn mark_changed(&mut self) {
        if self.stored == Stored::Yes {
            self.stored = Stored::Outdated;
        }
    }

    /// What the event changes in its user's state. Says whether it changed anything; `names` gets the
    /// properties that it changed.
    pub(super) fn apply(
        &mut self,
        event: &IncomingEvent,
        max_bytes: usize,
        names: &mut Vec<String>,
    ) -> Result<bool, Unreadable> {
        let learnt_version = self.start_version.is_none() && event.version.is_some();
        let began_to_pay = event.paying && !self.paying;
        if learnt_version {
            self.start_version = event.version.as_deref().map(Box::from);
        }
        self.paying |= event.paying;
        if learnt_version || began_to_pay {
            self.write_identity();
        }
        let joined = event.kind == EventKind::Identify && self.join(&event.groups);
        let former = update(&mut self.properties, &event.user_update, max_bytes)?;
        if let Some(former) = &former {
            name_changes(former, &self.properties, names)?;
        }
        let changed = learnt_version || began_to_pay || joined || former.is_some();
        if changed {
            self.mark_changed();
        }
        Ok(changed)
    }

    fn join(&mut self, groups: &[(String, Vec<String>)]) -> bool {
        let mut changed = false;
        for (kind, names) in groups {
            let names = sorted(names);
            let known = self.groups.get(kind);
            if known == Some(&names) || (known.is_none() && self.groups.len() >= MAX_GROUP_TYPES) {
                continue;
            }
            self.groups.insert(kind.clone(), names);
            changed = true;
        }
        changed
    }

    /// Takes over the properties of `other` that this user doesn't have; `names` gets them.
    pub(super) fn inherit(
        &mut self,
        other: &[u8],
        max_bytes: usize,
        names: &mut Vec<String>,
    ) -> Result<(), Unreadable> {
        let mut own = parse(&self.properties)?;
        for (name, value) in parse(other)? {
            if own.get(&name).is_none() {
                own.set(name, value);
            }
        }
        if let Some(former) = replace(&mut self.properties, own, max_bytes) {
            name_changes(&former, &self.properties, names)?;
            self.mark_changed();
        }
        Ok(())
    }
}

/// Names in order, each once.
pub(super) fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names.dedup();
    names
}

/// Applies an update to properties in their text form. Returns what they were if they changed.
pub(super) fn update(
    properties: &mut Vec<u8>,
    update: &PropertyUpdate,
    max_bytes: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    if update.is_empty() {
        return Ok(None);
    }
    let mut object = parse(properties)?;
    update.apply(&mut object);
    Ok(replace(properties, object, max_bytes))
}

/// Adds the names of the properties that differ between two texts, each once.
fn name_changes(former: &[u8], now: &[u8], names: &mut Vec<String>) -> Result<(), Unreadable> {
    let (former, now) = (borrowed(former)?, borrowed(now)?);
    let changed = now
        .iter()
        .filter(|(name, value)| former.get(name) != Some(value));
    let gone = former.iter().filter(|(name, _)| now.get(name).is_none());
    for (name, _) in changed.chain(gone) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Ok(())
}

fn borrowed(properties: &[u8]) -> Result<Object<'_>, Unreadable> {
    match json::parse(properties, &Limits::OWN) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(Unreadable),
    }
}

fn parse(properties: &[u8]) -> Result<Object<'static>, Unreadable> {
    borrowed(properties).map(Object::into_owned)
}

/// Returns the former text if it changed.
fn replace(properties: &mut Vec<u8>, by: Object<'static>, max_bytes: usize) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(properties.len() + 64);
    json::write_value(&Value::Object(by), &mut text);
    // What has become too large may still shrink.
    let fits = text.len() <= max_bytes.max(properties.len());
    (fits && text != *properties).then(|| {
        text.shrink_to_fit();
        std::mem::replace(properties, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> PropertyUpdate {
        PropertyUpdate::from_json(&json::parse(text.as_bytes(), &Limits::FOREIGN).unwrap()).unwrap()
    }

    #[test]
    fn properties_that_would_grow_too_large_stay_as_they_were() {
        let mut properties = b"{}".to_vec();
        assert_eq!(
            update(&mut properties, &set(r#"{"a":"12345"}"#), 20),
            Ok(Some(b"{}".to_vec()))
        );
        assert_eq!(
            update(&mut properties, &set(r#"{"b":"12345"}"#), 20),
            Ok(None)
        );
        assert_eq!(properties, br#"{"a":"12345"}"#);
        let shrunk = update(&mut properties, &set(r#"{"a":"1"}"#), 5).unwrap();
        assert!(shrunk.is_some());
        assert_eq!(properties, br#"{"a":"1"}"#);
    }

    #[test]
    fn an_update_to_the_same_value_is_no_change() {
        let mut properties = br#"{"a":1}"#.to_vec();
        assert_eq!(update(&mut properties, &set(r#"{"a":1}"#), 100), Ok(None));
    }

    #[test]
    fn changed_properties_are_those_that_are_new_other_or_gone() {
        let mut names = vec!["b".to_owned()];
        let (former, now) = (
            br#"{"a":1,"b":[1],"c":{"d":1}}"#,
            br#"{"a":1,"b":[2],"e":null}"#,
        );
        name_changes(former, now, &mut names).unwrap();
        assert_eq!(names, ["b", "e", "c"]);
    }

    #[test]
    fn damaged_properties_are_reported() {
        let mut properties = br#"{"a":"#.to_vec();
        assert_eq!(
            update(&mut properties, &set(r#"{"a":1}"#), 100),
            Err(Unreadable)
        );
    }

    #[test]
    fn a_user_is_in_a_bounded_number_of_groups() {
        let mut user = User::new(1, 1, None, Timestamp(0));
        for number in 0..2 * MAX_GROUP_TYPES {
            user.join(&[(
                format!("type {number}"),
                vec!["b".into(), "a".into(), "b".into()],
            )]);
        }
        assert_eq!(user.groups.len(), MAX_GROUP_TYPES);
        assert_eq!(user.groups["type 0"], ["a", "b"]);
    }
}
