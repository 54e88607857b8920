//! Numbers for computers to read: `?c`, by the language that the setting `c_format` names.

use bigdecimal::BigDecimal;

use super::{Number, write_int};
use crate::version::Version;

/// Whole numbers with as many zeros at their end take an exponent.
const MAX_TRAILING_ZEROS: i64 = 100;
/// Fractions are in plain notation up to as many zeros after the point.
const MAX_LEADING_ZEROS: i64 = 6;

/// A value of the setting `c_format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CFormat {
    /// What `?c` did before FreeMarker 2.3.32.
    Legacy,
    /// The same before 2.3.21, with the signs of infinities.
    Oldest,
    JavaScriptOrJson,
    Json,
    JavaScript,
    Java,
    XmlSchema,
}

impl CFormat {
    const ALL: [Self; 6] = [
        Self::Java,
        Self::JavaScript,
        Self::JavaScriptOrJson,
        Self::Json,
        Self::XmlSchema,
        Self::Legacy,
    ];

    /// What `?c` writes if nothing else is set.
    pub(crate) fn default_of(version: Version) -> Self {
        if version.has(32) {
            Self::JavaScriptOrJson
        } else if !version.has(21) {
            Self::Oldest
        } else {
            Self::Legacy
        }
    }

    /// Finds a format by its name. The error tells which there are.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        // The default from 2.3.32 on, and before.
        match name {
            "default for 2.3.31" => return Ok(Self::Legacy),
            "default for 2.3.32" => return Ok(Self::JavaScriptOrJson),
            _ => {}
        }
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| {
                let names: Vec<_> = Self::ALL
                    .iter()
                    .map(|format| format!("{:?}", format.name()))
                    .collect();
                format!(
                    "Unrecognized CFormat name: {name:?}. Supported names: {}.",
                    names.join(", ")
                )
            })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Legacy | Self::Oldest => "legacy",
            Self::JavaScriptOrJson => "JavaScript or JSON",
            Self::Json => "JSON",
            Self::JavaScript => "JavaScript",
            Self::Java => "Java",
            Self::XmlSchema => "XS",
        }
    }

    /// What `?cn` prints for a missing value.
    pub(crate) fn null(self) -> &'static str {
        match self {
            Self::XmlSchema => "",
            _ => "null",
        }
    }

    pub(crate) fn write_number(self, number: &Number, out: &mut Vec<u8>) {
        match (self, number) {
            (_, Number::Int(int)) => write_int(*int, out),
            (Self::Legacy, Number::Float(_)) => number.write_computer(out),
            (_, Number::Float(float)) if !float.value.is_finite() => {
                out.extend_from_slice(self.non_finite_name(float.value).as_bytes());
            }
            (Self::Legacy | Self::Oldest, _) => number.write_computer(out),
            (_, Number::Big(big)) => match big.small() {
                Some(small) if small.scale as i64 <= MAX_LEADING_ZEROS => {
                    small.write_plain(out);
                }
                _ => write_exactly(&big.to_big(), out),
            },
            (_, Number::Float(_)) => {
                if let Ok(decimal) = number.to_big() {
                    write_exactly(&decimal, out);
                }
            }
        }
    }

    fn non_finite_name(self, value: f64) -> &'static str {
        let [nan, plus, minus] = match self {
            Self::Java => [
                "Double.NaN",
                "Double.POSITIVE_INFINITY",
                "Double.NEGATIVE_INFINITY",
            ],
            Self::Oldest => ["NaN", "∞", "-∞"],
            Self::Legacy | Self::XmlSchema => ["NaN", "INF", "-INF"],
            _ => ["NaN", "Infinity", "-Infinity"],
        };
        if value.is_nan() {
            nan
        } else if value > 0.0 {
            plus
        } else {
            minus
        }
    }
}

/// Writes every digit, with an exponent where zeros would be too many.
fn write_exactly(number: &BigDecimal, out: &mut Vec<u8>) {
    let (coefficient, scale) = number.normalized().into_bigint_and_exponent();
    let digits = coefficient.magnitude().to_string();
    let exponent = digits.len() as i64 - 1 - scale;
    let is_plain = if scale <= 0 {
        scale > -MAX_TRAILING_ZEROS
    } else {
        exponent >= -MAX_LEADING_ZEROS
    };
    if is_plain {
        let plain = BigDecimal::new(coefficient, scale).to_plain_string();
        return out.extend_from_slice(plain.as_bytes());
    }
    if coefficient.sign() == bigdecimal::num_bigint::Sign::Minus {
        out.push(b'-');
    }
    out.extend_from_slice(&digits.as_bytes()[..1]);
    if digits.len() > 1 {
        out.push(b'.');
        out.extend_from_slice(&digits.as_bytes()[1..]);
    }
    out.push(b'E');
    write_int(exponent, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: CFormat, number: &Number) -> String {
        let mut out = Vec::new();
        format.write_number(number, &mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn all_but_the_legacy_format_are_exact() {
        for (source, json, legacy) in [
            ("1.50", "1.5", "1.5"),
            ("0.0000001", "1E-7", "0.0000001"),
            ("0.00000000000000000123", "1.23E-18", "0"),
            ("0.000001", "0.000001", "0.000001"),
            (
                "-12e20",
                "-1200000000000000000000",
                "-1200000000000000000000",
            ),
        ] {
            let number = Number::parse(source, 1000)
                .expect("a number")
                .expect("small");
            assert_eq!(text(CFormat::Json, &number), json, "{source}");
            assert_eq!(text(CFormat::Legacy, &number), legacy, "{source}");
        }
    }

    #[test]
    fn infinities_are_the_languages() {
        let infinity = Number::double(f64::NEG_INFINITY);
        assert_eq!(text(CFormat::JavaScript, &infinity), "-Infinity");
        assert_eq!(text(CFormat::Java, &infinity), "Double.NEGATIVE_INFINITY");
        assert_eq!(text(CFormat::XmlSchema, &infinity), "-INF");
        assert!(CFormat::parse("Json").is_err());
    }
}
