//! Dates written by a pattern.

use super::calendar::{Civil, Weeks};
use super::pattern::{Part, Pattern};
use super::zone::{Standing, Zone};
use crate::locale::{Locale, zone_names};

/// Years between those of the Buddha and ours.
pub(super) const BUDDHIST_YEARS: i64 = 543;

struct Printer<'p, 'o> {
    locale: &'p Locale,
    zone: &'p Zone,
    civil: Civil,
    standing: Standing,
    weeks: Weeks,
    is_lone_month: bool,
    out: &'o mut Vec<u8>,
}

impl Pattern {
    /// Writes the moment `millis` as clocks and calendars in `zone` show it.
    pub(super) fn write(&self, millis: i64, zone: &Zone, locale: &Locale, out: &mut Vec<u8>) {
        let standing = zone.at(millis);
        let mut printer = Printer {
            locale,
            zone,
            civil: Civil::at(millis, standing.offset),
            standing,
            weeks: weeks_of(locale),
            is_lone_month: self.is_lone_month,
            out,
        };
        for part in &self.parts {
            match part {
                Part::Text(text) => printer.out.extend_from_slice(text.as_bytes()),
                Part::Field { letter, width } => printer.field(*letter, *width),
            }
        }
    }
}

pub(super) fn weeks_of(locale: &Locale) -> Weeks {
    Weeks {
        first_day: i64::from(locale.facts().first_day),
        min_days: i64::from(locale.facts().min_days),
    }
}

impl Printer<'_, '_> {
    fn field(&mut self, letter: char, width: usize) {
        let civil = self.civil;
        let half_day_hour = civil.hour % 12;
        match letter {
            'G' => self.era(width),
            'y' => self.year(self.shown_year(civil.year), width),
            'Y' => self.year(self.shown_week_year(), width),
            'M' | 'L' => self.month(letter, width),
            'E' => {
                let names = &self.locale.facts().weekdays;
                let names = if width >= 4 {
                    &names.long
                } else {
                    &names.short
                };
                self.name(names, civil.weekday - 1);
            }
            'a' => self.name(&self.locale.facts().halves_of_day, civil.hour / 12),
            'z' => self.zone_name(width),
            'Z' => self.offset("", true),
            'X' if self.standing.offset == 0 => self.out.push(b'Z'),
            'X' => self.offset(if width == 3 { ":" } else { "" }, width > 1),
            'd' => self.number(civil.day, width),
            'D' => self.number(civil.day_of_year, width),
            'F' => self.number(civil.weekday_in_month(), width),
            'w' => self.number(civil.week_of_year(self.weeks), width),
            'W' => self.number(civil.week_of_month(self.weeks), width),
            'u' => self.number((civil.weekday + 5) % 7 + 1, width),
            'H' => self.number(civil.hour, width),
            'k' if civil.hour == 0 => self.number(24, width),
            'k' => self.number(civil.hour, width),
            'K' => self.number(half_day_hour, width),
            'h' if half_day_hour == 0 => self.number(12, width),
            'h' => self.number(half_day_hour, width),
            'm' => self.number(civil.minute, width),
            's' => self.number(civil.second, width),
            'S' => self.number(civil.millis, width),
            _ => {}
        }
    }

    /// The year in its era. The Buddha's are added to years before Christ, too.
    fn shown_year(&self, year: i64) -> i64 {
        let year = if year > 0 { year } else { 1 - year };
        if self.locale.facts().buddhist {
            year + BUDDHIST_YEARS
        } else {
            year
        }
    }

    fn shown_week_year(&self) -> i64 {
        let year = self.civil.week_year(self.weeks);
        match (self.locale.facts().buddhist, year > 0) {
            (false, _) => year,
            (true, true) => year + BUDDHIST_YEARS,
            (true, false) => year - BUDDHIST_YEARS,
        }
    }

    fn era(&mut self, width: usize) {
        let eras = &self.locale.facts().eras;
        let names = if width >= 4 { &eras.long } else { &eras.short };
        self.name(names, i64::from(self.civil.year > 0));
    }

    fn year(&mut self, year: i64, width: usize) {
        if width == 2 {
            // The sign stays, even before zeros.
            if year < 0 {
                let minus = self.locale.facts().symbols.minus;
                self.out.extend_from_slice(minus.as_bytes());
            }
            self.number(year.abs() % 100, 2);
        } else {
            self.number(year, width);
        }
    }

    fn month(&mut self, letter: char, width: usize) {
        let names = &self.locale.facts().months;
        let alone = letter == 'L' || self.is_lone_month;
        match width {
            1 | 2 => self.number(self.civil.month + 1, width),
            3 if alone => self.name(&names.short_alone, self.civil.month),
            3 => self.name(&names.short, self.civil.month),
            _ if alone => self.name(&names.long_alone, self.civil.month),
            _ => self.name(&names.long, self.civil.month),
        }
    }

    fn name(&mut self, names: &[&str], index: i64) {
        let name = usize::try_from(index).ok().and_then(|at| names.get(at));
        self.out
            .extend_from_slice(name.copied().unwrap_or_default().as_bytes());
    }

    fn zone_name(&mut self, width: usize) {
        let is_saving = self.standing.saving != 0;
        let name = match zone_names(self.zone.id(), self.locale.name()) {
            Some(names) => match (width >= 4, is_saving) {
                (true, true) => names.long_daylight,
                (true, false) => names.long,
                (false, true) => names.short_daylight,
                (false, false) => names.short,
            },
            None => self.zone.id(),
        };
        self.out.extend_from_slice(name.as_bytes());
    }

    fn offset(&mut self, colon: &str, with_minutes: bool) {
        self.out
            .push(if self.standing.offset < 0 { b'-' } else { b'+' });
        let minutes = self.standing.offset.abs() / 60_000;
        pad(minutes / 60, 2, self.out);
        if with_minutes {
            self.out.extend_from_slice(colon.as_bytes());
            pad(minutes % 60, 2, self.out);
        }
    }

    /// A number in the locale's digits.
    fn number(&mut self, value: i64, width: usize) {
        let zero = self.locale.facts().symbols.zero;
        if zero == '0' && value >= 0 {
            return pad(value, width, self.out);
        }
        let mut digits = Vec::new();
        pad(value.abs(), width, &mut digits);
        if value < 0 {
            let minus = self.locale.facts().symbols.minus;
            self.out.extend_from_slice(minus.as_bytes());
        }
        for digit in digits {
            let code = zero as u32 + u32::from(digit - b'0');
            let mut buffer = [0; 4];
            let c = char::from_u32(code).unwrap_or(char::from(digit));
            self.out
                .extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
        }
    }
}

/// Writes a number with zeros before it.
pub(super) fn pad(value: i64, width: usize, out: &mut Vec<u8>) {
    if width == 2 && (0..100).contains(&value) {
        out.extend_from_slice(&[b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]);
        return;
    }
    if value < 0 {
        out.push(b'-');
    }
    let start = out.len();
    crate::number::write_int(value.saturating_abs(), out);
    let missing = width.saturating_sub(out.len() - start);
    if missing > 0 {
        out.splice(start..start, std::iter::repeat_n(b'0', missing));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pattern: &str, millis: i64, zone: &str, locale: &str) -> String {
        let mut out = Vec::new();
        let zone = Zone::find(zone).expect("a zone");
        Pattern::parse(pattern).expect("a pattern").write(
            millis,
            &zone,
            &Locale::parse(locale),
            &mut out,
        );
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn letters_print_as_javas() {
        for (pattern, zone, locale, expected) in [
            (
                "EEEE, d MMM yy h:mm a''XXX'' D w k z",
                "UTC",
                "en_US",
                "Monday, 28 Feb 22 8:07 PM'Z' 59 10 20 UTC",
            ),
            (
                "d MMM|z|zzzz",
                "Europe/Berlin",
                "de",
                "28 Feb.|MEZ|Mitteleuropäische Normalzeit",
            ),
            ("MMM", "UTC", "de", "Feb"),
            (
                "dd.MM.yyyy Z X XX XXX",
                "Asia/Kolkata",
                "ar_EG",
                "٠١.٠٣.٢٠٢٢ +0530 +05 +0530 +05:30",
            ),
            ("GGGG y", "UTC", "th_TH", "พุทธศักราช 2565"),
        ] {
            assert_eq!(
                written(pattern, 1_646_078_821_795, zone, locale),
                expected,
                "{pattern}"
            );
        }
    }

    #[test]
    fn years_before_christ_count_backwards() {
        assert_eq!(written("y G", -62_198_755_200_000, "UTC", "en_US"), "2 BC");
    }
}
