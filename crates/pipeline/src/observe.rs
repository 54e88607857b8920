//! What a project's events are like: types of events, properties, and what values these have. Exact for
//! the events that it is told of, within bounds.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::json::{Object, Value};
use model::sensitive::{self, Owner, SensitiveProperties};
use model::{Event, Timestamp};

/// Most types of events; most properties of one type, of all users and of groups of one type; most of all
/// these together.
const TYPES: usize = 1000;
const PROPERTIES: usize = 500;
const ALL_PROPERTIES: usize = 20_000;

/// Most values of a property that are kept as examples, and how long they may be.
const EXAMPLES: usize = 3;
const EXAMPLE_CHARACTERS: usize = 100;

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

/// What events are like.
#[derive(Debug, Default)]
pub struct Observed {
    /// How many there were.
    pub events: u64,
    /// By type.
    pub types: BTreeMap<String, ObservedType>,
    /// Properties of users.
    pub user_properties: Properties,
    /// Properties of groups, by the groups' type.
    pub group_properties: BTreeMap<String, Properties>,
    /// Whether there was more than is kept.
    pub truncated: bool,
    /// How many properties are kept.
    kept: usize,
    /// What was said to be sensitive.
    sensitive: SensitiveProperties,
}

/// Whether a property's values are kept from people's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensitive {
    /// No.
    No,
    /// Its name sounds so: there are no examples.
    Suspected,
    /// The project says so: there are no examples, and values are masked wherever events are shown.
    Marked,
}

/// Properties by name.
pub type Properties = BTreeMap<String, ObservedProperty>;

/// What events of one type are like.
#[derive(Debug)]
pub struct ObservedType {
    /// How often it was seen, and when.
    pub seen: Seen,
    /// Properties of these events.
    pub properties: Properties,
}

/// How often something was seen, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// In how many events.
    pub events: u64,
    /// In the earliest of them.
    pub first: Timestamp,
    /// In the latest.
    pub last: Timestamp,
}

/// What a property is like.
#[derive(Debug)]
pub struct ObservedProperty {
    /// How often it had a value, and when.
    pub seen: Seen,
    /// How often it had a value of each kind: `string`, `number`, `boolean`, `array`, `object`.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Different values that it had, as JSON, the first that were seen; none where they are not for
    /// people's eyes.
    pub examples: Vec<String>,
    /// Whether they are kept from people's eyes.
    pub sensitive: Sensitive,
}

impl Seen {
    fn new(at: Timestamp) -> Self {
        Self {
            events: 0,
            first: at,
            last: at,
        }
    }

    fn note(&mut self, at: Timestamp) {
        self.events += 1;
        self.first = self.first.min(at);
        self.last = self.last.max(at);
    }
}

impl Observed {
    /// Nothing yet. Of properties that are `sensitive`, no values are kept.
    pub fn new(sensitive: SensitiveProperties) -> Self {
        Self {
            sensitive,
            ..Self::default()
        }
    }

    /// Takes an event into account. One that can't be read counts and tells nothing.
    pub fn add(&mut self, event: &Arc<Event>) {
        if event.is_erased() {
            return;
        }
        self.events += 1;
        let event = &sensitive::mask(event, &self.sensitive).event;
        let Some(root) = event.root().ok().and_then(Value::as_object) else {
            return;
        };
        let at = event.received_at;
        let properties = |place| root.get(place).and_then(Value::as_object);
        if let Some(event_type) = root.get("event_type").and_then(Value::as_str) {
            let known = self.types.contains_key(event_type);
            if known || self.types.len() < TYPES {
                let new = || ObservedType {
                    seen: Seen::new(at),
                    properties: Properties::new(),
                };
                let observed = self.types.entry(event_type.to_owned()).or_insert_with(new);
                observed.seen.note(at);
                let own = properties("event_properties");
                let mut noting = Noting {
                    owner: Owner::Event,
                    sensitive: &self.sensitive,
                    at,
                    kept: &mut self.kept,
                };
                self.truncated |= noting.note(&mut observed.properties, own);
            } else {
                self.truncated = true;
            }
        }
        let own = properties("user_properties");
        let mut noting = Noting {
            owner: Owner::User,
            sensitive: &self.sensitive,
            at,
            kept: &mut self.kept,
        };
        self.truncated |= noting.note(&mut self.user_properties, own);
        noting.owner = Owner::Group;
        for (group_type, groups) in properties("group_properties")
            .into_iter()
            .flat_map(Object::iter)
        {
            let known = self.group_properties.contains_key(group_type);
            if !known && self.group_properties.len() >= TYPES {
                self.truncated = true;
                continue;
            }
            let of_type = self
                .group_properties
                .entry(group_type.to_owned())
                .or_default();
            for (_, own) in groups.as_object().into_iter().flat_map(Object::iter) {
                self.truncated |= noting.note(of_type, own.as_object());
            }
        }
    }
}

/// Takes the properties of one event into account.
struct Noting<'o> {
    owner: Owner,
    sensitive: &'o SensitiveProperties,
    at: Timestamp,
    kept: &'o mut usize,
}

impl Noting<'_> {
    /// Takes properties into account. Says whether there are too many.
    fn note(&mut self, known: &mut Properties, own: Option<&Object<'_>>) -> bool {
        let mut truncated = false;
        for (name, value) in own.into_iter().flat_map(Object::iter) {
            if value.is_null() {
                continue;
            }
            if !known.contains_key(name) {
                if known.len() >= PROPERTIES || *self.kept >= ALL_PROPERTIES {
                    truncated = true;
                    continue;
                }
                *self.kept += 1;
                known.insert(name.to_owned(), self.new_property(name));
            }
            if let Some(property) = known.get_mut(name) {
                property.seen.note(self.at);
                *property.kinds.entry(kind(value)).or_default() += 1;
                property.keep_example(value);
            }
        }
        truncated
    }

    fn new_property(&self, name: &str) -> ObservedProperty {
        let lower = name.to_ascii_lowercase();
        let sensitive = if self.sensitive.has(self.owner, name) {
            Sensitive::Marked
        } else if SUSPICIOUS.iter().any(|part| lower.contains(part)) {
            Sensitive::Suspected
        } else {
            Sensitive::No
        };
        ObservedProperty {
            seen: Seen::new(self.at),
            kinds: BTreeMap::new(),
            examples: Vec::new(),
            sensitive,
        }
    }
}

impl ObservedProperty {
    fn keep_example(&mut self, value: &Value<'_>) {
        if self.examples.len() >= EXAMPLES || self.sensitive != Sensitive::No {
            return;
        }
        let mut example = value.to_json();
        if let Some((cut, _)) = example.char_indices().nth(EXAMPLE_CHARACTERS) {
            example.truncate(cut);
            example.push('…');
        }
        if !self.examples.contains(&example) {
            self.examples.push(example);
        }
    }
}

fn kind(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use model::{EventKind, Offset, ProjectId};

    use super::*;

    fn observed(events: &[&str]) -> Observed {
        observed_but(SensitiveProperties::default(), events)
    }

    fn observed_but(sensitive: SensitiveProperties, events: &[&str]) -> Observed {
        let mut observed = Observed::new(sensitive);
        for (at, text) in (0i64..).zip(events) {
            observed.add(&Arc::new(Event::new(
                ProjectId::from_bytes([0; 16]),
                Offset(at as u64),
                EventKind::Track,
                Timestamp(at),
                text.to_string().into(),
            )));
        }
        observed
    }

    #[test]
    fn values_that_are_sensitive_are_no_examples() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let sensitive = SensitiveProperties {
            event: names(&["address.street", "coupon*"]),
            user: names(&["email"]),
            group: names(&["owner"]),
        };
        let observed = observed_but(
            sensitive,
            &[
                r#"{"event_type":"x","event_properties":{"address":{"street":"High Street","town":"Bath"},
                "coupon_code":"SAVE-9","email":"ok@example.com"},"user_properties":{"email":"ann@example.com","token":"t"},
                "group_properties":{"org":{"acme":{"owner":"Ann Smith","size":3}}}}"#,
            ],
        );
        let own = &observed.types["x"].properties;
        assert_eq!(
            own["address"].examples,
            [r#"{"street":"[sensitive]","town":"Bath"}"#]
        );
        assert_eq!(own["address"].sensitive, Sensitive::No);
        assert_eq!(own["email"].examples, ["\"ok@example.com\""]);
        let (user, org) = (&observed.user_properties, &observed.group_properties["org"]);
        assert_eq!(user["token"].sensitive, Sensitive::Suspected);
        for marked in [&own["coupon_code"], &user["email"], &org["owner"]] {
            assert_eq!(marked.sensitive, Sensitive::Marked);
            assert!(marked.examples.is_empty());
            assert_eq!(marked.kinds, [("string", 1)].into());
        }
        let all = format!("{observed:?}");
        for value in ["High Street", "SAVE-9", "ann@example.com", "Ann Smith"] {
            assert!(!all.contains(value), "{value}");
        }
    }

    #[test]
    fn types_and_properties_are_counted_with_what_their_values_are() {
        let observed = observed(&[
            r#"{"event_type":"Bought","event_properties":{"price":9,"card_number":"4111"},"user_properties":{"plan":"pro"}}"#,
            r#"{"event_type":"Seen","event_properties":{"page":"/"},"user_properties":{"plan":"pro"}}"#,
            r#"{"event_type":"Bought","event_properties":{"price":"9","none":null},"user_properties":{"plan":"free"},
               "group_properties":{"org":{"acme":{"size":3}}}}"#,
            "[]",
        ]);
        assert_eq!((observed.events, observed.truncated), (4, false));
        let bought = &observed.types["Bought"];
        let seen = Seen {
            events: 2,
            first: Timestamp(0),
            last: Timestamp(2),
        };
        assert_eq!(bought.seen, seen);
        let price = &bought.properties["price"];
        assert_eq!(price.kinds, [("number", 1), ("string", 1)].into());
        assert_eq!(price.examples, ["9", "\"9\""]);
        assert!(bought.properties["card_number"].examples.is_empty());
        assert!(!bought.properties.contains_key("none"));
        assert_eq!(
            observed.user_properties["plan"].examples,
            ["\"pro\"", "\"free\""]
        );
        assert_eq!(observed.group_properties["org"]["size"].seen.events, 1);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let many = |of: usize| (0..of).map(|n| format!("\"p{n}\":1")).collect::<Vec<_>>();
        let text = format!(
            r#"{{"event_type":"x","event_properties":{{{}}}}}"#,
            many(600).join(",")
        );
        let wide = observed(&[&text]);
        assert!(wide.truncated);
        assert_eq!(wide.types["x"].properties.len(), PROPERTIES);
        let types: Vec<_> = (0..1100)
            .map(|n| format!(r#"{{"event_type":"t{n}"}}"#))
            .collect();
        let types: Vec<_> = types.iter().map(String::as_str).collect();
        let many = observed(&types);
        assert_eq!((many.types.len(), many.truncated), (TYPES, true));
        let types: Vec<_> = (0..100)
            .map(|n| text.replace("\"x\"", &format!("\"t{n}\"")))
            .collect();
        let types: Vec<_> = types.iter().map(String::as_str).collect();
        let wide = observed(&types);
        let kept = wide.types.values().map(|each| each.properties.len());
        assert_eq!(kept.sum::<usize>(), ALL_PROPERTIES);
        let long = format!(r#"{{"user_properties":{{"x":"{}"}}}}"#, "ä".repeat(1000));
        let long = observed(&[&long]);
        let example = &long.user_properties["x"].examples[0];
        assert_eq!(example.chars().count(), EXAMPLE_CHARACTERS + 1);
    }
}
