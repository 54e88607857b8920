//! Numbers of a machine word, computed with at once: most are, and the general way costs several times as much.

use super::{LEAST, MIN_DIVISION_SCALE, Number};

impl Number {
    /// The sum, if it and both summands are small; that is computed without a detour.
    #[inline]
    pub(crate) fn add_small(&self, other: &Self, max_digits: u64) -> Option<Self> {
        if let (Self::Int(a), Self::Int(b)) = (self, other) {
            return a
                .checked_add(*b)
                .filter(|result| *result != LEAST)
                .map(Self::Int);
        }
        self.small()?.add(other.small()?)?.checked(max_digits)
    }

    /// The difference, likewise.
    #[inline]
    pub(crate) fn subtract_small(&self, other: &Self, max_digits: u64) -> Option<Self> {
        if let (Self::Int(a), Self::Int(b)) = (self, other) {
            return a
                .checked_sub(*b)
                .filter(|result| *result != LEAST)
                .map(Self::Int);
        }
        self.small()?.subtract(other.small()?)?.checked(max_digits)
    }

    /// The product, likewise.
    #[inline]
    pub(crate) fn multiply_small(&self, other: &Self, max_digits: u64) -> Option<Self> {
        if let (Self::Int(a), Self::Int(b)) = (self, other) {
            return a
                .checked_mul(*b)
                .filter(|result| *result != LEAST)
                .map(Self::Int);
        }
        self.small()?.multiply(other.small()?)?.checked(max_digits)
    }

    /// The quotient, likewise. Nothing is divided by zero here.
    #[inline]
    pub(crate) fn divide_small(&self, other: &Self, max_digits: u64) -> Option<Self> {
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && *a != 0
            && a.checked_rem(*b)? == 0
        {
            return Some(Self::Int(a / b));
        }
        let (a, b) = (self.small()?, other.small()?);
        let scale = (MIN_DIVISION_SCALE as u64).max(a.scale).max(b.scale);
        if b.digits == 0 {
            return None;
        }
        a.divide_half_up(b, scale)?.checked(max_digits)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers() -> impl Strategy<Value = Number> {
        let digits = prop_oneof![any::<i64>(), -1_000_000..1_000_000_i64, -20..20_i64];
        (digits, 0..=6_usize).prop_map(|(digits, scale)| {
            let text = match scale {
                0 => digits.to_string(),
                _ => format!("{}.{:0scale$}", digits / 1000, digits.unsigned_abs() % 10),
            };
            Number::parse(&text, 1000)
                .expect("a number")
                .expect("small")
        })
    }

    /// Its digits and their scale, and whether it counts as a whole number.
    fn exactly(number: &Number) -> (String, bool) {
        (
            format!("{:?}", number.to_big()),
            matches!(number, Number::Int(_)),
        )
    }

    proptest! {
        #[test]
        fn what_is_computed_at_once_is_what_the_general_way_gives(a in numbers(), b in numbers()) {
            let pairs = [
                (a.add_small(&b, 1000), a.add(&b, 1000)),
                (a.subtract_small(&b, 1000), a.subtract(&b, 1000)),
                (a.multiply_small(&b, 1000), a.multiply(&b, 1000)),
                (a.divide_small(&b, 1000), a.divide(&b, 1000)),
            ];
            for (quick, general) in pairs {
                if let Some(quick) = quick {
                    prop_assert_eq!(exactly(&quick), exactly(&general.expect("a result")));
                }
            }
        }
    }

    #[test]
    fn what_may_have_few_digits_only_takes_the_general_way() {
        let price = Number::parse("12.50", 1000)
            .expect("a number")
            .expect("small");
        assert!(price.add_small(&Number::Int(1), 1000).is_some());
        assert!(price.add_small(&Number::Int(1), 3).is_none());
        assert!(price.divide_small(&Number::Int(0), 1000).is_none());
    }
}
