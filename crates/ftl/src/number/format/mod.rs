//! Number formats: Java's `DecimalFormat` patterns with FreeMarker's names and extended options.
//!
//! A difference from Java 17 is known: doubles (of `?double` and `?float`) that are printed as a half but are a little
//! less or more are rounded as halves.

mod digits;
mod options;
mod pattern;
mod short;
mod write;

use pattern::Pattern;

use super::{CFormat, Number, write_int};
use crate::locale::{Facts, Locale, currency_digits};
use crate::version::Version;

/// Longest format; `DecimalFormat` knows no limit, but every `0` of a pattern is a byte of each number.
const MAX_FORMAT: usize = 4_096;

/// A compiled `number_format`. What depends on the locale is added when a number is written.
#[derive(Clone, Debug)]
pub(crate) enum NumberFormat {
    /// `computer`, `c`: for machines to read.
    Computer,
    /// The same before 2.3.31, with the signs of infinities.
    OldComputer,
    Standard(Standard),
    Pattern(Box<Pattern>),
}

/// The formats that every locale has a pattern for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Standard {
    Number,
    Percent,
    Currency,
}

impl NumberFormat {
    /// Compiles a format by name (`number`, `computer`, `c`, `percent`, `currency`) or pattern, as the version reads it. The
    /// error says what is wrong.
    pub(crate) fn parse(format: &str, version: Version) -> Result<Self, String> {
        Ok(match format {
            "computer" if version.has(31) => Self::Computer,
            "computer" => Self::OldComputer,
            // A pattern until it became a name.
            "c" if version.has(32) => Self::Computer,
            "number" => Self::Standard(Standard::Number),
            "percent" => Self::Standard(Standard::Percent),
            "currency" => Self::Standard(Standard::Currency),
            _ if format.len() > MAX_FORMAT => {
                return Err(format!("the format is longer than {MAX_FORMAT} bytes"));
            }
            _ => match format.strip_prefix('@') {
                Some(custom) if version.has(24) && custom.starts_with(char::is_alphabetic) => {
                    let name = custom.split([' ', '_']).next().unwrap_or_default();
                    return Err(format!(
                        "No custom number format was defined with name {name:?}"
                    ));
                }
                _ => Self::Pattern(Box::new(options::parse(format)?)),
            },
        })
    }

    /// Writes `number`. The error says why that can't be.
    pub(crate) fn write(
        &self,
        number: &Number,
        locale: &Locale,
        c_format: CFormat,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let pattern = match self {
            Self::OldComputer if matches!(number, Number::Float(float) if !float.value.is_finite()) =>
            {
                CFormat::Oldest.write_number(number, out);
                return Ok(());
            }
            Self::Computer | Self::OldComputer => {
                c_format.write_number(number, out);
                return Ok(());
            }
            Self::Standard(which) => locale.numbers().get(*which),
            Self::Pattern(pattern) => pattern,
        };
        if let Number::Int(int) = number
            && pattern.is_plain_for(*int)
            && locale.facts().symbols.zero == '0'
        {
            write_int(*int, out);
            return Ok(());
        }
        pattern.write(number, locale.facts(), out)
    }
}

/// A locale's patterns.
#[derive(Debug)]
pub(crate) struct StandardPatterns {
    number: Pattern,
    percent: Pattern,
    currency: Pattern,
}

impl StandardPatterns {
    pub(crate) fn of(facts: &Facts) -> Self {
        let parse = |text: &str| pattern::parse(text).unwrap_or_else(|_| Pattern::plain());
        let mut currency = parse(facts.money);
        if let Some(digits) = currency_digits(facts.currency) {
            currency.set_fraction_digits(digits);
        }
        Self {
            number: parse(facts.number),
            percent: parse(facts.percent),
            currency,
        }
    }

    fn get(&self, which: Standard) -> &Pattern {
        match which {
            Standard::Number => &self.number,
            Standard::Percent => &self.percent,
            Standard::Currency => &self.currency,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(pattern: &str, number: &str, locale: &str) -> String {
        let number = Number::parse(number, 1000)
            .expect("a number")
            .expect("small");
        let mut out = Vec::new();
        NumberFormat::parse(pattern, Version::DEFAULT)
            .expect("a pattern")
            .write(&number, &Locale::parse(locale), CFormat::Legacy, &mut out)
            .expect("written");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn patterns_print_as_javas() {
        for (pattern, number, expected) in [
            ("number", "1234567.8915", "1,234,567.892"),
            ("number", "0.5", "0.5"),
            ("0.00", "2.5", "2.50"),
            ("0.#", "2.25", "2.2"),
            ("#.##", "0.5", "0.5"),
            ("#.##", "0", "0"),
            ("0%", "0.256", "26%"),
            ("#,##0.00;(#,##0.00)", "-1234.5", "(1,234.50)"),
            ("0.00 'kg'", "-3", "-3.00 kg"),
            ("000", "7", "007"),
            ("currency", "-5", "-$5.00"),
            ("0.###E0", "12345", "1.234E4"),
            ("0.0;; roundingMode=up", "0.009", "0.0"),
            (
                "0.##;; roundingMode=halfUp decimalSeparator=','",
                "1.005",
                "1,01",
            ),
        ] {
            assert_eq!(
                format(pattern, number, "en_US"),
                expected,
                "{pattern} of {number}"
            );
        }
    }

    #[test]
    fn locales_have_symbols_of_their_own() {
        for (pattern, locale, expected) in [
            ("number", "de_DE", "-1.234,5"),
            ("currency", "de_DE", "-1.234,50\u{a0}€"),
            ("currency", "ja_JP", "-￥1,234"),
            ("0.0", "ar_EG", "\u{61c}-١٢٣٤٫٥"),
            ("number", "sv_SE", "−1\u{a0}234,5"),
        ] {
            assert_eq!(
                format(pattern, "-1234.5", locale),
                expected,
                "{pattern} in {locale}"
            );
        }
    }

    #[test]
    fn formats_have_a_length_that_they_may_not_exceed() {
        assert!(NumberFormat::parse(&"0".repeat(1 << 20), Version::DEFAULT).is_err());
    }
}
