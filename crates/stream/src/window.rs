//! How far a lane is: which events, from its cursor on, are settled.
//!
//! Events are settled in any order, but the cursor only moves past settled ones. A filtered event
//! is counted when the cursor passes it, so that a crash counts none twice.

use std::collections::VecDeque;

use journal::LanePosition;
use model::{Offset, Timestamp};

/// The events between the cursor and the place up to which the lane has read.
#[derive(Debug)]
pub(crate) struct Window {
    base: Offset,
    slots: VecDeque<Slot>,
    /// Offsets that were settled before the lane was opened, ascending; dropped as they are passed.
    settled_before: VecDeque<Offset>,
}

/// What the cursor moved past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Passed {
    /// How many events.
    pub(crate) events: u64,
    /// How many of them were not meant for the sync.
    pub(crate) filtered: u64,
    /// How many deliveries were left out for the sake of newer ones.
    pub(crate) superseded: u64,
    /// Of those, the second ones of events that have two.
    pub(crate) second: u64,
    /// How many events had been erased before they were read.
    pub(crate) erased: u64,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    received_at: Timestamp,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not meant for the sync: nothing is sent, nothing is recorded until the cursor passes it.
    Filtered,
    /// So many deliveries are left out; likewise.
    Superseded(u8),
    /// Erased before it was read; likewise.
    Erased,
    /// Of this many deliveries, some are under way.
    Open {
        /// How many there are.
        parts: u8,
        /// How many of them are under way.
        left: u8,
    },
    /// Delivered, ended or booked as a retry.
    Done,
}

impl Window {
    /// Goes on where the lane stopped.
    pub(crate) fn new(position: LanePosition) -> Self {
        Self {
            base: position.cursor,
            slots: VecDeque::new(),
            settled_before: position.ahead.into(),
        }
    }

    /// The next offset to read.
    pub(crate) fn next(&self) -> Offset {
        Offset(self.base.0 + self.slots.len() as u64)
    }

    /// Everything before this is settled.
    pub(crate) fn cursor(&self) -> Offset {
        self.base
    }

    /// How many events lie between the cursor and the next one to read.
    pub(crate) fn span(&self) -> usize {
        self.slots.len()
    }

    /// When the oldest event that is not settled was received, of those that have been read.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.slots
            .iter()
            .find(|slot| matches!(slot.state, State::Open { .. } | State::Done))
            .map(|slot| slot.received_at)
    }

    /// Whether the next event was settled before the lane was opened.
    pub(crate) fn settled_before(&mut self) -> bool {
        let next = self.next();
        while self
            .settled_before
            .front()
            .is_some_and(|&offset| offset < next)
        {
            self.settled_before.pop_front();
        }
        self.settled_before.front() == Some(&next)
    }

    /// Whether something was settled before the lane was opened that has not been passed: what lies
    /// before it may not be.
    pub(crate) fn has_gaps(&self) -> bool {
        let next = self.next();
        self.settled_before.back().is_some_and(|&last| last >= next)
    }

    /// The next event was not meant for the sync.
    pub(crate) fn push_filtered(&mut self, received_at: Timestamp) {
        self.slots.push_back(Slot {
            received_at,
            state: State::Filtered,
        });
    }

    /// The next event was erased.
    pub(crate) fn push_erased(&mut self, received_at: Timestamp) {
        self.slots.push_back(Slot {
            received_at,
            state: State::Erased,
        });
    }

    /// So many deliveries of the next event are left out for the sake of newer ones.
    pub(crate) fn push_superseded(&mut self, received_at: Timestamp, parts: u8) {
        self.slots.push_back(Slot {
            received_at,
            state: State::Superseded(parts),
        });
    }

    /// The next event causes this many deliveries.
    pub(crate) fn push_open(&mut self, received_at: Timestamp, parts: u8) {
        self.slots.push_back(Slot {
            received_at,
            state: State::Open { parts, left: parts },
        });
    }

    /// The next event needs nothing more.
    pub(crate) fn push_done(&mut self, received_at: Timestamp) {
        self.slots.push_back(Slot {
            received_at,
            state: State::Done,
        });
    }

    /// Retention removed everything before `to`: goes on there. Only when nothing is open.
    pub(crate) fn jump(&mut self, to: Offset) {
        debug_assert!(self.slots.is_empty() && to >= self.base);
        self.base = to;
    }

    /// One delivery of the event is over. Returns how many deliveries are settled with that: all
    /// of the event's when this was the last, none otherwise.
    pub(crate) fn part_done(&mut self, offset: Offset) -> u8 {
        let slot = offset
            .0
            .checked_sub(self.base.0)
            .and_then(|index| self.slots.get_mut(index as usize));
        let Some(slot) = slot else {
            return 0;
        };
        match slot.state {
            State::Open {
                parts,
                left: left @ 2..,
            } => {
                slot.state = State::Open {
                    parts,
                    left: left - 1,
                };
                0
            }
            State::Open { parts, .. } => {
                slot.state = State::Done;
                parts
            }
            State::Filtered | State::Superseded(_) | State::Erased | State::Done => 0,
        }
    }

    /// Moves the cursor over what is settled.
    pub(crate) fn advance(&mut self) -> Passed {
        let mut passed = Passed::default();
        while let Some(slot) = self.slots.front() {
            match slot.state {
                State::Filtered => passed.filtered += 1,
                State::Superseded(parts) => {
                    passed.superseded += u64::from(parts);
                    passed.second += u64::from(parts.saturating_sub(1));
                }
                State::Erased => passed.erased += 1,
                State::Done => {}
                State::Open { .. } => break,
            }
            self.slots.pop_front();
            self.base = self.base.next();
            passed.events += 1;
        }
        passed
    }

    /// The position to make durable.
    pub(crate) fn position(&self) -> LanePosition {
        let read = self.slots.iter().zip(self.base.0..);
        let mut ahead: Vec<Offset> = read
            .filter(|(slot, _)| slot.state == State::Done)
            .map(|(_, offset)| Offset(offset))
            .collect();
        let next = self.next();
        ahead.extend(self.settled_before.iter().filter(|&&offset| offset >= next));
        LanePosition {
            cursor: self.base,
            ahead,
            ..LanePosition::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp(1);

    fn window(cursor: u64, ahead: &[u64]) -> Window {
        let ahead = ahead.iter().map(|&offset| Offset(offset)).collect();
        Window::new(LanePosition {
            cursor: Offset(cursor),
            ahead,
            ..LanePosition::default()
        })
    }

    fn ahead(window: &Window) -> Vec<u64> {
        window
            .position()
            .ahead
            .iter()
            .map(|offset| offset.0)
            .collect()
    }

    #[test]
    fn the_cursor_only_passes_settled_events() {
        let mut window = window(10, &[]);
        window.push_open(T, 1);
        window.push_open(T, 1);
        window.push_filtered(T);
        window.push_open(T, 1);
        assert_eq!(window.next(), Offset(14));
        assert_eq!(window.part_done(Offset(11)), 1);
        assert_eq!(window.part_done(Offset(13)), 1);
        assert_eq!(window.advance(), Passed::default());
        assert_eq!(
            (window.cursor(), ahead(&window)),
            (Offset(10), vec![11, 13])
        );
        assert_eq!(window.part_done(Offset(10)), 1);
        let passed = Passed {
            events: 4,
            filtered: 1,
            ..Passed::default()
        };
        assert_eq!(window.advance(), passed);
        assert_eq!(
            (window.cursor(), ahead(&window), window.span()),
            (Offset(14), vec![], 0)
        );
    }

    #[test]
    fn an_event_with_two_deliveries_is_settled_by_the_second() {
        let mut window = window(0, &[]);
        window.push_open(T, 2);
        assert_eq!(window.part_done(Offset(0)), 0);
        window.advance();
        assert_eq!(window.cursor(), Offset(0));
        assert_eq!(window.part_done(Offset(0)), 2);
        window.advance();
        assert_eq!(window.cursor(), Offset(1));
        assert_eq!(
            window.part_done(Offset(0)),
            0,
            "an offset that was passed is nobody's"
        );
    }

    #[test]
    fn what_was_settled_before_a_restart_is_known_until_it_is_passed() {
        let mut window = window(5, &[6, 9]);
        assert!(!window.settled_before() && window.has_gaps());
        window.push_open(T, 1);
        assert!(window.settled_before());
        assert_eq!(
            ahead(&window),
            [6, 9],
            "a settlement before they are read again keeps them"
        );
        window.push_done(T);
        assert_eq!(ahead(&window), [6, 9]);
        window.part_done(Offset(5));
        window.advance();
        assert_eq!((window.cursor(), ahead(&window)), (Offset(7), vec![9]));
    }

    #[test]
    fn the_oldest_unsettled_event_is_the_first_that_was_not_filtered() {
        let mut window = window(0, &[]);
        window.push_filtered(Timestamp(1));
        assert_eq!(window.oldest(), None);
        window.push_open(Timestamp(2), 1);
        assert_eq!(window.oldest(), Some(Timestamp(2)));
    }
}
