//! What can go wrong, and where.

mod quote;
mod render;

use std::fmt::{self, Write};
use std::sync::Arc;

pub(crate) use quote::quoted;

/// A place in a template: lines and columns count from 1, and the end is the last character's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Line of the first character.
    pub line: u32,
    /// Column of the first character.
    pub column: u32,
    /// Line of the last character.
    pub end_line: u32,
    /// Column of the last character.
    pub end_column: u32,
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The template isn't well-formed.
    Syntax,
    /// An expression has no value.
    Missing,
    /// A value has another type than is needed there.
    Type,
    /// An operation or a built-in can't work with the value that it was given.
    Value,
    /// A number, date or pattern can't be read or written.
    Format,
    /// A division by zero.
    DivisionByZero,
    /// `<#stop>`.
    Stop,
    /// Something that reaches out of the template, and isn't available.
    Refused,
    /// A function of the host's has failed.
    Host,
    /// The data's root isn't a hash.
    Data,
    /// The output could not be written.
    Write,
    /// The budget of steps is used up.
    Steps,
    /// The budget of output is used up.
    Output,
    /// Calls or expressions are nested too deeply.
    Depth,
    /// The budget of memory is used up.
    Memory,
    /// A regular expression took too long.
    Regex,
    /// A number has too many digits.
    NumberSize,
}

/// A failure to compile or to render a template.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    /// What messages call the place: `template "name"`.
    label: Arc<str>,
    span: Option<Span>,
    blamed: Option<String>,
    /// Where the blamed expression stands, if that isn't where the failure is.
    blamed_span: Option<Span>,
    tips: Vec<String>,
    source: Option<Arc<str>>,
    /// Whether the message is to say what part the blamed expression plays.
    names_role: bool,
    blamed_src: Option<crate::syntax::Src>,
    stack: Vec<Frame>,
    /// Frames that the stack has no room for.
    frames_left_out: usize,
    cause: Option<Error>,
    /// The failure of what `?interpret` has made: the stack of this one is the rest of its own.
    interpreted: Option<Error>,
    /// Whether FreeMarker fails with an exception of Java's own, which no `#attempt` catches.
    is_foreign: bool,
}

/// One line of the stack of directives that led to a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The directive, as FreeMarker shows it: `#if x`, `${y}`, `@name a=1`.
    pub description: String,
    /// What it stands in, as messages call it: `template "name"`.
    pub template: Arc<str>,
    /// Where it begins.
    pub line: u32,
    /// Where it begins.
    pub column: u32,
    /// The macro or function that it stands in, with the word before it: `macro "m"`.
    pub within: Option<String>,
    /// Whether it was reached through nested content.
    pub nested: bool,
}

/// Most frames that an error keeps.
const MAX_FRAMES: usize = 64;

impl Error {
    /// What is said of expressions without a value.
    pub(crate) const MISSING: &str = "The following has evaluated to null or missing:";

    /// Whether an expression without a value is to blame.
    pub(crate) fn says_missing(&self) -> bool {
        self.0.message == Self::MISSING
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            label: Arc::from(""),
            span: None,
            blamed: None,
            blamed_span: None,
            tips: Vec::new(),
            source: None,
            names_role: false,
            blamed_src: None,
            stack: Vec::new(),
            frames_left_out: 0,
            cause: None,
            interpreted: None,
            is_foreign: false,
        }))
    }

    pub(crate) fn at(mut self, label: &Arc<str>, source: &Arc<str>, span: Span) -> Self {
        self.0.label = Arc::clone(label);
        self.0.source = Some(Arc::clone(source));
        self.0.span = Some(span);
        self
    }

    /// Says what the blamed expression stands in, before it is known what is to blame.
    pub(crate) fn labelled(mut self, label: &Arc<str>) -> Self {
        self.0.label = Arc::clone(label);
        self
    }

    pub(crate) fn blaming(mut self, expression: impl Into<String>) -> Self {
        self.0.blamed = Some(expression.into());
        self
    }

    /// Marks what FreeMarker has no words for: `#attempt` doesn't go on after it, and `?interpret` tells but the message.
    pub(crate) fn foreign(mut self) -> Self {
        self.0.is_foreign = true;
        self
    }

    pub(crate) fn is_foreign(&self) -> bool {
        self.0.is_foreign
    }

    pub(crate) fn blaming_nothing(mut self) -> Self {
        self.0.blamed = None;
        self
    }

    pub(crate) fn showing(mut self, blamed: Span) -> Self {
        self.0.blamed_span = Some(blamed);
        self
    }

    pub(crate) fn tip(mut self, tip: impl Into<String>) -> Self {
        self.0.tips.push(tip.into());
        self
    }

    pub(crate) fn without_tips(mut self) -> Self {
        self.0.tips.clear();
        self.0.interpreted = self.0.interpreted.map(Self::without_tips);
        self
    }

    /// Has the message say what part the blamed expression plays, once the directive is known.
    pub(crate) fn naming_role(mut self, blamed: crate::syntax::Src) -> Self {
        self.0.names_role = true;
        self.0.blamed_src = Some(blamed);
        self
    }

    pub(crate) fn blamed_src(&self) -> Option<crate::syntax::Src> {
        self.0.blamed_src
    }

    pub(crate) fn wants_role(&self) -> bool {
        self.0.names_role
    }

    /// Says what part the blamed expression plays: `For "#if" condition: …`.
    pub(crate) fn with_role(mut self, role: Option<(String, &str)>) -> Self {
        self.0.names_role = false;
        if let Some((symbol, role)) = role {
            let quote = if symbol.contains('"') { '`' } else { '"' };
            self.0.message = format!("For {quote}{symbol}{quote} {role}: {}", self.0.message);
        }
        self
    }

    /// What it all began with is kept, not what came in between.
    pub(crate) fn caused_by(mut self, cause: Error) -> Self {
        let root = cause.0.cause.clone();
        self.0.cause = Some(root.unwrap_or(cause));
        self
    }

    /// The failure behind this one, which says less.
    #[must_use]
    pub fn cause(&self) -> Option<&Error> {
        self.0.cause.as_ref()
    }

    pub(crate) fn pushing(mut self, frame: impl FnOnce() -> Frame) -> Self {
        if self.0.stack.len() < MAX_FRAMES {
            self.push(frame());
        } else {
            self.0.frames_left_out += 1;
        }
        self
    }

    fn push(&mut self, frame: Frame) {
        if let Some(inner) = &mut self.0.interpreted {
            inner.push(frame.clone());
        }
        self.0.stack.push(frame);
    }

    /// The directives that led to the failure, the innermost first.
    #[must_use]
    pub fn stack(&self) -> &[Frame] {
        &self.0.stack
    }

    /// The stack as FreeMarker prints it, a line a directive.
    #[must_use]
    pub fn stack_trace(&self) -> String {
        let mut text = String::new();
        for (index, frame) in self.0.stack.iter().enumerate() {
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
            let within = frame
                .within
                .as_ref()
                .map_or(String::new(), |within| format!(" in {within}"));
            let _ = writeln!(
                text,
                "\t{bullet} {how}: {}  [in {}{within} at line {}, column {}]",
                frame.description, frame.template, frame.line, frame.column
            );
        }
        if self.0.frames_left_out > 0 {
            let _ = writeln!(text, "\t... ({} more)", self.0.frames_left_out);
        }
        text
    }

    /// The whole of what FreeMarker says: message, blamed expression with its place, tips.
    #[must_use]
    pub fn description(&self) -> String {
        let mut text = self.0.message.clone();
        if let Some(inner) = &self.0.interpreted {
            let report = inner.report();
            let _ = write!(text, "\n\n---begin-message---\n{report}\n---end-message---");
        }
        if let (Some(blamed), Some(span)) = (&self.0.blamed, self.0.blamed_span.or(self.0.span)) {
            text.truncate(text.trim_end().len());
            text.push('\n');
            if !self.0.message.trim_end().ends_with(':') {
                text.push_str("The blamed expression:\n");
            }
            let _ = write!(
                text,
                "==> {}  [in {} at line {}, column {}]",
                blamed.replace("\r\n", "\n").replace(['\r', '\n'], "\n    "),
                self.0.label,
                span.line,
                span.column
            );
        }
        if !self.0.tips.is_empty() {
            text.push_str("\n\n----");
            for tip in &self.0.tips {
                let _ = write!(text, "\nTip: {tip}\n----");
            }
        }
        text
    }

    /// The whole as the reason of another failure: a template that isn't well-formed is named with the place.
    pub(crate) fn as_reason(&self) -> String {
        match self.0.span {
            Some(span) if self.0.stack.is_empty() => format!(
                "Syntax error in {} in line {}, column {}:\n{}",
                self.0.label,
                span.line,
                span.column,
                self.description()
            ),
            _ => self.description(),
        }
    }

    /// A failure of what this one is the reason for: of the same kind, at a place of its own.
    pub(crate) fn wrapped(&self, message: impl Into<String>) -> Self {
        Self::new(self.0.kind, message).caused_by(self.clone())
    }

    /// The failure of the directive that runs what `?interpret` has made.
    pub(crate) fn of_interpreted(self) -> Self {
        let message = "Template created with \"?interpret\" has stopped with this error:";
        let mut error = self.wrapped(message);
        error.0.interpreted = Some(self);
        error
    }

    /// The whole as FreeMarker prints it, with the innermost directives.
    fn report(&self) -> String {
        if self.0.is_foreign {
            return self.0.message.clone();
        }
        const LINES: usize = 10;
        let trace = self.stack_trace();
        let count = trace.lines().count();
        let shown = if count > LINES { LINES - 1 } else { count };
        let mut text = self.description();
        text.push_str("\n\n----\nFTL stack trace (\"~\" means nesting-related):\n");
        for line in trace.lines().take(shown) {
            let _ = writeln!(text, "{line}");
        }
        if count > shown {
            let _ = writeln!(
                text,
                "\t... (Had {} more, hidden for tersenes)",
                count - shown
            );
        }
        text + "----"
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What went wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The template's name.
    #[must_use]
    pub fn template_name(&self) -> &str {
        let label = &*self.0.label;
        label
            .strip_prefix("template \"")
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(label)
    }

    /// Where in the template.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.0.span
    }

    /// The expression that is to blame, as it stands in the template.
    #[must_use]
    pub fn blamed_expression(&self) -> Option<&str> {
        self.0.blamed.as_deref()
    }

    /// Hints at what to do.
    pub fn tips(&self) -> impl Iterator<Item = &str> {
        self.0.tips.iter().map(String::as_str)
    }

    /// The failure over several lines, with the source and carets under the place.
    #[must_use]
    pub fn render(&self) -> String {
        render::render(self, self.0.source.as_deref())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.0.message.lines().enumerate() {
            f.write_str(if index == 0 { "" } else { " " })?;
            f.write_str(line)?;
        }
        if let Some(blamed) = &self.0.blamed {
            write!(f, " ==> {}", blamed.replace('\n', " "))?;
        }
        if let Some(span) = self.0.span {
            write!(
                f,
                " [in {} at line {}, column {}]",
                self.0.label, span.line, span.column
            )?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.to_string())
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause().map(|cause| cause as _)
    }
}

/// `text` as a Java string literal, which is how messages quote.
pub(crate) fn java_quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{c}' => quoted.push_str("\\f"),
            '\u{8}' => quoted.push_str("\\b"),
            c if (c as u32) < 0x20 => {
                let _ = write!(quoted, "\\u{:04X}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
