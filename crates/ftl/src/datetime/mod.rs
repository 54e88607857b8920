//! Dates to text and back: Java's `SimpleDateFormat` patterns, its styles, and FreeMarker's ISO forms.

mod iso;
mod pattern;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

pub(crate) use iso::{Accuracy, IsoFormat};
use pattern::Pattern;

use crate::value::{DateKind, DateTime};

/// A compiled date, time or datetime format.
#[derive(Clone, Debug)]
pub(crate) enum DateFormat {
    Pattern(Pattern),
    Iso(IsoFormat, DateKind),
}

impl DateFormat {
    /// Compiles a pattern, the name of a style (`short`, `medium_long`), or an `iso…` or `xs…` form.
    pub(crate) fn parse(format: &str, kind: DateKind) -> Result<Self, String> {
        if let Some(iso) = IsoFormat::parse(format)? {
            return Ok(Self::Iso(iso, kind));
        }
        if format.starts_with('@') {
            return Err("custom date formats are Java classes, which aren't available".to_owned());
        }
        let pattern = match style_pattern(format, kind) {
            Some(pattern) => Pattern::parse(&pattern)?,
            None => Pattern::parse(format)?,
        };
        Ok(Self::Pattern(pattern))
    }

    /// Writes `date`. The error says why it can't be written.
    pub(crate) fn write(
        &self,
        date: DateTime,
        zone: &TimeZone,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        match self {
            Self::Pattern(pattern) => pattern.write(date.millis, zone, out),
            Self::Iso(format, _) => format.write(date, zone, out),
        }
    }

    /// Reads milliseconds since 1970; text after the end of the format is ignored, as Java does.
    pub(crate) fn read(&self, text: &str, zone: &TimeZone) -> Option<i64> {
        match self {
            Self::Pattern(pattern) => pattern.read(text, zone),
            Self::Iso(_, kind) => iso::read(text, *kind, zone),
        }
    }
}

/// The pattern of a style in American English; an empty format is `medium`.
fn style_pattern(format: &str, kind: DateKind) -> Option<String> {
    let (first, second) = match format {
        "" => ("medium", "medium"),
        _ => format.split_once('_').unwrap_or((format, format)),
    };
    let date = |style| match style {
        "short" => Some("M/d/yy"),
        "medium" => Some("MMM d, y"),
        "long" => Some("MMMM d, y"),
        "full" => Some("EEEE, MMMM d, y"),
        _ => None,
    };
    let time = |style| match style {
        "short" => Some("h:mm a"),
        "medium" => Some("h:mm:ss a"),
        "long" => Some("h:mm:ss a z"),
        "full" => Some("h:mm:ss a zzzz"),
        _ => None,
    };
    match kind {
        DateKind::Date => date(first).map(str::to_owned),
        DateKind::Time => time(first).map(str::to_owned),
        DateKind::DateTime => {
            let joint = if matches!(first, "long" | "full") {
                " 'at' "
            } else {
                ", "
            };
            Some(format!("{}{joint}{}", date(first)?, time(second)?))
        }
    }
}

/// Finds a zone by name, or by an offset such as `GMT+01:00` or `UTC-8`.
pub(crate) fn time_zone(name: &str) -> Option<TimeZone> {
    match name {
        "UTC" | "GMT" | "Z" | "Etc/UTC" => return Some(TimeZone::UTC),
        _ => {}
    }
    if let Some(offset) = name
        .strip_prefix("GMT")
        .or_else(|| name.strip_prefix("UTC"))
    {
        return fixed_offset(offset).map(TimeZone::fixed);
    }
    TimeZone::get(name).ok()
}

fn fixed_offset(text: &str) -> Option<Offset> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = &text[1..];
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if digits.len() > 2 => digits.split_at_checked(digits.len() - 2)?,
        None => (digits, "0"),
    };
    let hours: i32 = hours.parse().ok().filter(|hours| (0..24).contains(hours))?;
    let minutes: i32 = minutes
        .parse()
        .ok()
        .filter(|minutes| (0..60).contains(minutes))?;
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

fn timestamp(millis: i64) -> Result<Timestamp, String> {
    Timestamp::from_millisecond(millis).map_err(|_| "the date is beyond the year 9999".to_owned())
}

/// Days since 1970 of a day in the Gregorian calendar; months and days may lie outside their ranges and carry over.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    // March-based years, so that the leap day is the last.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468 + day - 1
}

const DAY_MILLIS: i64 = 86_400_000;

/// The moment at which clocks in `zone` show `local` (milliseconds as if in UTC).
fn in_zone(local: i64, zone: &TimeZone) -> Option<i64> {
    if *zone == TimeZone::UTC {
        return Some(local);
    }
    let civil = Offset::UTC.to_datetime(Timestamp::from_millisecond(local).ok()?);
    // Of two moments Java takes the one in standard time; of none, the one after the gap.
    zone.to_ambiguous_timestamp(civil)
        .later()
        .ok()
        .map(|moment| moment.as_millisecond())
}
