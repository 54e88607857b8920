//! Values at run time.

mod callable;
mod date;
mod joined;
mod owned;
mod string;
mod unnest;
mod unread;

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

pub(crate) use callable::{BuiltinMethod, Callable, PresetArgs, WithArgs};
pub use date::{DateKind, DateTime};
pub(crate) use joined::Joined;
pub use owned::Owned;
pub(crate) use string::Str;
pub(crate) use unread::{Unread, UnreadKind};

pub use crate::number::Decimal;

use crate::data::{Entries, Hash, Seq, View, same};
use crate::eval::Stream;
use crate::number::Number;
use crate::output_format::Markup;
use crate::syntax::ast::{LoopField, MacroDef};

/// A value while a template runs. Cloning never copies contents.
#[derive(Clone)]
// A tag of a whole word: beside a tag of one byte the small variants would lie in the same word, and each copy of a
// value would read words that were written in parts, for which the processor waits.
#[repr(u64)]
pub(crate) enum Value<'a> {
    Bool(bool),
    Number(Number),
    Str(Str<'a>),
    /// What `missing!` gives: an empty string, an empty sequence and an empty hash at once.
    Nothing,
    Date(DateTime),
    /// What was to be a date or a part of a URL, but can't be: that fails when it is used.
    Unread(Rc<Unread>),
    SeqView(&'a dyn Seq),
    HashView(&'a dyn Hash),
    List(Rc<List<'a>>),
    Range(Rc<Range>),
    Map(Rc<Map<'a>>),
    /// Hashes added to each other of which some can't be listed; the last one is asked first.
    Joined(Rc<Joined<'a>>),
    Scope(Scope),
    /// The variables of an imported template, or of the main one.
    Namespace(u32),
    /// A macro or a function, with the unit that has defined it.
    Macro(&'a MacroDef, u32),
    Host(&'a HostFunction),
    Callable(Rc<Callable<'a>>),
    Statics,
    StaticClass(&'a str),
    Match(Rc<Match<'a>>),
    /// Text that is escaped already.
    Markup(Rc<Markup<'a>>),
    /// `<@html_escape>` and its like.
    Transform(Transform),
    /// Where a loop stands; lives in a slot beside the loop variable and is never seen by an expression.
    Loop(LoopState),
    /// The items that a list hands to its `#items`; like the above never seen by an expression.
    Stream(Rc<Cell<Option<Stream<'a>>>>),
}

/// A function of the host's.
pub(crate) type HostFunction = dyn Fn(&[View<'_>]) -> Result<Owned, String> + Send + Sync;

/// The directives that every configuration shares as variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transform {
    CaptureOutput,
    Compress,
    HtmlEscape,
    NormalizeNewlines,
    /// `.pass`: a macro that does nothing.
    Pass,
    XmlEscape,
}

impl Transform {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "capture_output" => Self::CaptureOutput,
            "compress" => Self::Compress,
            "html_escape" => Self::HtmlEscape,
            "normalize_newlines" => Self::NormalizeNewlines,
            "xml_escape" => Self::XmlEscape,
            _ => return None,
        })
    }
}

/// The hashes behind `.vars`, `.globals`, …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// What it finds depends on where it is read.
    Vars,
    Globals,
    Locals,
    DataModel,
}

/// Position of a running loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoopState {
    pub(crate) index: u32,
    pub(crate) has_next: bool,
}

impl LoopState {
    /// `x_index` and `x_has_next`
    pub(crate) fn field<'a>(self, field: LoopField) -> Value<'a> {
        match field {
            LoopField::Index => Value::int(i64::from(self.index)),
            LoopField::HasNext => Value::Bool(self.has_next),
        }
    }
}

/// The result of `?matches`, or one match in it.
pub(crate) struct Match<'a> {
    /// Whether the pattern matches the whole string.
    pub(crate) whole: bool,
    /// All matches; of one match, its text.
    pub(crate) matches: Value<'a>,
    pub(crate) groups: Value<'a>,
}

/// A sequence that the engine has made.
#[derive(Default)]
pub(crate) struct List<'a> {
    pub(crate) items: Vec<Option<Value<'a>>>,
    pub(crate) kind: ListKind,
}

/// What is special about a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ListKind {
    #[default]
    Plain,
    /// The keys or the values of a hash, which count as a collection too.
    Collection,
    /// The same of a hash of the data, where a negative index is an error.
    DataCollection,
    /// What has been computed or sorted, where a negative index is an error.
    Computed,
    /// Chunks, of which FreeMarker finds some before the first, of this length and without values.
    Chunks(usize),
    /// With the groups of a pattern: if it hasn't matched there are so many, but none can be read. They are `None`.
    Groups,
}

impl ListKind {
    pub(crate) fn is_collection(self) -> bool {
        matches!(self, Self::Collection | Self::DataCollection)
    }

    /// Whether a negative index is an error; elsewhere nothing is found there.
    pub(crate) fn refuses_negative_index(self) -> bool {
        matches!(self, Self::DataCollection | Self::Computed)
    }
}

impl Seq for List<'_> {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn get(&self, index: usize) -> Option<View<'_>> {
        self.items
            .get(index)
            .map(|item| item.as_ref().map_or(View::Null, Value::view))
    }
}

/// `first`, `first + step`, …
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) first: i64,
    pub(crate) step: i64,
    /// `None` for a range without an end.
    pub(crate) len: Option<usize>,
    /// Whether a slice that goes past the end is cut (`a..*n`) instead of refused.
    pub(crate) clips: bool,
    /// How many items it has less than none: FreeMarker's arithmetic overflows, and takes it for not empty then.
    pub(crate) lacks: u32,
    /// Whether its end belongs to it (`a..b`).
    pub(crate) inclusive: bool,
    /// Whether it has no items of its own: a range without an end, in old versions.
    pub(crate) only_slices: bool,
}

/// How long FreeMarker says that a range without an end is.
const ENDLESS: usize = i32::MAX as usize;

impl Range {
    /// Whether it has items, but no end.
    pub(crate) fn is_listable_endless(&self) -> bool {
        self.len.is_none() && !self.only_slices
    }

    pub(crate) fn at(&self, index: usize) -> i64 {
        self.first
            .wrapping_add(self.step.wrapping_mul(index as i64))
    }
}

impl Seq for Range {
    fn len(&self) -> usize {
        self.len
            .unwrap_or(if self.only_slices { 0 } else { ENDLESS })
    }

    fn get(&self, index: usize) -> Option<View<'_>> {
        (index < self.len()).then(|| View::Int(self.at(index)))
    }
}

/// Beyond this many entries a map looks names up by hashing.
const LINEAR_ENTRIES: usize = 8;

/// A hash that the engine has made; it keeps the order of its keys.
#[derive(Default)]
pub(crate) struct Map<'a> {
    entries: Vec<(Str<'a>, Option<Value<'a>>)>,
    index: HashMap<Str<'a>, usize>,
    /// How many keys its literal repeats: its size counts them.
    pub(crate) repeated: usize,
}

impl<'a> Map<'a> {
    /// What an entry takes, with its place in the index.
    pub(crate) const ENTRY_BYTES: usize = 3 * size_of::<(Str<'a>, Option<Value<'a>>)>();

    pub(crate) fn with_capacity(entries: usize) -> Self {
        let mut map = Self::default();
        map.entries.reserve_exact(entries);
        map
    }

    pub(crate) fn insert(&mut self, key: Str<'a>, value: Option<Value<'a>>) {
        if let Some(at) = self.position(key.as_str()) {
            self.entries[at].1 = value;
            return;
        }
        self.entries.push((key.clone(), value));
        if self.entries.len() == LINEAR_ENTRIES + 1 {
            self.index.reserve(self.entries.capacity());
            let places = self.entries.iter().enumerate();
            self.index
                .extend(places.map(|(at, (key, _))| (key.clone(), at)));
        } else if self.entries.len() > LINEAR_ENTRIES {
            self.index.insert(key, self.entries.len() - 1);
        }
    }

    fn position(&self, key: &str) -> Option<usize> {
        if self.entries.len() > LINEAR_ENTRIES {
            return self.index.get(key).copied();
        }
        self.entries
            .iter()
            .position(|(name, _)| same(name.as_str(), key))
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    pub(crate) fn get(&self, key: &str) -> Option<Value<'a>> {
        self.position(key).and_then(|at| self.entries[at].1.clone())
    }

    pub(crate) fn entries(&self) -> &[(Str<'a>, Option<Value<'a>>)] {
        &self.entries
    }
}

impl Hash for Map<'_> {
    fn get(&self, key: &str) -> Option<View<'_>> {
        self.position(key)
            .and_then(|at| self.entries[at].1.as_ref())
            .map(Value::view)
    }

    fn len(&self) -> usize {
        self.entries.len()
    }

    fn entries(&self) -> Entries<'_> {
        Box::new(
            self.entries
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_ref().map_or(View::Null, Value::view))),
        )
    }
}

impl<'a> Value<'a> {
    /// The value that a view shows; `None` if it is missing. A number's notation is trusted to be within `max_digits`.
    #[inline]
    pub(crate) fn from_view(view: View<'a>, max_digits: u64) -> Option<Self> {
        Some(match view {
            View::Null | View::Opaque => return None,
            View::Bool(value) => Self::Bool(value),
            View::Int(value) => Self::Number(Number::Int(value)),
            View::Float(value) => Self::Number(Number::from_f64(value)),
            View::Number(text) => Self::from_notation(text, max_digits),
            View::Decimal(decimal) => Self::Number(Number::from_decimal(decimal)),
            View::Str(text) => Self::Str(Str::Borrowed(text)),
            View::Date(date) => Self::Date(date),
            View::Seq(seq) => Self::SeqView(seq),
            View::Hash(hash) => Self::HashView(hash),
        })
    }

    fn from_notation(text: &'a str, max_digits: u64) -> Self {
        match Number::parse(text, max_digits) {
            Some(Ok(number)) => Self::Number(number),
            // Too long to compute with, but its text can still be shown.
            _ => Self::Str(Str::Borrowed(text)),
        }
    }

    /// This value as host code sees it.
    pub(crate) fn view(&self) -> View<'_> {
        match self {
            Self::Bool(value) => View::Bool(*value),
            Self::Number(Number::Int(value)) => View::Int(*value),
            Self::Number(Number::Big(value)) => View::Decimal(value),
            Self::Number(Number::Float(float)) => View::Float(float.value),
            Self::Str(text) => View::Str(text.as_str()),
            Self::Nothing => View::Str(""),
            Self::Date(date) => View::Date(*date),
            Self::SeqView(seq) => View::Seq(*seq),
            Self::HashView(hash) => View::Hash(*hash),
            Self::List(list) => View::Seq(&**list),
            Self::Range(range) => View::Seq(&**range),
            Self::Map(map) => View::Hash(&**map),
            Self::Match(found) => found.matches.view(),
            Self::Scope(_)
            | Self::Joined(_)
            | Self::Markup(_)
            | Self::Transform(_)
            | Self::Namespace(_)
            | Self::Macro(..)
            | Self::Host(_)
            | Self::Callable(_)
            | Self::Statics
            | Self::StaticClass(_)
            | Self::Loop(_)
            | Self::Stream(_)
            | Self::Unread(_) => View::Opaque,
        }
    }

    pub(crate) fn list(items: Vec<Option<Self>>) -> Self {
        Self::special_list(items, ListKind::Plain)
    }

    pub(crate) fn special_list(items: Vec<Option<Self>>, kind: ListKind) -> Self {
        Self::List(Rc::new(List { items, kind }))
    }

    pub(crate) fn map(map: Map<'a>) -> Self {
        Self::Map(Rc::new(map))
    }

    pub(crate) fn str(text: &'a str) -> Self {
        Self::Str(Str::Borrowed(text))
    }

    pub(crate) fn string(text: impl Into<Rc<str>>) -> Self {
        Self::Str(Str::Shared(text.into()))
    }

    pub(crate) fn int(value: i64) -> Self {
        Self::Number(Number::Int(value))
    }

    /// The text, if it is a string.
    pub(crate) fn text(&self) -> Option<&Str<'a>> {
        match self {
            Self::Str(text) => Some(text),
            Self::Nothing => Some(&Str::Borrowed("")),
            _ => None,
        }
    }

    /// What it stands for, if it is a date.
    pub(crate) fn date_kind(&self) -> Option<DateKind> {
        match self {
            Self::Date(date) => Some(date.kind),
            Self::Unread(unread) => match unread.kind {
                UnreadKind::Date(kind) => Some(kind),
                UnreadKind::Url => None,
            },
            _ => None,
        }
    }

    pub(crate) fn is_sequence(&self) -> bool {
        match self {
            Self::SeqView(_) | Self::List(_) | Self::Range(_) | Self::Nothing => true,
            Self::Match(found) => found.matches.is_sequence(),
            _ => false,
        }
    }

    /// What a match is compared as: its text, or, of all matches, whether the whole has matched.
    pub(crate) fn without_matches(&self) -> Option<Self> {
        match self {
            Self::Match(found) if found.matches.is_sequence() => Some(Self::Bool(found.whole)),
            Self::Match(found) => Some(found.matches.clone()),
            _ => None,
        }
    }

    /// Whether `${value}` prints it.
    pub(crate) fn is_printable(&self) -> bool {
        matches!(
            self,
            Self::Str(_)
                | Self::Nothing
                | Self::Number(_)
                | Self::Bool(_)
                | Self::Date(_)
                | Self::Unread(_)
                | Self::Match(_)
                | Self::Markup(_)
        )
    }

    pub(crate) fn is_hash(&self) -> bool {
        matches!(
            self,
            Self::HashView(_)
                | Self::Map(_)
                | Self::Joined(_)
                | Self::Scope(_)
                | Self::Namespace(_)
                | Self::Nothing
                | Self::Statics
                | Self::StaticClass(_)
        )
    }

    /// Whether its entries can be listed.
    pub(crate) fn is_hash_ex(&self) -> bool {
        matches!(
            self,
            Self::HashView(_)
                | Self::Map(_)
                | Self::Namespace(_)
                | Self::Nothing
                | Self::Scope(Scope::Locals | Scope::DataModel)
        )
    }

    /// What FreeMarker calls this kind of value in messages.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::Str(_) => "string",
            Self::Nothing => "sequence+extended_hash+string",
            Self::Date(_) => "date_or_time_or_datetime",
            Self::Unread(unread) => unread.kind.type_name(),
            Self::SeqView(_) | Self::List(_) | Self::Range(_) => "sequence",
            Self::Match(found) if found.matches.is_sequence() => "sequence+boolean",
            Self::Match(_) => "string",
            Self::HashView(_) | Self::Map(_) | Self::Scope(Scope::DataModel) => "extended_hash",
            Self::Namespace(_) | Self::Scope(Scope::Locals) => "namespace",
            Self::Scope(_) | Self::Joined(_) | Self::Statics | Self::StaticClass(_) => "hash",
            Self::Callable(callable) => callable.type_name(),
            Self::Macro(def, _) => {
                if def.is_function {
                    "function+misc_template_model"
                } else {
                    "macro+misc_template_model"
                }
            }
            Self::Host(_) => "method",
            Self::Markup(_) => "markup_output",
            Self::Transform(Transform::Pass) => "macro",
            Self::Transform(_) => "transform",
            Self::Loop(_) | Self::Stream(_) => "loop",
        }
    }
}
