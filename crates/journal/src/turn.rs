//! Deliveries that wait for an earlier one of their user.

use model::{Offset, Part, Timestamp};

/// A delivery in the order of its user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    /// What stands for the user: the `amplitude_id`.
    pub user: u64,
    /// The event.
    pub offset: Offset,
    /// Which delivery of it.
    pub part: Part,
}

/// A user's next delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnHead {
    /// The delivery.
    pub turn: Turn,
    /// How many of the user there are, with this one.
    pub count: u64,
    /// When a retry of it is due, where one is booked: then it comes with that.
    pub due_at: Option<Timestamp>,
}
