//! What can go wrong, and where.

mod quote;
mod render;

use std::fmt;
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
    template: Arc<str>,
    span: Option<Span>,
    blamed: Option<String>,
    tips: Vec<String>,
    source: Option<Arc<str>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            template: Arc::from(""),
            span: None,
            blamed: None,
            tips: Vec::new(),
            source: None,
        }))
    }

    pub(crate) fn at(mut self, template: &Arc<str>, source: &Arc<str>, span: Span) -> Self {
        self.0.template = Arc::clone(template);
        self.0.source = Some(Arc::clone(source));
        self.0.span = Some(span);
        self
    }

    pub(crate) fn blaming(mut self, expression: impl Into<String>) -> Self {
        self.0.blamed = Some(expression.into());
        self
    }

    pub(crate) fn tip(mut self, tip: impl Into<String>) -> Self {
        self.0.tips.push(tip.into());
        self
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
        &self.0.template
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
                " [in template \"{}\" at line {}, column {}]",
                self.0.template, span.line, span.column
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

impl std::error::Error for Error {}
