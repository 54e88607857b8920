//! Lists, a page at a time.

use std::fmt;
use std::str::FromStr;

use model::Timestamp;

/// A page of a list, and where the next one starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it, oldest first.
    pub items: Vec<T>,
    /// What to ask for next; `None` on the last page.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// The page of at most `limit` from rows of which one more was asked for.
    pub(crate) fn cut(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> Cursor) -> Self {
        let limit = limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }
}

/// A place in a list: behind the item with this time and id. To clients it is an opaque text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) created_at: Timestamp,
    pub(crate) id: String,
}

impl Cursor {
    /// Before the first item of any list.
    pub(crate) fn start() -> Self {
        Self {
            created_at: Timestamp(i64::MIN),
            id: String::new(),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.created_at.0, self.id)
    }
}

/// The text is no cursor of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: take `next` of the page before as it is")]
pub struct ParseCursorError;

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, ParseCursorError> {
        let (created_at, id) = text.split_once('.').ok_or(ParseCursorError)?;
        let created_at = created_at.parse().map_err(|_| ParseCursorError)?;
        let plain = id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        plain
            .then(|| Self {
                created_at: Timestamp(created_at),
                id: id.to_owned(),
            })
            .ok_or(ParseCursorError)
    }
}
