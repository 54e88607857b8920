//! How a host hands data to a template: by views that borrow, so nothing is copied or converted up front.

mod names;
mod std_impls;

#[cfg(feature = "serde_json")]
mod json;
#[cfg(feature = "tree")]
mod tree;

pub(crate) use names::same;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::value::{DateTime, Decimal};

/// One value of the host's, borrowed for the time of a render.
#[derive(Clone, Copy)]
// A tag of a whole word, as that of the run-time values, and for the same reason.
#[repr(u64)]
pub enum View<'a> {
    /// JSON's `null`: to a template, the same as a missing value.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A binary floating point number; it counts as the shortest decimal that reads back as the same number.
    Float(f64),
    /// A number in JSON's notation, of any precision.
    Number(&'a str),
    /// A decimal number that the engine has computed.
    Decimal(&'a Decimal),
    /// A string.
    Str(&'a str),
    /// A moment, or a date or a time of day.
    Date(DateTime),
    /// A sequence.
    Seq(&'a dyn Seq),
    /// A hash, which keeps its keys in order.
    Hash(&'a dyn Hash),
    /// A macro, a function or another thing that has no counterpart in data.
    Opaque,
}

/// Where an expression of a template has found a part of a hash when it was last evaluated, in whatever thread.
#[derive(Debug, Default)]
pub struct Place(AtomicUsize);

impl Place {
    /// The index of the entry; 0 at first.
    #[inline]
    #[must_use]
    pub fn index(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Keeps another index.
    #[inline]
    pub fn moved_to(&self, index: usize) {
        self.0.store(index, Ordering::Relaxed);
    }
}

impl Clone for Place {
    fn clone(&self) -> Self {
        Self(AtomicUsize::new(self.index()))
    }
}

/// An ordered list of values.
pub trait Seq {
    /// The number of items.
    fn len(&self) -> usize;

    /// The item at `index`, counted from 0; `None` past the end.
    fn get(&self, index: usize) -> Option<View<'_>>;

    /// Whether there are no items.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The entries of a [`Hash`], in its order.
pub type Entries<'a> = Box<dyn Iterator<Item = (&'a str, View<'a>)> + 'a>;

/// Values under names, in an order of the host's choice.
pub trait Hash {
    /// The value under `key`; `None` and [`View::Null`] mean the same.
    fn get(&self, key: &str) -> Option<View<'_>>;

    /// The same as [`Hash::get`], asked by one place of a template, which keeps in `place` where it has found `key` before.
    /// A hash that looks its keys up from the front may look there first: data of one kind has the same parts at the same
    /// places most of the time.
    fn get_near(&self, key: &str, place: &Place) -> Option<View<'_>> {
        let _ = place;
        self.get(key)
    }

    /// The number of entries.
    fn len(&self) -> usize;

    /// All entries, in order.
    fn entries(&self) -> Entries<'_>;

    /// Whether there are no entries.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Anything that a template can read.
pub trait Data {
    /// This value, borrowed.
    fn view(&self) -> View<'_>;
}
