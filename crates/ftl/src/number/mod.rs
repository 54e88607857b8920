//! Numbers as FreeMarker's BigDecimal engine computes them, with a fast path for whole numbers of 64 bits.

mod c_format;
mod conservative;
mod decimal;
mod digits;
mod float;
mod format;
mod small;

use std::cmp::Ordering;

use bigdecimal::num_bigint::{BigInt, Sign};
use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive};

pub(crate) use c_format::CFormat;
pub use decimal::Decimal;
use decimal::Small;
pub(crate) use float::Float;
pub(crate) use format::{NumberFormat, StandardPatterns};

/// Fraction digits that a division keeps at least.
const MIN_DIVISION_SCALE: i64 = 12;
/// Fraction digits that a multiplication keeps at most.
const MAX_SCALE: i64 = 12;

/// As a result it is a decimal: FreeMarker calculates in those, and only the data has it in 64 bits, where its sign can't change.
const LEAST: i64 = i64::MIN;

/// What is wrong with a division of `dividend` by a `divisor` that is zero.
#[cold]
fn divided_by_zero(dividend: &Decimal, divisor: &Decimal) -> NumberError {
    // Java has a table of that many powers of ten.
    const MOST_ZEROS: i64 = 19;
    let scale = MIN_DIVISION_SCALE
        .max(dividend.scale())
        .max(divisor.scale());
    let zeros = scale + divisor.scale() - dividend.scale();
    let (digits, _) = dividend
        .to_big()
        .with_scale(dividend.scale() + zeros)
        .into_bigint_and_exponent();
    match digits.to_i64() {
        Some(digits) if digits != i64::MIN && zeros < MOST_ZEROS => NumberError::DivisionByZero,
        _ => NumberError::BigDivisionByZero,
    }
}

/// A number at run time.
#[derive(Clone, Debug)]
pub(crate) enum Number {
    Int(i64),
    Big(Decimal),
    /// What `?double` and `?float` make, and what has no decimal notation: infinities and not-a-number.
    Float(Float),
}

/// Why an operation on numbers has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberError {
    DivisionByZero,
    /// The same, where the dividend with the fraction digits of the quotient and the divisor needs more than 64 bits: Java
    /// words that otherwise.
    BigDivisionByZero,
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
            return Self::double(value);
        }
        if value.fract() == 0.0 && value.abs() < 9.0e15 {
            return Self::Int(value as i64);
        }
        // Without an exponent where that isn't long: such a text is read faster.
        let text = if (1e-6..1e15).contains(&value.abs()) {
            value.to_string()
        } else {
            format!("{value:e}")
        };
        Decimal::parse(&text).map_or(Self::double(value), Self::Big)
    }

    pub(crate) fn from_big(value: BigDecimal) -> Self {
        Self::Big(value.into())
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

    /// The same as [`Self::parse`] for digits that fit into a machine word, with a sign and a point; `None` for what needs
    /// another look.
    #[inline(always)]
    pub(crate) fn parse_small(text: &str, max_digits: u64) -> Option<Self> {
        let small = Small::parse(text.as_bytes())?;
        if small.scale == 0 {
            return Some(Self::Int(small.digits));
        }
        small.checked(max_digits)
    }

    /// Reads decimal notation, with a sign, a fraction and an exponent; `max_digits` bounds its plain notation.
    pub(crate) fn parse(text: &str, max_digits: u64) -> Option<Result<Self>> {
        let bytes = text.as_bytes();
        match Small::parse(bytes) {
            Some(whole) if whole.scale == 0 => return Some(Ok(Self::Int(whole.digits))),
            Some(small) => return Some(Self::Big(small.into()).checked(max_digits)),
            None => {}
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
        let Some(decimal) = Decimal::parse(text) else {
            return Some(Err(NumberError::TooLarge));
        };
        Some(Self::Big(decimal).checked(max_digits))
    }

    /// The same as a decimal, if it is the one of 64 bits that can't be negated in them.
    pub(crate) fn without_least(self) -> Self {
        match self {
            Self::Int(LEAST) => Self::Big(LEAST.into()),
            other => other,
        }
    }

    /// Refuses numbers whose plain notation has more than `max_digits` digits.
    pub(crate) fn checked(self, max_digits: u64) -> Result<Self> {
        match &self {
            Self::Big(big) if big.plain_digits() > max_digits => Err(NumberError::TooLarge),
            _ => Ok(self),
        }
    }

    /// Machine words that the number takes beyond a small one's.
    pub(crate) fn extra_words(&self) -> usize {
        match self {
            Self::Big(big) => big.extra_words(),
            Self::Int(_) | Self::Float(_) => 0,
        }
    }

    pub(crate) fn to_big(&self) -> Result<BigDecimal> {
        self.to_decimal().map(|decimal| decimal.to_big())
    }

    #[inline]
    fn small(&self) -> Option<Small> {
        match self {
            Self::Int(int) => Some((*int).into()),
            Self::Big(big) => big.small(),
            Self::Float(_) => None,
        }
    }

    fn to_decimal(&self) -> Result<Decimal> {
        match self {
            Self::Int(int) => Ok((*int).into()),
            Self::Big(big) => Ok(big.clone()),
            Self::Float(float) => float.to_decimal().ok_or(NumberError::NonFinite),
        }
    }

    pub(crate) fn to_f64(&self) -> f64 {
        match self {
            Self::Int(int) => *int as f64,
            Self::Big(big) => big.to_f64(),
            Self::Float(float) => float.value,
        }
    }

    /// The low 64 bits of the whole part, as Java narrows.
    pub(crate) fn to_i64_wrapping(&self) -> i64 {
        match self {
            Self::Int(int) => *int,
            Self::Big(big) => big.to_i64_wrapping(),
            Self::Float(float) => float.value as i64,
        }
    }

    /// The low 32 bits of the whole part, as Java narrows; floats end at the limits.
    pub(crate) fn to_i32_wrapping(&self) -> i32 {
        match self {
            Self::Float(float) => float.to_i32(),
            number => number.to_i64_wrapping() as i32,
        }
    }

    /// The whole part, if it fits into 64 bits.
    pub(crate) fn to_i64(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            Self::Big(big) => big.to_i64(),
            Self::Float(float) => float.to_decimal()?.to_i64(),
        }
    }

    pub(crate) fn add(&self, other: &Self, max_digits: u64) -> Result<Self> {
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && let Some(sum) = a.checked_add(*b)
            && sum != LEAST
        {
            return Ok(Self::Int(sum));
        }
        Self::Big(self.to_decimal()?.add(&other.to_decimal()?)).checked(max_digits)
    }

    pub(crate) fn subtract(&self, other: &Self, max_digits: u64) -> Result<Self> {
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && let Some(difference) = a.checked_sub(*b)
            && difference != LEAST
        {
            return Ok(Self::Int(difference));
        }
        Self::Big(self.to_decimal()?.subtract(&other.to_decimal()?)).checked(max_digits)
    }

    pub(crate) fn multiply(&self, other: &Self, max_digits: u64) -> Result<Self> {
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && let Some(product) = a.checked_mul(*b)
            && product != LEAST
        {
            return Ok(Self::Int(product));
        }
        let product = self.to_decimal()?.multiply(&other.to_decimal()?);
        Self::Big(product).checked(max_digits)
    }

    pub(crate) fn divide(&self, other: &Self, max_digits: u64) -> Result<Self> {
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && *a != 0
            && a.checked_rem(*b) == Some(0)
        {
            return Ok(Self::Int(a / b));
        }
        let (a, b) = (self.to_decimal()?, other.to_decimal()?);
        if b.is_zero() {
            return Err(divided_by_zero(&a, &b));
        }
        let scale = MIN_DIVISION_SCALE.max(a.scale()).max(b.scale());
        Self::Big(a.divide_half_up(&b, scale)).checked(max_digits)
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
            // `LEAST` stays as it is: FreeMarker multiplies by -1 in 64 bits, and misses the overflow.
            Self::Int(int) => Self::Int(int.wrapping_neg()),
            // That is a multiplication, too.
            Self::Big(big) if big.scale() > MAX_SCALE => {
                Self::Big(big.multiply(&Decimal::from(-1_i64)))
            }
            Self::Big(big) => Self::Big(big.negate()),
            Self::Float(float) => Self::Float(Float {
                value: -float.value,
                ..*float
            }),
        }
    }

    pub(crate) fn abs(&self) -> Self {
        match self {
            Self::Big(big) if big.is_negative() => Self::Big(big.negate()),
            number if number.is_negative() => number.negate(),
            number => number.clone(),
        }
    }

    pub(crate) fn is_negative(&self) -> bool {
        match self {
            Self::Int(int) => *int < 0,
            Self::Big(big) => big.is_negative(),
            Self::Float(float) => float.value < 0.0,
        }
    }

    /// Rounds to a whole number, by way of a double as FreeMarker does: digits beyond its precision are lost. Halves go
    /// up (towards positive infinity) for `HalfUp` as `?round` has it.
    pub(crate) fn round(&self, mode: Rounding) -> Self {
        const EXACT: i64 = 1 << 53;
        match self {
            Self::Int(int) if (-EXACT..=EXACT).contains(int) => return self.clone(),
            Self::Float(float) if !float.value.is_finite() => return self.clone(),
            _ => {}
        }
        let double = self.to_f64();
        if double.abs() < EXACT as f64 {
            // Below that a double's whole part and fraction are exact.
            let floor = double.floor();
            let up = match mode {
                Rounding::Floor => false,
                Rounding::Ceiling => double > floor,
                Rounding::HalfUp => double - floor >= 0.5,
            };
            return Self::Int(floor as i64 + i64::from(up));
        }
        let Ok(exact) = BigDecimal::try_from(double) else {
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
        Self::from_bigint(rounded.into_bigint_and_exponent().0).without_least()
    }

    /// The nearest whole number of 64 bits, if there is one; halves go away from zero.
    pub(crate) fn to_nearest_i64(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            Self::Big(big) => {
                let whole = big.to_big().with_scale_round(0, RoundingMode::HalfUp);
                whole.into_bigint_and_exponent().0.to_i64()
            }
            Self::Float(float) => Some(float.to_nearest_i64()),
        }
    }

    /// The nearest whole number in plain digits, halves away from zero.
    pub(crate) fn to_whole_text(&self) -> String {
        match self {
            Self::Big(big) => big
                .to_big()
                .with_scale_round(0, RoundingMode::HalfUp)
                .to_plain_string(),
            other => other.to_text(),
        }
    }

    /// Whether it is none of the numbers that can be compared.
    #[inline]
    pub(crate) fn is_nan(&self) -> bool {
        matches!(self, Self::Float(float) if float.value.is_nan())
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Float(_), _) | (_, Self::Float(_)) => {
                match (self.to_decimal(), other.to_decimal()) {
                    (Ok(a), Ok(b)) => a.compare(&b),
                    _ => (self.to_f64().partial_cmp(&other.to_f64())).unwrap_or(Ordering::Equal),
                }
            }
            (Self::Big(a), Self::Big(b)) => a.compare(b),
            (Self::Big(a), Self::Int(b)) => a.compare(&(*b).into()),
            (Self::Int(a), Self::Big(b)) => Decimal::from(*a).compare(b),
        }
    }

    /// Whole numbers that compare as `numbers` do, if those are small: they are the digits at one scale.
    pub(crate) fn keys<'n>(numbers: impl Iterator<Item = &'n Self>) -> Option<Vec<i64>> {
        let smalls: Option<Vec<Small>> = numbers.map(Self::small).collect();
        let smalls = smalls?;
        let scale = smalls.iter().map(|small| small.scale).max().unwrap_or(0);
        let key = |small: &Small| i64::try_from(small.digits_at(scale)).ok();
        smalls.iter().map(key).collect()
    }

    /// As Java's own `toString` has it, for messages.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Int(int) => int.to_string(),
            Self::Big(big) => big.to_java_text(),
            Self::Float(float) => float.to_text(),
        }
    }

    /// Writes the form for computers: no grouping, a point, at most 16 fraction digits, no exponent.
    pub(crate) fn write_computer(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(int) => write_int(*int, out),
            Self::Big(big) => match big.small() {
                Some(small) => small.write_plain(out),
                None => write_big(&big.to_big(), out),
            },
            // One of 32 bits is written with the digits that it has in 64.
            Self::Float(float) => match Float::double(float.value).to_decimal() {
                Some(decimal) => {
                    if float.value == 0.0 && float.value.is_sign_negative() {
                        out.push(b'-');
                    }
                    Self::Big(decimal).write_computer(out);
                }
                None => out.extend_from_slice(non_finite_name(float.value).as_bytes()),
            },
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

fn write_big(number: &BigDecimal, out: &mut Vec<u8>) {
    let rounded = if number.fractional_digit_count() > 16 {
        number.with_scale_round(16, RoundingMode::HalfEven)
    } else {
        number.clone()
    };
    if number.sign() == Sign::Minus {
        out.push(b'-');
    }
    let plain = rounded.normalized().abs().to_plain_string();
    out.extend_from_slice(plain.as_bytes());
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
    fn keys_compare_as_their_numbers_do() {
        let numbers = ["-1.5", "2", "1.50", "0.001", "-3", "1.5"].map(number);
        let keys = Number::keys(numbers.iter()).expect("small numbers");
        for (left, left_key) in numbers.iter().zip(&keys) {
            for (right, right_key) in numbers.iter().zip(&keys) {
                assert_eq!(left_key.cmp(right_key), left.compare(right));
            }
        }
        assert!(Number::keys([number("1"), number("1e30")].iter()).is_none());
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
