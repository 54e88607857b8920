//! ISO 8601 and XML Schema texts read.

use crate::datetime::calendar::{DAY_MILLIS, gregorian_day};
use crate::datetime::zone::Zone;
use crate::value::DateKind;

const ISO_DATE: &str = "(-?[0-9]{4,})-([0-9]{2})-([0-9]{2})";
const ISO_BASIC_DATE: &str = "(-?[0-9]{4,}?)([0-9]{2})([0-9]{2})";
const ISO_TIME: &str = "([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:[\\.,]([0-9]+))?)?)?(Z|(?:[-+][0-9]{2}(?::[0-9]{2})?))?";
const ISO_BASIC_TIME: &str =
    "([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:[\\.,]([0-9]+))?)?)?(Z|(?:[-+][0-9]{2}(?:[0-9]{2})?))?";
const XS_DATE: &str = "(-?[0-9]+)-([0-9]{2})-([0-9]{2})";
const XS_TIME: &str = "([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\\.([0-9]+))?";
const XS_ZONE: &str = "(Z|(?:[-+][0-9]{2}:[0-9]{2}))?";

/// More digits than a year of Java's has.
const MAX_YEAR_DIGITS: usize = 9;

/// How a text may be spelled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// `2022-02-28T20:07:01.795+01:00`, from hours on to any accuracy.
    Extended,
    /// `20220228T200701Z`
    Basic,
    /// All of it, down to the seconds.
    XmlSchema,
}

/// The parts of a text; what isn't there is zero.
#[derive(Default)]
struct Parts {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    millis: i64,
    zone: Option<ZonePart>,
}

#[derive(Clone, Copy)]
struct ZonePart {
    sign: i64,
    hours: i64,
    minutes: i64,
}

pub(super) fn read(text: &str, kind: DateKind, zone: &Zone, xs: bool) -> Result<i64, String> {
    let spellings: &[Spelling] = if xs {
        &[Spelling::XmlSchema]
    } else {
        &[Spelling::Extended, Spelling::Basic]
    };
    let parts = spellings
        .iter()
        .find_map(|spelling| Scanner { rest: text }.whole(kind, *spelling))
        .ok_or_else(|| mismatch(text, kind, xs))?;
    parts.millis(kind, zone, xs)
}

fn mismatch(text: &str, kind: DateKind, xs: bool) -> String {
    let pattern = match (kind, xs) {
        (DateKind::Date, true) => format!("{XS_DATE}{XS_ZONE}"),
        (DateKind::Time, true) => format!("{XS_TIME}{XS_ZONE}"),
        (DateKind::DateTime, true) => format!("{XS_DATE}T{XS_TIME}{XS_ZONE}"),
        (DateKind::Date, false) => format!("{ISO_DATE} or {ISO_BASIC_DATE}"),
        (DateKind::Time, false) => format!("{ISO_TIME} or {ISO_BASIC_TIME}"),
        (DateKind::DateTime, false) => {
            return format!(
                "The value ({text}) didn't match the expected pattern: \
                 {ISO_DATE}T{ISO_TIME} or {ISO_BASIC_DATE}T{ISO_BASIC_TIME}"
            );
        }
    };
    format!("The value didn't match the expected pattern: {pattern}")
}

struct Scanner<'t> {
    rest: &'t str,
}

impl Scanner<'_> {
    fn whole(mut self, kind: DateKind, spelling: Spelling) -> Option<Parts> {
        let mut parts = Parts::default();
        if kind != DateKind::Time {
            self.date(spelling, &mut parts)?;
        }
        if kind == DateKind::DateTime {
            self.take('T')?;
        }
        if kind != DateKind::Date {
            self.time(spelling, &mut parts)?;
        }
        if kind != DateKind::Date || spelling == Spelling::XmlSchema {
            parts.zone = self.zone(spelling)?;
        }
        self.rest.is_empty().then_some(parts)
    }

    fn date(&mut self, spelling: Spelling, parts: &mut Parts) -> Option<()> {
        let negative = self.take('-').is_some();
        let digits = self.digits();
        let digits = &self.rest[..digits];
        let (year, min) = match spelling {
            Spelling::Basic => (digits.get(..digits.len().checked_sub(4)?)?, 4),
            Spelling::Extended => (digits, 4),
            Spelling::XmlSchema => (digits, 1),
        };
        if year.len() < min || year.trim_start_matches('0').len() > MAX_YEAR_DIGITS {
            return None;
        }
        self.rest = &self.rest[year.len()..];
        parts.year = year.parse().ok()?;
        if negative {
            parts.year = -parts.year;
        }
        let hyphen = spelling != Spelling::Basic;
        if hyphen {
            self.take('-')?;
        }
        parts.month = self.two_digits()?;
        if hyphen {
            self.take('-')?;
        }
        parts.day = self.two_digits()?;
        Some(())
    }

    fn time(&mut self, spelling: Spelling, parts: &mut Parts) -> Option<()> {
        let complete = spelling == Spelling::XmlSchema;
        parts.hour = self.two_digits()?;
        let Some(minute) = self.next_two(spelling) else {
            return (!complete).then_some(());
        };
        parts.minute = minute;
        let Some(second) = self.next_two(spelling) else {
            return (!complete).then_some(());
        };
        parts.second = second;
        let mark = self.rest.chars().next();
        if mark == Some('.') || (mark == Some(',') && !complete) {
            self.rest = &self.rest[1..];
            let len = self.digits();
            if len == 0 {
                return None;
            }
            let fraction = &self.rest.as_bytes()[..len];
            parts.millis = (0..3).fold(0, |sum, at| {
                sum * 10 + fraction.get(at).map_or(0, |digit| i64::from(digit - b'0'))
            });
            self.rest = &self.rest[len..];
        }
        Some(())
    }

    /// A colon, unless the spelling has none, and two digits.
    fn next_two(&mut self, spelling: Spelling) -> Option<i64> {
        let before = self.rest;
        if spelling != Spelling::Basic && self.take(':').is_none() {
            return None;
        }
        let found = self.two_digits();
        if found.is_none() {
            self.rest = before;
        }
        found
    }

    fn zone(&mut self, spelling: Spelling) -> Option<Option<ZonePart>> {
        let sign = match self.rest.chars().next() {
            None => return Some(None),
            Some('Z') => 0,
            Some('+') => 1,
            Some('-') => -1,
            Some(_) => return None,
        };
        self.rest = &self.rest[1..];
        if sign == 0 {
            return Some(Some(ZonePart {
                sign: 1,
                hours: 0,
                minutes: 0,
            }));
        }
        let hours = self.two_digits()?;
        let minutes = match self.next_two(spelling) {
            Some(minutes) => minutes,
            None if spelling == Spelling::XmlSchema => return None,
            None => 0,
        };
        Some(Some(ZonePart {
            sign,
            hours,
            minutes,
        }))
    }

    fn take(&mut self, c: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(c)?;
        Some(())
    }

    fn digits(&self) -> usize {
        self.rest.bytes().take_while(u8::is_ascii_digit).count()
    }

    fn two_digits(&mut self) -> Option<i64> {
        let bytes = self.rest.as_bytes();
        let digit = |at: usize| bytes.get(at).filter(|byte| byte.is_ascii_digit());
        let (tens, ones) = (digit(0)?, digit(1)?);
        self.rest = &self.rest[2..];
        Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
    }
}

impl Parts {
    fn millis(mut self, kind: DateKind, zone: &Zone, xs: bool) -> Result<i64, String> {
        if kind == DateKind::Time {
            (self.year, self.month, self.day) = (1970, 1, 1);
        } else {
            self.check_date(xs)?;
        }
        if kind != DateKind::Date {
            self.check_time()?;
        }
        let offset = self.checked_offset()?;
        let first = gregorian_day(self.year, self.month - 1);
        let month_length = gregorian_day(self.year, self.month) - first;
        let day = first + self.day - 1;
        let of_day = ((self.hour * 60 + self.minute) * 60 + self.second) * 1000 + self.millis;
        let no_such_date = || {
            match kind {
                DateKind::Time => "Unexpected time calculation faliure.",
                DateKind::Date => {
                    "Date calculation faliure. Probably the date is formally correct, but refers to an unexistent \
                     date (like February 30)."
                }
                DateKind::DateTime => {
                    "Date-time calculation faliure. Probably the date-time is formally correct, but refers to an \
                     unexistent date-time (like February 30)."
                }
            }
            .to_owned()
        };
        let has_no_second = kind != DateKind::Date && self.second == 60;
        if has_no_second || (kind != DateKind::Time && self.day > month_length) {
            return Err(no_such_date());
        }
        let local = day
            .checked_mul(DAY_MILLIS)
            .and_then(|millis| millis.checked_add(of_day))
            .ok_or_else(no_such_date)?;
        match offset {
            Some(offset) => Ok(local.saturating_sub(offset)),
            None if zone.skips(local) => Err(no_such_date()),
            None => Ok(local.saturating_sub(zone.at_local(local).offset)),
        }
    }

    fn check_date(&mut self, xs: bool) -> Result<(), String> {
        if xs && self.year == 0 {
            return Err(
                "Year 0 is not allowed in XML schema dates. BC 1 is -1, AD 1 is 1.".to_owned(),
            );
        }
        if xs && self.year < 0 {
            self.year += 1;
        }
        in_range(self.month, "month", 1, 12)?;
        in_range(self.day, "day-of-month", 1, 31)
    }

    fn check_time(&self) -> Result<(), String> {
        in_range(self.hour, "hour-of-day", 0, 24)?;
        in_range(self.minute, "minute", 0, 59)?;
        in_range(self.second, "second", 0, 60)?;
        if self.hour == 24 && (self.minute, self.second, self.millis) != (0, 0, 0) {
            return Err("Hour 24 is only allowed in the case of midnight.".to_owned());
        }
        Ok(())
    }

    fn checked_offset(&self) -> Result<Option<i64>, String> {
        let Some(zone) = self.zone else {
            return Ok(None);
        };
        in_range(zone.hours, "offset-hours", 0, 23)?;
        in_range(zone.minutes, "offset-minutes", 0, 59)?;
        Ok(Some(zone.sign * (zone.hours * 60 + zone.minutes) * 60_000))
    }
}

fn in_range(value: i64, name: &str, min: i64, max: i64) -> Result<(), String> {
    if value < min {
        return Err(format!("The {name} part must be at least {min}."));
    }
    if value > max {
        return Err(format!("The {name} part can't be more than {max}."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str, xs: bool) -> Result<i64, String> {
        read(text, DateKind::DateTime, &Zone::utc(), xs)
    }

    #[test]
    fn both_spellings_are_read() {
        for text in [
            "2022-02-28T20:07:01.795Z",
            "20220228T200701,7951Z",
            "2022-02-28T21:07:01.795+01",
            "20220228T210701.795+0100",
        ] {
            assert_eq!(moment(text, false), Ok(1_646_078_821_795), "{text}");
        }
        assert!(moment("2022-02-28T20Z", true).is_err());
        assert!(moment("20220228T20:07Z", false).is_err());
    }

    #[test]
    fn what_is_no_date_is_told() {
        for (text, message) in [
            ("2020-13-01T12:00", "The month part can't be more than 12."),
            (
                "2020-01-01T24:01",
                "Hour 24 is only allowed in the case of midnight.",
            ),
        ] {
            assert_eq!(moment(text, false).expect_err(text), message);
        }
        let leap = read("2021-02-29", DateKind::Date, &Zone::utc(), false);
        assert!(
            leap.expect_err("no such day")
                .starts_with("Date calculation")
        );
    }
}
