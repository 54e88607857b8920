//! Java's `double` and `float`: what `?double` and `?float` make, and what has no decimal notation. FreeMarker calculates
//! with the decimal notation that Java gives them, and formats the binary number.

use super::digits::{Shortest, shortest};
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

    /// What Java writes of it, as a decimal.
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
        let sign = if value.is_sign_negative() { "-" } else { "" };
        if value == 0.0 {
            return format!("{sign}0.0");
        }
        let Shortest { digits, point } = shortest(value, is_single);
        let digits = String::from_utf8(digits).unwrap_or_default();
        let (whole, fraction) = match point {
            _ if !PLAIN.contains(&value.abs()) => digits.split_at(1),
            ..=0 => ("", digits.as_str()),
            point => digits.split_at(digits.len().min(point as usize)),
        };
        let fraction = if fraction.is_empty() { "0" } else { fraction };
        if !PLAIN.contains(&value.abs()) {
            return format!("{sign}{whole}.{fraction}E{}", point - 1);
        }
        if point <= 0 {
            let zeros = "0".repeat(point.unsigned_abs() as usize);
            return format!("{sign}0.{zeros}{fraction}");
        }
        format!("{sign}{whole:0<width$}.{fraction}", width = point as usize)
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
        assert_eq!(Float::single(2_147_483_648.0).to_text(), "2.14748365E9");
        assert_eq!(Float::double(4.9e-324).to_text(), "4.9E-324");
        assert_eq!(Float::double(1_234_500.0).to_text(), "1234500.0");
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
