//! Time as an argument: a [`Timestamp`] in microseconds and the [`Clock`] it is read from.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Add, Sub};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The first second of the year 1 and the last of the year 9999: what the text form can show.
    const SHOWABLE: std::ops::RangeInclusive<i64> =
        -62_135_596_800_000_000..=253_402_300_799_999_999;

    /// From milliseconds since the epoch, `None` outside the years 1 to 9999.
    pub fn from_millis(millis: i64) -> Option<Self> {
        let micros = millis.checked_mul(1000)?;
        Self::SHOWABLE.contains(&micros).then_some(Self(micros))
    }

    /// Whole milliseconds since the epoch, rounded down.
    pub fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// How long after `earlier` this is; zero when it is before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Appends the form in which events carry times: UTC, `2022-02-28 20:07:01.795`.
    pub fn write(self, out: &mut Vec<u8>) {
        let millis = Self(self.0.clamp(*Self::SHOWABLE.start(), *Self::SHOWABLE.end())).millis();
        let (days, in_day) = (
            millis.div_euclid(86_400_000),
            millis.rem_euclid(86_400_000) as u32,
        );
        let (year, month, day) = civil_from_days(days);
        let mut text = *b"0000-00-00 00:00:00.000";
        put(&mut text[0..4], year);
        put(&mut text[5..7], month);
        put(&mut text[8..10], day);
        put(&mut text[11..13], in_day / 3_600_000);
        put(&mut text[14..16], in_day / 60_000 % 60);
        put(&mut text[17..19], in_day / 1000 % 60);
        put(&mut text[20..23], in_day % 1000);
        out.extend_from_slice(&text);
    }
}

/// Writes `value` as decimal digits, right-aligned over zeros.
fn put(digits: &mut [u8], mut value: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Year, month, day of a day counted from 1970-01-01 in the Gregorian calendar (years 1 to 9999),
/// by counting in 400-year eras that start on 1 March, so that a leap day is a year's last.
fn civil_from_days(days: i64) -> (u32, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as u32, month, day)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(23);
        self.write(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

/// A future that ends when the awaited time has come.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where time comes from. Everything that waits or stamps takes one, so that a test of four hours
/// takes milliseconds.
pub trait Clock: Send + Sync + 'static {
    /// The present.
    fn now(&self) -> Timestamp;

    /// Ends once `now() >= at`.
    fn sleep_until(&self, at: Timestamp) -> Sleep;

    /// Ends once `duration` has passed.
    fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.now() + duration)
    }
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    // The one place where the machine's clock is read.
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp(since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        Box::pin(tokio::time::sleep(at.since(self.now())))
    }
}

/// A clock that stands still until it is told to move. For tests and simulations.
#[derive(Debug, Default)]
pub struct ManualClock {
    state: Mutex<ManualState>,
}

#[derive(Debug, Default)]
struct ManualState {
    now: Timestamp,
    sleepers: BTreeMap<Timestamp, Vec<oneshot::Sender<()>>>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            state: Mutex::new(ManualState {
                now,
                sleepers: BTreeMap::new(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, ManualState> {
        // A sleeper that panicked has not left the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves on by `by` and wakes every sleeper whose time has come.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state();
        state.now = state.now + by;
        wake(&mut state);
    }

    /// Moves on to the first sleeper's time and wakes it; returns that time, or `None` when nobody
    /// sleeps.
    pub fn advance_to_next_sleeper(&self) -> Option<Timestamp> {
        let mut state = self.state();
        state.sleepers.retain(|_, waiting| {
            waiting.retain(|sleeper| !sleeper.is_closed());
            !waiting.is_empty()
        });
        let at = *state.sleepers.keys().next()?;
        state.now = state.now.max(at);
        wake(&mut state);
        Some(at)
    }
}

fn wake(state: &mut ManualState) {
    let later = state.sleepers.split_off(&Timestamp(state.now.0 + 1));
    for sleeper in std::mem::replace(&mut state.sleepers, later)
        .into_values()
        .flatten()
    {
        // A sleeper that has gone away needs no waking.
        let _ = sleeper.send(());
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        let mut state = self.state();
        if at <= state.now {
            return Box::pin(std::future::ready(()));
        }
        let (sender, receiver) = oneshot::channel();
        state.sleepers.entry(at).or_default().push(sender);
        Box::pin(async move {
            // The sender lives until it has been woken, unless the clock itself is gone: then
            // nobody will ever move it, and waiting for ever is right.
            if receiver.await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_reads_as_the_events_show_it() {
        for (millis, text) in [
            (1_646_078_821_795, "2022-02-28 20:07:01.795"),
            (0, "1970-01-01 00:00:00.000"),
            (-1, "1969-12-31 23:59:59.999"),
            (951_782_400_000, "2000-02-29 00:00:00.000"),
            (4_107_542_399_999, "2100-02-28 23:59:59.999"),
            (253_402_300_799_999, "9999-12-31 23:59:59.999"),
            (-62_135_596_800_000, "0001-01-01 00:00:00.000"),
        ] {
            assert_eq!(
                Timestamp::from_millis(millis)
                    .map(|t| t.to_string())
                    .as_deref(),
                Some(text)
            );
        }
        assert_eq!(Timestamp::from_millis(i64::MAX), None);
        assert_eq!(Timestamp::from_millis(253_402_300_800_000), None);
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_sleepers_in_their_order() {
        let clock = ManualClock::new(Timestamp(0));
        let mut late = clock.sleep(Duration::from_secs(4 * 3600));
        let early = clock.sleep(Duration::from_secs(1));
        assert_eq!(clock.advance_to_next_sleeper(), Some(Timestamp(1_000_000)));
        early.await;
        assert!(futures_poll(&mut late).is_none());
        clock.advance(Duration::from_secs(4 * 3600));
        late.await;
        assert_eq!(clock.advance_to_next_sleeper(), None);
    }

    fn futures_poll(sleep: &mut Sleep) -> Option<()> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match sleep.as_mut().poll(&mut context) {
            std::task::Poll::Ready(()) => Some(()),
            std::task::Poll::Pending => None,
        }
    }
}
