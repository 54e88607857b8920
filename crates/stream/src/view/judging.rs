//! How a lane does, and why, in words.

use std::time::Duration;

use model::Timestamp;

use super::{Health, State};

/// How many attempts in a row must fail before a lane counts as failing.
const FAILING_AFTER: u32 = 5;

/// How long after a failure a lane counts as degraded, unless so many deliveries were made since: with fewer,
/// a lane of which one attempt in a hundred fails would change from moment to moment.
pub(super) const DEGRADED_FOR: Duration = Duration::from_secs(60);
const CALM_AFTER: u32 = 1000;

/// From what age on events that wait need an explanation.
const LAGS_AFTER: Duration = Duration::from_secs(60);

/// Where the day, the minutes and the seconds of a time's text end: `2022-02-28 20:07:01.795`.
const DAY: usize = 11;
const MINUTES: usize = 16;
const SECONDS: usize = 19;

impl State {
    /// Notes how the lane does by now.
    pub(super) fn judge(&mut self, now: Timestamp) {
        let health = self.health(now);
        if self.lags(now) {
            self.lagged_at = Some(now);
        }
        if self.shown.health == health {
            return;
        }
        self.shown.health = health;
        // Calm may have come before somebody looked.
        let calm = self.trouble_at.map(|at| at + DEGRADED_FOR);
        let calm = calm.filter(|at| *at < now && self.delivered_since < CALM_AFTER);
        self.shown.since = match health {
            Health::Healthy => calm.max(self.lagged_at).or(Some(now)),
            _ => Some(now),
        };
    }

    fn health(&self, now: Timestamp) -> Health {
        match (&self.stalled, self.failures_in_row) {
            (Some(_), _) => Health::Stalled,
            _ if self.shown.shut_since.is_some() => Health::Failing,
            (None, FAILING_AFTER..) => Health::Failing,
            (None, 0) if self.is_calm(now) && !self.lags(now) => Health::Healthy,
            (None, _) => Health::Degraded,
        }
    }

    /// Whether nothing failed or was discarded lately. One success among failures doesn't make a lane
    /// healthy: it would be so, and not, from one moment to the next.
    fn is_calm(&self, now: Timestamp) -> bool {
        let calmed = |at| self.delivered_since > 0 && now.since(at) >= DEGRADED_FOR;
        self.delivered_since >= CALM_AFTER || self.trouble_at.is_none_or(calmed)
    }

    /// Whether events wait for longer than can be explained: by a limit of requests a minute, by a pause that
    /// the destination asked for, by what was held up before.
    fn lags(&self, now: Timestamp) -> bool {
        let lately = |at: Timestamp| now.since(at) < LAGS_AFTER;
        let is_explained = self.goes_through_old
            || self.pause_until.is_some()
            || self.paced_at.is_some_and(lately);
        let oldest = self.shown.oldest_undelivered;
        self.waiting() > 0 && !is_explained && oldest.is_some_and(|at| !lately(at))
    }

    /// How many events are neither sent nor settled.
    fn waiting(&self) -> u64 {
        self.shown.unread.saturating_add(self.shown.queued as u64)
    }

    /// Why the health is what was published last, at this time; in words.
    pub(super) fn reason(&self, now: Timestamp) -> Option<String> {
        let failed = || self.failure.as_ref().map(|failure| &failure.message);
        match self.shown.health {
            Health::Stalled => self.stalled.clone(),
            Health::Failing => match failed() {
                Some(failure) => Some(self.why_failing(failure)),
                None => Some(self.why_still_shut(self.shown.shut_since?)),
            },
            Health::Degraded => match &self.discarded {
                Some(why) if !self.is_calm(now) => Some(format!("discarded: {why}")),
                _ if self.failures_in_row > 0 => Some(self.with_pause(failed()?.clone())),
                _ => self.why_degraded(now),
            },
            Health::Healthy | Health::Paused | Health::Misconfigured => None,
        }
    }
}

impl State {
    /// Of a lane of which not all fails.
    fn why_degraded(&self, now: Timestamp) -> Option<String> {
        let lag = self.lags(now).then(|| self.lag()).flatten();
        // What failed longer ago is not why.
        let failed = match &self.failure {
            _ if self.is_calm(now) => None,
            Some(failure) => Some(self.some_fail(&failure.message)),
            None => Some(self.wait_again()),
        };
        match (failed, lag) {
            (Some(failed), Some(lag)) => Some(format!("{failed}; {lag}")),
            (failed, lag) => failed.or(lag),
        }
    }

    fn lag(&self) -> Option<String> {
        let oldest = &self.shown.oldest_undelivered?.to_string()[DAY..SECONDS];
        let wait = waits(self.waiting(), "event");
        Some(format!("{wait}, the oldest since {oldest} UTC"))
    }

    /// Of what failed before the server started.
    fn wait_again(&self) -> String {
        let tried = self.shown.pending.saturating_sub(self.shown.awaiting);
        let wait = format!("{} for another attempt", waits(tried, "delivery"));
        match self.next_retry {
            Some(at) => format!("{wait}, the next at {} UTC", &at.to_string()[DAY..SECONDS]),
            None => wait,
        }
    }

    fn some_fail(&self, failure: &str) -> String {
        match self.shown.last_failure {
            Some(at) => {
                let at = &at.to_string()[DAY..SECONDS];
                format!("some attempts fail, the last one at {at} UTC: {failure}")
            }
            None => failure.to_owned(),
        }
    }

    fn why_failing(&self, failure: &str) -> String {
        let failures = self.failures_in_row;
        let row = format!("{failures} attempts in a row failed, the last one: {failure}");
        let Some(since) = self.shown.shut_since else {
            let row = match self.shown.in_order {
                0 => row,
                count => format!(
                    "{row}; {} for earlier ones of their users",
                    waits(count, "delivery")
                ),
            };
            return self.with_pause(row);
        };
        let since = &since.to_string()[..MINUTES];
        let probe = self.next_probe();
        format!("on hold since {since} UTC: {row}; {probe}")
    }

    /// Of a destination that took nothing before the server was started.
    fn why_still_shut(&self, since: Timestamp) -> String {
        let since = &since.to_string()[..MINUTES];
        let probe = self.next_probe();
        format!(
            "on hold: the destination took nothing before the server started at {since} UTC; {probe}"
        )
    }

    fn next_probe(&self) -> String {
        match self.shown.next_probe {
            Some(at) => format!("the next try is at {} UTC", &at.to_string()[DAY..SECONDS]),
            None if self.probes_next => "the next try is made with the next event".to_owned(),
            None => "a try is under way".to_owned(),
        }
    }

    fn with_pause(&self, reason: String) -> String {
        match self.pause_until {
            Some(until) => {
                let until = &until.to_string()[DAY..SECONDS];
                format!("{reason}; the destination asked for a pause until {until} UTC")
            }
            None => reason,
        }
    }
}

/// So many wait.
fn waits(count: u64, what: &str) -> String {
    match (count, what) {
        (1, what) => format!("1 {what} waits"),
        (count, "delivery") => format!("{count} deliveries wait"),
        (count, what) => format!("{count} {what}s wait"),
    }
}
