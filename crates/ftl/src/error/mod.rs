//! What can go wrong, and where.

mod quote;
mod render;
mod text;

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
    cause: Option<Arc<Error>>,
    /// The failure of what `?interpret` has made: the stack of this one is the rest of its own.
    interpreted: Option<Error>,
    /// How many failures are within each other.
    levels: usize,
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
/// Most failures within each other that are told; those around them are passed on as they are.
const MAX_LEVELS: usize = 128;

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
            message: text::cut(message.into()),
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
            levels: 0,
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
        self.0.cause = Some(root.unwrap_or_else(|| Arc::new(cause)));
        self
    }

    fn root(&self) -> Arc<Error> {
        let root = self.0.cause.as_ref().map(Arc::clone);
        root.unwrap_or_else(|| Arc::new(self.clone()))
    }

    /// The failure behind this one, which says less.
    #[must_use]
    pub fn cause(&self) -> Option<&Error> {
        self.0.cause.as_deref()
    }

    pub(crate) fn pushing(mut self, frame: impl FnOnce() -> Frame) -> Self {
        if self.0.stack.len() < MAX_FRAMES {
            self.push(frame());
        } else {
            self.leave_out(1);
        }
        self
    }

    fn push(&mut self, frame: Frame) {
        if let Some(inner) = &mut self.0.interpreted {
            // It has at least as many as this one.
            if inner.0.stack.len() < text::TOLD_FRAMES {
                inner.push(frame.clone());
            } else {
                inner.leave_out(1);
            }
        }
        self.0.stack.push(frame);
    }

    /// Counts frames that there is no room for.
    fn leave_out(&mut self, count: usize) {
        let mut error = Some(self);
        while let Some(Self(inner)) = error {
            inner.frames_left_out += count;
            error = inner.interpreted.as_mut();
        }
    }

    /// The directives that led to the failure, the innermost first.
    #[must_use]
    pub fn stack(&self) -> &[Frame] {
        &self.0.stack
    }

    /// A failure of what this one is the reason for: of the same kind, at a place of its own.
    pub(crate) fn wrapped(&self, message: impl Into<String>) -> Self {
        let mut error = Self::new(self.0.kind, message);
        error.0.cause = Some(self.root());
        error
    }

    /// The failure of the directive that runs what `?interpret` has made.
    pub(crate) fn of_interpreted(mut self) -> Self {
        if self.0.levels >= MAX_LEVELS {
            return self;
        }
        let message = "Template created with \"?interpret\" has stopped with this error:";
        let mut error = self.wrapped(message);
        error.0.levels = self.0.levels + 1;
        if let Some(untold) = self.0.stack.len().checked_sub(text::TOLD_FRAMES) {
            self.0.stack.truncate(text::TOLD_FRAMES);
            self.0.frames_left_out += untold;
        }
        error.0.interpreted = Some(self);
        error
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
    let mut quoted = String::with_capacity(text.len().min(text::MAX_TEXT) + 2);
    quoted.push('"');
    for c in text.chars() {
        if quoted.len() > text::MAX_TEXT {
            // The message is cut there, too.
            break;
        }
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
