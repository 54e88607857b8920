//! Dates read by a pattern, as leniently as `SimpleDateFormat` does it.

use super::Surroundings;
use super::fields::{Field, Fields};
use super::pattern::{Part, Pattern};
use super::print::{BUDDHIST_YEARS, weeks_of};
use super::zone::Zone;

/// Two digits are a year from 80 years before now on.
const CENTURY_BEFORE_NOW: i64 = 80;

pub(super) struct Reader<'t, 'p> {
    text: &'t str,
    pub(super) at: usize,
    pub(super) surroundings: &'p Surroundings<'p>,
    fields: Fields,
    /// What the text says of the zone, in milliseconds.
    pub(super) zone_offset: Option<i64>,
    pub(super) saving: Option<i64>,
    pub(super) zone: Option<Zone>,
    /// A year of two digits that may be the first or the last of the hundred.
    is_ambiguous_year: bool,
}

impl Pattern {
    /// Reads milliseconds since 1970; what follows the pattern's text is ignored. Leaves the zone that the text names in
    /// `named`, unless it is the one in effect.
    pub(super) fn read(
        &self,
        text: &str,
        surroundings: &Surroundings<'_>,
        named: &mut Option<Zone>,
    ) -> Option<i64> {
        let mut reader = Reader {
            text,
            at: 0,
            surroundings,
            fields: Fields::default(),
            zone_offset: None,
            saving: None,
            zone: None,
            is_ambiguous_year: false,
        };
        let is_read = reader.parts(self);
        let millis = is_read.map(|()| reader.millis());
        *named = reader
            .zone
            .filter(|zone| zone.id() != surroundings.zone.id());
        millis
    }
}

fn is_numeric(letter: char, width: usize) -> bool {
    match letter {
        'M' | 'L' => width <= 2,
        'G' | 'E' | 'a' | 'z' | 'Z' | 'X' => false,
        _ => true,
    }
}

impl Reader<'_, '_> {
    fn parts(&mut self, pattern: &Pattern) -> Option<()> {
        for (index, part) in pattern.parts.iter().enumerate() {
            match part {
                Part::Text(literal) => self.literal(literal)?,
                Part::Field { letter, width } => {
                    let abuts = match pattern.parts.get(index + 1) {
                        Some(Part::Field { letter, width }) => is_numeric(*letter, *width),
                        _ => false,
                    };
                    self.field(*letter, *width, abuts, pattern.is_lone_month)?;
                }
            }
        }
        Some(())
    }

    fn millis(&mut self) -> i64 {
        let millis = self.millis_of_fields();
        if self.is_ambiguous_year && millis < self.century_start() {
            self.fields.add_years(100);
            return self.millis_of_fields();
        }
        millis
    }

    fn millis_of_fields(&self) -> i64 {
        let local = self.fields.local_millis(weeks_of(self.surroundings.locale));
        let zone = self.zone.as_ref().unwrap_or(self.surroundings.zone);
        let standing = match (self.zone_offset, self.saving) {
            (Some(_), Some(_)) => None,
            _ => Some(zone.at_local(local)),
        };
        let (raw, saving) = standing.map_or((0, 0), |standing| {
            (standing.offset - standing.saving, standing.saving)
        });
        local
            .wrapping_sub(self.zone_offset.unwrap_or(raw))
            .wrapping_sub(self.saving.unwrap_or(saving))
    }

    /// The first moment of the hundred years that two digits may name.
    fn century_start(&self) -> i64 {
        let now_millis = self.surroundings.now();
        let now = super::calendar::Civil::of(now_millis);
        let mut fields = Fields::default();
        fields.set(Field::Year, (now.year - CENTURY_BEFORE_NOW) as i32);
        fields.set(Field::Month, now.month as i32);
        fields.set(Field::Day, now.day as i32);
        let midnight = fields.local_millis(weeks_of(self.surroundings.locale));
        midnight + now_millis.rem_euclid(super::calendar::DAY_MILLIS)
    }

    pub(super) fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn literal(&mut self, literal: &str) -> Option<()> {
        if !self.rest().starts_with(literal) {
            return None;
        }
        self.at += literal.len();
        Some(())
    }

    fn field(
        &mut self,
        letter: char,
        width: usize,
        abuts: bool,
        is_lone_month: bool,
    ) -> Option<()> {
        // The width counts from before the blanks.
        let start = self.at;
        let blanks = self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
        self.at += blanks;
        if self.rest().is_empty() {
            return None;
        }
        let limit = if abuts && is_numeric(letter, width) {
            Some(self.end_of_chars(start, width)?)
        } else {
            None
        };
        match letter {
            'G' => {
                let eras = &self.surroundings.locale.facts().eras;
                let index = self.name(&[&eras.short, &eras.long])?;
                self.fields.set(Field::Era, index);
            }
            'M' | 'L' if width > 2 => {
                let index = self.month(letter, is_lone_month)?;
                self.fields.set(Field::Month, index);
            }
            'E' => {
                // Unlike months: first the long names, and none of those that stand alone.
                let names = &self.surroundings.locale.facts().weekdays;
                let index = self
                    .name(&[&names.long])
                    .or_else(|| self.name(&[&names.short]))?;
                self.fields.set(Field::Weekday, index + 1);
            }
            'a' => {
                let index = self.name(&[&self.surroundings.locale.facts().halves_of_day])?;
                self.fields.set(Field::Half, index);
            }
            'z' | 'Z' => self.zone()?,
            'X' => self.iso_zone(width)?,
            'y' | 'Y' => self.year(letter, width, limit)?,
            _ => {
                let value = self.number(limit)?;
                self.set_number(letter, value);
            }
        }
        Some(())
    }

    /// `L` takes any name; `M` takes those in a date, or those that stand alone if it does so itself.
    fn month(&mut self, letter: char, is_lone_month: bool) -> Option<i32> {
        let names = &self.surroundings.locale.facts().months;
        if letter == 'L' {
            return self.name(&[
                &names.long,
                &names.short,
                &names.long_alone,
                &names.short_alone,
            ]);
        }
        let (long, short) = if is_lone_month {
            (&names.long_alone, &names.short_alone)
        } else {
            (&names.long, &names.short)
        };
        self.name(&[long]).or_else(|| self.name(&[short]))
    }

    /// Where the `width` characters from `start` on end, if there are as many.
    fn end_of_chars(&self, start: usize, width: usize) -> Option<usize> {
        let rest = &self.text[start..];
        let mut chars = rest.char_indices().skip(width);
        match chars.next() {
            Some((at, _)) => Some(start + at),
            None => (rest.chars().count() == width).then_some(self.text.len()),
        }
    }

    fn set_number(&mut self, letter: char, value: i32) {
        let (field, value) = match letter {
            'M' | 'L' => (Field::Month, value.wrapping_sub(1)),
            'd' => (Field::Day, value),
            'D' => (Field::DayOfYear, value),
            'F' => (Field::WeekdayInMonth, value),
            'w' => (Field::WeekOfYear, value),
            'W' => (Field::WeekOfMonth, value),
            // 7 is Sunday; what is no weekday is left as it is.
            'u' if (1..=7).contains(&value) => (Field::Weekday, value % 7 + 1),
            'u' => (Field::Weekday, value),
            'H' => (Field::Hour, value),
            'k' => (Field::Hour, if value == 24 { 0 } else { value }),
            'K' => (Field::Hour12, value),
            'h' => (Field::Hour12, if value == 12 { 0 } else { value }),
            'm' => (Field::Minute, value),
            's' => (Field::Second, value),
            _ => (Field::Millis, value),
        };
        self.fields.set(field, value);
    }

    fn year(&mut self, letter: char, width: usize, limit: Option<usize>) -> Option<()> {
        let start = self.at;
        let mut value = self.number(limit)?;
        let read = &self.text[start..self.at];
        let is_two_digits = read.chars().count() == 2 && read.chars().all(char::is_numeric);
        if width <= 2 && is_two_digits {
            let start_year = self.start_of_century();
            let first = start_year.rem_euclid(100);
            self.is_ambiguous_year |= value == first;
            value += start_year - first + if value < first { 100 } else { 0 };
        }
        let (field, eras) = match letter {
            // The calendar takes the years off twice.
            'Y' => (Field::WeekYear, 2),
            _ => (Field::Year, 1),
        };
        if self.surroundings.locale.facts().buddhist {
            value = value.wrapping_sub(eras * BUDDHIST_YEARS as i32);
        }
        self.fields.set(field, value);
        Some(())
    }

    fn start_of_century(&self) -> i32 {
        let now = super::calendar::Civil::of(self.surroundings.now());
        let year = now.year - CENTURY_BEFORE_NOW;
        if self.surroundings.locale.facts().buddhist {
            (year + BUDDHIST_YEARS) as i32
        } else {
            year as i32
        }
    }

    /// Reads a whole number in digits of any script; those that are too large are narrowed as Java narrows them.
    fn number(&mut self, limit: Option<usize>) -> Option<i32> {
        let symbols = &self.surroundings.locale.facts().symbols;
        let text = match limit {
            Some(limit) => self.text.get(self.at..limit)?,
            None => self.rest(),
        };
        let (negative, digits) = match text.strip_prefix(symbols.minus) {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let ascii = digits.bytes().take_while(u8::is_ascii_digit).count();
        let ends = digits.as_bytes().get(ascii).is_none_or(u8::is_ascii);
        if (1..=9).contains(&ascii) && ends {
            let magnitude: i32 = digits[..ascii].parse().ok()?;
            self.at += text.len() - digits.len() + ascii;
            return Some(if negative { -magnitude } else { magnitude });
        }
        let value = |c: char| {
            let own = (c as u32).wrapping_sub(symbols.zero as u32);
            if own < 10 {
                Some(own)
            } else {
                digit_of_any_script(c)
            }
        };
        let len: usize = digits
            .chars()
            .take_while(|c| value(*c).is_some())
            .map(char::len_utf8)
            .sum();
        if len == 0 {
            return None;
        }
        let mut whole: Option<i64> = Some(0);
        let mut float = 0.0;
        for digit in digits[..len].chars().filter_map(value) {
            whole = whole.and_then(|whole| whole.checked_mul(10)?.checked_add(i64::from(digit)));
            float = float * 10.0 + f64::from(digit);
        }
        self.at += text.len() - digits.len() + len;
        let sign = if negative { -1 } else { 1 };
        Some(match whole {
            Some(whole) => (whole * sign) as i32,
            None => (float * sign as f64) as i32,
        })
    }

    /// Reads the longest of the names, in any case.
    fn name(&mut self, lists: &[&[&str]]) -> Option<i32> {
        let (index, len) = lists
            .iter()
            .flat_map(|names| names.iter().enumerate())
            .filter_map(|(index, name)| Some((index, starts_with(self.rest(), name)?)))
            .filter(|(_, len)| *len > 0)
            .fold(None, |best: Option<(usize, usize)>, found| match best {
                Some(best) if best.1 >= found.1 => Some(best),
                _ => Some(found),
            })?;
        self.at += len;
        i32::try_from(index).ok()
    }
}

/// The length of `prefix` in `text`, if it starts with that in any case.
pub(super) fn starts_with(text: &str, prefix: &str) -> Option<usize> {
    if let Some(start) = text.get(..prefix.len())
        && start.eq_ignore_ascii_case(prefix)
    {
        return Some(prefix.len());
    }
    if prefix.is_ascii() {
        return None;
    }
    let mut len = 0;
    let mut chars = text.chars();
    for wanted in prefix.chars() {
        let found = chars.next()?;
        let same = found == wanted
            || found.to_uppercase().eq(wanted.to_uppercase())
            || found.to_lowercase().eq(wanted.to_lowercase());
        if !same {
            return None;
        }
        len += found.len_utf8();
    }
    Some(len)
}

/// The value of a decimal digit of the scripts that Unicode has in blocks of ten.
fn digit_of_any_script(c: char) -> Option<u32> {
    const ZEROS: [u32; 24] = [
        0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
        0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0xa9d0, 0xff10,
    ];
    ZEROS
        .iter()
        .map(|zero| (c as u32).wrapping_sub(*zero))
        .find(|digit| *digit < 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Locale;

    fn read_in(pattern: &str, text: &str, zone: &str, locale: &str) -> Option<i64> {
        Pattern::parse(pattern).expect("a pattern").read(
            text,
            &Surroundings {
                zone: &Zone::find(zone).expect("a zone"),
                locale: &Locale::parse(locale),
                clock: None,
            },
            &mut None,
        )
    }

    fn read(pattern: &str, text: &str) -> Option<i64> {
        read_in(pattern, text, "UTC", "en_US")
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
    fn names_are_read_in_any_case_and_length() {
        let expected = read("yyyy-MM-dd", "2022-03-28");
        assert_eq!(read_in("d MMM y", "28 MÄRZ 2022", "UTC", "de"), expected);
        assert_eq!(read_in("d MMMM y", "28 Mär 2022", "UTC", "de"), None);
        assert_eq!(read_in("d LLLL y", "28 Mär 2022", "UTC", "de"), expected);
        assert_eq!(read("MMMM d, y", "mar 28, 2022"), expected);
    }

    #[test]
    fn zones_are_read_by_name_and_offset() {
        let utc = read("yyyy-MM-dd HH:mm", "2022-07-01 12:00");
        for (letter, text) in [
            ("z", "2022-07-01 05:00 PDT"),
            ("z", "2022-07-01 14:00 GMT+02:00"),
            ("Z", "2022-07-01 14:00 +0200"),
            ("XXX", "2022-07-01 14:00 +02:00"),
            ("X", "2022-07-01 12:00 Z"),
            ("zzzz", "2022-07-01 14:00 Central European Summer Time"),
        ] {
            assert_eq!(
                read(&format!("yyyy-MM-dd HH:mm {letter}"), text),
                utc,
                "{text}"
            );
        }
    }
}
