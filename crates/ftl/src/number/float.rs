//! Java's `double` and `float`: what `?double` and `?float` make, and what has no decimal notation. FreeMarker calculates
//! with their shortest decimal notation, and formats the binary number.

use super::{Decimal, Number};

/// A binary number of 64 bits, or of 32.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Float {
    /// What it is; that of 32 bits is one of 64, too.
    pub(crate) value: f64,
    pub(crate) is_single: bool,
}

impl Float {
    pub(crate) fn double(value: f64) -> Self {
        Self {
            value,
            is_single: false,
        }
    }

    pub(crate) fn single(value: f32) -> Self {
        Self {
            value: f64::from(value),
            is_single: true,
        }
    }

    /// The shortest decimal that is read as this number again, with the fraction digits that Java writes.
    pub(super) fn to_decimal(self) -> Option<Decimal> {
        if !self.value.is_finite() {
            return None;
        }
        Decimal::parse(&self.to_text())
    }

    /// As Java's own `toString` has it.
    pub(super) fn to_text(self) -> String {
        // Within these bounds Java uses no exponent.
        const PLAIN: std::ops::Range<f64> = 1e-3..1e7;
        let Self { value, is_single } = self;
        if value.is_nan() {
            return "NaN".to_owned();
        }
        if value.is_infinite() {
            return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
        }
        if value == 0.0 || PLAIN.contains(&value.abs()) {
            let text = match is_single {
                true => (value as f32).to_string(),
                false => value.to_string(),
            };
            return if text.contains('.') {
                text
            } else {
                text + ".0"
            };
        }
        let text = match is_single {
            true => format!("{:e}", value as f32),
            false => format!("{value:e}"),
        };
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let point = if digits.contains('.') { "" } else { ".0" };
        format!("{digits}{point}E{exponent}")
    }

    /// The low bits of the whole part, as Java narrows to 32 bits: it stops at the limits.
    pub(crate) fn to_i32(self) -> i32 {
        self.value as i32
    }

    /// The nearest whole number, halves up, as Java's `Math.round` has it: it stops at the limits of the type as wide.
    pub(crate) fn to_nearest_i64(self) -> i64 {
        let floor = self.value.floor();
        let rounded = if self.value - floor >= 0.5 {
            floor + 1.0
        } else {
            floor
        };
        if self.is_single {
            // There and back again: the largest of 32 bits is none of a float.
            return (rounded as i32) as f32 as i64;
        }
        (rounded as i64) as f64 as i64
    }
}

impl Number {
    pub(crate) fn double(value: f64) -> Self {
        Self::Float(Float::double(value))
    }

    /// `?float`
    pub(crate) fn to_single(&self) -> Self {
        let value = match self {
            Self::Float(float) if float.is_single => return self.clone(),
            Self::Float(float) => float.value as f32,
            Self::Int(int) => *int as f32,
            Self::Big(big) => big.to_f32(),
        };
        Self::Float(Float::single(value))
    }

    /// `?double`
    pub(crate) fn to_double(&self) -> Self {
        Self::double(self.to_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_java() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (5.0, "5.0"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (-1.25e-9, "-1.25E-9"),
            (f64::INFINITY, "Infinity"),
        ] {
            assert_eq!(Float::double(value).to_text(), text);
        }
        assert_eq!(Float::single(0.1).to_text(), "0.1");
        assert_eq!(Float::single(3.4e38).to_text(), "3.4E38");
    }

    #[test]
    fn whole_numbers_end_at_the_limits() {
        assert_eq!(Float::double(1e30).to_nearest_i64(), i64::MAX);
        assert_eq!(Float::single(1e30).to_nearest_i64(), 2_147_483_648);
        assert_eq!(Float::double(-2.5).to_nearest_i64(), -2);
        assert_eq!(Float::double(f64::NAN).to_nearest_i64(), 0);
        assert_eq!(Float::double(1e30).to_i32(), i32::MAX);
    }
}
