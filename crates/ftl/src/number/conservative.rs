//! FreeMarker's conservative arithmetic, as far as it differs: `arithmetic_engine=conservative`.

use super::{Float, Number, Result};

/// Binary numbers that an operation takes as they are.
struct Binary {
    left: f64,
    right: f64,
    is_single: bool,
}

impl Binary {
    fn result(&self, double: impl Fn(f64, f64) -> f64, single: impl Fn(f32, f32) -> f32) -> Number {
        if self.is_single {
            return Number::Float(Float::single(single(self.left as f32, self.right as f32)));
        }
        Number::double(double(self.left, self.right))
    }
}

impl Number {
    /// A number that has been read: what has a fraction becomes a double, if one can hold it.
    pub(crate) fn read_conservatively(self) -> Self {
        let double = self.to_f64();
        match self {
            Self::Big(big) if big.scale() != 0 && double.is_finite() => Self::double(double),
            other => other,
        }
    }

    /// Adds binary numbers as such, and others as [`Self::add`] does.
    pub(crate) fn add_conservatively(&self, other: &Self, max_digits: u64) -> Result<Self> {
        match self.binary(other) {
            Some(both) => Ok(both.result(|a, b| a + b, |a, b| a + b)),
            None => self.add(other, max_digits),
        }
    }

    /// Subtracts binary numbers as such, and others as [`Self::subtract`] does.
    pub(crate) fn subtract_conservatively(&self, other: &Self, max_digits: u64) -> Result<Self> {
        match self.binary(other) {
            Some(both) => Ok(both.result(|a, b| a - b, |a, b| a - b)),
            None => self.subtract(other, max_digits),
        }
    }

    /// Multiplies binary numbers as such, and others as [`Self::multiply`] does.
    pub(crate) fn multiply_conservatively(&self, other: &Self, max_digits: u64) -> Result<Self> {
        match self.binary(other) {
            Some(both) => Ok(both.result(|a, b| a * b, |a, b| a * b)),
            None => self.multiply(other, max_digits),
        }
    }

    /// Divides whole numbers that leave a remainder to a double, binary numbers as such, and others as
    /// [`Self::divide`] does.
    pub(crate) fn divide_conservatively(&self, other: &Self, max_digits: u64) -> Result<Self> {
        if let Some(both) = self.binary(other) {
            return Ok(both.result(|a, b| a / b, |a, b| a / b));
        }
        match (self, other) {
            (Self::Int(left), Self::Int(right))
                if left.checked_rem(*right).is_some_and(|rest| rest != 0) =>
            {
                Ok(Self::double(*left as f64 / *right as f64))
            }
            _ => self.divide(other, max_digits),
        }
    }

    /// What is left of a division: of fractions too, which otherwise are cut off before.
    pub(crate) fn modulus_conservatively(&self, other: &Self) -> Result<Self> {
        if let Some(both) = self.binary(other) {
            return Ok(both.result(|a, b| a % b, |a, b| a % b));
        }
        match (self, other) {
            (Self::Big(_), _) | (_, Self::Big(_)) if other.to_f64() != 0.0 => {
                Ok(Self::from_f64(self.to_f64() % other.to_f64()))
            }
            _ => self.modulus(other),
        }
    }

    /// Both operands, if one is binary and the other no decimal: of the kind that is wide enough for both.
    fn binary(&self, other: &Self) -> Option<Binary> {
        let is_narrow = |number: &Self| match number {
            Self::Float(float) => Some(float.is_single),
            Self::Int(int) => Some(i32::try_from(*int).is_ok()),
            Self::Big(_) => None,
        };
        if !matches!((self, other), (Self::Float(_), _) | (_, Self::Float(_))) {
            return None;
        }
        Some(Binary {
            left: self.to_f64(),
            right: other.to_f64(),
            is_single: is_narrow(self)? && is_narrow(other)?,
        })
    }
}
