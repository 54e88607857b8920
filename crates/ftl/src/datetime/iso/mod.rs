//! ISO 8601 and XML Schema forms.

mod read;

use super::calendar::Civil;
use super::print::pad;
use super::zone::Zone;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IsoFormat {
    pub(crate) accuracy: Accuracy,
    pub(crate) shows_zone: bool,
    /// Whether the zone is UTC, whatever the setting says.
    pub(crate) utc: bool,
    /// XML Schema: days have zones, and there is no year 0.
    pub(crate) xs: bool,
}

impl IsoFormat {
    /// Reads `iso_m_nz`, `xs u ms` and the like; `None` if it is another kind of format. The errors are FreeMarker's.
    pub(crate) fn parse(format: &str) -> Result<Option<Self>, String> {
        let (start, xs) = if format.starts_with("iso") {
            (3, false)
        } else if format.starts_with("xs") {
            (2, true)
        } else {
            return Ok(None);
        };
        let mut options = Options {
            chars: format.chars().collect(),
            at: start,
            accuracy: None,
            shows_zone: None,
            utc: false,
        };
        options.read(xs)?;
        Ok(Some(Self {
            accuracy: options.accuracy.unwrap_or(Accuracy::Millis),
            shows_zone: options.shows_zone.unwrap_or(true),
            utc: options.utc,
            xs,
        }))
    }

    /// What errors call the form.
    pub(super) fn description(&self, kind: DateKind) -> &'static str {
        match (self.xs, kind) {
            (false, DateKind::Date) => "ISO 8601 (subset) date",
            (false, DateKind::Time) => "ISO 8601 (subset) time",
            (false, DateKind::DateTime) => "ISO 8601 (subset) date-time",
            (true, DateKind::Date) => "W3C XML Schema date",
            (true, DateKind::Time) => "W3C XML Schema time",
            (true, DateKind::DateTime) => "W3C XML Schema dateTime",
        }
    }

    pub(crate) fn write(&self, date: DateTime, zone: &Zone, out: &mut Vec<u8>) {
        let offset = if self.utc {
            0
        } else {
            zone.at(date.millis).offset
        };
        let civil = Civil::gregorian(date.millis, offset);
        if date.kind != DateKind::Time {
            self.write_year(civil.year, out);
            out.push(b'-');
            pad(civil.month + 1, 2, out);
            out.push(b'-');
            pad(civil.day, 2, out);
        }
        if date.kind == DateKind::DateTime {
            out.push(b'T');
        }
        if date.kind != DateKind::Date {
            self.write_time(&civil, out);
        }
        if self.shows_zone && (self.xs || date.kind != DateKind::Date) {
            write_offset(offset, out);
        }
    }

    /// Years before 1 are as they come: the year 0 is 1 BC, but -1 in XML Schema.
    fn write_year(&self, year: i64, out: &mut Vec<u8>) {
        if year > 0 || (year == 0 && !self.xs) {
            pad(year, 4, out);
        } else {
            crate::number::write_int(if self.xs { year - 1 } else { year }, out);
        }
    }

    fn write_time(&self, civil: &Civil, out: &mut Vec<u8>) {
        pad(civil.hour, 2, out);
        if self.accuracy == Accuracy::Hours {
            return;
        }
        out.push(b':');
        pad(civil.minute, 2, out);
        if self.accuracy == Accuracy::Minutes {
            return;
        }
        out.push(b':');
        pad(civil.second, 2, out);
        match self.accuracy {
            Accuracy::MillisForced => {
                out.push(b'.');
                pad(civil.millis, 3, out);
            }
            Accuracy::Millis if civil.millis != 0 => {
                out.push(b'.');
                pad(civil.millis, 3, out);
                while out.last() == Some(&b'0') {
                    out.pop();
                }
            }
            _ => {}
        }
    }

    /// Reads milliseconds since 1970. The errors are FreeMarker's.
    pub(super) fn read(&self, text: &str, kind: DateKind, zone: &Zone) -> Result<i64, String> {
        // What is written in UTC is read in it too, unless the text says otherwise.
        let utc = self.utc.then(Zone::utc);
        read::read(text, kind, utc.as_ref().unwrap_or(zone), self.xs)
    }
}

fn write_offset(offset: i64, out: &mut Vec<u8>) {
    if offset == 0 {
        out.push(b'Z');
        return;
    }
    out.push(if offset < 0 { b'-' } else { b'+' });
    let seconds = offset.abs() / 1000;
    pad(seconds / 3600, 2, out);
    out.push(b':');
    pad(seconds / 60 % 60, 2, out);
    if seconds % 60 != 0 {
        out.push(b':');
        pad(seconds % 60, 2, out);
    }
}

/// The options after `iso` or `xs`.
struct Options {
    chars: Vec<char>,
    at: usize,
    accuracy: Option<Accuracy>,
    shows_zone: Option<bool>,
    utc: bool,
}

impl Options {
    fn read(&mut self, xs: bool) -> Result<(), String> {
        let mut after_separator = false;
        while let Some(c) = self.chars.get(self.at).copied() {
            self.at += 1;
            if matches!(c, ' ' | '_') {
                after_separator = true;
                continue;
            }
            if !after_separator {
                return Err(format!(
                    "Missing space or \"_\" before \"{c}\" (at char pos. {}).",
                    self.at
                ));
            }
            after_separator = false;
            self.option(c, xs)?;
        }
        Ok(())
    }

    fn option(&mut self, c: char, xs: bool) -> Result<(), String> {
        match c {
            'h' | 'm' | 's' => {
                if self.accuracy.is_some() {
                    return Err(format!(
                        "Character \"{c}\" is unexpected as accuracy was already specified earlier (at char pos. {}).",
                        self.at
                    ));
                }
                let accuracy = match c {
                    'h' => Accuracy::Hours,
                    's' => Accuracy::Seconds,
                    _ if self.chars.get(self.at) == Some(&'s') => {
                        self.at += 1;
                        Accuracy::MillisForced
                    }
                    _ => Accuracy::Minutes,
                };
                if xs && matches!(accuracy, Accuracy::Hours | Accuracy::Minutes) {
                    return Err(
                        "Less than seconds accuracy isn't allowed by the XML Schema format"
                            .to_owned(),
                    );
                }
                self.accuracy = Some(accuracy);
            }
            // `fu` also holds for values that `u` leaves alone, which there are none of here.
            'f' if self.chars.get(self.at) == Some(&'u') => {
                self.at += 1;
                if self.utc {
                    return Err("The UTC usage option was already set earlier.".to_owned());
                }
                self.utc = true;
            }
            'f' | 'n' => {
                if self.shows_zone.is_some() {
                    return Err(format!(
                        "Character \"{c}\" is unexpected as zone offset visibility was already specified earlier. (at char pos. {}).",
                        self.at
                    ));
                }
                if self.chars.get(self.at) != Some(&'z') {
                    return Err(format!(
                        "\"{c}\" must be followed by \"z\" (at char pos. {}).",
                        self.at
                    ));
                }
                self.at += 1;
                self.shows_zone = Some(c == 'f');
            }
            'u' if self.utc => {
                return Err("The UTC usage option was already set earlier.".to_owned());
            }
            'u' => self.utc = true,
            _ => {
                return Err(format!(
                    "Unexpected character, \"{c}\". Expected the beginning of one of: h, m, s, ms, nz, fz, u (at char pos. {}).",
                    self.at
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: &str, millis: i64, kind: DateKind, zone: &str) -> String {
        let mut out = Vec::new();
        let zone = Zone::find(zone).expect("a zone");
        IsoFormat::parse(format)
            .expect("well-formed")
            .expect("an ISO form")
            .write(DateTime { millis, kind }, &zone, &mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn options_choose_what_is_shown() {
        for (format, millis, kind, expected) in [
            (
                "iso",
                120,
                DateKind::DateTime,
                "1970-01-01T05:30:00.12+05:30",
            ),
            (
                "iso_ms_nz",
                0,
                DateKind::DateTime,
                "1970-01-01T05:30:00.000",
            ),
            ("iso h u", 0, DateKind::DateTime, "1970-01-01T00Z"),
            ("iso", 0, DateKind::Date, "1970-01-01"),
            ("xs", 0, DateKind::Date, "1970-01-01+05:30"),
            ("iso_m", 0, DateKind::Time, "05:30+05:30"),
            ("iso", -62_198_755_200_000, DateKind::Date, "-1-01-01"),
            ("xs_nz", -62_198_755_200_000, DateKind::Date, "-2-01-01"),
        ] {
            assert_eq!(
                written(format, millis, kind, "Asia/Kolkata"),
                expected,
                "{format}"
            );
        }
        assert!(IsoFormat::parse("iso_m_m").is_err());
        assert!(IsoFormat::parse("i").is_ok_and(|format| format.is_none()));
    }
}
