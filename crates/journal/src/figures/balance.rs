//! What makes figures add up.

/// What is counted beside [`Counts`](crate::Counts), so that nothing is missing.
///
/// Of a lane, over all the time that it exists: `received + second + again` is `filtered +
/// delivered_first + delivered_retry + discarded + expired + dropped + superseded + lost + erased`, and what
/// is pending or waits in order now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// Second deliveries of events that have two.
    pub second: u64,
    /// Deliveries that had been counted as over, and go on: ended ones that are sent again, and erased
    /// ones whose last attempt was under way.
    pub again: u64,
    /// Events and deliveries that were forgotten because somebody said so.
    pub dropped: u64,
    /// Deliveries that were left out for the sake of newer ones.
    pub superseded: u64,
    /// Events and deliveries that were lost because they were held beyond the bounds.
    pub lost: u64,
    /// Events and deliveries of users that were erased before they were sent.
    pub erased: u64,
}

impl Balance {
    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        self.second += other.second;
        self.again += other.again;
        self.dropped += other.dropped;
        self.superseded += other.superseded;
        self.lost += other.lost;
        self.erased += other.erased;
    }

    /// Whether there is nothing to count.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
