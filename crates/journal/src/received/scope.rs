//! What is kept of a type of event, of users, or of a type of group.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use model::{Offset, Timestamp};
use serde::{Deserialize, Serialize};

use super::example::{self, Example};
use super::{DAYS, Day, Days, EXAMPLES, Lost, day_of, start_of};

/// Kinds of values, as they are numbered.
pub(super) const KINDS: [&str; 5] = ["string", "number", "boolean", "array", "object"];

/// What is kept of something that has properties.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Scope {
    #[serde(rename = "s")]
    pub(crate) seen: Times,
    /// Events of each day that were counted.
    #[serde(rename = "d")]
    pub(crate) days: Days,
    /// At most so many came before it took the place of another, and were not counted.
    #[serde(rename = "m", default, skip_serializing_if = "Days::is_empty")]
    pub(super) missed: Days,
    #[serde(rename = "p")]
    pub(crate) properties: HashMap<String, Property>,
    /// What is known of properties that have no place.
    #[serde(rename = "l", default, skip_serializing_if = "Lost::is_empty")]
    pub(super) lost: Lost,
}

/// What is kept of a property.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Property {
    #[serde(rename = "s")]
    pub(super) seen: Times,
    /// Events that had it and were counted.
    #[serde(rename = "d")]
    pub(super) days: Days,
    /// At most so many came before it took the place of another, and were not counted.
    #[serde(rename = "m", default, skip_serializing_if = "Days::is_empty")]
    pub(super) missed: Days,
    /// Counted events in which it was of each kind.
    #[serde(rename = "k")]
    pub(super) kinds: Vec<(u8, Days)>,
    #[serde(rename = "e", default)]
    pub(super) examples: Vec<Example>,
}

/// When something was first and last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Times(pub(super) Timestamp, pub(super) Timestamp);

impl Default for Times {
    fn default() -> Self {
        Self(Timestamp(i64::MAX), Timestamp(i64::MIN))
    }
}

impl Times {
    pub(super) fn note(&mut self, other: Self) {
        self.0 = self.0.min(other.0);
        self.1 = self.1.max(other.1);
    }
}

/// Since when things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    /// What was last seen before is gone, and so are values of that time.
    pub(crate) from: Timestamp,
    /// Counts of earlier days are gone.
    pub(crate) day: Day,
}

impl Kept {
    pub(crate) fn new(from: Timestamp) -> Self {
        Self {
            from,
            day: day_of(from),
        }
    }

    /// What is kept at most, whatever a configuration says.
    pub(crate) fn at_most(newest: Timestamp) -> Self {
        Self::new(start_of((day_of(newest) + 1).saturating_sub(DAYS)))
    }
}

impl Scope {
    /// One of which nothing was counted so far, though there may have been so many events: all of them
    /// may have had the same property.
    pub(crate) fn missed(days: Days) -> Self {
        Self {
            missed: days.clone(),
            lost: Lost::displaced(days),
            ..Self::default()
        }
    }

    /// Whether events of it are counted.
    pub(crate) fn is_counted(&self) -> bool {
        !self.days.is_empty()
    }

    /// The most events that there can have been.
    pub(crate) fn most(&self) -> Days {
        sum(&self.days, &self.missed)
    }

    /// How many properties it has.
    pub(crate) fn properties(&self) -> usize {
        self.properties.len()
    }

    /// When it was last seen.
    pub(crate) fn newest(&self) -> Timestamp {
        self.seen.1
    }

    /// Adds what is known of the same from other events.
    pub(crate) fn merge(&mut self, mut other: Self) {
        self.seen.note(other.seen);
        self.days.merge(&other.days);
        self.missed.merge(&other.missed);
        let (unknown_here, unknown_there) = (&self.lost.displaced, &other.lost.displaced);
        if !unknown_there.is_empty() {
            for (name, own) in &mut self.properties {
                if !other.properties.contains_key(name) {
                    own.missed.merge(unknown_there);
                }
            }
        }
        for (name, mut property) in other.properties.drain() {
            match self.properties.entry(name) {
                Entry::Occupied(mut known) => known.get_mut().merge(property),
                Entry::Vacant(place) => {
                    property.missed.merge(unknown_here);
                    place.insert(property);
                }
            }
        }
        self.lost.merge(&other.lost);
    }

    /// Takes away what events brought that are erased: their counts, what is left without any, and
    /// values of theirs.
    pub(crate) fn take(&mut self, erased: &Self, is_erased: &dyn Fn(Offset) -> bool) {
        self.days.take(&erased.days);
        for (name, of_erased) in &erased.properties {
            if let Some(own) = self.properties.get_mut(name) {
                own.take(of_erased);
            }
        }
        self.keep_examples(&|each| !is_erased(each.offset));
        self.drop_unseen();
    }

    /// Leaves those values that may be kept; says whether that changed anything.
    pub(crate) fn keep_examples(&mut self, keep: &dyn Fn(&Example) -> bool) -> bool {
        let mut changed = false;
        for property in self.properties.values_mut() {
            let before = property.examples.len();
            property.examples.retain(keep);
            changed |= property.examples.len() != before;
        }
        changed
    }

    /// The events that have the values.
    pub(crate) fn example_offsets(&self) -> impl Iterator<Item = Offset> {
        let examples = self.properties.values().flat_map(|each| &each.examples);
        examples.map(|example| example.offset)
    }

    /// Drops what is too old.
    pub(crate) fn age(&mut self, kept: Kept) {
        self.days.forget_before(kept.day);
        self.missed.forget_before(kept.day);
        self.lost.forget_before(kept.day);
        for property in self.properties.values_mut() {
            property.days.forget_before(kept.day);
            property.missed.forget_before(kept.day);
            property
                .kinds
                .iter_mut()
                .for_each(|(_, days)| days.forget_before(kept.day));
            property.kinds.retain(|(_, days)| !days.is_empty());
            property.examples.retain(|example| example.at >= kept.from);
            if property.seen.1 < kept.from {
                property.days = Days::default();
            }
        }
        self.drop_unseen();
    }

    /// Whether nothing is left of it.
    pub(crate) fn is_gone(&self, kept: Kept) -> bool {
        self.days.is_empty() || self.seen.1 < kept.from
    }

    /// From when on something in it is too old: the earliest time that it has.
    pub(crate) fn oldest(&self) -> Timestamp {
        // Of a day that began before, the last event may be younger.
        let end = |days: &Days| days.first().map(|day| start_of(day + 1));
        let of_properties = self.properties.values().flat_map(|each| {
            let examples = each.examples.iter().map(|example| example.at);
            let days = [end(&each.days), end(&each.missed)];
            examples
                .chain(days.into_iter().flatten())
                .chain([each.seen.1])
        });
        let lost = [&self.lost.displaced, &self.lost.long];
        let days = [&self.days, &self.missed].into_iter().chain(lost);
        let own = days.map(end).chain([Some(self.seen.1)]);
        own.flatten()
            .chain(of_properties)
            .min()
            .unwrap_or(self.seen.1)
    }

    /// Leaves so many properties their places: those that may be the most frequent.
    pub(crate) fn prune(&mut self, room: usize) {
        if self.properties.len() <= room {
            return;
        }
        let mut by_count: Vec<_> = self
            .properties
            .iter()
            .map(|(name, property)| (property.most(), name))
            .collect();
        by_count.select_nth_unstable_by(room, |a, b| b.cmp(a));
        let displaced = by_count.drain(room..).map(|(_, name)| name.clone());
        for name in displaced.collect::<Vec<_>>() {
            if let Some(displaced) = self.properties.remove(&name) {
                self.lost.displaced.raise_to(&displaced.displaced());
            }
        }
    }

    fn drop_unseen(&mut self) {
        self.properties
            .retain(|_, property| !property.days.is_empty());
    }
}

impl Property {
    fn displaced(&self) -> Days {
        sum(&self.days, &self.missed)
    }

    /// The most events that can have had it.
    fn most(&self) -> u64 {
        self.days.total() + self.missed.total()
    }

    pub(super) fn note_kind(&mut self, kind: u8, days: &Days) {
        match self.kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, known)) => known.merge(days),
            None => self.kinds.push((kind, days.clone())),
        }
    }

    pub(super) fn note_example(&mut self, example: Example) {
        example::note(&mut self.examples, example, EXAMPLES);
    }

    fn merge(&mut self, other: Self) {
        self.seen.note(other.seen);
        self.days.merge(&other.days);
        self.missed.merge(&other.missed);
        for (kind, days) in &other.kinds {
            self.note_kind(*kind, days);
        }
        for example in other.examples {
            self.note_example(example);
        }
    }

    fn take(&mut self, erased: &Self) {
        self.days.take(&erased.days);
        for (kind, days) in &erased.kinds {
            if let Some((_, own)) = self.kinds.iter_mut().find(|(known, _)| known == kind) {
                own.take(days);
            }
        }
        self.kinds.retain(|(_, days)| !days.is_empty());
    }
}

fn sum(one: &Days, other: &Days) -> Days {
    let mut sum = one.clone();
    sum.merge(other);
    sum
}
