//! How retries and first attempts share a lane's requests while both wait.

/// By how much the one kind may be ahead of the other: what came of a long row is forgotten.
const MOST_AHEAD: i64 = 32;

/// Who goes next. First attempts go first when they come; then each kind gets half the requests, and
/// retries no more than half the places, however long they take.
#[derive(Debug, Default)]
pub(super) struct Share {
    /// Retries under way.
    retrying: usize,
    /// How many more requests went into retries than into first attempts, as long as both waited.
    ahead: i64,
}

impl Share {
    /// Which kind goes next, of those that wait: whether it is a retry, with so many places.
    pub(super) fn next(&mut self, (retries, firsts): (bool, bool), places: usize) -> bool {
        if !(retries && firsts) {
            self.ahead = 0;
            return retries;
        }
        self.ahead < 0 && self.retrying < (places / 2).max(1)
    }

    /// One begins; it makes a request at least.
    pub(super) fn begun(&mut self, is_retry: bool) {
        self.retrying += usize::from(is_retry);
        self.count(is_retry, 1);
    }

    /// One has ended, with so many requests.
    pub(super) fn ended(&mut self, is_retry: bool, requests: u8) {
        self.retrying = self.retrying.saturating_sub(usize::from(is_retry));
        self.count(is_retry, i64::from(requests) - 1);
    }

    fn count(&mut self, is_retry: bool, requests: i64) {
        let by = if is_retry { requests } else { -requests };
        self.ahead = (self.ahead + by).clamp(-MOST_AHEAD, MOST_AHEAD);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of so many requests go into retries, where an attempt of each kind takes so many.
    fn requests_of_retries(of_retry: u8, of_first: u8, requests: u32) -> u32 {
        let (mut share, mut all, mut retries) = (Share::default(), 0, 0);
        while all < requests {
            let is_retry = share.next((true, true), 1);
            let took = if is_retry { of_retry } else { of_first };
            share.begun(is_retry);
            share.ended(is_retry, took);
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
            let is_retry = share.next((true, true), 8);
            share.begun(is_retry);
            if !is_retry {
                share.ended(false, 1);
            }
        }
        assert_eq!(share.retrying, 4, "they take long");
        assert!(share.next((true, false), 8), "nobody else waits");
        assert!(!share.next((false, true), 8));
    }

    #[test]
    fn what_is_new_goes_first_where_only_retries_waited() {
        let mut share = Share::default();
        for _ in 0..50 {
            assert!(share.next((true, false), 8));
            share.begun(true);
            share.ended(true, 3);
        }
        assert!(!share.next((true, true), 8));
    }
}
