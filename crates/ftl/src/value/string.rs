//! Strings that are borrowed from the template or the data, or shared.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// A string at run time.
#[derive(Clone, Debug)]
pub(crate) enum Str<'a> {
    Borrowed(&'a str),
    Shared(Rc<str>),
}

impl Str<'_> {
    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl<'a> Str<'a> {
    /// The part of this string that `select` returns, without a copy where the whole is borrowed.
    pub(crate) fn slice(&self, select: impl FnOnce(&str) -> std::ops::Range<usize>) -> Str<'a> {
        match self {
            Self::Borrowed(text) => {
                let range = select(text);
                Str::Borrowed(&text[range])
            }
            Self::Shared(text) => {
                let range = select(text);
                if range == (0..text.len()) {
                    self.clone()
                } else {
                    Str::Shared(text[range].into())
                }
            }
        }
    }
}

impl PartialEq for Str<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Str<'_> {}

impl Hash for Str<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for Str<'_> {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl<'a> From<&'a str> for Str<'a> {
    fn from(text: &'a str) -> Self {
        Self::Borrowed(text)
    }
}

impl From<String> for Str<'_> {
    fn from(text: String) -> Self {
        Self::Shared(text.into())
    }
}
