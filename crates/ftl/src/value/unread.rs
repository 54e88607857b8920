//! Values that have failed, which only tells once they are used.

use super::DateKind;
use crate::error::Error;

/// A text that can't be read as a date, or that can't be escaped for a URL.
pub(crate) struct Unread {
    /// What it was to be.
    pub(crate) kind: UnreadKind,
    /// Why it isn't.
    pub(crate) error: Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnreadKind {
    Date(DateKind),
    Url,
}

impl UnreadKind {
    /// What FreeMarker calls the type.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Date(_) => "method+hash+date_or_time_or_datetime",
            Self::Url => "method+string",
        }
    }
}
