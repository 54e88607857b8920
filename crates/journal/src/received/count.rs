//! Counts by the day.

use model::Timestamp;
use serde::{Deserialize, Serialize};

/// A day since 1970 (UTC).
pub(crate) type Day = u32;

const MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// The day that a time lies in.
pub(crate) fn day_of(at: Timestamp) -> Day {
    u32::try_from(at.0.div_euclid(MICROS)).unwrap_or(0)
}

/// When a day begins.
pub(crate) fn start_of(day: Day) -> Timestamp {
    Timestamp(i64::from(day) * MICROS)
}

/// Counts by day, ascending; none that is 0.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Days(Vec<(Day, u64)>);

impl Days {
    pub(crate) fn add(&mut self, day: Day, count: u64) {
        // Mostly the last one.
        let place = self.0.iter().rposition(|(known, _)| *known <= day);
        match place {
            Some(place) if self.0[place].0 == day => self.0[place].1 += count,
            _ if count == 0 => {}
            place => self
                .0
                .insert(place.map_or(0, |place| place + 1), (day, count)),
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (day, count) in &other.0 {
            self.add(*day, *count);
        }
    }

    /// Takes counts away, as far as they are there.
    pub(crate) fn take(&mut self, other: &Self) {
        for (day, count) in &other.0 {
            if let Some((_, own)) = self.0.iter_mut().find(|(known, _)| known == day) {
                *own = own.saturating_sub(*count);
            }
        }
        self.0.retain(|(_, count)| *count > 0);
    }

    /// For each day the larger count of both.
    pub(crate) fn raise_to(&mut self, other: &Self) {
        for (day, count) in &other.0 {
            let own = self.0.iter().find(|(known, _)| known == day);
            let missing = count.saturating_sub(own.map_or(0, |(_, own)| *own));
            self.add(*day, missing);
        }
    }

    /// The sum from a day on.
    pub(crate) fn since(&self, day: Day) -> u64 {
        let counts = self.0.iter().filter(|(known, _)| *known >= day);
        counts.map(|(_, count)| count).sum()
    }

    pub(crate) fn total(&self) -> u64 {
        self.since(0)
    }

    pub(crate) fn first(&self) -> Option<Day> {
        self.0.first().map(|(day, _)| *day)
    }

    pub(crate) fn forget_before(&mut self, day: Day) {
        self.0.retain(|(known, _)| *known >= day);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(counts: &[(Day, u64)]) -> Days {
        let mut days = Days::default();
        counts
            .iter()
            .for_each(|(day, count)| days.add(*day, *count));
        days
    }

    #[test]
    fn days_are_added_and_taken_in_any_order() {
        let mut sum = days(&[(5, 1), (3, 2), (5, 1), (4, 0)]);
        assert_eq!(sum, Days(vec![(3, 2), (5, 2)]));
        sum.merge(&days(&[(4, 7), (5, 1)]));
        assert_eq!((sum.total(), sum.since(4), sum.first()), (12, 10, Some(3)));
        sum.take(&days(&[(3, 9), (4, 1), (8, 1)]));
        assert_eq!(sum, Days(vec![(4, 6), (5, 3)]));
        let mut most = days(&[(4, 1), (5, 9)]);
        most.raise_to(&sum);
        assert_eq!(most, Days(vec![(4, 6), (5, 9)]));
        most.forget_before(5);
        assert_eq!(most, Days(vec![(5, 9)]));
    }

    #[test]
    fn a_day_begins_at_midnight() {
        assert_eq!(day_of(start_of(20_000)), 20_000);
        assert_eq!(day_of(Timestamp(start_of(20_000).0 - 1)), 19_999);
        assert_eq!(day_of(Timestamp(-1)), 0);
    }
}
