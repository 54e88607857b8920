//! What the linter says.

use std::ops::Range;

use serde::Serialize;

/// What the linter has found, and what it has not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Linted {
    /// In the order of the definition.
    pub findings: Vec<Finding>,
    /// What the bounds on its time and answer have cut off.
    pub left: Vec<Left>,
}

impl Linted {
    /// Whether nothing was cut off: all that the linter knows of was tried on each template.
    #[must_use]
    pub fn looked_at_all(&self) -> bool {
        self.left.is_empty()
    }

    pub(super) fn leave(&mut self, pointer: &str, message: impl Into<String>) {
        self.left.push(Left {
            pointer: pointer.to_owned(),
            message: message.into(),
        });
    }
}

/// Something that was not looked at, or is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// JSON pointer to the template in the definition.
    pub pointer: String,
    /// What, in words.
    pub message: String,
}

/// Something in a template that breaks, and the event that breaks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of fault.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// JSON pointer to the template in the definition, such as `/events/headers/0/value`.
    pub pointer: String,
    /// Where the interpolation or expression to blame begins: the line, from 1.
    pub line: u32,
    /// The column, from 1, in UTF-16 units; a tab goes on to the next multiple of 8.
    pub column: u32,
    /// The line of its last character.
    pub end_line: u32,
    /// The column of its last character.
    pub end_column: u32,
    /// What is wrong, when it shows, and what to do about it.
    pub message: String,
    /// What shows it.
    pub proof: Proof,
    /// An edit of the template after which nothing that was tried breaks there any more; `None` where
    /// none was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<Edit>,
}

/// What kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// Text goes into a JSON string, or into the path or query of a URL, as it is: characters that mean
    /// something there break out of it.
    Unescaped,
    /// A value goes where JSON expects one, without quotes, and is not always JSON.
    Unquoted,
    /// A value that can be missing is used without a default.
    MayBeMissing,
    /// Nothing is printed where JSON expects a value.
    EmptyValue,
    /// A value can be of a type that can't be used there, such as a list where text is printed.
    WrongType,
    /// A number is printed with separators or in another form that JSON doesn't know.
    FormattedNumber,
    /// A number is sent as a string.
    QuotedNumber,
    /// A boolean is sent as a string.
    QuotedBoolean,
    /// The body is not JSON, and no single interpolation is to blame: commas, brackets, quotes.
    InvalidJson,
    /// The URL can't be used.
    InvalidUrl,
    /// A header's value has line breaks or other control characters.
    InvalidHeader,
    /// The template fails in another way, such as a division by zero or a text that is no date.
    RenderError,
}

/// How bad a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Proven: an event that can come is discarded, or corrupted.
    Error,
    /// It works, or breaks only by values of a type that has not been seen there.
    Advice,
}

/// What a template was rendered with, and what came out. A fault that others hide is shown with
/// these mended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The event as it is streamed: JSON text.
    pub event: String,
    /// `mappedFields`: JSON text; `None` where the template doesn't read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapped_fields: Option<String>,
    /// `mappedProperties`: JSON text; `None` where the template doesn't read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapped_properties: Option<String>,
    /// `parameters`: JSON text; `None` where the template doesn't read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<String>,
    /// `answer`: JSON text; `None` but for a request that follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What was printed, at most about 8 KiB of it; `None` when rendering failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// What is wrong with the output, or why rendering failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A replacement of a part of a template. Lines and columns count as in [`Finding`], but the end is
/// the first place that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The line of the first character that is replaced.
    pub line: u32,
    /// The column of the first character that is replaced.
    pub column: u32,
    /// The line where the template goes on.
    pub end_line: u32,
    /// The column where the template goes on.
    pub end_column: u32,
    /// The same as byte offsets into the template.
    pub bytes: Range<usize>,
    /// What to write there.
    pub replacement: String,
}

impl Edit {
    /// The template after the edit; `None` when the edit is not one of this template.
    #[must_use]
    pub fn apply(&self, template: &str) -> Option<String> {
        let before = template.get(..self.bytes.start)?;
        let after = template.get(self.bytes.end..)?;
        Some([before, &self.replacement, after].concat())
    }
}
