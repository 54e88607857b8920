//! Numbers as FreeMarker's BigDecimal engine computes them, with a fast path for whole numbers of 64 bits.

mod c_format;
mod format;

use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;
use std::str::FromStr;

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive, Zero};

pub(crate) use c_format::CFormat;
pub(crate) use format::{NumberFormat, StandardPatterns};

/// Fraction digits that a division keeps at least.
const MIN_DIVISION_SCALE: i64 = 12;
/// Fraction digits that a multiplication keeps at most.
const MAX_SCALE: i64 = 100;

/// A decimal number of any precision that the engine holds. Its `Display` form is JSON's, without an exponent.
#[derive(Clone, Debug, PartialEq)]
pub struct Decimal(Rc<BigDecimal>);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.normalized().to_plain_string())
    }
}

/// A number at run time.
#[derive(Clone, Debug)]
pub(crate) enum Number {
    Int(i64),
    Big(Decimal),
    /// Only what has no decimal notation: infinities and not-a-number.
    NonFinite(f64),
}

/// Why an operation on numbers has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberError {
    DivisionByZero,
    TooLarge,
    NonFinite,
}

type Result<T> = std::result::Result<T, NumberError>;

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        i64::try_from(value).map_or_else(
            |_| Self::from_big(BigDecimal::from(value as u64)),
            Self::Int,
        )
    }
}

impl Number {
    /// The number with the shortest decimal notation of `value`.
    pub(crate) fn from_f64(value: f64) -> Self {
        if !value.is_finite() {
            return Self::NonFinite(value);
        }
        if value.fract() == 0.0 && value.abs() < 9.0e15 {
            return Self::Int(value as i64);
        }
        BigDecimal::from_str(&format!("{value:e}")).map_or(Self::NonFinite(value), Self::from_big)
    }

    pub(crate) fn from_big(value: BigDecimal) -> Self {
        Self::Big(Decimal(Rc::new(value)))
    }

    fn from_bigint(value: BigInt) -> Self {
        match value.to_i64() {
            Some(int) => Self::Int(int),
            None => Self::from_big(BigDecimal::from(value)),
        }
    }

    pub(crate) fn from_decimal(value: &Decimal) -> Self {
        Self::Big(value.clone())
    }

    /// Reads decimal notation, with a sign, a fraction and an exponent; `max_digits` bounds its plain notation.
    pub(crate) fn parse(text: &str, max_digits: u64) -> Option<Result<Self>> {
        let bytes = text.as_bytes();
        if !bytes.is_empty() && bytes.len() <= 18 && bytes.iter().all(u8::is_ascii_digit) {
            return Some(Ok(Self::Int(
                bytes
                    .iter()
                    .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')),
            )));
        }
        if !is_decimal_notation(bytes) {
            return None;
        }
        if let Ok(int) = text.parse::<i64>() {
            return Some(Ok(Self::Int(int)));
        }
        if bytes.len() as u64 > max_digits {
            return Some(Err(NumberError::TooLarge));
        }
        let Ok(big) = BigDecimal::from_str(text) else {
            return Some(Err(NumberError::TooLarge));
        };
        Some(Self::from_big(big).checked(max_digits))
    }

    /// Refuses numbers whose plain notation has more than `max_digits` digits.
    pub(crate) fn checked(self, max_digits: u64) -> Result<Self> {
        if let Self::Big(big) = &self {
            let scale = big.0.fractional_digit_count().unsigned_abs();
            if big.0.as_bigint_and_scale().0.bits() / 3 + scale > max_digits {
                return Err(NumberError::TooLarge);
            }
        }
        Ok(self)
    }

    pub(crate) fn to_big(&self) -> Result<BigDecimal> {
        match self {
            Self::Int(int) => Ok(BigDecimal::from(*int)),
            Self::Big(big) => Ok((*big.0).clone()),
            Self::NonFinite(_) => Err(NumberError::NonFinite),
        }
    }

    pub(crate) fn to_f64(&self) -> f64 {
        match self {
            Self::Int(int) => *int as f64,
            Self::Big(big) => big.0.to_string().parse().unwrap_or(f64::NAN),
            Self::NonFinite(float) => *float,
        }
    }

    /// The low 64 bits of the whole part, as Java narrows.
    pub(crate) fn to_i64_wrapping(&self) -> i64 {
        match self {
            Self::Int(int) => *int,
            Self::Big(big) => {
                let (whole, _) = big
                    .0
                    .with_scale_round(0, RoundingMode::Down)
                    .into_bigint_and_exponent();
                whole.iter_u64_digits().next().map_or(0, |low| {
                    let low = low as i64;
                    if whole.sign() == bigdecimal::num_bigint::Sign::Minus {
                        low.wrapping_neg()
                    } else {
                        low
                    }
                })
            }
            Self::NonFinite(float) => *float as i64,
        }
    }

    /// The whole part, if it fits into 64 bits.
    pub(crate) fn to_i64(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            Self::Big(big) => big.0.with_scale_round(0, RoundingMode::Down).to_i64(),
            Self::NonFinite(_) => None,
        }
    }

    pub(crate) fn add(&self, other: &Self, max_digits: u64) -> Result<Self> {
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && let Some(sum) = a.checked_add(*b)
        {
            return Ok(Self::Int(sum));
        }
        Self::from_big(self.to_big()? + other.to_big()?).checked(max_digits)
    }

    pub(crate) fn subtract(&self, other: &Self, max_digits: u64) -> Result<Self> {
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && let Some(difference) = a.checked_sub(*b)
        {
            return Ok(Self::Int(difference));
        }
        Self::from_big(self.to_big()? - other.to_big()?).checked(max_digits)
    }

    pub(crate) fn multiply(&self, other: &Self, max_digits: u64) -> Result<Self> {
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && let Some(product) = a.checked_mul(*b)
        {
            return Ok(Self::Int(product));
        }
        let product = self.to_big()? * other.to_big()?;
        let product = if product.fractional_digit_count() > MAX_SCALE {
            product.with_scale_round(MAX_SCALE, RoundingMode::HalfUp)
        } else {
            product
        };
        Self::from_big(product).checked(max_digits)
    }

    pub(crate) fn divide(&self, other: &Self, max_digits: u64) -> Result<Self> {
        if let (Self::Int(a), Self::Int(b)) = (self, other) {
            if *b == 0 {
                return Err(NumberError::DivisionByZero);
            }
            if a.checked_rem(*b) == Some(0) {
                return Ok(Self::Int(a / b));
            }
        }
        let (a, b) = (self.to_big()?, other.to_big()?);
        if b.is_zero() {
            return Err(NumberError::DivisionByZero);
        }
        let scale = MIN_DIVISION_SCALE
            .max(a.fractional_digit_count())
            .max(b.fractional_digit_count());
        Self::from_big(divide_half_up(&a, &b, scale)).checked(max_digits)
    }

    /// The remainder of the whole parts, with the sign of the dividend.
    pub(crate) fn modulus(&self, other: &Self) -> Result<Self> {
        let (a, b) = (self.to_i64_wrapping(), other.to_i64_wrapping());
        if b == 0 {
            return Err(NumberError::DivisionByZero);
        }
        Ok(Self::Int(a.wrapping_rem(b)))
    }

    pub(crate) fn negate(&self) -> Self {
        match self {
            Self::Int(int) => match int.checked_neg() {
                Some(negative) => Self::Int(negative),
                None => Self::from_big(-BigDecimal::from(*int)),
            },
            Self::Big(big) => Self::from_big(-(*big.0).clone()),
            Self::NonFinite(float) => Self::NonFinite(-float),
        }
    }

    pub(crate) fn abs(&self) -> Self {
        if self.is_negative() {
            self.negate()
        } else {
            self.clone()
        }
    }

    pub(crate) fn is_negative(&self) -> bool {
        match self {
            Self::Int(int) => *int < 0,
            Self::Big(big) => big.0.sign() == bigdecimal::num_bigint::Sign::Minus,
            Self::NonFinite(float) => *float < 0.0,
        }
    }

    /// Rounds to a whole number, by way of a double as FreeMarker does: digits beyond its precision are lost. Halves go
    /// up (towards positive infinity) for `HalfUp` as `?round` has it.
    pub(crate) fn round(&self, mode: Rounding) -> Self {
        const EXACT: i64 = 1 << 53;
        match self {
            Self::Int(int) if (-EXACT..=EXACT).contains(int) => return self.clone(),
            Self::NonFinite(_) => return self.clone(),
            _ => {}
        }
        let Ok(exact) = BigDecimal::try_from(self.to_f64()) else {
            return self.clone();
        };
        let rounded = match mode {
            Rounding::Floor => exact.with_scale_round(0, RoundingMode::Floor),
            Rounding::Ceiling => exact.with_scale_round(0, RoundingMode::Ceiling),
            Rounding::HalfUp => {
                let half = BigDecimal::new(BigInt::from(5), 1);
                (exact + half).with_scale_round(0, RoundingMode::Floor)
            }
        };
        Self::from_bigint(rounded.into_bigint_and_exponent().0)
    }

    /// The nearest whole number of 64 bits, if there is one.
    pub(crate) fn to_nearest_i64(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            _ => self.round(Rounding::HalfUp).to_i64(),
        }
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::NonFinite(_), _) | (_, Self::NonFinite(_)) => self
                .to_f64()
                .partial_cmp(&other.to_f64())
                .unwrap_or(Ordering::Equal),
            (Self::Big(a), Self::Big(b)) => a.0.cmp(&b.0),
            (Self::Big(a), Self::Int(b)) => (*a.0).cmp(&BigDecimal::from(*b)),
            (Self::Int(a), Self::Big(b)) => BigDecimal::from(*a).cmp(&b.0),
        }
    }

    /// As Java's own `toString` has it, for messages.
    pub(crate) fn to_text(&self) -> String {
        let mut text = Vec::new();
        self.write_computer(&mut text);
        String::from_utf8(text).unwrap_or_default()
    }

    /// Writes the form for computers: no grouping, a point, at most 16 fraction digits, no exponent.
    pub(crate) fn write_computer(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(int) => write_int(*int, out),
            Self::Big(big) => {
                let rounded = if big.0.fractional_digit_count() > 16 {
                    big.0.with_scale_round(16, RoundingMode::HalfEven)
                } else {
                    (*big.0).clone()
                };
                let negative = rounded.sign() == bigdecimal::num_bigint::Sign::Minus;
                let plain = rounded.normalized().abs().to_plain_string();
                if negative || (rounded.is_zero() && self.is_negative()) {
                    out.push(b'-');
                }
                out.extend_from_slice(plain.as_bytes());
            }
            Self::NonFinite(float) => out.extend_from_slice(non_finite_name(*float).as_bytes()),
        }
    }
}

/// How [`Number::round`] treats the fraction.
#[derive(Clone, Copy)]
pub(crate) enum Rounding {
    Floor,
    Ceiling,
    HalfUp,
}

fn non_finite_name(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "INF"
    } else {
        "-INF"
    }
}

/// Writes decimal digits without going through `fmt`.
pub(crate) fn write_int(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    write_magnitude(value.unsigned_abs(), out);
}

fn write_magnitude(value: u64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
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
    let negative = (numerator < BigInt::zero()) != (denominator < BigInt::zero());
    let (numerator, denominator) = (
        BigInt::from(numerator.magnitude().clone()),
        BigInt::from(denominator.magnitude().clone()),
    );
    let doubled = &numerator * 2 + &denominator;
    let quotient: BigInt = doubled / (denominator * 2);
    BigDecimal::new(if negative { -quotient } else { quotient }, scale)
}

/// Whether `text` is what Java's `BigDecimal` accepts.
fn is_decimal_notation(text: &[u8]) -> bool {
    let unsigned = match text.first() {
        Some(b'+' | b'-') => &text[1..],
        _ => text,
    };
    let (mantissa, exponent) = match unsigned.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let points = mantissa.iter().filter(|byte| **byte == b'.').count();
    let digits = mantissa.iter().filter(|byte| byte.is_ascii_digit()).count();
    let exponent_ok = exponent.is_none_or(|exponent| {
        let digits = match exponent.first() {
            Some(b'+' | b'-') => &exponent[1..],
            _ => exponent,
        };
        (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
    });
    points <= 1 && digits >= 1 && digits + points == mantissa.len() && exponent_ok
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text, 1000).expect("a number").expect("small")
    }

    fn text(number: &Number) -> String {
        let mut out = Vec::new();
        number.write_computer(&mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn a_division_keeps_twelve_digits_and_rounds_half_up() {
        assert_eq!(
            text(&number("2").divide(&number("3"), 1000).expect("quotient")),
            "0.666666666667"
        );
        assert_eq!(
            text(&number("-1").divide(&number("3"), 1000).expect("quotient")),
            "-0.333333333333"
        );
        assert_eq!(
            number("1").divide(&number("0"), 1000).err(),
            Some(NumberError::DivisionByZero)
        );
    }

    #[test]
    fn sums_of_64_bits_go_on_in_decimals() {
        let max = Number::Int(i64::MAX);
        assert_eq!(
            text(&max.add(&Number::Int(1), 1000).expect("sum")),
            "9223372036854775808"
        );
        assert_eq!(
            text(&number("0.1").add(&number("0.2"), 1000).expect("sum")),
            "0.3"
        );
    }

    #[test]
    fn numbers_beyond_the_limit_are_refused() {
        assert_eq!(
            Number::parse("1e999999", 1000).expect("a number").err(),
            Some(NumberError::TooLarge)
        );
        assert!(Number::parse("1e", 1000).is_none());
        assert!(Number::parse("", 1000).is_none());
        assert!(Number::parse(".", 1000).is_none());
    }

    #[test]
    fn round_takes_halves_up() {
        for (source, expected) in [("2.5", "3"), ("-2.5", "-2"), ("-2.6", "-3"), ("0.49", "0")] {
            assert_eq!(
                text(&number(source).round(Rounding::HalfUp)),
                expected,
                "{source}"
            );
        }
    }
}
