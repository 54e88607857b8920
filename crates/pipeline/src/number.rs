//! Exact comparison of numbers in JSON's notation, without converting them.
//!
//! Doubles would call 9007199254740993 and 9007199254740992 equal, and ids are often that long.

use std::cmp::Ordering;

/// A number as it is written: a sign, digits on both sides of the point, and an exponent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Decimal<'a> {
    /// Reads JSON's number syntax; `None` for any other text. `007`, `+1`, `.5` and ` 1` are text:
    /// codes and telephone numbers look like that, amounts don't.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (negative, rest) = match bytes.strip_prefix(b"-") {
            Some(rest) => (true, rest),
            None => (false, bytes),
        };
        let (whole, rest) = split_digits(rest);
        if whole.is_empty() || (whole.len() > 1 && whole[0] == b'0') {
            return None;
        }
        let (fraction, rest) = match rest.strip_prefix(b".") {
            Some(rest) => match split_digits(rest) {
                ([], _) => return None,
                split => split,
            },
            None => (&[][..], rest),
        };
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', rest @ ..] => parse_exponent(rest)?,
            _ => return None,
        };
        Some(Self {
            negative,
            whole,
            fraction,
            exponent,
        })
    }

    /// The digits from the first that isn't zero on.
    fn significant(&self) -> impl Iterator<Item = u8> + use<'a> {
        let digits = self.whole.iter().chain(self.fraction);
        digits.copied().skip_while(|&digit| digit == b'0')
    }

    /// The power of ten of the first digit that isn't zero; `None` for zero.
    fn magnitude(&self) -> Option<i64> {
        let leading = |digits: &[u8]| digits.iter().position(|&digit| digit != b'0');
        let position = match (leading(self.whole), leading(self.fraction)) {
            (Some(at), _) => self.whole.len() as i64 - at as i64,
            (None, Some(at)) => -(at as i64),
            (None, None) => return None,
        };
        Some(position.saturating_add(self.exponent))
    }

    /// Which of two numbers is greater.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let signum = |number: &Self, magnitude: Option<i64>| match magnitude {
            None => 0,
            Some(_) if number.negative => -1,
            Some(_) => 1,
        };
        let (ours, theirs) = (self.magnitude(), other.magnitude());
        let (our_sign, their_sign) = (signum(self, ours), signum(other, theirs));
        if our_sign != their_sign || our_sign == 0 {
            return our_sign.cmp(&their_sign);
        }
        let absolute = ours
            .cmp(&theirs)
            .then_with(|| compare_digits(self.significant(), other.significant()));
        if self.negative {
            absolute.reverse()
        } else {
            absolute
        }
    }
}

fn split_digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit());
    bytes.split_at(end.unwrap_or(bytes.len()))
}

/// An exponent beyond what 64 bits hold counts as the largest one.
fn parse_exponent(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0_i64, |value, &digit| {
        value
            .saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
    });
    Some(if negative { -value } else { value })
}

/// Compares digits behind the same point; zeros at the end don't count.
fn compare_digits(
    mut ours: impl Iterator<Item = u8>,
    mut theirs: impl Iterator<Item = u8>,
) -> Ordering {
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return Ordering::Equal,
            (a, b) => match a.unwrap_or(b'0').cmp(&b.unwrap_or(b'0')) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compare(a: &str, b: &str) -> Ordering {
        Decimal::parse(a)
            .unwrap()
            .compare(&Decimal::parse(b).unwrap())
    }

    #[test]
    fn numbers_compare_by_value_however_they_are_written() {
        for (a, b) in [
            ("1", "1.0"),
            ("1e2", "100"),
            ("-0", "0"),
            ("0.00", "0e9"),
            ("12.5e-1", "1.250"),
            ("0.001", "1E-3"),
        ] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} {b}");
        }
        for (a, b) in [
            ("9", "10"),
            ("-10", "-9"),
            ("-1", "0"),
            ("0", "1e-300"),
            ("9007199254740992", "9007199254740993"),
            ("0.1", "0.1000000000000000000001"),
            ("-0.1e-5", "1e99999999999999999998"),
            ("99999999999999999999", "1e20"),
        ] {
            assert_eq!(compare(a, b), Ordering::Less, "{a} {b}");
            assert_eq!(compare(b, a), Ordering::Greater, "{b} {a}");
        }
    }

    #[test]
    fn what_json_does_not_call_a_number_is_none() {
        for text in [
            "", "-", "007", "+1", ".5", "1.", "1e", "1e+", " 1", "1 ", "0x1", "1_000", "1.2.3",
            "NaN", "--1", "1e2.5", "٣",
        ] {
            assert!(Decimal::parse(text).is_none(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn integers_compare_as_integers(a in any::<i64>(), b in any::<i64>()) {
            prop_assert_eq!(compare(&a.to_string(), &b.to_string()), a.cmp(&b));
        }

        #[test]
        fn doubles_compare_as_doubles(a in -1e9..1e9_f64, b in -1e9..1e9_f64) {
            prop_assert_eq!(compare(&format!("{a:e}"), &format!("{b}")), a.partial_cmp(&b).unwrap());
        }

        #[test]
        fn arbitrary_text_never_panics(a in "[-+0-9.eE]{0,30}", b in "[-+0-9.eE]{0,30}") {
            if let (Some(a), Some(b)) = (Decimal::parse(&a), Decimal::parse(&b)) {
                prop_assert_eq!(a.compare(&b), b.compare(&a).reverse());
            }
        }
    }
}
