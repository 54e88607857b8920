//! Hours at which nobody is told.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};
use model::Timestamp;
use model::alert::QuietHours;

/// The time zone of this name in the database that is built in; `None` where there is none.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

/// When the quiet hours end that `now` lies in; `None`: it lies in none.
pub(super) fn until(hours: &QuietHours, now: Timestamp) -> Option<Timestamp> {
    let (from, until) = hours.minutes()?;
    let now = jiff::Timestamp::from_microsecond(now.0).ok()?;
    let now = now.to_zoned(zone(&hours.time_zone)?);
    let minute = u16::try_from(now.hour()).ok()? * 60 + u16::try_from(now.minute()).ok()?;
    let (within, tomorrow) = match from <= until {
        true => (from <= minute && minute < until, false),
        false => (minute >= from || minute < until, minute >= from),
    };
    if !within {
        return None;
    }
    let day = match tomorrow {
        true => now.date().checked_add(1.day()).ok()?,
        false => now.date(),
    };
    let time = Time::new(
        i8::try_from(until / 60).ok()?,
        i8::try_from(until % 60).ok()?,
        0,
        0,
    );
    // A time that the clocks skip that day is the one that they show then.
    let end: Zoned = day
        .to_datetime(time.ok()?)
        .to_zoned(now.time_zone().clone())
        .ok()?;
    Some(Timestamp(end.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    fn hours(from: &str, until: &str) -> QuietHours {
        QuietHours {
            from: from.into(),
            until: until.into(),
            time_zone: "Europe/Berlin".into(),
        }
    }

    #[test]
    fn a_night_reaches_into_the_next_day_and_keeps_to_the_clocks_of_its_place() {
        let night = hours("22:00", "07:00");
        for (now, end) in [
            ("2026-01-10T20:59:59Z", None),
            ("2026-01-10T21:00:00Z", Some("2026-01-11T06:00:00Z")),
            ("2026-01-11T05:59:59Z", Some("2026-01-11T06:00:00Z")),
            ("2026-01-11T06:00:00Z", None),
            // In the night of 28 March the clocks are put forward.
            ("2026-03-28T21:30:00Z", Some("2026-03-29T05:00:00Z")),
            ("2026-07-01T20:00:00Z", Some("2026-07-02T05:00:00Z")),
        ] {
            assert_eq!(until(&night, at(now)), end.map(at), "{now}");
        }
        let noon = hours("12:00", "13:30");
        assert_eq!(
            until(&noon, at("2026-01-10T11:15:00Z")),
            Some(at("2026-01-10T12:30:00Z"))
        );
        assert_eq!(until(&noon, at("2026-01-10T12:30:00Z")), None);
        // A time that is skipped: 02:30 doesn't come on 29 March.
        let odd = hours("01:00", "02:30");
        assert_eq!(
            until(&odd, at("2026-03-29T00:30:00Z")),
            Some(at("2026-03-29T01:30:00Z"))
        );
    }

    #[test]
    fn hours_from_and_until_the_same_time_are_none() {
        assert_eq!(
            until(&hours("07:00", "07:00"), at("2026-01-10T06:00:00Z")),
            None
        );
    }
}
