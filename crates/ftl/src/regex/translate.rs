//! Java's patterns in the syntax of `fancy-regex`.

use std::iter::Peekable;
use std::str::Chars;

use super::Flags;

/// What ends a line for Java, besides `\n`, as it stands within a class.
const OTHER_BREAKS: &str = "\\r\\x{85}\\x{2028}\\x{2029}";

/// Java's classes of white-space, as they stand within a class.
const SPACES: &str = " \\t\\n\\x0B\\f\\r";
const HORIZONTAL: &str =
    "\\x20\\t\\x{a0}\\x{1680}\\x{180e}\\x{2000}-\\x{200a}\\x{202f}\\x{205f}\\x{3000}";
const VERTICAL: &str = "\\n\\x0B\\f\\r\\x{85}\\x{2028}\\x{2029}";

/// Java's own names of classes, as they stand within a class.
const CLASSES: &[(&str, &str)] = &[
    ("Lower", "a-z"),
    ("Upper", "A-Z"),
    ("ASCII", "\\x00-\\x7f"),
    ("Alpha", "a-zA-Z"),
    ("Digit", "0-9"),
    ("Alnum", "a-zA-Z0-9"),
    ("Punct", "!-/:-@\\[-`{-\\x7e"),
    ("Graph", "!-\\x7e"),
    ("Print", "\\x20-\\x7e"),
    ("Blank", "\\x20\\t"),
    ("Cntrl", "\\x00-\\x1f\\x7f"),
    ("XDigit", "0-9a-fA-F"),
    ("Space", SPACES),
    ("javaLowerCase", "\\p{Lowercase}"),
    ("javaUpperCase", "\\p{Uppercase}"),
    ("javaAlphabetic", "\\p{Alphabetic}"),
    ("javaLetter", "\\p{L}"),
    ("javaDigit", "\\p{Nd}"),
    ("javaLetterOrDigit", "\\p{L}\\p{Nd}"),
    (
        "javaWhitespace",
        "\\t-\\r\\x1c-\\x20\\x{1680}\\x{2000}-\\x{2006}\\x{2008}-\\x{200a}\\x{2028}\\x{2029}\\x{205f}\\x{3000}",
    ),
    ("InBasicLatin", "\\x00-\\x7f"),
    ("InGreek", "\\x{370}-\\x{3ff}"),
    ("InCyrillic", "\\x{400}-\\x{4ff}"),
    ("InHebrew", "\\x{590}-\\x{5ff}"),
    ("InArabic", "\\x{600}-\\x{6ff}"),
    ("InHiragana", "\\x{3040}-\\x{309f}"),
    ("InKatakana", "\\x{30a0}-\\x{30ff}"),
];

/// Most states that a repetition may come to where it is written out.
const MAX_WRITTEN_OUT: usize = 10_000;
/// States of what any character but a few matches.
const WEIGHT_OF_ANY: usize = 12;
/// States of a class of letters or the like, of all scripts.
const WEIGHT_OF_PROPERTY: usize = 600;

/// About as many states as a part of a translated pattern becomes that has no group and no repetition.
fn weight_of(part: &str) -> usize {
    let properties = part.matches("\\p").count() + part.matches("\\P").count();
    let is_ascii = part.is_ascii() && !part.contains("[^") && !part.contains("\\x{");
    properties * WEIGHT_OF_PROPERTY
        + if is_ascii {
            1 + part.len() / 16
        } else {
            WEIGHT_OF_ANY.max(part.len() / 2)
        }
}

/// How large a pattern becomes, counted while it is translated.
#[derive(Default)]
struct Weights {
    /// Where each open group begins, and what stands before it.
    open: Vec<(usize, usize)>,
    /// What the innermost open group has come to.
    sum: usize,
    /// What could be repeated next: where it begins, and its own weight.
    item: (usize, usize),
}

impl Weights {
    fn add(&mut self, start: usize, weight: usize) {
        self.sum = self.sum.saturating_add(weight);
        self.item = (start, weight);
    }

    fn open(&mut self, start: usize) {
        self.open.push((start, self.sum));
        self.sum = 1;
    }

    fn close(&mut self) {
        if let Some((start, before)) = self.open.pop() {
            let weight = self.sum;
            self.sum = before;
            self.add(start, weight);
        }
    }

    /// Repeats the item; says where it begins if that is to be a loop.
    fn repeat(&mut self, times: usize) -> Option<usize> {
        let (start, weight) = self.item;
        let written_out = weight.saturating_mul(times);
        let is_loop = written_out > MAX_WRITTEN_OUT && start != usize::MAX;
        let added = if is_loop {
            4
        } else {
            written_out.saturating_sub(weight)
        };
        self.sum = self.sum.saturating_add(added);
        // It is an item no more: two repetitions of it in a row are one of a group.
        self.item = (start, weight.saturating_add(added));
        is_loop.then_some(start)
    }

    fn total(&self) -> usize {
        let outer = self.open.iter().map(|(_, before)| *before);
        outer.fold(self.sum, usize::saturating_add)
    }
}

/// What is wrong with a pattern.
type Result = std::result::Result<(), String>;

/// What `^`, `$`, `.` and letters mean at a place of the pattern.
#[derive(Clone, Copy)]
struct Mode {
    multi_line: bool,
    dot_all: bool,
    comments: bool,
    ignores_case: bool,
    /// Whether the case of other letters than ASCII's is ignored too.
    of_all_letters: bool,
}

/// Translates what has another meaning in Java: ends of lines, `\Q…\E`, escapes, repetitions, and the classes, which are
/// ASCII's there. The error says what Java wouldn't take.
pub(super) fn translate(
    pattern: &str,
    flags: Flags,
    subject: &str,
) -> std::result::Result<Translated, String> {
    let mut translator = Translator {
        chars: pattern.chars().peekable(),
        written: String::with_capacity(pattern.len()),
        mode: Mode {
            multi_line: flags.multi_line,
            dot_all: flags.dot_all,
            comments: flags.comments,
            ignores_case: flags.case_insensitive,
            of_all_letters: !flags.regex,
        },
        outer_modes: Vec::new(),
        groups: 0,
        has_breaks: subject.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']),
        weights: Weights::default(),
        last_quoted: 0,
        goes_on: false,
    };
    translator.run()?;
    Ok(Translated {
        pattern: translator.written,
        weight: translator.weights.total(),
        goes_on: translator.goes_on,
    })
}

/// A pattern in the syntax of `fancy-regex`.
pub(super) struct Translated {
    pub(super) pattern: String,
    /// How large it becomes when it is compiled: about as many states of a machine.
    pub(super) weight: usize,
    /// Whether it has a `\G`.
    pub(super) goes_on: bool,
}

struct Translator<'p> {
    chars: Peekable<Chars<'p>>,
    written: String,
    mode: Mode,
    /// The modes outside of the open groups.
    outer_modes: Vec<Mode>,
    /// How many groups have been opened that can be referred to.
    groups: usize,
    /// Whether the text has more than one line: else what the ends of lines are needn't be asked, which is faster.
    has_breaks: bool,
    weights: Weights,
    /// Where the last character of a quotation begins.
    last_quoted: usize,
    goes_on: bool,
}

impl Translator<'_> {
    fn run(&mut self) -> Result {
        // Whether there's something that can be repeated.
        let mut repeatable = false;
        while let Some(c) = self.chars.next() {
            let before = repeatable;
            repeatable = !matches!(c, '(' | '|' | '^');
            let start = self.written.len();
            let is_quotation = c == '\\' && self.chars.peek() == Some(&'Q');
            self.last_quoted = start;
            match c {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '(' => self.group()?,
                ')' => {
                    self.written.push(')');
                    self.weights.close();
                    if let Some(outer) = self.outer_modes.pop() {
                        self.mode = outer;
                    }
                }
                '{' => self.repetition(before)?,
                '.' if self.has_breaks && !self.mode.dot_all => {
                    self.written.push_str(&format!("[^\\n{OTHER_BREAKS}]"));
                }
                '^' if self.mode.multi_line => self.line_start(),
                '$' => self.line_end(self.mode.multi_line),
                '#' if self.mode.comments => self.comment(),
                other if !other.is_ascii() => self.letter(other),
                other => self.written.push(other),
            }
            match c {
                // What only sets flags is no group.
                '(' if self.outer_modes.len() == self.weights.open.len() => {}
                '(' => self.weights.open(start),
                ')' | '{' | '?' | '*' | '+' => {}
                ' ' | '\t'..='\r' | '#' if self.mode.comments => {}
                // What is repeated of a quotation is its last character.
                '\\' if is_quotation => {
                    let (before, last) = self.written[start..].split_at(self.last_quoted - start);
                    let (before, last) = (weight_of(before), weight_of(last));
                    self.weights.add(start, before);
                    self.weights.add(self.last_quoted, last);
                }
                '.' => self.weights.add(start, WEIGHT_OF_ANY),
                _ => self.weights.add(start, weight_of(&self.written[start..])),
            }
        }
        Ok(())
    }

    /// A character that isn't ASCII's. Its case counts unless the pattern says that it doesn't.
    fn letter(&mut self, c: char) {
        if self.mode.ignores_case && !self.mode.of_all_letters {
            self.written.push_str(&format!("(?-i:{c})"));
        } else {
            self.written.push(c);
        }
    }

    /// What follows a `{`: how often to repeat what stands before it.
    fn repetition(&mut self, has_item: bool) -> Result {
        let mut counts = String::new();
        while let Some(c) = self
            .chars
            .next_if(|c| c.is_ascii_digit() || (*c == ',' && !counts.contains(',')))
        {
            counts.push(c);
        }
        let (min, max) = counts.split_once(',').unwrap_or((&counts, &counts));
        let Ok(min) = min.parse::<u32>() else {
            return Err("Illegal repetition".to_owned());
        };
        if !has_item {
            return Err("Illegal repetition".to_owned());
        }
        if self.chars.next() != Some('}') {
            return Err("Unclosed counted closure".to_owned());
        }
        if !max.is_empty() && max.parse::<u32>().map_or(true, |max| max < min) {
            return Err("Illegal repetition range".to_owned());
        }
        let times = max.parse::<u32>().unwrap_or(min.saturating_add(1));
        if let Some(start) = self.weights.repeat(times as usize) {
            // As a loop: the other engine writes out what is repeated unless something in it has to be tried step by step.
            self.written.insert_str(start, "(?:(?>)");
            self.written.push(')');
        }
        self.written.push_str(&format!("{{{counts}}}"));
        Ok(())
    }

    /// Java's `^` isn't found at the very end, nor between `\r` and `\n`.
    fn line_start(&mut self) {
        self.written.push_str("(?!\\z)");
        if self.has_breaks {
            self.written
                .push_str(&format!("(?:\\A|(?<=[\\n{OTHER_BREAKS}]))(?!(?<=\\r)\\n)"));
        } else {
            self.written.push('^');
        }
    }

    /// Before a line's end; or at the end, before which there may be one more end of a line.
    fn line_end(&mut self, of_any_line: bool) {
        if !self.has_breaks {
            self.written.push_str("\\z");
            return;
        }
        let last = if of_any_line { "" } else { "\\z" };
        self.written.push_str(&format!(
            "(?=\\z|\\r\\n{last}|[{OTHER_BREAKS}]{last}|(?<!\\r)\\n{last})"
        ));
    }

    /// What follows a `(`, if that says how the pattern is meant.
    fn group(&mut self) -> Result {
        self.outer_modes.push(self.mode);
        self.written.push('(');
        if self.chars.next_if_eq(&'?').is_none() {
            self.groups += 1;
            return Ok(());
        }
        self.written.push('?');
        match self.chars.peek() {
            Some('<') => return self.group_name(),
            Some(':' | '=' | '!' | '>') => return Ok(()),
            _ => {}
        }
        let mut on = true;
        let mut flags = String::new();
        let mut mode = self.mode;
        for c in self.chars.by_ref() {
            match c {
                '-' => on = false,
                'm' => mode.multi_line = on,
                's' => mode.dot_all = on,
                'x' => mode.comments = on,
                'i' => mode.ignores_case = on,
                'u' => mode.of_all_letters = on,
                'd' => {}
                ':' | ')' => {
                    if flags.ends_with('-') {
                        flags.pop();
                    }
                    // None of them means anything to the other engine.
                    if c == ')' && flags.is_empty() {
                        self.written.truncate(self.written.len() - "(?".len());
                    } else {
                        self.written.push_str(&flags);
                        self.written.push(c);
                    }
                    self.mode = mode;
                    if c == ')' {
                        // It holds up to the end of the group around.
                        self.outer_modes.pop();
                    }
                    return Ok(());
                }
                _ => return Err("Unknown inline modifier".to_owned()),
            }
            if !matches!(c, 'u' | 'd') {
                flags.push(c);
            }
        }
        Err("Unknown inline modifier".to_owned())
    }

    /// `<name>`, `<=` or `<!`
    fn group_name(&mut self) -> Result {
        self.chars.next();
        self.written.push('<');
        if matches!(self.chars.peek(), Some('=' | '!')) {
            return Ok(());
        }
        self.groups += 1;
        if !self.chars.peek().is_some_and(char::is_ascii_alphabetic) {
            return Err("capturing group name does not start with a Latin letter".to_owned());
        }
        while let Some(c) = self.chars.next_if(char::is_ascii_alphanumeric) {
            self.written.push(c);
        }
        match self.chars.next() {
            Some('>') => self.written.push('>'),
            _ => return Err("named capturing group is missing trailing '>'".to_owned()),
        }
        Ok(())
    }

    /// Leaves a comment out.
    fn comment(&mut self) {
        while self.chars.next_if(|c| *c != '\n').is_some() {}
    }

    /// A class up to its end: in it only backslashes have a meaning of their own.
    /// A class of characters. Where the case of ASCII's letters alone is ignored, the others in it are as they stand.
    fn class(&mut self) -> Result {
        let start = self.written.len();
        self.class_itself()?;
        if self.mode.ignores_case && !self.mode.of_all_letters && !self.written[start..].is_ascii()
        {
            let class = self.written.split_off(start);
            self.written.push_str(&format!(
                "(?:[{class}&&[\\x00-\\x7f]]|(?-i:[{class}&&[^\\x00-\\x7f]]))"
            ));
        }
        Ok(())
    }

    fn class_itself(&mut self) -> Result {
        self.written.push('[');
        let mut depth = 1;
        let mut begins = true;
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => self.escape(true)?,
                '[' => {
                    depth += 1;
                    self.written.push('[');
                    // There are no names between colons: a range of one keeps the other engine from reading one.
                    if self.chars.next_if_eq(&':').is_some() {
                        let begins_range = self.chars.peek() == Some(&'-');
                        self.written
                            .push_str(if begins_range { ":" } else { ":-:" });
                    }
                }
                // An intersection with nothing before it is what follows.
                '&' if begins && self.chars.next_if_eq(&'&').is_some() => {}
                ']' if !begins => {
                    depth -= 1;
                    self.written.push(']');
                    if depth == 0 {
                        return Ok(());
                    }
                }
                '~' => self.written.push_str("\\x7e"),
                other => self.written.push(other),
            }
            begins = c == '[' || (begins && c == '^');
        }
        Ok(())
    }

    /// What follows a backslash.
    fn escape(&mut self, in_class: bool) -> Result {
        let Some(c) = self.chars.next() else {
            self.written.push('\\');
            return Ok(());
        };
        match c {
            'Q' => self.quoted(),
            'd' => self.written.push_str("[0-9]"),
            'D' => self.written.push_str("[^0-9]"),
            'w' => self.written.push_str("[a-zA-Z_0-9]"),
            'W' => self.written.push_str("[^a-zA-Z_0-9]"),
            's' => self.written.push_str(&format!("[{SPACES}]")),
            'S' => self.written.push_str(&format!("[^{SPACES}]")),
            'h' => self.written.push_str(&format!("[{HORIZONTAL}]")),
            'H' => self.written.push_str(&format!("[^{HORIZONTAL}]")),
            'v' => self.written.push_str(&format!("[{VERTICAL}]")),
            'V' => self.written.push_str(&format!("[^{VERTICAL}]")),
            'R' if !in_class => self.written.push_str(&format!("(?:\\r\\n|[{VERTICAL}])")),
            'X' if !in_class => self.written.push_str("(?>\\r\\n|\\P{M}\\p{M}*|\\p{M}+)"),
            'Z' if !in_class => self.line_end(false),
            'G' if !in_class => {
                self.goes_on = true;
                self.written.push_str("\\G");
            }
            'A' | 'z' | 'b' | 'B' | 'k' if !in_class => self.written.extend(['\\', c]),
            'n' | 'r' | 't' | 'f' => self.written.extend(['\\', c]),
            'a' => self.code(7),
            'e' => self.code(0x1b),
            '0' => self.octal()?,
            '1'..='9' if !in_class => self.back_reference(c),
            'c' => match self.chars.next() {
                Some(c) => self.code(u32::from(c) ^ 64),
                None => return Err("Illegal control escape sequence".to_owned()),
            },
            'x' => self.hexadecimal(2)?,
            'u' => self.hexadecimal(4)?,
            'p' | 'P' => self.property(c == 'P'),
            c if c.is_ascii_alphanumeric() => {
                return Err("Illegal/unsupported escape sequence".to_owned());
            }
            c if c.is_ascii() => self.code(u32::from(c)),
            c => self.letter(c),
        }
        Ok(())
    }

    /// The character with a code, whatever it means otherwise.
    fn code(&mut self, code: u32) {
        self.written.push_str(&format!("\\x{{{code:x}}}"));
    }

    /// `\0`, and up to three octal digits.
    fn octal(&mut self) -> Result {
        let mut code = 0;
        let mut count = 0;
        while count < 3
            && let Some(digit) = self.chars.peek().and_then(|c| c.to_digit(8))
            && code * 8 + digit < 0o400
        {
            code = code * 8 + digit;
            count += 1;
            self.chars.next();
        }
        if count == 0 {
            return Err("Illegal octal escape sequence".to_owned());
        }
        self.code(code);
        Ok(())
    }

    /// `\xhh`, `\x{h…}`, `\uhhhh`
    fn hexadecimal(&mut self, digits: usize) -> Result {
        let mut code = String::new();
        let braced = digits == 2 && self.chars.peek() == Some(&'{');
        if digits == 2 && self.chars.next_if_eq(&'{').is_some() {
            while let Some(c) = self.chars.next_if(char::is_ascii_hexdigit) {
                code.push(c);
            }
            if self.chars.next() != Some('}') {
                return Err("Unclosed hexadecimal escape sequence".to_owned());
            }
        } else {
            while code.len() < digits
                && let Some(c) = self.chars.next_if(char::is_ascii_hexdigit)
            {
                code.push(c);
            }
        }
        match u32::from_str_radix(&code, 16) {
            Ok(value) if braced || code.len() == digits => self.code(value),
            _ => return Err("Illegal hexadecimal escape sequence".to_owned()),
        }
        Ok(())
    }

    /// `\1`: as many digits as there are groups for; what refers to none yet never matches.
    fn back_reference(&mut self, first: char) {
        let mut group = first.to_digit(10).unwrap_or_default() as usize;
        while let Some(digit) = self.chars.peek().and_then(|c| c.to_digit(10))
            && group * 10 + digit as usize <= self.groups
        {
            group = group * 10 + digit as usize;
            self.chars.next();
        }
        if group > self.groups {
            self.written.push_str("(?!)");
        } else {
            // In parentheses, so that no digit after it belongs to it.
            self.written.push_str(&format!("(?:\\{group})"));
        }
    }

    /// `\p{Name}`, `\pL` and their opposites.
    fn property(&mut self, negated: bool) {
        let letter = if negated { 'P' } else { 'p' };
        let mut name = String::new();
        if self.chars.next_if_eq(&'{').is_some() {
            while let Some(c) = self.chars.next_if(|c| *c != '}') {
                name.push(c);
            }
            self.chars.next();
        } else {
            name.extend(self.chars.next());
        }
        match CLASSES.iter().find(|(known, _)| *known == name) {
            Some((_, class)) => {
                let not = if negated { "^" } else { "" };
                self.written.push_str(&format!("[{not}{class}]"));
            }
            None => self.written.push_str(&format!("\\{letter}{{{name}}}")),
        }
    }

    /// `\Q…\E`
    fn quoted(&mut self) {
        while let Some(c) = self.chars.next() {
            if c == '\\' && self.chars.next_if_eq(&'E').is_some() {
                return;
            }
            self.last_quoted = self.written.len();
            if !c.is_ascii() {
                self.letter(c);
            } else if c.is_ascii_alphanumeric() {
                self.written.push(c);
            } else {
                self.code(u32::from(c));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(pattern: &str, subject: &str) -> String {
        let translated = translate(pattern, Flags::default(), subject);
        translated.unwrap().pattern
    }

    #[test]
    fn a_dot_stops_at_all_of_javas_line_ends_if_there_are_any() {
        assert_eq!(translated("a.b[.]", "x"), "a.b[.]");
        assert_eq!(
            translated("a.b[.]\\.", "x\r"),
            "a[^\\n\\r\\x{85}\\x{2028}\\x{2029}]b[.]\\x{2e}"
        );
    }

    #[test]
    fn flags_within_the_pattern_hold_to_the_end_of_their_group() {
        let dot = "[^\\n\\r\\x{85}\\x{2028}\\x{2029}]";
        assert_eq!(translated("((?s).).", "\n"), format!("((?s).){dot}"));
        assert_eq!(translated("(?s:.).", "\n"), format!("(?s:.){dot}"));
    }

    #[test]
    fn quoted_text_stands_for_itself() {
        assert_eq!(translated("\\Qa.<\\E$", ""), "a\\x{2e}\\x{3c}\\z");
    }

    #[test]
    fn what_java_does_not_take_is_refused() {
        for pattern in [
            "{", "a{", "a{,2}", "a{3,1}", "\\K", "(?P<x>a)", "(?<1>a)", "\\x{",
        ] {
            assert!(
                translate(pattern, Flags::default(), "").is_err(),
                "{pattern}"
            );
        }
    }

    #[test]
    fn what_is_repeated_too_often_to_be_written_out_becomes_a_loop() {
        for (pattern, expected) in [
            ("a{1,2000}", "a{1,2000}"),
            ("\\p{L}{1,9}", "\\p{L}{1,9}"),
            ("x\\p{L}{1,255}?", "x(?:(?>)\\p{L}){1,255}?"),
            ("(a{1,1000}){1,1000}b{2}", "(?:(?>)(a{1,1000})){1,1000}b{2}"),
            ("(.{1,200}b){1,20}", "(?:(?>)(.{1,200}b)){1,20}"),
        ] {
            assert_eq!(translated(pattern, ""), expected);
        }
        let heavy = |pattern| translate(pattern, Flags::default(), "").unwrap().weight;
        assert!(heavy("\\p{L}{9}") > heavy("\\p{L}{8}"));
        assert!(heavy("((a{9999}){9999}){9999}") < MAX_WRITTEN_OUT * 2);
    }

    #[test]
    fn references_to_no_group_never_match() {
        assert_eq!(translated("(a)\\12", ""), "(a)(?:\\1)2");
        assert_eq!(translated("\\1(a)", ""), "(?!)(a)");
    }
}
