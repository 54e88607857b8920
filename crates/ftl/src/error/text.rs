//! What a failure says, in FreeMarker's words.

use std::fmt::{self, Write};

use super::Error;

/// The longest text of a failure, in bytes: what goes beyond is cut off. Messages quote texts whole, and what `?interpret`
/// has made tells the failures of what it has made itself.
pub(super) const MAX_TEXT: usize = 2 << 20;

/// What stands where a text has been cut.
const CUT: &str = " [...]";

/// Lines of the stack that are told of a failure within another one.
pub(super) const TOLD_FRAMES: usize = 10;

/// A text that stops growing where it would become too long.
#[derive(Default)]
struct Text {
    text: String,
    is_cut: bool,
}

impl Write for Text {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.is_cut {
            return Err(fmt::Error);
        }
        let room = MAX_TEXT.saturating_sub(self.text.len());
        if part.len() <= room {
            self.text.push_str(part);
            return Ok(());
        }
        self.text.push_str(&part[..boundary(part, room)]);
        self.text.push_str(CUT);
        self.is_cut = true;
        Err(fmt::Error)
    }
}

/// `text`, or as much of it as a failure may say.
pub(super) fn cut(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        text.truncate(boundary(&text, MAX_TEXT - CUT.len()));
        text.shrink_to_fit();
        text.push_str(CUT);
    }
    text
}

/// The last place between two characters that isn't behind `at`.
fn boundary(text: &str, at: usize) -> usize {
    let is_between = |at: &usize| text.is_char_boundary(*at);
    (0..=at).rev().find(is_between).unwrap_or(0)
}

/// What `write` writes, as far as there is room for it.
fn text_of(write: impl FnOnce(&mut Text) -> fmt::Result) -> String {
    let mut text = Text::default();
    // It fails where it has been cut.
    let _ = write(&mut text);
    text.text
}

impl Error {
    /// The stack as FreeMarker prints it, a line a directive.
    #[must_use]
    pub fn stack_trace(&self) -> String {
        text_of(|text| {
            self.write_frames(text, self.0.stack.len())?;
            if self.0.frames_left_out > 0 {
                writeln!(text, "\t... ({} more)", self.0.frames_left_out)?;
            }
            Ok(())
        })
    }

    fn write_frames(&self, text: &mut Text, count: usize) -> fmt::Result {
        let frames = self.0.stack.iter().take(count);
        for (index, frame) in frames.enumerate() {
            // A `#nested` that something in its content has failed in, and the call that it belongs to.
            let is_around_nested = index > 1 && self.0.stack[index - 1].nested;
            let bullet = if index > 0 && (frame.nested || is_around_nested) {
                '~'
            } else {
                '-'
            };
            let how = if index == 0 {
                "Failed at"
            } else {
                "Reached through"
            };
            write!(
                text,
                "\t{bullet} {how}: {}  [in {}",
                frame.description, frame.template
            )?;
            if let Some(within) = &frame.within {
                write!(text, " in {within}")?;
            }
            writeln!(text, " at line {}, column {}]", frame.line, frame.column)?;
        }
        Ok(())
    }

    /// The whole of what FreeMarker says: message, blamed expression with its place, tips. Beyond two megabytes it is cut.
    #[must_use]
    pub fn description(&self) -> String {
        text_of(|text| self.write_description(text))
    }

    fn write_description(&self, text: &mut Text) -> fmt::Result {
        let start = text.text.len();
        text.write_str(&self.0.message)?;
        if let Some(inner) = &self.0.interpreted {
            text.write_str("\n\n---begin-message---\n")?;
            inner.write_report(text)?;
            text.write_str("\n---end-message---")?;
        }
        if let (Some(blamed), Some(span)) = (&self.0.blamed, self.0.blamed_span.or(self.0.span)) {
            let end = text.text[start..].trim_end().len();
            text.text.truncate(start + end);
            text.write_char('\n')?;
            if !self.0.message.trim_end().ends_with(':') {
                text.write_str("The blamed expression:\n")?;
            }
            write!(
                text,
                "==> {}  [in {} at line {}, column {}]",
                blamed.replace("\r\n", "\n").replace(['\r', '\n'], "\n    "),
                self.0.label,
                span.line,
                span.column
            )?;
        }
        if !self.0.tips.is_empty() {
            text.write_str("\n\n----")?;
            for tip in &self.0.tips {
                write!(text, "\nTip: {tip}\n----")?;
            }
        }
        Ok(())
    }

    /// The whole as the reason of another failure: a template that isn't well-formed is named with the place.
    pub(crate) fn as_reason(&self) -> String {
        text_of(|text| {
            if let Some(span) = self.0.span
                && self.0.stack.is_empty()
            {
                writeln!(
                    text,
                    "Syntax error in {} in line {}, column {}:",
                    self.0.label, span.line, span.column
                )?;
            }
            self.write_description(text)
        })
    }

    /// The whole with all of the stack, as `.error` says it.
    pub(crate) fn whole(&self) -> String {
        text_of(|text| {
            self.write_description(text)?;
            write!(text, "{STACK_TRACE}{}----", self.stack_trace())
        })
    }

    /// The whole as FreeMarker prints it, with the innermost directives.
    fn write_report(&self, text: &mut Text) -> fmt::Result {
        if self.0.is_foreign {
            return text.write_str(&self.0.message);
        }
        let count = self.0.stack.len() + self.0.frames_left_out;
        let shown = if count > TOLD_FRAMES {
            TOLD_FRAMES - 1
        } else {
            count
        };
        self.write_description(text)?;
        text.write_str(STACK_TRACE)?;
        self.write_frames(text, shown)?;
        if count > shown {
            let hidden = count - shown;
            writeln!(text, "\t... (Had {hidden} more, hidden for tersenes)")?;
        }
        text.write_str("----")
    }
}

const STACK_TRACE: &str = "\n\n----\nFTL stack trace (\"~\" means nesting-related):\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn what_is_too_long_to_be_told_is_cut_between_characters() {
        let long = "€".repeat(MAX_TEXT / 2);
        let error = Error::new(ErrorKind::Value, long).tip("not told");
        let told = error.description();
        assert!(told.contains("€ [...]") && told.ends_with(" [...]"));
        assert!(!told.contains("not told"));
        assert!(error.message().len() <= MAX_TEXT);
        let twice = error.wrapped(format!("Because of:\n{told}")).description();
        assert!(twice.len() <= MAX_TEXT + CUT.len());
    }
}
