//! Dates to text and back: Java's `SimpleDateFormat` patterns, its styles, and FreeMarker's ISO forms.
//!
//! What differs from Java 17, as far as is known:
//! - Time zones follow the database that comes with `jiff`, which may be newer than the JDK's.
//! - The names of zones are known in twenty languages; elsewhere they are those of no locale.
//! - Of several zones with the name that is read it is the one that Java finds first in locales that it knows; in others
//!   Java has another order.
//! - Of formats whose texts name zones, no more than the last 64 go on in them.
//! - Week years (`Y`) wrap around in another way beyond the range of 32-bit days, aren't read as Java does in the
//!   Buddhist calendar, and some before Christ are off by one.

mod calendar;
mod fields;
mod iso;
mod pattern;
mod print;
mod read;
mod read_zone;
mod styles;
mod zone;

pub(crate) use iso::{Accuracy, IsoFormat};
use pattern::Pattern;
pub(crate) use styles::StylePatterns;
use styles::Styles;
pub(crate) use zone::Zone;

use crate::locale::Locale;
use crate::value::{DateKind, DateTime};
use crate::version::Version;

/// A compiled date, time or datetime format.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum DateFormat {
    Pattern(Pattern, String),
    /// A locale's pattern.
    Style(Styles, DateKind),
    Iso(IsoFormat, DateKind),
}

/// What the text of a date depends on beside its format.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'e> {
    pub(crate) zone: &'e Zone,
    pub(crate) locale: &'e Locale,
    pub(crate) clock: Option<&'e Clock>,
}

/// Tells milliseconds since 1970.
pub(crate) type Clock = dyn Fn() -> i64 + Send + Sync;

impl Surroundings<'_> {
    /// Years of two digits are near this moment: without a clock, in 2030.
    fn now(&self) -> i64 {
        const WITHOUT_CLOCK: i64 = 1_893_456_000_000;
        self.clock.map_or(WITHOUT_CLOCK, |clock| clock())
    }
}

/// Why a text isn't a date.
pub(crate) struct Unreadable {
    /// What was expected, in FreeMarker's words.
    pub(crate) format: String,
    pub(crate) reason: String,
}

impl DateFormat {
    /// Compiles a pattern, the name of a style (`short`, `medium_long`), or an `iso…` or `xs…` form.
    pub(crate) fn parse(format: &str, kind: DateKind, version: Version) -> Result<Self, String> {
        if let Some(iso) = IsoFormat::parse(format)? {
            return Ok(Self::Iso(iso, kind));
        }
        if let Some(custom) = format.strip_prefix('@')
            && version.has(24)
            && custom.starts_with(char::is_alphabetic)
        {
            let name = custom.split([' ', '_']).next().unwrap_or_default();
            return Err(format!(
                "No custom date format was defined with name {name:?}"
            ));
        }
        match Styles::parse(format, kind) {
            Some(styles) => Ok(Self::Style(styles, kind)),
            None => Pattern::parse(format).map(|pattern| Self::Pattern(pattern, format.to_owned())),
        }
    }

    /// Writes `date`.
    pub(crate) fn write(&self, date: DateTime, surroundings: &Surroundings<'_>, out: &mut Vec<u8>) {
        let Surroundings { zone, locale, .. } = surroundings;
        match self {
            Self::Pattern(pattern, _) => pattern.write(date.millis, zone, locale, out),
            Self::Style(styles, kind) => {
                if let Some(source) = locale.styles().get(*kind, *styles) {
                    source.pattern.write(date.millis, zone, locale, out);
                }
            }
            Self::Iso(format, _) => format.write(date, zone, out),
        }
    }

    /// Reads milliseconds since 1970; text after the end of a pattern is ignored, as Java does. A zone that the text has
    /// named is left in `named`, even if the text can't be read, unless it is the one in effect.
    pub(crate) fn read(
        &self,
        text: &str,
        surroundings: &Surroundings<'_>,
        named: &mut Option<Zone>,
    ) -> Result<i64, Unreadable> {
        let mut by_pattern = |pattern: &Pattern, source: &str| {
            let read = pattern.read(text, surroundings, named);
            read.ok_or_else(|| Unreadable {
                format: source.to_owned(),
                reason: format!("Unparseable date: \"{text}\""),
            })
        };
        match self {
            Self::Pattern(pattern, source) => by_pattern(pattern, source),
            Self::Style(styles, kind) => match surroundings.locale.styles().get(*kind, *styles) {
                Some(source) => by_pattern(&source.pattern, &source.text),
                None => Err(Unreadable {
                    format: String::new(),
                    reason: "the locale has no such style".to_owned(),
                }),
            },
            Self::Iso(format, kind) => {
                format
                    .read(text, *kind, surroundings.zone)
                    .map_err(|reason| Unreadable {
                        format: format.description(*kind).to_owned(),
                        reason,
                    })
            }
        }
    }
}
