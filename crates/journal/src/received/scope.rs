//! What is kept of a type of event, of users, or of a type of group.

use std::collections::HashMap;

use model::{Offset, Timestamp};
use serde::{Deserialize, Serialize};

use super::example::{self, Example};
use super::{DAYS, Day, Days, EXAMPLES, day_of, start_of};

/// Kinds of values, as they are numbered.
pub(super) const KINDS: [&str; 5] = ["string", "number", "boolean", "array", "object"];

/// What is kept of something that has properties.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Scope {
    #[serde(rename = "s")]
    pub(crate) seen: Times,
    /// Events of each day.
    #[serde(rename = "d")]
    pub(crate) days: Days,
    #[serde(rename = "p")]
    pub(crate) properties: HashMap<String, Property>,
    /// So many events of a day may lack in what is counted of any property.
    #[serde(rename = "l", default)]
    pub(crate) lost: Days,
}

/// What is kept of a property.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Property {
    #[serde(rename = "s")]
    pub(super) seen: Times,
    /// Events that had it.
    #[serde(rename = "d")]
    pub(super) days: Days,
    /// Events in which it was of each kind.
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
    /// How often it was seen.
    pub(crate) fn events(&self) -> u64 {
        self.days.total()
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
    pub(crate) fn merge(&mut self, other: Self) {
        self.seen.note(other.seen);
        self.days.merge(&other.days);
        self.lost.merge(&other.lost);
        for (name, property) in other.properties {
            self.properties.entry(name).or_default().merge(property);
        }
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
        self.lost.forget_before(kept.day);
        for property in self.properties.values_mut() {
            property.days.forget_before(kept.day);
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
            examples.chain(end(&each.days)).chain([each.seen.1])
        });
        let own = [Some(self.seen.1), end(&self.days), end(&self.lost)];
        let own = own.into_iter().flatten();
        own.chain(of_properties).min().unwrap_or(self.seen.1)
    }

    /// Leaves the most frequent properties their places.
    pub(crate) fn prune(&mut self, most: usize) {
        if self.properties.len() <= most {
            return;
        }
        let mut by_count: Vec<_> = self
            .properties
            .iter()
            .map(|(name, property)| (property.days.total(), name.clone()))
            .collect();
        by_count.sort_unstable_by(|a, b| b.cmp(a));
        let mut most_lost = Days::default();
        for (_, name) in by_count.drain(most..) {
            if let Some(lost) = self.properties.remove(&name) {
                most_lost.raise_to(&lost.days);
            }
        }
        self.lost.merge(&most_lost);
    }

    fn drop_unseen(&mut self) {
        self.properties
            .retain(|_, property| !property.days.is_empty());
    }
}

impl Property {
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
