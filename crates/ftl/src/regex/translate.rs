//! Java's patterns in the syntax of `fancy-regex`.

use std::iter::Peekable;
use std::str::Chars;

use super::Flags;

/// What ends a line for Java, besides `\n`, as it stands within a class.
const OTHER_BREAKS: &str = "\\r\\x{85}\\x{2028}\\x{2029}";

/// What `^`, `$` and `.` mean at a place of the pattern.
#[derive(Clone, Copy)]
struct Mode {
    multi_line: bool,
    dot_all: bool,
    comments: bool,
}

/// Translates what has another meaning in Java: ends of lines, `\Q…\E`, and the classes, which are ASCII's there.
pub(super) fn translate(pattern: &str, flags: Flags, subject: &str) -> String {
    let mut translator = Translator {
        chars: pattern.chars().peekable(),
        written: String::with_capacity(pattern.len()),
        mode: Mode {
            multi_line: flags.multi_line,
            dot_all: flags.dot_all,
            comments: flags.comments,
        },
        outer_modes: Vec::new(),
        has_breaks: subject.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']),
    };
    translator.run();
    translator.written
}

struct Translator<'p> {
    chars: Peekable<Chars<'p>>,
    written: String,
    mode: Mode,
    /// The modes outside of the open groups.
    outer_modes: Vec<Mode>,
    /// Whether the text has more than one line: else what the ends of lines are needn't be asked, which is faster.
    has_breaks: bool,
}

impl Translator<'_> {
    fn run(&mut self) {
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => self.escape(),
                '[' => self.class(),
                '(' => self.group(),
                ')' => {
                    self.written.push(')');
                    if let Some(outer) = self.outer_modes.pop() {
                        self.mode = outer;
                    }
                }
                '.' if self.has_breaks && !self.mode.dot_all => {
                    self.written.push_str(&format!("[^\\n{OTHER_BREAKS}]"));
                }
                '^' if self.mode.multi_line => self.line_start(),
                '$' => self.line_end(self.mode.multi_line),
                '#' if self.mode.comments => self.comment(),
                other => self.written.push(other),
            }
        }
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
    fn group(&mut self) {
        self.outer_modes.push(self.mode);
        self.written.push('(');
        let mut ahead = self.chars.clone();
        if ahead.next() != Some('?') {
            return;
        }
        let mut on = true;
        let mut mode = self.mode;
        for c in ahead {
            match c {
                '-' => on = false,
                'm' => mode.multi_line = on,
                's' => mode.dot_all = on,
                'x' => mode.comments = on,
                'i' | 'd' | 'u' => {}
                ':' => {
                    self.mode = mode;
                    return;
                }
                ')' => {
                    // It holds up to the end of the group around.
                    self.mode = mode;
                    self.outer_modes.pop();
                    self.outer_modes.push(mode);
                    return;
                }
                _ => return,
            }
        }
    }

    fn comment(&mut self) {
        self.written.push('#');
        while let Some(c) = self.chars.next_if(|c| *c != '\n') {
            self.written.push(c);
        }
    }

    /// A class up to its end: in it only backslashes have a meaning of their own.
    fn class(&mut self) {
        self.written.push('[');
        let mut depth = 1;
        let mut begins = true;
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => self.escape(),
                '[' => {
                    depth += 1;
                    self.written.push('[');
                }
                ']' if !begins => {
                    depth -= 1;
                    self.written.push(']');
                    if depth == 0 {
                        return;
                    }
                }
                other => self.written.push(other),
            }
            begins = c == '[' || (begins && c == '^');
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) {
        match self.chars.next() {
            None => self.written.push('\\'),
            Some('Q') => self.quoted(),
            Some('d') => self.written.push_str("[0-9]"),
            Some('D') => self.written.push_str("[^0-9]"),
            Some('w') => self.written.push_str("[a-zA-Z_0-9]"),
            Some('W') => self.written.push_str("[^a-zA-Z_0-9]"),
            Some('s') => self.written.push_str("[ \\t\\n\\x0B\\f\\r]"),
            Some('S') => self.written.push_str("[^ \\t\\n\\x0B\\f\\r]"),
            Some('Z') => self.line_end(false),
            Some(other) => {
                self.written.push('\\');
                self.written.push(other);
            }
        }
    }

    /// `\Q…\E`
    fn quoted(&mut self) {
        while let Some(c) = self.chars.next() {
            if c == '\\' && self.chars.next_if_eq(&'E').is_some() {
                return;
            }
            if !c.is_alphanumeric() && c.is_ascii() {
                self.written.push('\\');
            }
            self.written.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(pattern: &str, subject: &str) -> String {
        translate(pattern, Flags::default(), subject)
    }

    #[test]
    fn a_dot_stops_at_all_of_javas_line_ends_if_there_are_any() {
        assert_eq!(translated("a.b[.]", "x"), "a.b[.]");
        assert_eq!(
            translated("a.b[.]\\.", "x\r"),
            "a[^\\n\\r\\x{85}\\x{2028}\\x{2029}]b[.]\\."
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
        assert_eq!(translated("\\Qa.$\\E$", ""), "a\\.\\$\\z");
    }
}
