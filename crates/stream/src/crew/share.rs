//! How retries and first attempts share a lane's places and requests.
//!
//! Retries, and first attempts of users whose first attempts failed last, may take long for their own
//! sake: each kind gets part of the places, and a quarter is kept for all others, also while none of
//! these wait: they would come to find no place for as long as nothing answers.

use model::Offset;

use super::{Done, Work};

/// By how much the one kind may be ahead of the other: what came of a long row is forgotten.
const MOST_AHEAD: i64 = 32;

/// What kind of attempt goes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A first one.
    First,
    /// A first one of a user whose first attempts failed last.
    Suspect,
    /// A later one.
    Retry,
}

impl Kind {
    pub(super) fn of(work: &Work) -> Self {
        Self::new(work.booked, work.suspect)
    }

    pub(super) fn of_done(done: &Done) -> Self {
        Self::new(done.booked, done.suspect)
    }

    fn new(booked: bool, suspect: bool) -> Self {
        match (booked, suspect) {
            (true, _) => Self::Retry,
            (false, true) => Self::Suspect,
            (false, false) => Self::First,
        }
    }
}

/// What waits: of first attempts the events that come next.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Waiting {
    pub(super) first: Option<Offset>,
    pub(super) suspect: Option<Offset>,
    pub(super) retries: bool,
}

/// Who goes next. First attempts go first when they come; then these and retries get half the requests
/// each, and retries no more than half the places, however long they take.
#[derive(Debug, Default)]
pub(super) struct Share {
    /// Retries under way.
    retrying: usize,
    /// First attempts of suspects under way.
    suspected: usize,
    /// How many more requests went into retries than into first attempts, as long as both waited.
    ahead: i64,
}

impl Share {
    /// Which kind goes next, of those that wait, with so many places; `None` where what waits has all
    /// the places that it may have.
    pub(super) fn next(&mut self, waiting: Waiting, places: usize) -> Option<Kind> {
        let has_place = self.places_for_slow(places) > 0;
        let may_retry = waiting.retries && has_place;
        let suspects_places = (places / 4).max(1);
        let suspect = waiting.suspect;
        let suspect = suspect.filter(|_| has_place && self.suspected < suspects_places);
        let first = match (waiting.first, suspect) {
            (Some(first), Some(suspect)) if suspect < first => Some(Kind::Suspect),
            (Some(_), _) => Some(Kind::First),
            (None, Some(_)) => Some(Kind::Suspect),
            (None, None) => None,
        };
        match first {
            Some(first) if may_retry => {
                let is_their_turn = self.ahead < 0 && self.retrying < (places / 2).max(1);
                Some(if is_their_turn { Kind::Retry } else { first })
            }
            first => {
                self.ahead = 0;
                first.or(may_retry.then_some(Kind::Retry))
            }
        }
    }

    /// How many more places retries and suspects may have together.
    pub(super) fn places_for_slow(&self, places: usize) -> usize {
        (places - places / 4).saturating_sub(self.retrying + self.suspected)
    }

    /// One begins; it makes a request at least.
    pub(super) fn begun(&mut self, kind: Kind) {
        match kind {
            Kind::First => {}
            Kind::Suspect => self.suspected += 1,
            Kind::Retry => self.retrying += 1,
        }
        self.count(kind, 1);
    }

    /// One has ended, with so many requests.
    pub(super) fn ended(&mut self, kind: Kind, requests: u8) {
        match kind {
            Kind::First => {}
            Kind::Suspect => self.suspected = self.suspected.saturating_sub(1),
            Kind::Retry => self.retrying = self.retrying.saturating_sub(1),
        }
        self.count(kind, i64::from(requests) - 1);
    }

    fn count(&mut self, kind: Kind, requests: i64) {
        let is_retry = kind == Kind::Retry;
        let by = if is_retry { requests } else { -requests };
        self.ahead = (self.ahead + by).clamp(-MOST_AHEAD, MOST_AHEAD);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Waiting = Waiting {
        first: Some(Offset(1)),
        suspect: None,
        retries: true,
    };
    const RETRIES: Waiting = Waiting {
        first: None,
        ..BOTH
    };

    /// How many of so many requests go into retries, where an attempt of each kind takes so many.
    fn requests_of_retries(of_retry: u8, of_first: u8, requests: u32) -> u32 {
        let (mut share, mut all, mut retries) = (Share::default(), 0, 0);
        while all < requests {
            let kind = share.next(BOTH, 1).unwrap();
            let is_retry = kind == Kind::Retry;
            let took = if is_retry { of_retry } else { of_first };
            share.begun(kind);
            share.ended(kind, took);
            all += u32::from(took);
            retries += if is_retry { u32::from(took) } else { 0 };
        }
        retries
    }

    #[test]
    fn each_gets_half_of_the_requests_however_many_an_attempt_takes() {
        for (of_retry, of_first) in [(1, 1), (3, 1), (1, 3), (2, 3)] {
            let retries = requests_of_retries(of_retry, of_first, 600);
            assert!((295..=305).contains(&retries), "{retries}");
        }
    }

    #[test]
    fn retries_take_no_more_than_half_the_places_while_others_wait() {
        let mut share = Share::default();
        for _ in 0..100 {
            let kind = share.next(BOTH, 8).unwrap();
            share.begun(kind);
            if kind == Kind::First {
                share.ended(kind, 1);
            }
        }
        assert_eq!(share.retrying, 4, "they take long");
        let firsts = Waiting {
            retries: false,
            ..BOTH
        };
        assert_eq!(
            share.next(RETRIES, 8),
            Some(Kind::Retry),
            "nobody else waits"
        );
        assert_eq!(share.next(firsts, 8), Some(Kind::First));
    }

    #[test]
    fn what_is_new_goes_first_where_only_retries_waited() {
        let mut share = Share::default();
        for _ in 0..50 {
            assert_eq!(share.next(RETRIES, 8), Some(Kind::Retry));
            share.begun(Kind::Retry);
            share.ended(Kind::Retry, 3);
        }
        assert_eq!(share.next(BOTH, 8), Some(Kind::First));
    }

    #[test]
    fn what_may_take_long_for_its_own_sake_leaves_a_quarter_of_the_places() {
        for (places, of_suspects, of_both) in
            [(64, 16, 48), (8, 2, 6), (4, 1, 3), (3, 1, 3), (1, 1, 1)]
        {
            let suspects = Waiting {
                first: None,
                suspect: Some(Offset(1)),
                retries: false,
            };
            let mut share = Share::default();
            while let Some(kind) = share.next(suspects, places) {
                share.begun(kind);
            }
            assert_eq!(share.suspected, of_suspects, "of {places}");
            while let Some(kind) = share.next(RETRIES, places) {
                share.begun(kind);
            }
            assert_eq!(share.suspected + share.retrying, of_both, "of {places}");
            assert_eq!(share.places_for_slow(places), 0);
            assert_eq!(share.next(BOTH, places), Some(Kind::First));
            share.ended(Kind::Suspect, 1);
            assert_eq!(share.next(suspects, places), Some(Kind::Suspect));
        }
    }

    #[test]
    fn first_attempts_go_in_the_order_of_their_events() {
        let mut share = Share::default();
        let waiting = |suspect| Waiting {
            first: Some(Offset(5)),
            suspect: Some(Offset(suspect)),
            retries: false,
        };
        assert_eq!(share.next(waiting(6), 8), Some(Kind::First));
        assert_eq!(share.next(waiting(4), 8), Some(Kind::Suspect));
    }
}
