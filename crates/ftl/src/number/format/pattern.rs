//! `DecimalFormat` patterns, as they stand in a format.

use super::digits::Rounding;

/// A pattern in its parts.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    pub(super) positive: Affixes,
    pub(super) negative: Affixes,
    pub(super) min_integer: usize,
    /// Only formats with an exponent have fewer than all.
    pub(super) max_integer: usize,
    pub(super) min_fraction: usize,
    pub(super) max_fraction: usize,
    /// Digits in a group; 0 for none.
    pub(super) grouping: usize,
    /// 100 for percent, 1000 for per mille.
    pub(super) multiplier: i32,
    /// Digits of the exponent at least, if there is one.
    pub(super) exponent: Option<usize>,
    pub(super) decimal_always: bool,
    /// Whether a currency sign makes the separators those of money.
    pub(super) is_money: bool,
    pub(super) rounding: Rounding,
    /// What the format says in place of the locale's symbols.
    pub(super) symbols: SymbolOverrides,
}

/// Symbols that a format may set.
#[derive(Clone, Debug, Default)]
pub(super) struct SymbolOverrides {
    pub(super) decimal: Option<char>,
    pub(super) group: Option<char>,
    pub(super) money_decimal: Option<char>,
    pub(super) minus: Option<char>,
    pub(super) percent: Option<char>,
    pub(super) per_mille: Option<char>,
    pub(super) zero: Option<char>,
    pub(super) exponent: Option<String>,
    pub(super) infinity: Option<String>,
    pub(super) nan: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) currency_sign: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Affixes {
    pub(super) prefix: Vec<Piece>,
    pub(super) suffix: Vec<Piece>,
}

/// Text before or after the digits, and the signs in it that depend on the locale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Minus,
    Percent,
    PerMille,
    CurrencySign,
    CurrencyCode,
}

impl Pattern {
    /// `#,##0.###` without the digits' bounds: what an empty pattern means.
    pub(super) fn plain() -> Self {
        let mut pattern = Self {
            positive: Affixes::default(),
            negative: Affixes::default(),
            min_integer: 0,
            max_integer: usize::MAX,
            min_fraction: 0,
            max_fraction: usize::MAX,
            grouping: 3,
            multiplier: 1,
            exponent: None,
            decimal_always: false,
            is_money: false,
            rounding: Rounding::HalfEven,
            symbols: SymbolOverrides::default(),
        };
        pattern.negative.prefix.push(Piece::Minus);
        pattern
    }

    pub(super) fn set_fraction_digits(&mut self, digits: usize) {
        self.min_fraction = digits;
        self.max_fraction = digits;
    }

    /// Whether the digits of `int` alone are its formatted form, in digits of ASCII.
    pub(super) fn is_plain_for(&self, int: i64) -> bool {
        self.multiplier == 1
            && self.exponent.is_none()
            && self.min_fraction == 0
            && self.min_integer <= 1
            && !self.decimal_always
            && self.symbols.zero.is_none()
            && self.positive.prefix.is_empty()
            && self.positive.suffix.is_empty()
            && if self.grouping == 0 {
                int >= 0
            } else {
                (0..1000).contains(&int) && self.grouping >= 3
            }
    }
}

/// Where the reader of a pattern is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Prefix,
    Digits,
    Suffix,
}

/// Reads a pattern. The errors are Java's.
pub(super) fn parse(source: &str) -> Result<Pattern, String> {
    if source.is_empty() {
        return Ok(Pattern::plain());
    }
    let chars: Vec<char> = source.chars().collect();
    let mut reader = Reader {
        source,
        chars: &chars,
        at: 0,
        ended_with_semicolon: false,
    };
    let positive = reader.half(true)?;
    let mut pattern = positive.into_pattern();
    // Without a semicolon Java reads all of it again for the negative half, where digits and exponents mean nothing:
    // that differs from the positive one if there is an `E` too many.
    if !reader.ended_with_semicolon {
        reader.at = 0;
    }
    let mut has_negative = false;
    if reader.at < chars.len() {
        let negative = reader.half(false)?;
        has_negative = negative.affixes != pattern.positive;
        pattern.is_money |= negative.is_money;
        pattern.negative = negative.affixes;
    }
    // Without a negative half, or with one that equals the positive, the minus sign is the mark.
    if !has_negative {
        pattern.negative = pattern.positive.clone();
        pattern.negative.prefix.insert(0, Piece::Minus);
    }
    Ok(pattern)
}

struct Reader<'p> {
    source: &'p str,
    chars: &'p [char],
    at: usize,
    ended_with_semicolon: bool,
}

/// One half of a pattern: what stands before or after the semicolon.
struct Half {
    affixes: Affixes,
    /// `#` before the first `0`, `0`, and `#` after them, wherever the point is.
    left: usize,
    zeros: usize,
    right: usize,
    point: Option<usize>,
    /// Digits since the last comma.
    group: Option<usize>,
    multiplier: i32,
    exponent: Option<usize>,
    is_money: bool,
    open_quote: bool,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// Reads up to the semicolon, or to the end.
    fn half(&mut self, is_positive: bool) -> Result<Half, String> {
        let mut half = Half {
            affixes: Affixes::default(),
            left: 0,
            zeros: 0,
            right: 0,
            point: None,
            group: None,
            multiplier: 1,
            exponent: None,
            is_money: false,
            open_quote: false,
        };
        let mut phase = Phase::Prefix;
        while let Some(c) = self.peek(0) {
            if phase == Phase::Digits {
                phase = self.digit(c, is_positive, &mut half)?;
                continue;
            }
            let is_digit = matches!(c, '#' | '0' | ',' | '.');
            if is_digit && !half.open_quote {
                phase = Phase::Digits;
                continue;
            }
            if c == ';' && !half.open_quote {
                if phase == Phase::Prefix || !is_positive {
                    return Err(format!(
                        "Unquoted special character ';' in pattern \"{}\"",
                        self.source
                    ));
                }
                self.at += 1;
                self.ended_with_semicolon = true;
                break;
            }
            self.affix(c, phase == Phase::Prefix, &mut half)?;
        }
        half.check(self.source)?;
        Ok(half)
    }

    /// Reads one character or sign of a prefix or suffix.
    fn affix(&mut self, c: char, is_prefix: bool, half: &mut Half) -> Result<(), String> {
        let doubled = self.peek(1) == Some(c);
        let affix = if is_prefix {
            &mut half.affixes.prefix
        } else {
            &mut half.affixes.suffix
        };
        self.at += 1;
        match c {
            '\'' if doubled => {
                self.at += 1;
                push_char(affix, '\'');
            }
            '\'' => half.open_quote = !half.open_quote,
            _ if half.open_quote => push_char(affix, c),
            '\u{a4}' => {
                half.is_money = true;
                if doubled {
                    self.at += 1;
                }
                affix.push(if doubled {
                    Piece::CurrencyCode
                } else {
                    Piece::CurrencySign
                });
            }
            '%' | '\u{2030}' => {
                if half.multiplier != 1 {
                    return Err(format!(
                        "Too many percent/per mille characters in pattern \"{}\"",
                        self.source
                    ));
                }
                let is_percent = c == '%';
                half.multiplier = if is_percent { 100 } else { 1000 };
                affix.push(if is_percent {
                    Piece::Percent
                } else {
                    Piece::PerMille
                });
            }
            '-' => affix.push(Piece::Minus),
            _ => push_char(affix, c),
        }
        Ok(())
    }

    /// Reads one character of the digits' part, or leaves it for the suffix.
    fn digit(&mut self, c: char, is_positive: bool, half: &mut Half) -> Result<Phase, String> {
        let counted = is_positive && matches!(c, '#' | '0');
        if counted
            && half.point.is_none()
            && let Some(digits) = &mut half.group
        {
            *digits += 1;
        }
        match c {
            // The negative half's digits mean nothing.
            '#' | '0' | ',' | '.' if !is_positive => {}
            '#' if half.zeros > 0 => half.right += 1,
            '#' => half.left += 1,
            '0' if half.right > 0 => {
                return Err(format!("Unexpected '0' in pattern \"{}\"", self.source));
            }
            '0' => half.zeros += 1,
            ',' => half.group = Some(0),
            '.' if half.point.is_some() => {
                return Err(format!(
                    "Multiple decimal separators in pattern \"{}\"",
                    self.source
                ));
            }
            '.' => half.point = Some(half.left + half.zeros + half.right),
            'E' if is_positive => return self.exponent(half),
            'E' => {}
            _ => return Ok(Phase::Suffix),
        }
        self.at += 1;
        Ok(Phase::Digits)
    }

    fn exponent(&mut self, half: &mut Half) -> Result<Phase, String> {
        if half.exponent.is_some() {
            return Err(format!(
                "Multiple exponential symbols in pattern \"{}\"",
                self.source
            ));
        }
        self.at += 1;
        let start = self.at;
        while self.peek(0) == Some('0') {
            self.at += 1;
        }
        let digits = self.at - start;
        if half.left + half.zeros < 1 || digits < 1 {
            return Err(format!("Malformed exponential pattern \"{}\"", self.source));
        }
        half.exponent = Some(digits);
        Ok(Phase::Suffix)
    }
}

fn push_char(affix: &mut Vec<Piece>, c: char) {
    match affix.last_mut() {
        Some(Piece::Text(text)) => text.push(c),
        _ => affix.push(Piece::Text(c.to_string())),
    }
}

impl Half {
    fn check(&mut self, source: &str) -> Result<(), String> {
        // Where there's no '0', the '#' at the point, or the first one after it, counts as one.
        if self.zeros == 0
            && self.left > 0
            && let Some(point) = self.point
        {
            let at = point.max(1);
            self.right = self.left - at;
            self.left = at - 1;
            self.zeros = 1;
        }
        let misplaced = match self.point {
            Some(point) => point < self.left || point > self.left + self.zeros,
            None => self.right > 0,
        };
        if misplaced || self.group == Some(0) || self.open_quote {
            return Err(format!("Malformed pattern \"{source}\""));
        }
        Ok(())
    }

    fn into_pattern(self) -> Pattern {
        let total = self.left + self.zeros + self.right;
        let point = self.point.unwrap_or(total);
        let min_integer = point - self.left;
        Pattern {
            min_integer,
            max_integer: match self.exponent {
                Some(_) => self.left + min_integer,
                None => usize::MAX,
            },
            max_fraction: total - point,
            min_fraction: (self.left + self.zeros).saturating_sub(point),
            grouping: self.group.unwrap_or(0),
            multiplier: self.multiplier,
            exponent: self.exponent,
            decimal_always: self.point.is_some_and(|point| point == 0 || point == total),
            is_money: self.is_money,
            positive: self.affixes,
            ..Pattern::plain()
        }
    }
}
