//! What is known of names that have no place.
//!
//! There is room for so many names. Where one more comes, the one that may be the least frequent loses its
//! place to it (Metwally's "space saving"): from then on, any name without a place may have had as many
//! events as that one at most, and so may a name that takes a place later, before it did. So a name that
//! gets frequent always gets a place, and each count says how many events it lacks at most. Of `n` events
//! and room for `k` names, that is never more than `n / k`.

use model::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ALL_PROPERTIES, Day, Days, FEWEST_PROPERTIES, GROUP_TYPES, Kept, Owner, PROPERTIES, TYPES,
};

/// What is known of names that have no place, of one sort. Counts hold from each day on until now: from
/// there on, none of the names had more events.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Lost {
    /// Of those that lost their place to others, or didn't get one.
    #[serde(rename = "d", default, skip_serializing_if = "Days::is_empty")]
    pub(super) displaced: Days,
    /// Of those that are too long for a place.
    #[serde(rename = "l", default, skip_serializing_if = "Days::is_empty")]
    pub(super) long: Days,
}

/// The same for the sorts of types.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct LostTypes {
    #[serde(rename = "t", default, skip_serializing_if = "Lost::is_empty")]
    pub(super) events: Lost,
    #[serde(rename = "g", default, skip_serializing_if = "Lost::is_empty")]
    pub(super) groups: Lost,
}

/// For how many names there is a place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) types: usize,
    pub(crate) group_types: usize,
    /// Of each scope.
    pub(crate) properties: usize,
    /// Of each scope, however many all of them have.
    pub(crate) fewest_properties: usize,
    /// Of all scopes together.
    pub(crate) all_properties: usize,
}

impl Lost {
    pub(super) fn displaced(displaced: Days) -> Self {
        let long = Days::default();
        Self { displaced, long }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.displaced.is_empty() && self.long.is_empty()
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.displaced.merge(&other.displaced);
        self.long.merge(&other.long);
    }

    pub(super) fn forget_before(&mut self, day: Day) {
        self.displaced.forget_before(day);
        self.long.forget_before(day);
    }

    /// The most events that any of the names had from a day on.
    pub(super) fn most_since(&self, day: Day) -> u64 {
        self.displaced.since(day).max(self.long.since(day))
    }
}

impl LostTypes {
    /// The most events that a type of this sort had which has no place. Users always have one.
    pub(crate) fn displaced(&self, owner: Owner) -> Days {
        match owner {
            Owner::EventType => self.events.displaced.clone(),
            Owner::GroupType => self.groups.displaced.clone(),
            Owner::Users => Days::default(),
        }
    }

    /// Notes that one lost its place, or got none.
    pub(crate) fn displace(&mut self, owner: Owner, most: &Days) {
        if let Some(lost) = self.of(owner) {
            lost.displaced.raise_to(most);
        }
    }

    /// Notes an event of a type whose name is too long.
    pub(super) fn note_long(&mut self, owner: Owner, day: Day) {
        if let Some(lost) = self.of(owner) {
            lost.long.add(day, 1);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.events.merge(&other.events);
        self.groups.merge(&other.groups);
    }

    /// Drops what is too old to be shown at this time, or is not kept.
    pub(crate) fn age(&mut self, kept: Kept) {
        self.events.forget_before(kept.day);
        self.groups.forget_before(kept.day);
    }

    /// Drops what nobody is shown any more when events come at this time.
    pub(crate) fn age_at(&mut self, newest: Timestamp) {
        self.age(Kept::at_most(newest));
    }

    fn of(&mut self, owner: Owner) -> Option<&mut Lost> {
        match owner {
            Owner::EventType => Some(&mut self.events),
            Owner::GroupType => Some(&mut self.groups),
            Owner::Users => None,
        }
    }
}

impl Room {
    /// In the tables.
    pub(crate) const TABLES: Self = Self {
        types: TYPES,
        group_types: GROUP_TYPES,
        properties: PROPERTIES,
        fewest_properties: FEWEST_PROPERTIES,
        all_properties: ALL_PROPERTIES,
    };

    /// While events are gathered: more, so that most of what is rare is told apart.
    pub(crate) const MEMORY: Self = Self {
        types: 2 * TYPES,
        group_types: 2 * GROUP_TYPES,
        properties: 2 * PROPERTIES,
        fewest_properties: FEWEST_PROPERTIES,
        all_properties: 2 * ALL_PROPERTIES,
    };

    /// For how many types of this sort there is a place; `None` of users, who are one.
    pub(crate) fn of(&self, owner: Owner) -> Option<usize> {
        match owner {
            Owner::EventType => Some(self.types),
            Owner::GroupType => Some(self.group_types),
            Owner::Users => None,
        }
    }

    /// For how many properties there is a place in a scope that had so many, of so many of all scopes.
    pub(crate) fn in_scope(&self, before: usize, all: usize) -> usize {
        let left = self.all_properties.saturating_sub(all);
        self.properties
            .min((before + left).max(self.fewest_properties))
    }
}
