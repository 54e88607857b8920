//! What is shown of what is kept.

use std::time::Duration;

use model::Timestamp;

use super::scope::{KINDS, Kept, Property, Scope, Times};
use super::tally::{Scopes, Tally};
use super::{
    Days, Owner, Received, ReceivedExample, ReceivedProperty, ReceivedScope, Seen, start_of,
};

impl Tally {
    /// What the events were like, of those that were received within an age.
    pub fn view(self, now: Timestamp, age: Duration) -> Received {
        self.finish().view(kept_at(now, age))
    }
}

/// What is kept for an age, at a time.
pub(crate) fn kept_at(now: Timestamp, age: Duration) -> Kept {
    let longest = Kept::at_most(now);
    let kept = Kept::new(now - age);
    if kept.from < longest.from {
        longest
    } else {
        kept
    }
}

impl Scopes {
    pub(crate) fn view(mut self, kept: Kept) -> Received {
        let mut received = Received {
            since: start_of(kept.day),
            uncounted_types: self.lost.events.most_since(kept.day),
            uncounted_groups: self.lost.groups.most_since(kept.day),
            ..Received::default()
        };
        for ((owner, name), mut scope) in self.scopes.drain() {
            scope.age(kept);
            if scope.is_gone(kept) {
                continue;
            }
            let scope = view(name, scope);
            match owner {
                Owner::EventType => received.types.push(scope),
                Owner::Users => received.users = scope,
                Owner::GroupType => received.groups.push(scope),
            }
        }
        received.events = received.users.seen.events;
        for scopes in [&mut received.types, &mut received.groups] {
            scopes.sort_by(|a, b| by_count((&a.seen, &a.name), (&b.seen, &b.name)));
        }
        received
    }
}

fn view(name: String, scope: Scope) -> ReceivedScope {
    let properties = scope.properties.into_iter();
    let mut properties: Vec<_> = properties
        .map(|(name, each)| property(name, each))
        .collect();
    properties.sort_by(|a, b| by_count((&a.seen, &a.name), (&b.seen, &b.name)));
    ReceivedScope {
        name,
        seen: seen(&scope.days, &scope.missed, scope.seen),
        properties,
        uncounted_properties: scope.lost.most_since(0),
    }
}

fn property(name: String, property: Property) -> ReceivedProperty {
    let kinds = property.kinds.iter();
    let kinds =
        kinds.filter_map(|(kind, days)| Some((*KINDS.get(usize::from(*kind))?, days.total())));
    let mut kinds: Vec<_> = kinds.collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let examples = property.examples.into_iter();
    let examples = examples.map(|example| ReceivedExample {
        value: example.value,
        offset: example.offset,
    });
    ReceivedProperty {
        name,
        seen: seen(&property.days, &property.missed, property.seen),
        kinds,
        examples: examples.collect(),
    }
}

fn seen(days: &Days, missed: &Days, times: Times) -> Seen {
    Seen {
        events: days.total(),
        uncounted: missed.total(),
        first: times.0,
        last: times.1,
    }
}

/// The most frequent first, and then by name.
fn by_count(a: (&Seen, &String), b: (&Seen, &String)) -> std::cmp::Ordering {
    b.0.events.cmp(&a.0.events).then_with(|| a.1.cmp(b.1))
}
