//! Dates, as Java's: milliseconds since 1970 in UTC and what part of them counts.

/// What a [`DateTime`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DateKind {
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A moment.
    DateTime,
}

impl DateKind {
    /// As templates call it: `date`, `time`, `datetime`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Time => "time",
            Self::DateTime => "datetime",
        }
    }
}

/// A date, a time of day or a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub millis: i64,
    /// What part of it counts.
    pub kind: DateKind,
}
