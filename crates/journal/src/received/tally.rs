//! Events, taken in one after the other.
//!
//! Most events of a type have the same properties, of the same kinds. So they are told apart by their
//! shape (names and kinds, as a hash), and counted by it: an event costs a few hashes, whatever it
//! carries. Names are looked at one by one when shapes are made into scopes, and for each shape's first
//! events and some later ones, for the sake of examples.

use std::collections::HashMap;

use model::json::{Object, Value};
use model::sensitive::sounds_secret;
use model::{Event, Offset, Timestamp};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::example::{self, Example};
use super::scope::{Scope, Times};
use super::{Days, EXAMPLES, LostTypes, NAME_BYTES, Owner, Room, day_of};

/// Places in shapes, of all together: more are made into scopes.
const PLACES: usize = 20_000;

/// Of a shape's events, so many first ones and then each of so many are looked at for examples.
const FIRST_LOOKS: u64 = 5;
const LATER_LOOKS: u64 = 32;

/// What events were like.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    seed: u64,
    /// `None`: for all names.
    room: Option<Room>,
    shapes: HashMap<u128, Shape>,
    /// Names in all shapes.
    places: usize,
    scopes: Scopes,
    /// To hash from.
    names: Vec<u8>,
    /// Events that had been erased.
    erased: u64,
}

/// What properties belong to, with what is lost of types for want of places.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scopes {
    pub(crate) scopes: HashMap<(Owner, String), Scope>,
    pub(crate) lost: LostTypes,
}

/// Events with the same properties, of the same kinds.
#[derive(Debug, Clone)]
struct Shape {
    owner: Owner,
    scope: String,
    seen: Times,
    days: Days,
    events: u64,
    slots: Vec<Slot>,
    /// Whether it has a name that is too long.
    lost: bool,
}

#[derive(Debug, Clone)]
struct Slot {
    name: String,
    kind: u8,
    secret: bool,
    examples: Vec<Example>,
}

/// Where and when an event came.
#[derive(Clone, Copy)]
struct Place {
    offset: Offset,
    at: Timestamp,
}

impl Tally {
    /// Nothing yet. The seed makes hashes unpredictable.
    pub fn new(seed: u64) -> Self {
        Self::within(Some(Room::MEMORY), seed)
    }

    /// With room for all names, of events that are no more than memory holds.
    pub(crate) fn of_few(seed: u64) -> Self {
        Self::within(None, seed)
    }

    pub(crate) fn within(room: Option<Room>, seed: u64) -> Self {
        Self {
            seed,
            room,
            ..Self::default()
        }
    }

    /// Takes an event into account. One that can't be read counts and tells nothing; an erased one is
    /// none.
    pub fn add(&mut self, event: &Event) {
        if event.is_erased() {
            self.erased += 1;
            return;
        }
        let place = Place {
            offset: event.offset,
            at: event.received_at,
        };
        let root = event.root().ok().and_then(Value::as_object);
        let members = |name| {
            root.and_then(|root| root.get(name))
                .and_then(Value::as_object)
        };
        let event_type = root.and_then(|root| root.get("event_type"));
        if let Some(event_type) = event_type.and_then(Value::as_str) {
            let own = members("event_properties");
            self.note(Owner::EventType, event_type, own.as_slice(), place);
        }
        self.note(
            Owner::Users,
            "",
            members("user_properties").as_slice(),
            place,
        );
        let (groups, described) = (members("groups"), members("group_properties"));
        // Not all groups have properties.
        let of_event = groups.into_iter().flat_map(Object::iter);
        let of_event = of_event.filter(|(_, names)| has_names(names));
        let others = described.into_iter().flat_map(Object::iter);
        let others = others.filter(|(each, _)| {
            groups
                .and_then(|groups| groups.get(each))
                .is_none_or(|names| !has_names(names))
        });
        for (group_type, _) in of_event.chain(others) {
            let of_type = described.and_then(|described| described.get(group_type));
            let of_type = of_type
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(Object::iter);
            let own: Vec<_> = of_type.filter_map(|(_, group)| group.as_object()).collect();
            self.note(Owner::GroupType, group_type, &own, place);
        }
        if self.places > PLACES {
            self.fold();
        }
    }

    /// How much memory it takes, in names.
    pub(crate) fn size(&self) -> usize {
        let scopes = self.scopes.scopes.values();
        let scopes = scopes.map(|scope| scope.properties.len() + 1);
        self.places + scopes.sum::<usize>()
    }

    /// How many of the events had been erased.
    pub(crate) fn erased(&self) -> u64 {
        self.erased
    }

    pub(crate) fn finish(mut self) -> Scopes {
        self.fold();
        self.scopes
    }

    fn note(&mut self, owner: Owner, scope: &str, own: &[&Object<'_>], place: Place) {
        if scope.len() > NAME_BYTES {
            self.scopes.lost.note_long(owner, day_of(place.at));
            return;
        }
        let hash = self.hash(owner, scope, own);
        let places = &mut self.places;
        let shape = self.shapes.entry(hash).or_insert_with(|| {
            let shape = Shape::new(owner, scope, own);
            *places += shape.slots.len() + 1;
            shape
        });
        shape.note(own, place);
    }

    fn hash(&mut self, owner: Owner, scope: &str, own: &[&Object<'_>]) -> u128 {
        let names = &mut self.names;
        names.clear();
        names.push(owner.code() as u8);
        names.extend_from_slice(scope.as_bytes());
        for (name, value) in own.iter().flat_map(|object| object.iter()) {
            if let Some(kind) = kind(value) {
                // No name contains such a byte: it is no UTF-8.
                names.push(0xf8 + kind);
                names.extend_from_slice(name.as_bytes());
            }
        }
        xxh3_128_with_seed(names, self.seed)
    }

    /// Makes scopes of the shapes. They are brought back to their room once, at the end: by then no more
    /// names than the shapes had places came on top, and to look for the least frequent at each new name
    /// would cost every event what all names of its scope do.
    fn fold(&mut self) {
        self.places = 0;
        for (_, shape) in self.shapes.drain() {
            let (owner, name) = (shape.owner, shape.scope.clone());
            let before = || Scope::missed(self.scopes.lost.displaced(owner));
            let scope = self
                .scopes
                .scopes
                .entry((owner, name))
                .or_insert_with(before);
            scope.merge(shape.into_scope());
        }
        if let Some(room) = self.room {
            self.scopes.bound(room);
            self.scopes.squeeze(room);
        }
    }
}

impl Scopes {
    /// Adds what is known from other events.
    pub(crate) fn merge(&mut self, mut other: Self) {
        for (key, own) in &mut self.scopes {
            match other.scopes.remove(key) {
                Some(scope) => own.merge(scope),
                None => own.merge(Scope::missed(other.lost.displaced(key.0))),
            }
        }
        for (key, scope) in other.scopes {
            let mut new = Scope::missed(self.lost.displaced(key.0));
            new.merge(scope);
            self.scopes.insert(key, new);
        }
        self.lost.merge(&other.lost);
    }

    /// Leaves no more than there is room for.
    pub(crate) fn bound(&mut self, room: Room) {
        for owner in [Owner::EventType, Owner::GroupType] {
            self.prune(owner, room.of(owner).unwrap_or(usize::MAX));
        }
        let scopes = self.scopes.values_mut();
        scopes.for_each(|scope| scope.prune(room.properties));
    }

    /// Leaves no more properties than there is room for altogether: fewer where there are many.
    fn squeeze(&mut self, room: Room) {
        let mut most = room.properties;
        let all =
            |scopes: &HashMap<_, Scope>| scopes.values().map(Scope::properties).sum::<usize>();
        while all(&self.scopes) > room.all_properties && most > room.fewest_properties {
            most = (most / 2).max(room.fewest_properties);
            let scopes = self.scopes.values_mut();
            scopes.for_each(|scope| scope.prune(most));
        }
    }

    /// Leaves so many types their places: those that may be the most frequent.
    fn prune(&mut self, owner: Owner, most: usize) {
        let of_owner = |(of, _): &&(Owner, String)| *of == owner;
        if self.scopes.keys().filter(of_owner).count() <= most {
            return;
        }
        let of_owner = self.scopes.iter().filter(|((of, _), _)| *of == owner);
        let mut by_count: Vec<_> = of_owner
            .map(|(key, scope)| (scope.most().total(), key))
            .collect();
        by_count.select_nth_unstable_by(most, |a, b| b.cmp(a));
        let displaced = by_count.drain(most..).map(|(_, key)| key.clone());
        for key in displaced.collect::<Vec<_>>() {
            if let Some(displaced) = self.scopes.remove(&key) {
                self.lost.displace(owner, &displaced.most());
            }
        }
    }
}

impl Shape {
    fn new(owner: Owner, scope: &str, own: &[&Object<'_>]) -> Self {
        let all = own.iter().flat_map(|object| object.iter());
        let all = all.filter_map(|(name, value)| Some((name, kind(value)?)));
        let (fitting, long): (Vec<_>, Vec<_>) = all.partition(|(name, _)| name.len() <= NAME_BYTES);
        let slot = |(name, kind): (&str, u8)| Slot {
            name: name.to_owned(),
            kind,
            secret: sounds_secret(name),
            examples: Vec::new(),
        };
        Self {
            owner,
            scope: scope.to_owned(),
            seen: Times::default(),
            days: Days::default(),
            events: 0,
            slots: fitting.into_iter().map(slot).collect(),
            lost: !long.is_empty(),
        }
    }

    fn note(&mut self, own: &[&Object<'_>], place: Place) {
        self.seen.note(Times(place.at, place.at));
        self.days.add(day_of(place.at), 1);
        self.events += 1;
        if self.events > FIRST_LOOKS && !self.events.is_multiple_of(LATER_LOOKS) {
            return;
        }
        let values = own.iter().flat_map(|object| object.iter());
        let values = values.filter(|(name, value)| !value.is_null() && name.len() <= NAME_BYTES);
        // The slots are in the same order, since that is part of the shape.
        for (slot, (_, value)) in self.slots.iter_mut().zip(values) {
            if slot.secret {
                continue;
            }
            if let Some(new) = Example::of(value, place.offset, place.at) {
                example::note(&mut slot.examples, new, EXAMPLES);
            }
        }
    }

    fn into_scope(self) -> Scope {
        let mut scope = Scope {
            seen: self.seen,
            days: self.days.clone(),
            ..Scope::default()
        };
        if self.lost {
            scope.lost.long = self.days.clone();
        }
        for (place, slot) in self.slots.iter().enumerate() {
            // Several groups of one event may have it.
            let again = |kind: Option<u8>| {
                let before = self.slots[..place].iter();
                let mut same = before.filter(|each| each.name == slot.name);
                self.owner == Owner::GroupType
                    && same.any(|each| kind.is_none_or(|kind| each.kind == kind))
            };
            let property = scope.properties.entry(slot.name.clone()).or_default();
            property.seen.note(self.seen);
            if !again(None) {
                property.days.merge(&self.days);
            }
            if !again(Some(slot.kind)) {
                property.note_kind(slot.kind, &self.days);
            }
            for example in &slot.examples {
                property.note_example(example.clone());
            }
        }
        scope
    }
}

/// Whether these are the names of groups.
fn has_names(names: &Value<'_>) -> bool {
    match names {
        Value::Array(names) => !names.is_empty(),
        Value::Null => false,
        _ => true,
    }
}

/// The number of a value's kind; `None` for null.
fn kind(value: &Value<'_>) -> Option<u8> {
    match value {
        Value::Null => None,
        Value::String(_) => Some(0),
        Value::Number(_) => Some(1),
        Value::Bool(_) => Some(2),
        Value::Array(_) => Some(3),
        Value::Object(_) => Some(4),
    }
}

#[cfg(test)]
mod tests;
