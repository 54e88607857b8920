//! FreeMarker's conservative arithmetic, as far as it differs: `arithmetic_engine=conservative`.

use super::{Number, Result};

impl Number {
    /// Divides whole numbers that leave a remainder to a double, and others as [`Self::divide`] does.
    pub(crate) fn divide_conservatively(&self, other: &Self, max_digits: u64) -> Result<Self> {
        match (self, other) {
            (Self::Int(left), Self::Int(right))
                if left.checked_rem(*right).is_some_and(|rest| rest != 0) =>
            {
                Ok(Self::from_f64(*left as f64 / *right as f64))
            }
            _ => self.divide(other, max_digits),
        }
    }

    /// What is left of a division: of fractions too, which otherwise are cut off before.
    pub(crate) fn modulus_conservatively(&self, other: &Self) -> Result<Self> {
        match (self, other) {
            (Self::Big(_), _) | (_, Self::Big(_)) if other.to_f64() != 0.0 => {
                Ok(Self::from_f64(self.to_f64() % other.to_f64()))
            }
            _ => self.modulus(other),
        }
    }
}
