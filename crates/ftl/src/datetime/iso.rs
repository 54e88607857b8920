//! ISO 8601 and XML Schema forms.

use jiff::tz::{Offset, TimeZone};

use super::pattern::pad;
use super::{DAY_MILLIS, days_since_epoch, fixed_offset, in_zone, timestamp};
use crate::value::{DateKind, DateTime};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accuracy {
    Hours,
    Minutes,
    Seconds,
    /// Milliseconds unless they are zero, without zeros at the end.
    Millis,
    /// Three digits always.
    MillisForced,
}

/// What an ISO form shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IsoFormat {
    pub(crate) accuracy: Accuracy,
    pub(crate) shows_zone: bool,
    /// Whether the zone is UTC, whatever the setting says.
    pub(crate) utc: bool,
    /// XML Schema: days have zones, and offsets have minutes.
    pub(crate) xs: bool,
}

impl IsoFormat {
    /// Reads `iso_m_nz`, `xs u ms` and the like; `None` if it is another kind of format.
    pub(crate) fn parse(format: &str) -> Result<Option<Self>, String> {
        let (rest, xs) = match (format.strip_prefix("iso"), format.strip_prefix("xs")) {
            (Some(rest), _) => (rest, false),
            (_, Some(rest)) => (rest, true),
            _ => return Ok(None),
        };
        if !rest.is_empty() && !rest.starts_with([' ', '_']) {
            return Ok(None);
        }
        let mut parsed = Self {
            accuracy: Accuracy::Millis,
            shows_zone: true,
            utc: false,
            xs,
        };
        for option in rest.split([' ', '_']).filter(|option| !option.is_empty()) {
            match option {
                "h" if !xs => parsed.accuracy = Accuracy::Hours,
                "m" if !xs => parsed.accuracy = Accuracy::Minutes,
                "s" => parsed.accuracy = Accuracy::Seconds,
                "ms" => parsed.accuracy = Accuracy::MillisForced,
                "nz" => parsed.shows_zone = false,
                "fz" => parsed.shows_zone = true,
                "u" => parsed.utc = true,
                other => return Err(format!("unknown option {other:?} in the format {format:?}")),
            }
        }
        Ok(Some(parsed))
    }

    pub(crate) fn write(
        &self,
        date: DateTime,
        zone: &TimeZone,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let moment = timestamp(date.millis)?;
        let offset = if self.utc {
            Offset::UTC
        } else {
            zone.to_offset(moment)
        };
        let local = date.millis + i64::from(offset.seconds()) * 1000;
        let civil = Offset::UTC.to_datetime(timestamp(local)?);
        if date.kind != DateKind::Time {
            pad(i64::from(civil.year()), 4, out);
            out.push(b'-');
            pad(i64::from(civil.month()), 2, out);
            out.push(b'-');
            pad(i64::from(civil.day()), 2, out);
        }
        if date.kind == DateKind::DateTime {
            out.push(b'T');
        }
        if date.kind != DateKind::Date {
            self.write_time(local.rem_euclid(DAY_MILLIS), out);
        }
        // A day has a zone only in XML Schema.
        if self.shows_zone && (self.xs || date.kind != DateKind::Date) {
            write_offset(offset.seconds(), out);
        }
        Ok(())
    }

    fn write_time(&self, of_day: i64, out: &mut Vec<u8>) {
        pad(of_day / 3_600_000, 2, out);
        if self.accuracy == Accuracy::Hours {
            return;
        }
        out.push(b':');
        pad(of_day / 60_000 % 60, 2, out);
        if self.accuracy == Accuracy::Minutes {
            return;
        }
        out.push(b':');
        pad(of_day / 1000 % 60, 2, out);
        let millis = of_day % 1000;
        match self.accuracy {
            Accuracy::MillisForced => {
                out.push(b'.');
                pad(millis, 3, out);
            }
            Accuracy::Millis if millis != 0 => {
                out.push(b'.');
                pad(millis, 3, out);
                while out.last() == Some(&b'0') {
                    out.pop();
                }
            }
            _ => {}
        }
    }
}

fn write_offset(seconds: i32, out: &mut Vec<u8>) {
    if seconds == 0 {
        out.push(b'Z');
        return;
    }
    out.push(if seconds < 0 { b'-' } else { b'+' });
    let minutes = i64::from(seconds.abs() / 60);
    pad(minutes / 60, 2, out);
    out.push(b':');
    pad(minutes % 60, 2, out);
}

/// Reads the extended form (`2022-02-28T20:07:01.795Z`) or the basic one (`20220228T200701Z`).
pub(super) fn read(text: &str, kind: DateKind, zone: &TimeZone) -> Option<i64> {
    let (date, time) = match kind {
        DateKind::Date => (text, None),
        DateKind::Time => ("1970-01-01", Some(text.strip_prefix('T').unwrap_or(text))),
        DateKind::DateTime => {
            let (date, time) = text.split_once('T')?;
            (date, Some(time))
        }
    };
    let (days, zone_of_date) = read_date(date)?;
    let (of_day, offset) = match time {
        Some(time) => read_time(time)?,
        None => (0, zone_of_date),
    };
    let local = days.checked_mul(DAY_MILLIS)?.checked_add(of_day)?;
    match offset {
        Some(offset) => Some(local - offset),
        None => in_zone(local, zone),
    }
}

fn read_date(text: &str) -> Option<(i64, Option<i64>)> {
    let (text, offset) = match text.strip_suffix('Z') {
        Some(text) => (text, Some(0)),
        None => (text, None),
    };
    let compact: String = text.chars().filter(|c| *c != '-').collect();
    let hyphens = text.len() - compact.len();
    if compact.len() != 8
        || !(hyphens == 0 || hyphens == 2)
        || !compact.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let (month, day): (i64, i64) = (compact[4..6].parse().ok()?, compact[6..].parse().ok()?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    Some((
        days_since_epoch(compact[..4].parse().ok()?, month, day),
        offset,
    ))
}

fn read_time(text: &str) -> Option<(i64, Option<i64>)> {
    let (clock, offset) = match text.find(['Z', '+', '-']) {
        Some(at) if &text[at..] == "Z" => (&text[..at], Some(0)),
        Some(at) => (
            &text[..at],
            Some(i64::from(fixed_offset(&text[at..])?.seconds()) * 1000),
        ),
        None => (text, None),
    };
    let (clock, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, ""));
    let compact: String = clock.chars().filter(|c| *c != ':').collect();
    if !matches!(compact.len(), 2 | 4 | 6)
        || !compact
            .bytes()
            .chain(fraction.bytes())
            .all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let field = |at: usize| {
        compact
            .get(at..at + 2)
            .map_or(Some(0), |digits| digits.parse::<i64>().ok())
    };
    let (hour, minute, second) = (field(0)?, field(2)?, field(4)?);
    if hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    let millis: i64 = format!("{fraction:0<3}")[..3].parse().ok()?;
    Some((
        hour * 3_600_000 + minute * 60_000 + second * 1000 + millis,
        offset,
    ))
}
