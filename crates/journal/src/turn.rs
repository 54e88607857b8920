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

/// The retry of a delivery that has its place in its user's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Booked {
    /// When it is due.
    pub due_at: Timestamp,
    /// How many attempts have been made; none of one that waits for a property of its user.
    pub attempts: u8,
}

/// A user's next delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnHead {
    /// The delivery.
    pub turn: Turn,
    /// How many of the user there are, with this one.
    pub count: u64,
    /// Of how many of them a retry is booked.
    pub booked_count: u64,
    /// The retry of it, where one is booked: then it comes when that is due.
    pub booked: Option<Booked>,
}
