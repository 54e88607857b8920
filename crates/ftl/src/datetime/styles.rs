//! The styles `short`, `medium`, `long` and `full`.

use super::pattern::Pattern;
use crate::locale::Facts;
use crate::value::DateKind;

/// One of the styles, from the longest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Full,
    Long,
    Medium,
    Short,
}

const STYLES: usize = 4;

impl Style {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "full" => Self::Full,
            "long" => Self::Long,
            "medium" => Self::Medium,
            "short" => Self::Short,
            _ => return None,
        })
    }
}

/// The styles of a date and of a time; a date or a time alone needs but one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Styles {
    date: Style,
    time: Style,
    /// Whether both have been named: FreeMarker has another format for `long` than for `long_long`.
    are_two: bool,
}

impl Styles {
    /// Reads `short`, or `medium_long`; no name at all is `medium`, and names after those that are wanted mean nothing.
    pub(super) fn parse(format: &str, kind: DateKind) -> Option<Self> {
        let mut names = format.split('_').filter(|name| !name.is_empty());
        let date = match names.next() {
            Some(name) => Style::parse(name)?,
            None => Style::Medium,
        };
        let second = names.next().filter(|_| kind == DateKind::DateTime);
        let time = match second {
            Some(name) => Style::parse(name)?,
            None => date,
        };
        let are_two = second.is_some();
        Some(Self {
            date,
            time,
            are_two,
        })
    }
}

/// A locale's patterns of all styles.
#[derive(Debug)]
pub(crate) struct StylePatterns {
    dates: Vec<Source>,
    times: Vec<Source>,
    both: Vec<Source>,
}

/// A pattern and what it was made of.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) pattern: Pattern,
    pub(super) text: String,
}

impl StylePatterns {
    pub(crate) fn of(facts: &Facts) -> Self {
        let compile = |text: String| Source {
            pattern: Pattern::parse(&text)
                .or_else(|_| Pattern::parse(""))
                .expect("the empty pattern is well-formed"),
            text,
        };
        let all = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| compile((*text).to_owned()))
                .collect()
        };
        let both = (0..STYLES * STYLES)
            .map(|at| {
                let (date, time) = (at / STYLES, at % STYLES);
                let joint = facts.joint.of(date, time);
                let text = joint
                    .replace(
                        "{1}",
                        facts.date_styles.get(date).copied().unwrap_or_default(),
                    )
                    .replace(
                        "{0}",
                        facts.time_styles.get(time).copied().unwrap_or_default(),
                    );
                compile(text)
            })
            .collect();
        Self {
            dates: all(&facts.date_styles),
            times: all(&facts.time_styles),
            both,
        }
    }

    pub(super) fn get(&self, kind: DateKind, styles: Styles) -> Option<&Source> {
        let (date, time) = (styles.date as usize, styles.time as usize);
        match kind {
            DateKind::Date => self.dates.get(date),
            DateKind::Time => self.times.get(date),
            DateKind::DateTime => self.both.get(date * STYLES + time),
        }
    }
}
