//! FreeMarker's extension of the patterns: options after the second semicolon, `0.##;; roundingMode=halfUp`.

use super::digits::Rounding;
use super::pattern::{self, Pattern, SymbolOverrides};
use crate::locale::currency_exists;

const NAMES: &str = "currencyCode, decimalSeparator, exponentSeparator, groupingSeparator, infinity, minusSign, \
                     monetaryDecimalSeparator, multipier, multiplier, nan, perMill, percent, roundingMode, zeroDigit";

/// Most that an error shows of the text; of longer ones it shows the start.
const MAX_SHOWN: usize = 10;
const SHOWN_START: usize = 5;

/// Reads a pattern with its options. The errors are FreeMarker's.
pub(super) fn parse(source: &str) -> Result<Pattern, String> {
    let chars: Vec<char> = source.chars().collect();
    let end = pattern_end(&chars);
    let mut at = end;
    let mut pattern_chars = &chars[..end];
    if end < chars.len() {
        at += 1;
        if pattern_chars.last() == Some(&';') {
            pattern_chars = &pattern_chars[..end - 1];
        }
    }
    let mut scanner = Scanner { chars: &chars, at };
    let mut options = Options::default();
    for (name, value) in scanner.options()? {
        options.set(&name, &value)?;
    }
    // Errors of options come before those of the pattern.
    let text: String = pattern_chars.iter().collect();
    let pattern = pattern::parse(&text)?;
    Ok(Pattern {
        rounding: options.rounding.unwrap_or(pattern.rounding),
        multiplier: options.multiplier.unwrap_or(pattern.multiplier),
        symbols: options.symbols,
        ..pattern
    })
}

#[derive(Default)]
struct Options {
    rounding: Option<Rounding>,
    multiplier: Option<i32>,
    symbols: SymbolOverrides,
}

/// Where the second semicolon is that isn't quoted, or the end.
fn pattern_end(chars: &[char]) -> usize {
    let (mut semicolons, mut quoted) = (0, false);
    for (at, c) in chars.iter().enumerate() {
        match c {
            ';' if !quoted => {
                semicolons += 1;
                if semicolons == 2 {
                    return at;
                }
            }
            '\'' => quoted = !quoted,
            _ => {}
        }
    }
    chars.len()
}

struct Scanner<'p> {
    chars: &'p [char],
    at: usize,
}

impl Scanner<'_> {
    fn options(&mut self) -> Result<Vec<(String, String)>, String> {
        let mut options = Vec::new();
        self.skip_blanks();
        while self.at < self.chars.len() {
            if self.chars[self.at].is_numeric() {
                return Err(self.expected("name"));
            }
            let name = self.word().ok_or_else(|| self.expected("name"))?;
            self.skip_blanks();
            if self.chars.get(self.at) != Some(&'=') {
                return Err(self.expected("\"=\""));
            }
            self.at += 1;
            self.skip_blanks();
            let value = self.value()?;
            options.push((name, value));
            let before = self.at;
            self.skip_blanks();
            if self.chars.get(self.at) == Some(&',') {
                self.at += 1;
                self.skip_blanks();
                if self.at == self.chars.len() {
                    return Err(self.expected("name"));
                }
            } else if self.at == before && self.at < self.chars.len() {
                return Err(self.expected("parameter separator whitespace or comma"));
            }
        }
        Ok(options)
    }

    fn skip_blanks(&mut self) {
        while self.chars.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
    }

    fn word(&mut self) -> Option<String> {
        let rest = &self.chars[self.at..];
        let len = rest.iter().take_while(|c| is_word_part(**c)).count();
        self.at += len;
        (len > 0).then(|| rest[..len].iter().collect())
    }

    fn value(&mut self) -> Result<String, String> {
        let Some(quote) = self
            .chars
            .get(self.at)
            .copied()
            .filter(|c| matches!(c, '"' | '\''))
        else {
            return self.word().ok_or_else(|| self.expected("value"));
        };
        self.at += 1;
        let mut value = String::new();
        loop {
            match self.chars.get(self.at) {
                None => {
                    return Err(format!(
                        "The {quote} quotation wasn't closed when the end of the source was reached."
                    ));
                }
                Some(c) if *c == quote => {
                    self.at += 1;
                    if self.chars.get(self.at) != Some(&quote) {
                        return Ok(value);
                    }
                    value.push(quote);
                    self.at += 1;
                }
                Some(c) => {
                    value.push(*c);
                    self.at += 1;
                }
            }
        }
    }

    fn expected(&self, what: &str) -> String {
        let rest = &self.chars[self.at..];
        let found = if rest.is_empty() {
            "reached the end of the input.".to_owned()
        } else {
            let is_cut = rest.len() > MAX_SHOWN;
            let len = if is_cut { SHOWN_START } else { rest.len() };
            let shown: String = rest.iter().take(len).collect();
            if is_cut {
                format!("found: {shown}[...]")
            } else {
                format!("found: {}", shown.trim_end())
            }
        };
        format!(
            "Expected a(n) {what} at position {} (0-based), but {found}",
            self.at
        )
    }
}

/// What Java takes for a part of an identifier: letters, digits, currency signs, connectors.
fn is_word_part(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '_' | '$' | '\u{a2}'..='\u{a5}' | '\u{20a0}'..='\u{20c0}' | '\u{203f}' | '\u{2040}')
}

impl Options {
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let invalid = |why: &str| {
            format!("\"{value}\" is an invalid value for the \"{name}\" parameter: {why}")
        };
        let sign = || {
            let mut chars = value.chars();
            match (chars.next(), chars.next()) {
                (Some(sign), None) => Ok(Some(sign)),
                _ => Err(invalid("Must contain exactly 1 character.")),
            }
        };
        let symbols = &mut self.symbols;
        match name {
            "roundingMode" => {
                self.rounding = Some(rounding(value).ok_or_else(|| {
                invalid(
                    "Should be one of: up, down, ceiling, floor, halfDown, halfEven, unnecessary",
                )
            })?);
            }
            "multiplier" | "multipier" => {
                self.multiplier = Some(value.parse().map_err(|_| invalid("Malformed integer."))?);
            }
            "decimalSeparator" => symbols.decimal = sign()?,
            "monetaryDecimalSeparator" => symbols.money_decimal = sign()?,
            "groupingSeparator" => symbols.group = sign()?,
            "exponentSeparator" => symbols.exponent = Some(value.to_owned()),
            "minusSign" => symbols.minus = sign()?,
            "infinity" => symbols.infinity = Some(value.to_owned()),
            "nan" => symbols.nan = Some(value.to_owned()),
            "percent" => symbols.percent = sign()?,
            "perMill" => symbols.per_mille = sign()?,
            "zeroDigit" => symbols.zero = sign()?,
            "currencySymbol" => symbols.currency_sign = Some(value.to_owned()),
            "currencyCode" if currency_exists(value) => symbols.currency = Some(value.to_owned()),
            "currencyCode" => return Err(invalid("Not a known ISO 4217 code.")),
            other => {
                return Err(format!(
                    "Unsupported parameter name, \"{other}\". The supported names are: {NAMES}"
                ));
            }
        }
        Ok(())
    }
}

fn rounding(name: &str) -> Option<Rounding> {
    Some(match name {
        "up" => Rounding::Up,
        "down" => Rounding::Down,
        "ceiling" => Rounding::Ceiling,
        "floor" => Rounding::Floor,
        "halfUp" => Rounding::HalfUp,
        "halfDown" => Rounding::HalfDown,
        "halfEven" => Rounding::HalfEven,
        "unnecessary" => Rounding::Unnecessary,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_may_be_parted_by_blanks_and_commas() {
        for source in [
            "0;; minusSign='x' decimalSeparator=y",
            "0;;minusSign=\"x\",decimalSeparator='y'",
            "0;-0;minusSign = x , decimalSeparator\t=\ty ",
        ] {
            let pattern = parse(source).expect(source);
            assert_eq!(
                (pattern.symbols.minus, pattern.symbols.decimal),
                (Some('x'), Some('y')),
                "{source}"
            );
        }
    }

    #[test]
    fn errors_tell_the_place() {
        assert_eq!(
            parse("0;; ,roundingMode=halfUp").expect_err("no name"),
            "Expected a(n) name at position 4 (0-based), but found: ,roun[...]"
        );
        assert_eq!(
            parse("0;; minusSign='x'decimalSeparator='y'").expect_err("no blank"),
            "Expected a(n) parameter separator whitespace or comma at position 17 (0-based), but found: decim[...]"
        );
    }
}
