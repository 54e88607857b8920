//! Number formats: Java's `DecimalFormat` patterns with FreeMarker's names and `;;` options.

use bigdecimal::{BigDecimal, RoundingMode, Zero};

use super::{Number, write_int};

/// A compiled `number_format`.
#[derive(Clone, Debug)]
pub(crate) enum NumberFormat {
    /// `computer`, `c`: for machines to read.
    Computer,
    Pattern(Box<Pattern>),
}

/// A pattern in its parts.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    positive: Affixes,
    negative: Affixes,
    min_integer: usize,
    max_integer: Option<usize>,
    min_fraction: usize,
    max_fraction: usize,
    /// Digits in a group; 0 for none.
    grouping: usize,
    /// Powers of ten that the value is multiplied by: 2 for percent, 3 for per mille.
    shift: i64,
    /// Digits of the exponent, if there is one.
    exponent: Option<usize>,
    decimal_always: bool,
    rounding: RoundingMode,
    symbols: Symbols,
}

#[derive(Clone, Debug, Default)]
struct Affixes {
    prefix: String,
    suffix: String,
}

#[derive(Clone, Debug)]
struct Symbols {
    decimal: char,
    group: char,
    minus: char,
    exponent: String,
    infinity: String,
    nan: String,
    zero: char,
}

impl Default for Symbols {
    fn default() -> Self {
        Self {
            decimal: '.',
            group: ',',
            minus: '-',
            exponent: "E".to_owned(),
            infinity: "∞".to_owned(),
            nan: "NaN".to_owned(),
            zero: '0',
        }
    }
}

impl NumberFormat {
    /// Compiles a format by name (`number`, `computer`, `c`, `percent`, `currency`) or pattern. The error says what is wrong.
    pub(crate) fn parse(format: &str) -> Result<Self, String> {
        let pattern = match format {
            "computer" | "c" => return Ok(Self::Computer),
            "number" | "" => "#,##0.###",
            "percent" => "#,##0%",
            "currency" => "\u{a4}#,##0.00",
            _ if format.starts_with('@') => {
                return Err(
                    "custom number formats are Java classes, which aren't available".to_owned(),
                );
            }
            other => other,
        };
        Pattern::parse(pattern).map(|pattern| Self::Pattern(Box::new(pattern)))
    }

    pub(crate) fn write(&self, number: &Number, out: &mut Vec<u8>) {
        match self {
            Self::Computer => number.write_computer(out),
            Self::Pattern(pattern) => pattern.write(number, out),
        }
    }
}

impl Pattern {
    fn parse(source: &str) -> Result<Self, String> {
        let (pattern, options) = match source.split_once(";;") {
            Some((pattern, options)) => (pattern, options),
            None => (source, ""),
        };
        let mut scanner = Scanner {
            rest: pattern.chars().peekable(),
            shift: 0,
        };
        let mut parsed = Self {
            positive: Affixes::default(),
            negative: Affixes::default(),
            min_integer: 0,
            max_integer: None,
            min_fraction: 0,
            max_fraction: 0,
            grouping: 0,
            shift: 0,
            exponent: None,
            decimal_always: false,
            rounding: RoundingMode::HalfEven,
            symbols: Symbols::default(),
        };
        parsed.positive.prefix = scanner.affix();
        parsed.digits(&mut scanner)?;
        parsed.positive.suffix = scanner.affix();
        parsed.shift = scanner.shift;
        parsed.negative = if scanner.rest.next_if_eq(&';').is_some() {
            let prefix = scanner.affix();
            scanner.skip_digits();
            Affixes {
                prefix,
                suffix: scanner.affix(),
            }
        } else {
            parsed.positive.clone()
        };
        if let Some(unexpected) = scanner.rest.next() {
            return Err(format!(
                "unexpected {unexpected:?} in the number pattern {source:?}"
            ));
        }
        // Java: without a negative pattern, or with one that equals the positive, the minus sign is the mark.
        if parsed.negative.prefix == parsed.positive.prefix
            && parsed.negative.suffix == parsed.positive.suffix
        {
            parsed.negative.prefix.insert(0, parsed.symbols.minus);
        }
        parsed.apply_options(options)?;
        Ok(parsed)
    }

    /// Reads the part of `#`, `0`, `,`, `.` and the exponent.
    fn digits(&mut self, scanner: &mut Scanner<'_>) -> Result<(), String> {
        let (mut optional, mut zeros, mut group) = (0usize, 0usize, None::<usize>);
        let mut seen = false;
        while let Some(&c) = scanner.rest.peek() {
            match c {
                '#' if zeros > 0 => {
                    return Err("unexpected '#' after '0' in a number pattern".to_owned());
                }
                '#' => optional += 1,
                '0' => zeros += 1,
                ',' => {
                    group = Some(0);
                    scanner.rest.next();
                    continue;
                }
                _ => break,
            }
            seen = true;
            group = group.map(|digits| digits + 1);
            scanner.rest.next();
        }
        self.min_integer = zeros;
        let (mut fraction_zeros, mut fraction_optional) = (0usize, 0usize);
        let decimal = scanner.rest.next_if_eq(&'.').is_some();
        if decimal {
            while let Some(&c) = scanner.rest.peek() {
                match c {
                    '0' if fraction_optional > 0 => {
                        return Err("unexpected '0' after '#' in a number pattern".to_owned());
                    }
                    '0' => fraction_zeros += 1,
                    '#' => fraction_optional += 1,
                    _ => break,
                }
                scanner.rest.next();
            }
            seen |= fraction_zeros + fraction_optional > 0;
        }
        // Java: where there's no '0' at all, the '#' at the point, or the first one after it, counts as one.
        if zeros + fraction_zeros == 0 {
            if optional > 0 {
                optional -= 1;
                self.min_integer = 1;
            } else if fraction_optional > 0 {
                fraction_optional -= 1;
                fraction_zeros = 1;
            }
        }
        self.min_fraction = fraction_zeros;
        self.max_fraction = fraction_zeros + fraction_optional;
        self.decimal_always = decimal && self.max_fraction == 0;
        self.grouping = group.unwrap_or(0);
        if seen && scanner.rest.next_if_eq(&'E').is_some() {
            let mut digits = 0;
            while scanner.rest.next_if_eq(&'0').is_some() {
                digits += 1;
            }
            if digits == 0 {
                return Err("a number pattern's exponent needs a '0'".to_owned());
            }
            self.exponent = Some(digits);
            self.max_integer = Some(optional + self.min_integer);
        }
        if !seen && self.positive.prefix.is_empty() {
            self.max_integer = None;
        }
        Ok(())
    }

    fn apply_options(&mut self, options: &str) -> Result<(), String> {
        for option in split_options(options) {
            let (name, value) = option
                .split_once('=')
                .ok_or_else(|| format!("expected name=value in {option:?}"))?;
            let value = unquote(value.trim());
            let first = || {
                value
                    .chars()
                    .next()
                    .ok_or_else(|| format!("option {name} needs a character"))
            };
            match name.trim() {
                "roundingMode" => self.rounding = rounding_mode(&value)?,
                "decimalSeparator" => self.symbols.decimal = first()?,
                "groupingSeparator" => self.symbols.group = first()?,
                "minusSign" => {
                    let minus = first()?;
                    self.negative.prefix =
                        self.negative
                            .prefix
                            .replacen(self.symbols.minus, &minus.to_string(), 1);
                    self.symbols.minus = minus;
                }
                "exponentSeparator" => self.symbols.exponent = value,
                "infinity" => self.symbols.infinity = value,
                "nan" => self.symbols.nan = value,
                "zeroDigit" => self.symbols.zero = first()?,
                "multiplier" | "multipier" => {
                    self.shift = match value.as_str() {
                        "1" => 0,
                        "10" => 1,
                        "100" => 2,
                        "1000" => 3,
                        _ => return Err(format!("unsupported multiplier {value:?}")),
                    }
                }
                other => return Err(format!("unsupported option {other:?} in a number pattern")),
            }
        }
        Ok(())
    }

    fn write(&self, number: &Number, out: &mut Vec<u8>) {
        if let Number::Int(int) = number
            && self.is_plain_for_small(*int)
        {
            return write_int(*int, out);
        }
        if let Number::NonFinite(float) = number {
            let affixes = if *float < 0.0 {
                &self.negative
            } else {
                &self.positive
            };
            if float.is_nan() {
                out.extend_from_slice(self.symbols.nan.as_bytes());
            } else {
                out.extend_from_slice(affixes.prefix.as_bytes());
                out.extend_from_slice(self.symbols.infinity.as_bytes());
                out.extend_from_slice(affixes.suffix.as_bytes());
            }
            return;
        }
        let Ok(value) = number.to_big() else { return };
        let (digits, scale) = value.into_bigint_and_exponent();
        let value = BigDecimal::new(digits, scale - self.shift);
        if self.exponent.is_some() {
            return self.write_scientific(&value, number.is_negative(), out);
        }
        let rounded = value.with_scale_round(self.max_fraction as i64, self.rounding);
        let affixes = if number.is_negative() {
            &self.negative
        } else {
            &self.positive
        };
        let plain = rounded.abs().to_plain_string();
        let (integer, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        out.extend_from_slice(affixes.prefix.as_bytes());
        self.write_integer_digits(integer.trim_start_matches('0'), fraction, out);
        self.write_fraction_digits(fraction, out);
        out.extend_from_slice(affixes.suffix.as_bytes());
    }

    /// Whether the digits of `int` alone are its formatted form.
    fn is_plain_for_small(&self, int: i64) -> bool {
        self.shift == 0
            && self.exponent.is_none()
            && self.min_fraction == 0
            && self.min_integer == 1
            && !self.decimal_always
            && self.symbols.zero == '0'
            && self.positive.prefix.is_empty()
            && self.positive.suffix.is_empty()
            && if self.grouping == 0 {
                int >= 0
            } else {
                (0..1000).contains(&int) && self.grouping >= 3
            }
    }

    fn write_integer_digits(&self, significant: &str, fraction: &str, out: &mut Vec<u8>) {
        let width = significant.len().max(self.min_integer);
        if width == 0 && fraction.trim_end_matches('0').is_empty() && self.min_fraction == 0 {
            return self.push_digit(b'0', out);
        }
        let zeros = width - significant.len();
        for index in 0..width {
            let digit = if index < zeros {
                b'0'
            } else {
                significant.as_bytes()[index - zeros]
            };
            self.push_digit(digit, out);
            let left = width - index - 1;
            if self.grouping > 0 && left > 0 && left.is_multiple_of(self.grouping) {
                push_char(self.symbols.group, out);
            }
        }
    }

    fn write_fraction_digits(&self, fraction: &str, out: &mut Vec<u8>) {
        let kept = fraction.trim_end_matches('0').len().max(self.min_fraction);
        if kept == 0 && !self.decimal_always {
            return;
        }
        push_char(self.symbols.decimal, out);
        for index in 0..kept {
            self.push_digit(fraction.as_bytes().get(index).copied().unwrap_or(b'0'), out);
        }
    }

    fn push_digit(&self, digit: u8, out: &mut Vec<u8>) {
        if self.symbols.zero == '0' {
            out.push(digit);
        } else {
            let code = self.symbols.zero as u32 + u32::from(digit - b'0');
            push_char(char::from_u32(code).unwrap_or(digit as char), out);
        }
    }

    fn write_scientific(&self, value: &BigDecimal, negative: bool, out: &mut Vec<u8>) {
        let max_integer = self.max_integer.unwrap_or(1) as i64;
        let min_integer = self.min_integer as i64;
        let abs = value.abs();
        // The number of digits left of the point in plain notation; 0.00x has a negative one.
        let point = if abs.is_zero() {
            0
        } else {
            abs.digits() as i64 - abs.fractional_digit_count()
        };
        let repeat = if max_integer > 1 && max_integer > min_integer {
            max_integer
        } else {
            0
        };
        let exponent = if abs.is_zero() {
            0
        } else if repeat > 0 {
            (point - 1).div_euclid(repeat) * repeat
        } else {
            point
                - if min_integer > 0 || self.min_fraction > 0 {
                    min_integer
                } else {
                    1
                }
        };
        let (digits, scale) = abs.into_bigint_and_exponent();
        let mantissa = BigDecimal::new(digits, scale + exponent);
        // Significant digits are bounded by the sum of the most integer and the most fraction digits.
        let significant = max_integer + self.max_fraction as i64;
        let fraction_digits = (significant - (point - exponent)).max(0);
        let rounded = mantissa.with_scale_round(fraction_digits, self.rounding);
        let plain = rounded.to_plain_string();
        let (integer, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        let affixes = if negative {
            &self.negative
        } else {
            &self.positive
        };
        out.extend_from_slice(affixes.prefix.as_bytes());
        self.write_integer_digits(integer.trim_start_matches('0'), fraction, out);
        self.write_fraction_digits(fraction, out);
        out.extend_from_slice(self.symbols.exponent.as_bytes());
        if exponent < 0 {
            push_char(self.symbols.minus, out);
        }
        let width = self.exponent.unwrap_or(1);
        for digit in format!("{:0width$}", exponent.abs()).bytes() {
            self.push_digit(digit, out);
        }
        out.extend_from_slice(affixes.suffix.as_bytes());
    }
}

fn push_char(c: char, out: &mut Vec<u8>) {
    let mut buffer = [0; 4];
    out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
}

struct Scanner<'p> {
    rest: std::iter::Peekable<std::str::Chars<'p>>,
    shift: i64,
}

impl Scanner<'_> {
    /// Reads literal text, quoted or not, up to a digit character or `;`.
    fn affix(&mut self) -> String {
        let mut text = String::new();
        let mut quoted = false;
        while let Some(&c) = self.rest.peek() {
            match c {
                '\'' => {
                    self.rest.next();
                    if self.rest.next_if_eq(&'\'').is_some() {
                        text.push('\'');
                    } else {
                        quoted = !quoted;
                    }
                    continue;
                }
                _ if quoted => text.push(c),
                '#' | '0' | ',' | '.' | ';' => break,
                '%' => {
                    self.shift = 2;
                    text.push(c);
                }
                '\u{2030}' => {
                    self.shift = 3;
                    text.push(c);
                }
                '\u{a4}' => {
                    self.rest.next();
                    text.push_str(if self.rest.next_if_eq(&'\u{a4}').is_some() {
                        "USD"
                    } else {
                        "$"
                    });
                    continue;
                }
                _ => text.push(c),
            }
            self.rest.next();
        }
        text
    }

    fn skip_digits(&mut self) {
        while self
            .rest
            .next_if(|c| matches!(c, '#' | '0' | ',' | '.'))
            .is_some()
        {}
    }
}

fn split_options(options: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quote) = (0, None);
    for (at, c) in options.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, ' ' | ',') => {
                parts.push(&options[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&options[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn unquote(value: &str) -> String {
    for quote in ['"', '\''] {
        if value.len() >= 2 && value.starts_with(quote) && value.ends_with(quote) {
            return value[1..value.len() - 1]
                .replace(&format!("{quote}{quote}"), &quote.to_string());
        }
    }
    value.to_owned()
}

fn rounding_mode(name: &str) -> Result<RoundingMode, String> {
    Ok(match name {
        "up" => RoundingMode::Up,
        "down" => RoundingMode::Down,
        "ceiling" => RoundingMode::Ceiling,
        "floor" => RoundingMode::Floor,
        "halfUp" => RoundingMode::HalfUp,
        "halfDown" => RoundingMode::HalfDown,
        "halfEven" => RoundingMode::HalfEven,
        other => return Err(format!("unknown rounding mode {other:?}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(pattern: &str, number: &str) -> String {
        let number = Number::parse(number, 1000)
            .expect("a number")
            .expect("small");
        let mut out = Vec::new();
        NumberFormat::parse(pattern)
            .expect("a pattern")
            .write(&number, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn patterns_print_as_javas() {
        for (pattern, number, expected) in [
            ("number", "1234567.8915", "1,234,567.892"),
            ("number", "0.5", "0.5"),
            ("0.00", "2.5", "2.50"),
            ("0.#", "2.25", "2.2"),
            ("#.##", "0.5", "0.5"),
            ("#.##", "0", "0"),
            ("0%", "0.256", "26%"),
            ("#,##0.00;(#,##0.00)", "-1234.5", "(1,234.50)"),
            ("0.00 'kg'", "-3", "-3.00 kg"),
            ("000", "7", "007"),
            ("currency", "-5", "-$5.00"),
            ("0.###E0", "12345", "1.234E4"),
            (
                "0.##;; roundingMode=halfUp decimalSeparator=','",
                "1.005",
                "1,01",
            ),
        ] {
            assert_eq!(format(pattern, number), expected, "{pattern} of {number}");
        }
    }
}
