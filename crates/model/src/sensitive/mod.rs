//! Properties whose values are not for people's eyes: a project's list of them, and [`mask`], which
//! takes their values out of what is shown of an event. What is delivered is never changed.

mod redact;

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Event;
use crate::json::{self, Number, Object, Value};

pub use redact::Redaction;

/// What stands in place of a text that is not shown.
pub const MASK: &str = "[sensitive]";

/// What stands in place of a number that is not shown: of one kind with it.
const MASKED_NUMBER: i64 = 0;

/// Most names of a project.
const NAMES: usize = 200;

/// Longest name, in characters.
const NAME_CHARACTERS: usize = 200;

/// Parts of names that tell that the values are not for everyone's eyes, also where nobody has said so.
const SUSPICIOUS: &[&str] = &[
    "authoriz",
    "card",
    "credential",
    "iban",
    "passw",
    "secret",
    "ssn",
    "token",
];

/// A project's sensitive properties.
///
/// A name stands for the property of exactly this name, with all that is in it. `address.street` stands for
/// the member `street` of the property `address` as well, in lists too; with `*` at its end a name stands
/// for all that begin with what is before it. Capital and small letters differ.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct SensitiveProperties {
    /// Properties of events.
    #[cfg_attr(feature = "openapi", schema(example = json!(["card_*", "address.street"])))]
    pub event: Vec<String>,
    /// Properties of users.
    pub user: Vec<String>,
    /// Properties of groups of any type.
    pub group: Vec<String>,
}

/// Whose property it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The event's own.
    Event,
    /// The user's.
    User,
    /// A group's.
    Group,
}

/// A name that can't be used, and where it stands: a JSON pointer into [`SensitiveProperties`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadName {
    /// Where.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

/// An event as it may be shown.
#[derive(Debug, Clone)]
pub struct Masked {
    /// The same event with [`MASK`] for texts, 0 for numbers and `false` for truth values of sensitive
    /// properties; lists and objects keep their form, and what is null stays null. Where nothing had to
    /// be masked it is the event itself.
    pub event: Arc<Event>,
    /// What was taken out, for texts that were made of the event.
    pub redaction: Redaction,
}

impl Masked {
    /// Whether something was taken out.
    pub fn is_changed(&self) -> bool {
        !self.redaction.is_empty()
    }
}

/// Takes the values of sensitive properties out of an event that is to be shown. Of an event that can't
/// be read, all is taken out.
pub fn mask(event: &Arc<Event>, sensitive: &SensitiveProperties) -> Masked {
    let mut taken = Redaction::default();
    if sensitive.is_empty() {
        return Masked {
            event: event.clone(),
            redaction: taken,
        };
    }
    let masked = match event.root() {
        Ok(root) => {
            let mut root = root.clone();
            sensitive.mask_root(&mut root, &mut taken);
            root
        }
        Err(_) => {
            taken.withhold_all();
            Value::Object(Object::new())
        }
    };
    if taken.is_empty() {
        return Masked {
            event: event.clone(),
            redaction: taken,
        };
    }
    let mut text = Vec::with_capacity(event.text().len());
    json::write_value(&masked, &mut text);
    Masked {
        event: Arc::new(event.with_text(Bytes::from(text))),
        redaction: taken,
    }
}

/// The same for a user's own properties, the text of an object: as they may be shown, and whether something
/// was taken out of them.
pub fn mask_user(properties: &str, sensitive: &SensitiveProperties) -> (Vec<u8>, bool) {
    if sensitive.user.is_empty() {
        return (properties.into(), false);
    }
    let Ok(Value::Object(mut members)) = json::parse(properties.as_bytes(), &json::Limits::OWN)
    else {
        return (b"{}".to_vec(), true);
    };
    let mut taken = Redaction::default();
    mask_members(&mut members, "", &sensitive.user, &mut taken);
    let mut text = Vec::with_capacity(properties.len());
    json::write_value(&Value::Object(members), &mut text);
    (text, !taken.is_empty())
}

/// Whether a property's name sounds as if its values were not for everyone's eyes.
pub fn sounds_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    SUSPICIOUS.iter().any(|part| lower.contains(part))
}

impl SensitiveProperties {
    /// Whether no property is sensitive.
    pub fn is_empty(&self) -> bool {
        self.event.is_empty() && self.user.is_empty() && self.group.is_empty()
    }

    /// Whether a property is sensitive as a whole.
    pub fn has(&self, owner: Owner, name: &str) -> bool {
        self.names(owner).iter().any(|each| stands_for(each, name))
    }

    /// Takes what is sensitive out of a property's value, as [`mask`] does it in an event.
    pub fn mask_value(&self, owner: Owner, name: &str, value: &mut Value<'_>) {
        let (names, mut taken) = (self.names(owner), Redaction::default());
        if names.iter().any(|each| stands_for(each, name)) {
            blot_out(value, &mut taken);
        } else if names.iter().any(|each| reaches_into(each, name)) {
            mask_within(value, name, names, &mut taken);
        }
    }

    /// Each name once, in order, without spaces around it.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        for names in [&mut self.event, &mut self.user, &mut self.group] {
            names
                .iter_mut()
                .for_each(|name| *name = name.trim().to_owned());
            names.sort_unstable();
            names.dedup();
        }
        self
    }

    /// What can't be taken.
    pub fn problems(&self) -> Vec<BadName> {
        let mut problems = Vec::new();
        let lists = [
            ("event", &self.event),
            ("user", &self.user),
            ("group", &self.group),
        ];
        for (list, names) in lists {
            for (place, name) in names.iter().enumerate() {
                if let Some(message) = what_is_wrong(name.trim()) {
                    let pointer = format!("/{list}/{place}");
                    problems.push(BadName { pointer, message });
                }
            }
        }
        if lists.iter().map(|(_, names)| names.len()).sum::<usize>() > NAMES {
            problems.push(BadName {
                pointer: String::new(),
                message: format!("at most {NAMES} names: a `*` at the end stands for several"),
            });
        }
        problems
    }

    fn names(&self, owner: Owner) -> &[String] {
        match owner {
            Owner::Event => &self.event,
            Owner::User => &self.user,
            Owner::Group => &self.group,
        }
    }

    fn mask_root(&self, root: &mut Value<'_>, taken: &mut Redaction) {
        let Value::Object(root) = root else { return };
        for (place, owner) in [
            ("event_properties", Owner::Event),
            ("user_properties", Owner::User),
        ] {
            if let Some(Value::Object(properties)) = root.get_mut(place) {
                mask_members(properties, "", self.names(owner), taken);
            }
        }
        let Some(Value::Object(types)) = root.get_mut("group_properties") else {
            return;
        };
        for (_, groups) in types.iter_mut() {
            let Value::Object(groups) = groups else {
                continue;
            };
            for (_, properties) in groups.iter_mut() {
                if let Value::Object(properties) = properties {
                    mask_members(properties, "", &self.group, taken);
                }
            }
        }
    }
}

fn what_is_wrong(name: &str) -> Option<String> {
    let stem = name.strip_suffix('*').unwrap_or(name);
    if name.is_empty() {
        Some("a name is missing".into())
    } else if name.chars().count() > NAME_CHARACTERS {
        Some(format!("at most {NAME_CHARACTERS} characters"))
    } else if stem.contains('*') {
        Some("a `*` can only stand at the end".into())
    } else if name.contains('\0') {
        Some("no name has a NUL character".into())
    } else {
        None
    }
}

/// Whether a name of the list stands for a property or a member of one.
fn stands_for(name: &str, path: &str) -> bool {
    match name.strip_suffix('*') {
        Some(beginning) => path.starts_with(beginning),
        None => name == path,
    }
}

/// Whether a name of the list may stand for something within a property.
fn reaches_into(name: &str, path: &str) -> bool {
    let rest = name.strip_prefix(path);
    rest.is_some_and(|rest| rest.starts_with('.'))
}

/// Depth is bounded by the parser.
fn mask_members(members: &mut Object<'_>, within: &str, names: &[String], taken: &mut Redaction) {
    for (member, value) in members.iter_mut() {
        let path = match within {
            "" => member.to_owned(),
            within => format!("{within}.{member}"),
        };
        if names.iter().any(|name| stands_for(name, &path)) {
            blot_out(value, taken);
        } else if names.iter().any(|name| reaches_into(name, &path)) {
            mask_within(value, &path, names, taken);
        }
    }
}

fn mask_within(value: &mut Value<'_>, path: &str, names: &[String], taken: &mut Redaction) {
    match value {
        Value::Object(members) => mask_members(members, path, names, taken),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| mask_within(item, path, names, taken)),
        _ => {}
    }
}

fn blot_out(value: &mut Value<'_>, taken: &mut Redaction) {
    match value {
        Value::Null => {}
        Value::Bool(truth) => {
            taken.note_truth();
            *truth = false;
        }
        Value::Number(number) => {
            taken.note(number.text());
            *number = Number::from(MASKED_NUMBER);
        }
        Value::String(text) => {
            taken.note(text);
            *text = MASK.into();
        }
        Value::Array(items) => items.iter_mut().for_each(|item| blot_out(item, taken)),
        Value::Object(members) => members
            .iter_mut()
            .for_each(|(_, value)| blot_out(value, taken)),
    }
}

#[cfg(test)]
mod tests;
