//! The digits of most numbers in most patterns: a machine word, rounded without a list of digits.

use super::digits::Rounding;
use super::pattern::Pattern;
use crate::number::Number;

/// Digits of a machine word, and more zeros than a pattern may ask for here.
pub(super) const MAX_SHORT_DIGITS: usize = 20;

/// Those of a machine word.
const POWERS_OF_TEN: [u64; 20] = {
    let mut powers = [1; 20];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

/// A rounded magnitude: `digits × 10^-fraction`, without zeros at the end of the fraction.
pub(super) struct Short {
    pub(super) digits: u64,
    pub(super) fraction: usize,
}

impl Short {
    /// `None` for what takes the long way.
    pub(super) fn of(number: &Number, pattern: &Pattern) -> Option<Self> {
        let (digits, scale) = match number {
            Number::Int(int) => (int.unsigned_abs(), 0),
            Number::Big(big) => {
                let small = big.small()?;
                (small.digits.unsigned_abs(), small.scale as usize)
            }
            Number::Float(_) => return None,
        };
        if pattern.exponent.is_some()
            || pattern.min_integer > MAX_SHORT_DIGITS
            || pattern.min_fraction > MAX_SHORT_DIGITS
        {
            return None;
        }
        let mut short = Self {
            digits,
            fraction: scale,
        };
        if scale > pattern.max_fraction {
            short.round(scale - pattern.max_fraction, pattern.rounding)?;
        }
        while short.fraction > 0 && short.digits.is_multiple_of(10) {
            short.digits /= 10;
            short.fraction -= 1;
        }
        Some(short)
    }

    /// Drops so many digits at the end.
    fn round(&mut self, dropped: usize, mode: Rounding) -> Option<()> {
        let unit = *POWERS_OF_TEN.get(dropped)?;
        let (kept, rest) = (self.digits / unit, self.digits % unit);
        let up = match mode {
            Rounding::Down => false,
            Rounding::HalfUp => rest >= unit - rest,
            Rounding::HalfEven => rest > unit - rest || (rest == unit - rest && kept % 2 == 1),
            // These have quirks, or depend on the sign.
            _ => return None,
        };
        self.digits = kept + u64::from(up);
        self.fraction -= dropped;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pattern;
    use crate::locale::Locale;
    use crate::number::Number;

    fn written(pattern: &str, number: &Number) -> String {
        let pattern = pattern::parse(pattern).expect("a pattern");
        let mut out = Vec::new();
        pattern
            .write(number, Locale::parse("en_US").facts(), &mut out)
            .expect("written");
        String::from_utf8(out).expect("ASCII")
    }

    proptest! {
        // A multiplication leaves the machine word and takes the long way.
        #[test]
        fn the_short_way_leads_where_the_long_one_does(
            digits in prop_oneof![any::<i32>().prop_map(i64::from), -2_000..2_000_i64],
            scale in 0..=9_usize,
            pattern in prop::sample::select(vec![
                "0", "#", "0.00", "#.##", ",##0.00", "0.0#", "#,##0.###", "000.0", "#,####.0#", "0.#;(0.#)", ".00",
            ]),
        ) {
            let digits = digits.to_string();
            let number = |zeros: &str| {
                let text = format!("{digits}{zeros}e-{}", scale + zeros.len());
                Number::parse(&text, 1000).expect("a number").expect("small")
            };
            let plain = bigdecimal::BigDecimal::new(digits.parse().expect("digits"), scale as i64);
            let short = Number::parse(&plain.to_plain_string(), 1000).expect("a number").expect("small");
            // So many zeros at the end don't fit into a machine word.
            prop_assert_eq!(written(pattern, &short), written(pattern, &number(&"0".repeat(30))));
        }
    }
}
