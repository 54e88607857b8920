//! What a project received lately: types of events, properties of events, users and groups, the kinds of
//! their values, examples, and when each was first and last seen.
//!
//! A [`Tally`] is told of events, one after the other; what it gathers is added to what is kept, a
//! `Scope` for each type of event, for users, and for each type of group. [`Received`] is what is shown.
//! Nothing in here does I/O.
//!
//! Counts are kept by the day (UTC) and are exact as long as there is room for all names. Where there are
//! more, the least frequent lose their places to others, and of each name it is known how many events may
//! be uncounted for it: see `lost`.

mod count;
mod example;
mod lost;
mod scope;
mod tally;
mod view;

use model::{Offset, Timestamp};

pub use tally::Tally;

pub(crate) use count::{Day, Days, day_of, start_of};
pub(crate) use example::Example;
pub(crate) use lost::{Lost, LostTypes, Room};
pub(crate) use scope::{Kept, Scope};
pub(crate) use tally::Scopes;
pub(crate) use view::kept_at;

/// Most types of events, and of groups, of a project.
pub const TYPES: usize = 1000;
/// Most types of groups of a project.
pub const GROUP_TYPES: usize = 50;
/// Most properties of one type of event, of users, or of one type of group.
pub const PROPERTIES: usize = 500;
/// Most properties of a project altogether, but for those of scopes with no more than
/// [`FEWEST_PROPERTIES`].
pub const ALL_PROPERTIES: usize = 20_000;
/// So many properties of each have a place, however many there are altogether.
pub const FEWEST_PROPERTIES: usize = 20;
/// Most examples of a property's values.
pub const EXAMPLES: usize = 5;
/// Longer names, in bytes, have no place.
pub const NAME_BYTES: usize = 512;
/// Most days that are told apart.
pub const DAYS: u32 = 31;

/// What something is that properties belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// Events of a type.
    EventType,
    /// Users.
    Users,
    /// Groups of a type.
    GroupType,
}

impl Owner {
    /// Its place in the tables.
    pub(crate) fn code(self) -> i64 {
        match self {
            Self::EventType => 0,
            Self::Users => 1,
            Self::GroupType => 2,
        }
    }

    pub(crate) fn from_code(code: i64) -> Option<Self> {
        match code {
            0 => Some(Self::EventType),
            1 => Some(Self::Users),
            2 => Some(Self::GroupType),
            _ => None,
        }
    }
}

/// What a project received lately. Erased events are no part of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Received {
    /// Events are counted from here on: the beginning of a day (UTC).
    pub since: Timestamp,
    /// How many there were.
    pub events: u64,
    /// Events that are there and not counted yet: the newest ones.
    pub behind: u64,
    /// Types of events, the most frequent first.
    pub types: Vec<ReceivedScope>,
    /// There were at most so many events of any one type that is not shown: there were too many types, or
    /// names too long.
    pub uncounted_types: u64,
    /// Properties of users, of all events.
    pub users: ReceivedScope,
    /// Types of groups, the most frequent first.
    pub groups: Vec<ReceivedScope>,
    /// The same as for types of events.
    pub uncounted_groups: u64,
}

impl Received {
    /// Whether something is uncounted.
    pub fn is_cut(&self) -> bool {
        let scopes = self.types.iter().chain(&self.groups);
        let mut scopes = scopes.chain([&self.users]);
        // One that took the place of another makes that one uncounted, too.
        self.uncounted_types > 0
            || self.uncounted_groups > 0
            || scopes.any(|scope| scope.uncounted_properties > 0)
    }
}

/// Events of a type, users, or groups of a type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReceivedScope {
    /// The type; empty for users.
    pub name: String,
    /// Its events; of groups, those that came with such groups.
    pub seen: Seen,
    /// Their properties, the most frequent first.
    pub properties: Vec<ReceivedProperty>,
    /// There were at most so many events with any one property that is not shown.
    pub uncounted_properties: u64,
}

/// A property. One that is null counts as absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReceivedProperty {
    /// Its name.
    pub name: String,
    /// Events that had it.
    pub seen: Seen,
    /// In how many of the counted events it had a value of each kind, the most frequent first: `string`,
    /// `number`, `boolean`, `array`, `object`.
    pub kinds: Vec<(&'static str, u64)>,
    /// Different values that it had, in no order. None where the name sounds secret.
    pub examples: Vec<ReceivedExample>,
}

/// A value that a property had, in an event that is still kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedExample {
    /// As JSON; long texts are cut, and only the beginning of lists and objects is there.
    pub value: String,
    /// The event.
    pub offset: Offset,
}

/// How often something was seen, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// In how many events that were counted.
    pub events: u64,
    /// And in at most so many more: they came before it took the place of something less frequent. 0 as
    /// long as there is room for all.
    pub uncounted: u64,
    /// When the first of them was received, since it has a place; that may be longer ago than counts
    /// reach back.
    pub first: Timestamp,
    /// When the last was.
    pub last: Timestamp,
}
