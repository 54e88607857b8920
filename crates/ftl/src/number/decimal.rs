//! Decimal numbers: a machine word and a scale as long as that is enough, any precision beyond.

use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;
use std::str::FromStr;

use bigdecimal::num_bigint::{BigInt, Sign};
use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive};

use super::{MAX_SCALE, Number, write_magnitude};

/// Fraction digits of the small form at most: as many as the form for computers shows.
const MAX_SMALL_SCALE: u64 = 16;
/// Whole numbers up to this are doubles, too.
const MAX_EXACT_DOUBLE: u64 = 1 << 53;

/// A decimal number of any precision that the engine holds. Its `Display` form is JSON's, without an exponent.
#[derive(Clone, Debug)]
pub struct Decimal(Form);

#[derive(Clone, Debug)]
enum Form {
    Small(Small),
    Big(Rc<BigDecimal>),
}

/// `digits × 10^-scale`. Zeros at the end are kept, as by Java.
#[derive(Clone, Copy, Debug)]
pub(super) struct Small {
    pub(super) digits: i64,
    /// As wide as the digits, so that both are copied as whole words.
    pub(super) scale: u64,
}

impl Small {
    /// `None` if it takes the other form.
    fn new(digits: i128, scale: u64) -> Option<Self> {
        let digits = i64::try_from(digits).ok()?;
        (scale <= MAX_SMALL_SCALE).then_some(Self { digits, scale })
    }

    /// Reads digits, perhaps with a point among them and a minus sign before; `None` for what needs another look.
    #[inline(always)]
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (negative, unsigned) = match text {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, text),
        };
        // So many digits fit into the word that they are gathered in.
        if unsigned.is_empty() || unsigned.len() > 19 {
            return None;
        }
        let (mut magnitude, mut scale) = (0_u64, 0);
        for (at, byte) in unsigned.iter().enumerate() {
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 {
                magnitude = magnitude * 10 + u64::from(digit);
                continue;
            }
            // There is one point, and it stands between digits.
            let fraction = unsigned.len() - 1 - at;
            if *byte != b'.' || scale > 0 || at == 0 || fraction == 0 {
                return None;
            }
            scale = fraction as u64;
        }
        let digits = i64::try_from(magnitude).ok()?;
        let digits = if negative { -digits } else { digits };
        (scale <= MAX_SMALL_SCALE).then_some(Self { digits, scale })
    }

    #[inline]
    pub(super) fn add(self, other: Self) -> Option<Self> {
        let (a, b, scale) = self.aligned(other);
        Self::new(a + b, scale)
    }

    #[inline]
    pub(super) fn subtract(self, other: Self) -> Option<Self> {
        let (a, b, scale) = self.aligned(other);
        Self::new(a - b, scale)
    }

    /// The product, with [`MAX_SCALE`] fraction digits at most.
    #[inline]
    pub(super) fn multiply(self, other: Self) -> Option<Self> {
        let product = i128::from(self.digits) * i128::from(other.digits);
        let scale = self.scale + other.scale;
        if scale <= MAX_SCALE as u64 {
            return Self::new(product, scale);
        }
        let unit = power_of_ten(scale - MAX_SCALE as u64);
        let half = if product < 0 { -unit / 2 } else { unit / 2 };
        Self::new((product + half) / unit, MAX_SCALE as u64)
    }

    /// As a number, if that has `max_digits` digits at most.
    #[inline(always)]
    pub(super) fn checked(self, max_digits: u64) -> Option<Number> {
        (self.plain_digits() <= max_digits).then(|| Number::Big(self.into()))
    }

    /// About how many digits its plain notation has.
    #[inline]
    fn plain_digits(self) -> u64 {
        u64::from(64 - self.digits.unsigned_abs().leading_zeros()) / 3 + self.scale
    }

    /// Without zeros at the end.
    fn trimmed(mut self) -> Self {
        while self.scale > 0 && self.digits % 10 == 0 {
            self.digits /= 10;
            self.scale -= 1;
        }
        self
    }

    /// The digits of both at the larger scale of the two.
    #[inline]
    fn aligned(self, other: Self) -> (i128, i128, u64) {
        let scale = self.scale.max(other.scale);
        (self.digits_at(scale), other.digits_at(scale), scale)
    }

    /// The digits at a scale that isn't smaller than its own.
    #[inline]
    pub(super) fn digits_at(self, scale: u64) -> i128 {
        let digits = i128::from(self.digits);
        match scale - self.scale {
            0 => digits,
            shift => digits * power_of_ten(shift),
        }
    }

    /// The quotient with `scale` fraction digits, halves away from zero. `other` isn't zero.
    #[inline]
    pub(super) fn divide_half_up(self, other: Self, scale: u64) -> Option<Self> {
        // The scale is that of the larger operand at least.
        let power = power_of_ten(scale.checked_sub(self.scale)? + other.scale);
        let negative = (self.digits < 0) != (other.digits < 0);
        let signed = |quotient: i128| if negative { -quotient } else { quotient };
        // Most fit into words, which are divided much faster.
        if let Ok(power) = u64::try_from(power)
            && let Some(numerator) = self.digits.unsigned_abs().checked_mul(power)
        {
            let denominator = other.digits.unsigned_abs();
            let (quotient, rest) = (numerator / denominator, numerator % denominator);
            let up = rest >= denominator - rest;
            return Self::new(signed(i128::from(quotient) + i128::from(up)), scale);
        }
        let numerator = i128::from(self.digits).checked_mul(power)?;
        let denominator = i128::from(other.digits);
        let doubled = (numerator.abs().checked_mul(2)?).checked_add(denominator.abs())?;
        let divisor = denominator.abs() * 2;
        Self::new(signed(doubled / divisor), scale)
    }

    fn to_big(self) -> BigDecimal {
        BigDecimal::new(BigInt::from(self.digits), self.scale as i64)
    }

    /// Writes every digit, and no exponent.
    pub(super) fn write_plain(self, out: &mut Vec<u8>) {
        let Self { digits, scale } = self.trimmed();
        if digits < 0 {
            out.push(b'-');
        }
        let unit = 10_u64.pow(scale as u32);
        let magnitude = digits.unsigned_abs();
        write_magnitude(magnitude / unit, out);
        if scale > 0 {
            out.push(b'.');
            let from = out.len();
            // The one that is added keeps the zeros at the front.
            write_magnitude(unit + magnitude % unit, out);
            out.remove(from);
        }
    }
}

impl From<i64> for Small {
    fn from(digits: i64) -> Self {
        Self { digits, scale: 0 }
    }
}

/// The exponent is twice the largest scale at most.
#[inline]
fn power_of_ten(exponent: u64) -> i128 {
    const POWERS: [i128; 2 * MAX_SMALL_SCALE as usize + 1] = {
        let mut powers = [1; 2 * MAX_SMALL_SCALE as usize + 1];
        let mut exponent = 1;
        while exponent < powers.len() {
            powers[exponent] = powers[exponent - 1] * 10;
            exponent += 1;
        }
        powers
    };
    POWERS[exponent as usize]
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Small(small) => {
                let mut text = Vec::with_capacity(24);
                small.write_plain(&mut text);
                f.write_str(&String::from_utf8_lossy(&text))
            }
            Form::Big(big) => f.write_str(&big.normalized().to_plain_string()),
        }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other) == Ordering::Equal
    }
}

impl From<BigDecimal> for Decimal {
    fn from(value: BigDecimal) -> Self {
        Self(Form::Big(Rc::new(value)))
    }
}

impl From<Small> for Decimal {
    fn from(small: Small) -> Self {
        Self(Form::Small(small))
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self(Form::Small(value.into()))
    }
}

impl Decimal {
    /// Machine words that the number takes beyond a small one's.
    pub(super) fn extra_words(&self) -> usize {
        match &self.0 {
            Form::Small(_) => 0,
            Form::Big(big) => (big.as_bigint_and_scale().0.bits() / 64) as usize,
        }
    }

    /// Reads what [`super::is_decimal_notation`] accepts; `None` for an exponent that is out of all bounds.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match Small::parse(text.as_bytes()) {
            Some(small) => Some(small.into()),
            None => BigDecimal::from_str(text).ok().map(Self::from),
        }
    }

    #[inline]
    pub(in crate::number) fn small(&self) -> Option<Small> {
        match &self.0 {
            Form::Small(small) => Some(*small),
            Form::Big(_) => None,
        }
    }

    pub(super) fn to_big(&self) -> BigDecimal {
        match &self.0 {
            Form::Small(small) => small.to_big(),
            Form::Big(big) => (**big).clone(),
        }
    }

    fn smalls(&self, other: &Self) -> Option<(Small, Small)> {
        Some((self.small()?, other.small()?))
    }

    /// Fraction digits, zeros at the end included.
    pub(super) fn scale(&self) -> i64 {
        match &self.0 {
            Form::Small(small) => small.scale as i64,
            Form::Big(big) => big.fractional_digit_count(),
        }
    }

    /// About how many digits its plain notation has.
    pub(super) fn plain_digits(&self) -> u64 {
        match &self.0 {
            Form::Small(small) => small.plain_digits(),
            Form::Big(big) => big.as_bigint_and_scale().0.bits() / 3 + self.scale().unsigned_abs(),
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        match &self.0 {
            Form::Small(small) => small.digits == 0,
            Form::Big(big) => big.sign() == Sign::NoSign,
        }
    }

    pub(super) fn is_negative(&self) -> bool {
        match &self.0 {
            Form::Small(small) => small.digits < 0,
            Form::Big(big) => big.sign() == Sign::Minus,
        }
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match self.smalls(other) {
            Some((a, b)) => {
                let (a, b, _) = a.aligned(b);
                a.cmp(&b)
            }
            None => self.to_big().cmp(&other.to_big()),
        }
    }

    pub(super) fn add(&self, other: &Self) -> Self {
        match self.smalls(other).and_then(|(a, b)| a.add(b)) {
            Some(sum) => Self(Form::Small(sum)),
            None => (self.to_big() + other.to_big()).into(),
        }
    }

    pub(super) fn subtract(&self, other: &Self) -> Self {
        match self.smalls(other).and_then(|(a, b)| a.subtract(b)) {
            Some(difference) => Self(Form::Small(difference)),
            None => (self.to_big() - other.to_big()).into(),
        }
    }

    /// The product, with [`MAX_SCALE`] fraction digits at most.
    pub(super) fn multiply(&self, other: &Self) -> Self {
        if let Some(product) = self.smalls(other).and_then(|(a, b)| a.multiply(b)) {
            return Self(Form::Small(product));
        }
        let product = self.to_big() * other.to_big();
        if product.fractional_digit_count() > MAX_SCALE {
            return product
                .with_scale_round(MAX_SCALE, RoundingMode::HalfUp)
                .into();
        }
        product.into()
    }

    /// The quotient with exactly `scale` fraction digits, halves away from zero. `other` isn't zero.
    pub(super) fn divide_half_up(&self, other: &Self, scale: i64) -> Self {
        let small = self.smalls(other).and_then(|(a, b)| {
            let scale = u64::try_from(scale).ok()?;
            a.divide_half_up(b, scale)
        });
        match small {
            Some(quotient) => Self(Form::Small(quotient)),
            None => divide_half_up(&self.to_big(), &other.to_big(), scale).into(),
        }
    }

    pub(super) fn negate(&self) -> Self {
        match self.small().and_then(|small| {
            let digits = small.digits.checked_neg()?;
            Some(Small { digits, ..small })
        }) {
            Some(small) => Self(Form::Small(small)),
            None => (-self.to_big()).into(),
        }
    }

    pub(super) fn to_f64(&self) -> f64 {
        match &self.0 {
            // A division of two exact doubles is rounded once.
            Form::Small(small) if small.digits.unsigned_abs() <= MAX_EXACT_DOUBLE => {
                small.digits as f64 / 10_f64.powi(small.scale as i32)
            }
            Form::Small(small) => small.to_big().to_string().parse().unwrap_or(f64::NAN),
            Form::Big(big) => big.to_string().parse().unwrap_or(f64::NAN),
        }
    }

    /// The nearest number of 32 bits.
    pub(super) fn to_f32(&self) -> f32 {
        self.to_big().to_string().parse().unwrap_or(f32::NAN)
    }

    /// As Java's own `toString` has it: with every zero, and with an exponent where zeros would come first or last
    /// only to show the size.
    pub(super) fn to_java_text(&self) -> String {
        // Down to this exponent of the first digit there is none.
        const LEAST_PLAIN: i64 = -6;
        let (digits, scale) = self.to_big().into_bigint_and_exponent();
        let sign = if digits.sign() == Sign::Minus {
            "-"
        } else {
            ""
        };
        let digits = digits.magnitude().to_string();
        let exponent = digits.len() as i64 - 1 - scale;
        if scale == 0 {
            return format!("{sign}{digits}");
        }
        if scale > 0 && exponent >= LEAST_PLAIN {
            let width = scale as usize + 1;
            let digits = format!("{digits:0>width$}");
            let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
            return format!("{sign}{whole}.{fraction}");
        }
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let plus = if exponent > 0 { "+" } else { "" };
        let exponent = match exponent {
            0 => String::new(),
            exponent => format!("E{plus}{exponent}"),
        };
        format!("{sign}{first}{point}{rest}{exponent}")
    }

    /// The low 64 bits of the whole part, as Java narrows.
    pub(super) fn to_i64_wrapping(&self) -> i64 {
        match &self.0 {
            Form::Small(small) => small.digits / 10_i64.pow(small.scale as u32),
            Form::Big(big) => {
                let (whole, _) = big
                    .with_scale_round(0, RoundingMode::Down)
                    .into_bigint_and_exponent();
                whole.iter_u64_digits().next().map_or(0, |low| {
                    let low = low as i64;
                    if whole.sign() == Sign::Minus {
                        low.wrapping_neg()
                    } else {
                        low
                    }
                })
            }
        }
    }

    /// The whole part, if it fits into 64 bits.
    pub(super) fn to_i64(&self) -> Option<i64> {
        match &self.0 {
            Form::Small(_) => Some(self.to_i64_wrapping()),
            Form::Big(big) => big.with_scale_round(0, RoundingMode::Down).to_i64(),
        }
    }
}

/// The quotient with exactly `scale` fraction digits, halves away from zero.
fn divide_half_up(a: &BigDecimal, b: &BigDecimal, scale: i64) -> BigDecimal {
    let (a_digits, a_scale) = a.as_bigint_and_scale();
    let (b_digits, b_scale) = b.as_bigint_and_scale();
    // a·10^-as / b·10^-bs = q·10^-scale  ⇔  q = a·10^(scale - as + bs) / b
    let shift = scale - a_scale + b_scale;
    let mut numerator = a_digits.into_owned();
    let mut denominator = b_digits.into_owned();
    let power = BigInt::from(10).pow(u32::try_from(shift.unsigned_abs()).unwrap_or(u32::MAX));
    if shift >= 0 {
        numerator *= power;
    } else {
        denominator *= power;
    }
    let negative = (numerator.sign() == Sign::Minus) != (denominator.sign() == Sign::Minus);
    let (numerator, denominator) = (
        BigInt::from(numerator.magnitude().clone()),
        BigInt::from(denominator.magnitude().clone()),
    );
    let doubled = &numerator * 2 + &denominator;
    let quotient: BigInt = doubled / (denominator * 2);
    BigDecimal::new(if negative { -quotient } else { quotient }, scale)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same number, in the other form.
    fn big(decimal: &Decimal) -> Decimal {
        Decimal::from(decimal.to_big())
    }

    fn exactly(decimal: &Decimal) -> (String, i64) {
        let (digits, scale) = decimal.to_big().into_bigint_and_exponent();
        (digits.to_string(), scale)
    }

    fn decimals() -> impl Strategy<Value = Decimal> {
        let digits = prop_oneof![any::<i64>(), -1_000_000..1_000_000_i64];
        (digits, 0..=MAX_SMALL_SCALE)
            .prop_map(|(digits, scale)| Decimal(Form::Small(Small { digits, scale })))
    }

    proptest! {
        #[test]
        fn both_forms_calculate_alike(a in decimals(), b in decimals()) {
            let value = |decimal: Decimal| decimal.to_big();
            prop_assert_eq!(value(a.add(&b)), value(big(&a).add(&big(&b))));
            prop_assert_eq!(value(a.subtract(&b)), value(big(&a).subtract(&big(&b))));
            prop_assert_eq!(exactly(&a.multiply(&b)), exactly(&big(&a).multiply(&big(&b))));
            prop_assert_eq!(exactly(&a.negate()), exactly(&big(&a).negate()));
            prop_assert_eq!(a.compare(&b), big(&a).compare(&big(&b)));
            if !b.is_zero() {
                let scale = a.scale().max(b.scale()).max(12);
                let quotient = a.divide_half_up(&b, scale);
                prop_assert_eq!(exactly(&quotient), exactly(&big(&a).divide_half_up(&big(&b), scale)));
            }
        }

        #[test]
        fn both_forms_print_and_convert_alike(a in decimals()) {
            let other = big(&a);
            prop_assert_eq!(a.to_string(), other.to_string());
            prop_assert_eq!(a.to_f64().to_bits(), other.to_f64().to_bits());
            prop_assert_eq!(a.to_i64(), other.to_i64());
            prop_assert_eq!(a.to_i64_wrapping(), other.to_i64_wrapping());
            prop_assert_eq!(a.is_negative(), other.is_negative());
            prop_assert_eq!(a.plain_digits(), other.plain_digits());
        }

        #[test]
        fn what_is_read_small_is_read_the_same(text in "-?[0-9]{1,20}(\\.[0-9]{1,18})?") {
            let read = Decimal::parse(&text).expect("decimal notation");
            let expected = BigDecimal::from_str(&text).expect("decimal notation");
            prop_assert_eq!(exactly(&read), exactly(&expected.into()));
        }
    }
}
