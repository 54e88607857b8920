//! Decimal digits, and how they are rounded.

use std::cmp::Ordering;

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, ToPrimitive};

use crate::number::{Decimal, Number, write_magnitude};

/// The rounding modes of Java.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    Up,
    Down,
    Ceiling,
    Floor,
    HalfUp,
    HalfDown,
    HalfEven,
    /// Rounding is an error.
    Unnecessary,
}

/// A magnitude: `0.DIGITS × 10^point`, where the digits have no zeros at either end.
#[derive(Debug)]
pub(super) struct Digits {
    pub(super) digits: Vec<u8>,
    pub(super) point: i64,
    /// Whether there were zeros at the end.
    was_padded: bool,
    /// The binary number that these digits are the shortest notation of: what looks like a tie may be none.
    binary: Option<f64>,
}

impl Digits {
    /// The magnitude of `coefficient × 10^-scale`; `coefficient` is in decimal digits.
    fn new(coefficient: Vec<u8>, scale: i64) -> Self {
        let zeros = coefficient
            .iter()
            .take_while(|digit| **digit == b'0')
            .count();
        let mut significant = coefficient;
        significant.drain(..zeros);
        let mut digits = Self {
            point: significant.len() as i64 - scale,
            was_padded: scale > 0 && significant.ends_with(b"0"),
            digits: significant,
            binary: None,
        };
        digits.trim();
        digits
    }

    pub(super) fn of(number: &Number) -> Option<Self> {
        match number {
            Number::Int(int) => {
                let mut text = Vec::with_capacity(24);
                write_magnitude(int.unsigned_abs(), &mut text);
                Some(Self::new(text, 0))
            }
            Number::Big(big) => Some(Self::of_decimal(big)),
            Number::Float(float) => {
                let mut digits = Self::of_decimal(&float.to_decimal()?);
                digits.was_padded = false;
                digits.binary = Some(float.value.abs());
                Some(digits)
            }
        }
    }

    fn of_decimal(decimal: &Decimal) -> Self {
        let mut text = Vec::with_capacity(24);
        if let Some(small) = decimal.small() {
            write_magnitude(small.digits.unsigned_abs(), &mut text);
            return Self::new(text, small.scale as i64);
        }
        let (coefficient, scale) = decimal.to_big().into_bigint_and_exponent();
        match coefficient.magnitude().to_u64() {
            Some(small) => write_magnitude(small, &mut text),
            None => text = coefficient.magnitude().to_string().into_bytes(),
        }
        Self::new(text, scale)
    }

    /// Whether the binary number is more or less than these digits, which are its shortest notation.
    fn binary_beside(&self) -> Option<Ordering> {
        let binary = BigDecimal::try_from(self.binary?).ok()?;
        let digits = BigInt::parse_bytes(&self.digits, 10)?;
        let shortest = BigDecimal::new(digits, self.digits.len() as i64 - self.point);
        Some(binary.cmp(&shortest))
    }

    pub(super) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    fn trim(&mut self) {
        while self.digits.last() == Some(&b'0') {
            self.digits.pop();
        }
        if self.digits.is_empty() {
            self.point = 0;
        }
    }

    /// Keeps `fraction` digits after the point. A number that is smaller than the place after those becomes zero
    /// in every mode: so Java does it, even where `up` should give the smallest number.
    pub(super) fn round_fraction(
        &mut self,
        fraction: usize,
        mode: Rounding,
        negative: bool,
    ) -> Result<(), RoundingNeeded> {
        let kept = i64::try_from(fraction)
            .ok()
            .and_then(|fraction| self.point.checked_add(fraction));
        match kept {
            Some(kept) if kept < 0 => {
                self.digits.clear();
                self.trim();
                Ok(())
            }
            // Of a number with zeros at its end Java takes no half for a tie there.
            Some(0) if mode == Rounding::HalfDown && self.was_padded => {
                self.round_significant(0, Rounding::HalfUp, negative)
            }
            Some(kept) => self.round_significant(kept as usize, mode, negative),
            None => Ok(()),
        }
    }

    /// Keeps the first `kept` digits.
    pub(super) fn round_significant(
        &mut self,
        kept: usize,
        mode: Rounding,
        negative: bool,
    ) -> Result<(), RoundingNeeded> {
        let Some(first) = self.digits.get(kept).copied() else {
            return Ok(());
        };
        if mode == Rounding::Unnecessary {
            return Err(RoundingNeeded);
        }
        // What is dropped is more than nothing, as the last digit isn't zero.
        let looks_like_tie = first == b'5' && kept + 1 == self.digits.len();
        let beside = if looks_like_tie {
            self.binary_beside()
        } else {
            None
        };
        let is_tie = looks_like_tie && beside.is_none_or(Ordering::is_eq);
        let above_half = first >= b'5' && !is_tie && beside != Some(Ordering::Less);
        let is_odd = kept > 0 && self.digits[kept - 1] % 2 == 1;
        let up = match mode {
            Rounding::Up => true,
            Rounding::Down | Rounding::Unnecessary => false,
            Rounding::Ceiling => !negative,
            Rounding::Floor => negative,
            Rounding::HalfUp => above_half || is_tie,
            Rounding::HalfDown => above_half,
            Rounding::HalfEven => above_half || (is_tie && is_odd),
        };
        self.digits.truncate(kept);
        if up {
            self.increment();
        }
        self.trim();
        Ok(())
    }

    fn increment(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            if *digit == b'9' {
                *digit = b'0';
            } else {
                *digit += 1;
                return;
            }
        }
        self.digits.insert(0, b'1');
        self.point += 1;
    }
}

/// The mode `unnecessary` has met digits that don't fit.
#[derive(Debug)]
pub(super) struct RoundingNeeded;

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(coefficient: &str, scale: i64, fraction: usize, mode: Rounding) -> (String, i64) {
        let magnitude = coefficient.trim_start_matches('-');
        let mut digits = Digits::new(magnitude.as_bytes().to_vec(), scale);
        let negative = coefficient.starts_with('-');
        digits
            .round_fraction(fraction, mode, negative)
            .expect("may round");
        (
            String::from_utf8(digits.digits).expect("ASCII"),
            digits.point,
        )
    }

    #[test]
    fn modes_differ_on_halves_and_signs() {
        let of = |coefficient, mode| rounded(coefficient, 1, 0, mode).0;
        for (mode, expected) in [
            (Rounding::Up, ["3", "3", "4"]),
            (Rounding::Down, ["2", "2", "3"]),
            (Rounding::Ceiling, ["3", "2", "4"]),
            (Rounding::Floor, ["2", "3", "3"]),
            (Rounding::HalfUp, ["3", "3", "4"]),
            (Rounding::HalfDown, ["2", "2", "3"]),
            (Rounding::HalfEven, ["2", "2", "4"]),
        ] {
            assert_eq!(
                [of("25", mode), of("-25", mode), of("35", mode)],
                expected,
                "{mode:?}"
            );
        }
    }

    #[test]
    fn carries_make_a_digit_more() {
        assert_eq!(rounded("9995", 3, 2, Rounding::HalfUp), ("1".to_owned(), 2));
        assert_eq!(rounded("6", 1, 0, Rounding::HalfUp), ("1".to_owned(), 1));
        assert_eq!(rounded("9", 3, 1, Rounding::Up), (String::new(), 0));
        assert_eq!(rounded("5", 1, 0, Rounding::HalfDown), (String::new(), 0));
        assert_eq!(rounded("50", 2, 0, Rounding::HalfDown), ("1".to_owned(), 1));
    }
}
