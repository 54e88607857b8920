//! Numbers written by a pattern.

use super::digits::{Digits, RoundingNeeded};
use super::pattern::{Pattern, Piece};
use super::short::{MAX_SHORT_DIGITS, Short};
use crate::append::append;
use crate::locale::Facts;
use crate::number::{Number, write_int};

/// Most digits that Java writes of its own integers and floats; its big decimals have no such limit.
const MAX_INTEGER_OF_LONG: usize = 309;
const MAX_FRACTION_OF_LONG: usize = 340;

/// The symbols in effect: the locale's, or the format's own.
struct Writer<'p, 'o> {
    pattern: &'p Pattern,
    facts: &'p Facts,
    zero: char,
    out: &'o mut Vec<u8>,
}

impl Pattern {
    /// Writes `number`. The error says why that can't be.
    pub(super) fn write(
        &self,
        number: &Number,
        facts: &Facts,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let mut writer = Writer {
            pattern: self,
            facts,
            zero: self.symbols.zero.unwrap_or(facts.symbols.zero),
            out,
        };
        let finite = match number {
            Number::Float(float) if self.multiplier == 1 => writer.float(float.value),
            // It is multiplied as the binary number that it is.
            Number::Float(float) if float.value.is_finite() => {
                writer.float(float.value * f64::from(self.multiplier))
            }
            Number::Float(float) => {
                writer.non_finite(float.value);
                return Ok(());
            }
            number => writer.finite(number),
        };
        finite.map_err(|RoundingNeeded| {
            "Rounding needed with the rounding mode being set to RoundingMode.UNNECESSARY"
                .to_owned()
        })
    }
}

impl Writer<'_, '_> {
    /// What has been multiplied already.
    fn float(&mut self, value: f64) -> Result<(), RoundingNeeded> {
        if !value.is_finite() {
            self.non_finite(value);
            return Ok(());
        }
        let number = Number::double(value);
        let Some(digits) = Digits::of(&number) else {
            return Ok(());
        };
        self.rounded(digits, value.is_sign_negative(), true)
    }

    fn non_finite(&mut self, value: f64) {
        let symbols = &self.pattern.symbols;
        if value.is_nan() || self.pattern.multiplier == 0 {
            let nan = symbols.nan.as_deref().unwrap_or(self.facts.symbols.nan);
            return self.out.extend_from_slice(nan.as_bytes());
        }
        let infinity = symbols
            .infinity
            .as_deref()
            .unwrap_or(self.facts.symbols.infinity);
        let negative = (value < 0.0) != (self.pattern.multiplier < 0);
        self.prefix(negative);
        self.out.extend_from_slice(infinity.as_bytes());
        self.suffix(negative);
    }

    fn finite(&mut self, number: &Number) -> Result<(), RoundingNeeded> {
        let multiplier = self.pattern.multiplier;
        let multiplied = if multiplier == 1 {
            None
        } else {
            match number {
                Number::Int(int) => int.checked_mul(i64::from(multiplier)).map(Number::Int),
                _ => None,
            }
            .or_else(|| Some(Number::from_big(number.to_big().ok()? * multiplier)))
        };
        let number = multiplied.as_ref().unwrap_or(number);
        if let Some(short) = Short::of(number, self.pattern) {
            let negative = number.is_negative();
            self.prefix(negative);
            self.short(&short);
            self.suffix(negative);
            return Ok(());
        }
        let Some(digits) = Digits::of(number) else {
            return Ok(());
        };
        self.rounded(
            digits,
            number.is_negative(),
            matches!(number, Number::Int(_)),
        )
    }

    fn rounded(
        &mut self,
        mut digits: Digits,
        negative: bool,
        is_limited: bool,
    ) -> Result<(), RoundingNeeded> {
        if let Some(exponent_digits) = self.pattern.exponent {
            let kept = self.pattern.max_integer + self.pattern.max_fraction;
            digits.round_significant(kept, self.pattern.rounding, negative)?;
            self.prefix(negative);
            self.scientific(&digits, exponent_digits);
        } else {
            let max = self.pattern.max_fraction;
            digits.round_fraction(max, self.pattern.rounding, negative)?;
            self.prefix(negative);
            self.plain(&digits, is_limited);
        }
        self.suffix(negative);
        Ok(())
    }

    /// The same as [`Self::plain`] for digits of one machine word, which are gathered from the last to the first.
    fn short(&mut self, short: &Short) {
        if self.zero == '0' && self.decimal().is_ascii() && self.group().is_ascii() {
            self.short_within::<SHORT_CHARS>(short);
        } else {
            self.short_within::<{ 4 * SHORT_CHARS }>(short);
        }
    }

    /// The same where so many bytes are room enough.
    #[inline(never)]
    fn short_within<const ROOM: usize>(&mut self, short: &Short) {
        let pattern = self.pattern;
        let mut text = Backwards::<ROOM>::new(self.zero);
        let shown = short.fraction.max(pattern.min_fraction);
        for _ in short.fraction..shown {
            text.digit(0);
        }
        let mut rest = short.digits;
        for _ in 0..short.fraction {
            text.digit(rest % 10);
            rest /= 10;
        }
        if shown > 0 || pattern.decimal_always {
            text.char(self.decimal());
        }
        let (mut width, mut left_in_group) = (0, pattern.grouping);
        while rest > 0 || width < pattern.min_integer {
            if left_in_group == 0 && pattern.grouping > 0 {
                text.char(self.group());
                left_in_group = pattern.grouping;
            }
            text.digit(rest % 10);
            rest /= 10;
            width += 1;
            left_in_group = left_in_group.saturating_sub(1);
        }
        if width == 0 && shown == 0 {
            text.digit(0);
        }
        append(self.out, text.written());
    }

    /// The format's own separator isn't one of money.
    fn group(&self) -> char {
        if self.pattern.is_money {
            self.facts.symbols.money_group
        } else {
            let own = self.pattern.symbols.group;
            own.unwrap_or(self.facts.symbols.group)
        }
    }

    fn plain(&mut self, digits: &Digits, is_limited: bool) {
        let pattern = self.pattern;
        let (min_integer, min_fraction) = if is_limited {
            (
                pattern.min_integer.min(MAX_INTEGER_OF_LONG),
                pattern.min_fraction.min(MAX_FRACTION_OF_LONG),
            )
        } else {
            (pattern.min_integer, pattern.min_fraction)
        };
        let whole = usize::try_from(digits.point).unwrap_or(0);
        let width = whole.max(min_integer);
        let group = self.group();
        for left in (0..width).rev() {
            let digit = if left < whole {
                digits.digits.get(whole - 1 - left).copied()
            } else {
                None
            };
            self.digit(digit.unwrap_or(b'0'));
            if pattern.grouping > 0 && left > 0 && left.is_multiple_of(pattern.grouping) {
                push_char(group, self.out);
            }
        }
        // Zeros between the point and the first digit belong to the fraction.
        let leading = usize::try_from(-digits.point).unwrap_or(0);
        let significant = digits.digits.get(whole..).unwrap_or_default();
        let fraction = if significant.is_empty() {
            0
        } else {
            leading + significant.len()
        };
        let shown = fraction.max(min_fraction);
        if width == 0 && shown == 0 {
            self.digit(b'0');
        }
        if shown > 0 || pattern.decimal_always {
            push_char(self.decimal(), self.out);
        }
        for at in 0..shown {
            let digit = at
                .checked_sub(leading)
                .and_then(|at| significant.get(at))
                .copied();
            self.digit(digit.unwrap_or(b'0'));
        }
    }

    fn scientific(&mut self, digits: &Digits, exponent_digits: usize) {
        let pattern = self.pattern;
        let repeat = pattern.max_integer as i64;
        let mut exponent = digits.point;
        let mut whole_of_zero = pattern.min_integer as i64;
        if repeat > 1 && pattern.max_integer > pattern.min_integer {
            // Exponents are multiples of the most whole digits.
            exponent = (exponent - 1).div_euclid(repeat) * repeat;
            whole_of_zero = 1;
        } else {
            exponent -= pattern.min_integer as i64;
        }
        let whole = if digits.is_zero() {
            exponent = 0;
            whole_of_zero
        } else {
            digits.point - exponent
        };
        let whole = usize::try_from(whole).unwrap_or(0);
        let total = digits
            .digits
            .len()
            .max(pattern.min_integer + pattern.min_fraction)
            .max(whole);
        for at in 0..total {
            if at == whole {
                push_char(self.decimal(), self.out);
            }
            self.digit(digits.digits.get(at).copied().unwrap_or(b'0'));
        }
        if pattern.decimal_always && total == whole {
            push_char(self.decimal(), self.out);
        }
        let separator = pattern
            .symbols
            .exponent
            .as_deref()
            .unwrap_or(self.facts.symbols.exponent);
        self.out.extend_from_slice(separator.as_bytes());
        if exponent < 0 {
            self.minus();
        }
        let mut text = Vec::new();
        write_int(exponent.abs(), &mut text);
        for _ in text.len()..exponent_digits {
            self.digit(b'0');
        }
        for digit in text {
            self.digit(digit);
        }
    }

    fn prefix(&mut self, negative: bool) {
        let pattern = self.pattern;
        self.pieces(if negative {
            &pattern.negative.prefix
        } else {
            &pattern.positive.prefix
        });
    }

    fn suffix(&mut self, negative: bool) {
        let pattern = self.pattern;
        self.pieces(if negative {
            &pattern.negative.suffix
        } else {
            &pattern.positive.suffix
        });
    }

    #[inline]
    fn pieces(&mut self, pieces: &[Piece]) {
        // Most patterns have nothing around the digits.
        if !pieces.is_empty() {
            self.write_pieces(pieces);
        }
    }

    fn write_pieces(&mut self, pieces: &[Piece]) {
        let own = &self.pattern.symbols;
        let symbols = &self.facts.symbols;
        let currency = own.currency.as_deref().unwrap_or(self.facts.currency);
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.out.extend_from_slice(text.as_bytes()),
                Piece::Minus => self.minus(),
                Piece::Percent => self.sign(own.percent, symbols.percent),
                Piece::PerMille => self.sign(own.per_mille, symbols.per_mille),
                Piece::CurrencyCode => self.out.extend_from_slice(currency.as_bytes()),
                Piece::CurrencySign => {
                    let sign = match (&own.currency_sign, &own.currency) {
                        (Some(sign), _) => sign,
                        // A locale without a country has no currency, and not that one's sign either.
                        (None, None) if currency == "XXX" => "\u{a4}",
                        _ => self.facts.currency_sign(currency),
                    };
                    self.out.extend_from_slice(sign.as_bytes());
                }
            }
        }
    }

    fn minus(&mut self) {
        self.sign(self.pattern.symbols.minus, self.facts.symbols.minus);
    }

    fn sign(&mut self, own: Option<char>, locales: &str) {
        match own {
            Some(sign) => push_char(sign, self.out),
            None => self.out.extend_from_slice(locales.as_bytes()),
        }
    }

    fn decimal(&self) -> char {
        let own = &self.pattern.symbols;
        if self.pattern.is_money {
            own.money_decimal
                .unwrap_or(self.facts.symbols.money_decimal)
        } else {
            own.decimal.unwrap_or(self.facts.symbols.decimal)
        }
    }

    fn digit(&mut self, digit: u8) {
        if self.zero == '0' {
            self.out.push(digit);
        } else {
            let code = self.zero as u32 + u32::from(digit - b'0');
            push_char(char::from_u32(code).unwrap_or(char::from(digit)), self.out);
        }
    }
}

/// The digits of a short number's whole part and of its fraction, a separator before each of the former, and the point.
const SHORT_CHARS: usize = 3 * MAX_SHORT_DIGITS + 1;

/// A number's text, gathered from its end.
struct Backwards<const ROOM: usize> {
    buffer: [u8; ROOM],
    start: usize,
    zero: char,
}

impl<const ROOM: usize> Backwards<ROOM> {
    fn new(zero: char) -> Self {
        Self {
            buffer: [0; ROOM],
            start: ROOM,
            zero,
        }
    }

    /// Whether every character is one of ASCII's: that much room is for those.
    const IS_ASCII: bool = ROOM == SHORT_CHARS;

    #[inline(always)]
    fn digit(&mut self, digit: u64) {
        if Self::IS_ASCII {
            self.byte(b'0' + digit as u8);
        } else {
            self.char(char::from_u32(self.zero as u32 + digit as u32).unwrap_or(self.zero));
        }
    }

    #[inline(always)]
    fn char(&mut self, c: char) {
        if Self::IS_ASCII {
            self.byte(c as u8);
        } else {
            self.start -= c.len_utf8();
            c.encode_utf8(&mut self.buffer[self.start..]);
        }
    }

    #[inline(always)]
    fn byte(&mut self, byte: u8) {
        self.start -= 1;
        self.buffer[self.start] = byte;
    }

    fn written(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

fn push_char(c: char, out: &mut Vec<u8>) {
    let mut buffer = [0; 4];
    out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
}
