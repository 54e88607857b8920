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

    /// The least counts of which from no day on there are fewer than in either. (The larger of each
    /// day's counts would be more than either has altogether.)
    pub(crate) fn raise_to(&mut self, other: &Self) {
        let (mut own, mut others) = (
            self.0.iter().rev().peekable(),
            other.0.iter().rev().peekable(),
        );
        let (mut own_sum, mut others_sum, mut most) = (0, 0, 0);
        let mut raised = Vec::with_capacity(self.0.len().max(other.0.len()));
        // From the newest day back.
        while let Some(day) = own
            .peek()
            .into_iter()
            .chain(others.peek())
            .map(|each| each.0)
            .max()
        {
            own_sum += own.next_if(|each| each.0 == day).map_or(0, |each| each.1);
            others_sum += others
                .next_if(|each| each.0 == day)
                .map_or(0, |each| each.1);
            let sum = u64::max(own_sum, others_sum);
            if sum > most {
                raised.push((day, sum - most));
                most = sum;
            }
        }
        raised.reverse();
        self.0 = raised;
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
        sum.forget_before(5);
        assert_eq!(sum, Days(vec![(5, 3)]));
    }

    #[test]
    fn raised_counts_are_no_fewer_from_any_day_on_and_no_more_than_needed() {
        for (one, other, both) in [
            (
                days(&[(4, 1), (5, 9)]),
                days(&[(4, 6), (5, 3)]),
                days(&[(4, 1), (5, 9)]),
            ),
            (
                days(&[(3, 5), (5, 1)]),
                days(&[(4, 2), (6, 2)]),
                days(&[(3, 2), (4, 2), (6, 2)]),
            ),
            (days(&[]), days(&[(2, 1)]), days(&[(2, 1)])),
        ] {
            for (mut raised, to) in [(one.clone(), &other), (other.clone(), &one)] {
                raised.raise_to(to);
                assert_eq!(raised, both);
            }
        }
    }

    #[test]
    fn a_day_begins_at_midnight() {
        assert_eq!(day_of(start_of(20_000)), 20_000);
        assert_eq!(day_of(Timestamp(start_of(20_000).0 - 1)), 19_999);
        assert_eq!(day_of(Timestamp(-1)), 0);
    }
}
