//! `SimpleDateFormat`.

use jiff::tz::{Offset, TimeZone};

use super::{DAY_MILLIS, days_since_epoch, fixed_offset, in_zone, timestamp};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// Longest pattern and widest field; `SimpleDateFormat` knows no limit, but a width is an allocation.
const MAX_WIDTH: usize = 200;
const MAX_PATTERN: usize = 1_000;

#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Field { letter: char, width: usize },
}

/// A moment in its parts.
struct Fields {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    millis: i64,
    /// 0 is Sunday.
    weekday: i64,
    day_of_year: i64,
    offset: i64,
    zone: String,
}

impl Pattern {
    pub(super) fn parse(pattern: &str) -> Result<Self, String> {
        if pattern.len() > MAX_PATTERN {
            return Err(format!(
                "the date pattern is longer than {MAX_PATTERN} bytes"
            ));
        }
        let mut parts: Vec<Part> = Vec::new();
        let mut text = String::new();
        let mut quoted = false;
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            if c == '\'' {
                if chars.next_if_eq(&'\'').is_some() {
                    text.push('\'');
                } else {
                    quoted = !quoted;
                }
            } else if quoted || !c.is_ascii_alphabetic() {
                text.push(c);
            } else {
                if !"GyMLdEuaHkKhmsSzZXDFwWY".contains(c) {
                    return Err(format!(
                        "Malformed date/time pattern {pattern:?}: Illegal pattern character '{c}'"
                    ));
                }
                let mut width = 1;
                while chars.next_if_eq(&c).is_some() {
                    width += 1;
                }
                if width > MAX_WIDTH || (c == 'X' && width > 3) {
                    return Err(format!(
                        "Malformed date/time pattern {pattern:?}: too many '{c}'"
                    ));
                }
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Field { letter: c, width });
            }
        }
        if quoted {
            return Err(format!(
                "Malformed date/time pattern {pattern:?}: Unterminated quote"
            ));
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Self { parts })
    }

    pub(super) fn write(
        &self,
        millis: i64,
        zone: &TimeZone,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let fields = Fields::of(millis, zone)?;
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Field { letter, width } => fields.write(*letter, *width, out)?,
            }
        }
        Ok(())
    }

    /// Reads leniently: fields out of range carry over.
    pub(super) fn read(&self, text: &str, zone: &TimeZone) -> Option<i64> {
        let mut reader = Reader {
            rest: text,
            read: Read::default(),
        };
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                Part::Text(literal) => reader.literal(literal)?,
                Part::Field { letter, width } => {
                    let abuts = matches!(self.parts.get(index + 1), Some(Part::Field { letter, width }) if is_numeric(*letter, *width));
                    reader.field(*letter, *width, abuts)?;
                }
            }
        }
        reader.read.millis(zone)
    }
}

fn is_numeric(letter: char, width: usize) -> bool {
    match letter {
        'M' | 'L' => width <= 2,
        'G' | 'E' | 'a' | 'z' | 'Z' | 'X' => false,
        _ => true,
    }
}

impl Fields {
    fn of(millis: i64, zone: &TimeZone) -> Result<Self, String> {
        let moment = timestamp(millis)?;
        let (offset, name) = if *zone == TimeZone::UTC {
            (0, "UTC".to_owned())
        } else {
            let info = zone.to_offset_info(moment);
            (
                i64::from(info.offset().seconds()),
                zone_name(zone, info.abbreviation()),
            )
        };
        let local = millis + offset * 1000;
        let days = local.div_euclid(DAY_MILLIS);
        let of_day = local.rem_euclid(DAY_MILLIS);
        let date = Offset::UTC
            .to_datetime(timestamp(days * DAY_MILLIS)?)
            .date();
        Ok(Self {
            year: i64::from(date.year()),
            month: i64::from(date.month()),
            day: i64::from(date.day()),
            hour: of_day / 3_600_000,
            minute: of_day / 60_000 % 60,
            second: of_day / 1000 % 60,
            millis: of_day % 1000,
            weekday: (days + 4).rem_euclid(7),
            day_of_year: i64::from(date.day_of_year()),
            offset,
            zone: name,
        })
    }

    fn write(&self, letter: char, width: usize, out: &mut Vec<u8>) -> Result<(), String> {
        match letter {
            'y' | 'Y' => {
                let year = if letter == 'Y' {
                    self.week_year()
                } else {
                    self.year
                };
                if width == 2 {
                    pad(year.rem_euclid(100), 2, out)
                } else {
                    pad(year, width, out)
                }
            }
            'M' | 'L' => match width {
                1 | 2 => pad(self.month, width, out),
                3 => out.extend_from_slice(&MONTHS[self.month as usize - 1].as_bytes()[..3]),
                _ => out.extend_from_slice(MONTHS[self.month as usize - 1].as_bytes()),
            },
            'd' => pad(self.day, width, out),
            'H' => pad(self.hour, width, out),
            'k' => pad(if self.hour == 0 { 24 } else { self.hour }, width, out),
            'K' => pad(self.hour % 12, width, out),
            'h' => pad(
                if self.hour % 12 == 0 {
                    12
                } else {
                    self.hour % 12
                },
                width,
                out,
            ),
            'm' => pad(self.minute, width, out),
            's' => pad(self.second, width, out),
            'S' => pad(self.millis, width, out),
            'a' => out.extend_from_slice(if self.hour < 12 { b"AM" } else { b"PM" }),
            'E' => {
                let name = WEEKDAYS[self.weekday as usize].as_bytes();
                out.extend_from_slice(if width >= 4 { name } else { &name[..3] });
            }
            'u' => pad(if self.weekday == 0 { 7 } else { self.weekday }, width, out),
            'D' => pad(self.day_of_year, width, out),
            'F' => pad((self.day - 1) / 7 + 1, width, out),
            'w' => pad(self.week_of_year(), width, out),
            'W' => {
                let first_weekday = (self.weekday - (self.day - 1)).rem_euclid(7);
                pad((self.day + first_weekday - 1) / 7 + 1, width, out);
            }
            'G' => out.extend_from_slice(if self.year > 0 { b"AD" } else { b"BC" }),
            'z' if width >= 4 && self.zone == "UTC" => {
                out.extend_from_slice(b"Coordinated Universal Time")
            }
            'z' if width >= 4 => {
                return Err(
                    "the full names of time zones aren't available: use z, Z or XXX".to_owned(),
                );
            }
            'z' => out.extend_from_slice(self.zone.as_bytes()),
            'Z' => self.write_offset("", true, out),
            'X' if self.offset == 0 => out.push(b'Z'),
            'X' => self.write_offset(if width == 3 { ":" } else { "" }, width > 1, out),
            _ => {}
        }
        Ok(())
    }

    /// American weeks: from Sunday, and the first one holds January 1st.
    fn week_of_year(&self) -> i64 {
        if self.week_year() > self.year {
            return 1;
        }
        let first_weekday = (self.weekday - (self.day_of_year - 1)).rem_euclid(7);
        (self.day_of_year + first_weekday - 1) / 7 + 1
    }

    fn week_year(&self) -> i64 {
        let days_left = days_since_epoch(self.year + 1, 1, 1)
            - days_since_epoch(self.year, self.month, self.day);
        if days_left <= 6 - self.weekday {
            self.year + 1
        } else {
            self.year
        }
    }

    fn write_offset(&self, colon: &str, with_minutes: bool, out: &mut Vec<u8>) {
        out.push(if self.offset < 0 { b'-' } else { b'+' });
        let minutes = self.offset.abs() / 60;
        pad(minutes / 60, 2, out);
        if with_minutes {
            out.extend_from_slice(colon.as_bytes());
            pad(minutes % 60, 2, out);
        }
    }
}

/// What Java calls the zone: zones by offset by their offset, others by their abbreviation.
fn zone_name(zone: &TimeZone, abbreviation: &str) -> String {
    if zone.iana_name().is_some() {
        return abbreviation.to_owned();
    }
    let offset = zone.to_fixed_offset().map_or(0, |offset| offset.seconds());
    let minutes = offset.abs() / 60;
    format!(
        "GMT{}{:02}:{:02}",
        if offset < 0 { '-' } else { '+' },
        minutes / 60,
        minutes % 60
    )
}

pub(super) fn pad(value: i64, width: usize, out: &mut Vec<u8>) {
    let mut digits = Vec::with_capacity(8);
    crate::number::write_int(value.abs(), &mut digits);
    if value < 0 {
        out.push(b'-');
    }
    out.extend(std::iter::repeat_n(
        b'0',
        width.saturating_sub(digits.len()),
    ));
    out.extend_from_slice(&digits);
}

/// What has been read, with Java's defaults: midnight on 1970-01-01.
struct Read {
    year: i64,
    month: i64,
    day: i64,
    day_of_year: Option<i64>,
    hour: i64,
    half_day_hour: Option<i64>,
    afternoon: bool,
    minute: i64,
    second: i64,
    millis: i64,
    offset: Option<i64>,
}

impl Default for Read {
    fn default() -> Self {
        Self {
            year: 1970,
            month: 1,
            day: 1,
            day_of_year: None,
            hour: 0,
            half_day_hour: None,
            afternoon: false,
            minute: 0,
            second: 0,
            millis: 0,
            offset: None,
        }
    }
}

impl Read {
    fn millis(&self, zone: &TimeZone) -> Option<i64> {
        let in_range = |value: i64| value.abs() < 1_000_000_000_000;
        let fields = [
            self.year,
            self.month,
            self.day,
            self.hour,
            self.minute,
            self.second,
        ];
        if !fields.into_iter().all(in_range) || self.millis.abs() > i64::MAX / 4 {
            return None;
        }
        let hour = match self.half_day_hour {
            Some(hour) => hour + if self.afternoon { 12 } else { 0 },
            None => self.hour,
        };
        let days = match self.day_of_year {
            Some(day) => days_since_epoch(self.year, 1, day),
            None => days_since_epoch(self.year, self.month, self.day),
        };
        let local = days
            .checked_mul(DAY_MILLIS)?
            .checked_add(hour.checked_mul(3_600_000)?)?
            .checked_add(self.minute.checked_mul(60_000)?)?
            .checked_add(self.second.checked_mul(1000)?)?
            .checked_add(self.millis)?;
        match self.offset {
            Some(offset) => Some(local - offset * 1000),
            None => in_zone(local, zone),
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
    read: Read,
}

impl Reader<'_> {
    fn literal(&mut self, literal: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(literal)?;
        Some(())
    }

    fn field(&mut self, letter: char, width: usize, abuts: bool) -> Option<()> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        match letter {
            'M' | 'L' if width > 2 => self.read.month = self.name(&MONTHS)? + 1,
            'E' => {
                self.name(&WEEKDAYS)?;
            }
            'a' => self.read.afternoon = self.name(&["AM", "PM"])? == 1,
            'G' => {
                if self.name(&["BC", "AD"])? == 0 {
                    self.read.year = 1 - self.read.year;
                }
            }
            'z' | 'Z' | 'X' => self.read.offset = Some(self.zone(letter)?),
            'y' | 'Y' => {
                let before = self.rest.len();
                let year = self.number(if abuts { Some(width) } else { None })?;
                // Two digits are a year within 80 years before and 20 after now; the clock isn't asked for that.
                let two_digits = width <= 2 && before - self.rest.len() == 2;
                self.read.year = if two_digits {
                    if year < 50 { 2000 + year } else { 1900 + year }
                } else {
                    year
                };
            }
            _ => {
                let value = self.number(if abuts { Some(width) } else { None })?;
                match letter {
                    'M' | 'L' => self.read.month = value,
                    'd' => self.read.day = value,
                    'D' => self.read.day_of_year = Some(value),
                    'H' => self.read.hour = value,
                    'k' => self.read.hour = if value == 24 { 0 } else { value },
                    'K' => self.read.half_day_hour = Some(value),
                    'h' => self.read.half_day_hour = Some(if value == 12 { 0 } else { value }),
                    'm' => self.read.minute = value,
                    's' => self.read.second = value,
                    'S' => self.read.millis = value,
                    _ => {}
                }
            }
        }
        Some(())
    }

    /// Reads digits, at most `width` of them if the next field follows at once.
    fn number(&mut self, width: Option<usize>) -> Option<i64> {
        let (negative, digits) = match self.rest.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, self.rest),
        };
        let len = digits
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count()
            .min(width.unwrap_or(usize::MAX));
        let value: i64 = digits[..len].parse().ok()?;
        self.rest = &digits[len..];
        Some(if negative { -value } else { value })
    }

    /// Reads a name in full or by its first three letters, in any case.
    fn name(&mut self, names: &[&str]) -> Option<i64> {
        let starts = |name: &str| {
            self.rest
                .get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        let (index, len) = names
            .iter()
            .enumerate()
            .find_map(|(index, name)| starts(name).then_some((index, name.len())))
            .or_else(|| {
                names.iter().enumerate().find_map(|(index, name)| {
                    (name.len() > 3 && starts(&name[..3])).then_some((index, 3))
                })
            })?;
        self.rest = &self.rest[len..];
        Some(index as i64)
    }

    fn zone(&mut self, letter: char) -> Option<i64> {
        if letter == 'X'
            && let Some(rest) = self.rest.strip_prefix('Z')
        {
            self.rest = rest;
            return Some(0);
        }
        let named = self
            .rest
            .bytes()
            .take_while(u8::is_ascii_alphabetic)
            .count();
        if named > 0 && !matches!(&self.rest[..named], "UTC" | "GMT") {
            return None;
        }
        let offset = &self.rest[named..];
        let len = offset
            .bytes()
            .take_while(|byte| matches!(byte, b'+' | b'-' | b':' | b'0'..=b'9'))
            .count();
        self.rest = &offset[len..];
        if len == 0 {
            return (named > 0).then_some(0);
        }
        fixed_offset(&offset[..len]).map(|offset| i64::from(offset.seconds()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pattern: &str, text: &str) -> Option<i64> {
        Pattern::parse(pattern)
            .expect("a pattern")
            .read(text, &TimeZone::UTC)
    }

    #[test]
    fn fractions_are_milliseconds_whatever_their_length() {
        assert_eq!(
            read("yyyy-MM-dd HH:mm:ss.S", "2022-02-28 20:07:01.795"),
            Some(1_646_078_821_795)
        );
        assert_eq!(
            read("yyyy-MM-dd HH:mm:ss.S", "2022-02-28 20:07:01.512000"),
            Some(1_646_078_821_000 + 512_000)
        );
    }

    #[test]
    fn fields_out_of_range_carry_over() {
        assert_eq!(
            read("yyyy-MM-dd", "2022-14-32"),
            read("yyyy-MM-dd", "2023-03-04")
        );
        assert_eq!(
            read("yyyyMMdd", "20220228"),
            read("yyyy-MM-dd", "2022-02-28")
        );
        assert_eq!(read("yyyy-MM-dd", "tomorrow"), None);
    }

    #[test]
    fn letters_print_as_javas() {
        let mut out = Vec::new();
        let pattern = "EEEE, d MMM yy h:mm a''XXX'' D w k z";
        Pattern::parse(pattern)
            .expect("a pattern")
            .write(1_646_078_821_795, &TimeZone::UTC, &mut out)
            .expect("in range");
        assert_eq!(
            String::from_utf8_lossy(&out),
            "Monday, 28 Feb 22 8:07 PM'Z' 59 10 20 UTC"
        );
    }
}
