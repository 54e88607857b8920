//! A condition that doesn't hold, in words.

use std::fmt::Write;

use model::json::Object;

use super::{Check, Comparand, Condition, Relation, Test};
use crate::property;

/// Longest value that is shown, in characters.
const MAX_VALUE: usize = 80;
/// How many of a condition's values, or of a group's alternatives, are listed.
const MAX_LISTED: usize = 10;

impl Condition {
    /// Why the condition doesn't hold for `event`, with the values that it saw as `shown` has them: the
    /// same event, or what people may see of it. `None` when it holds.
    pub(crate) fn explain(&self, event: &Object<'_>, shown: &Object<'_>) -> Option<String> {
        match self {
            Self::All(conditions) => conditions
                .iter()
                .find_map(|each| each.explain(event, shown)),
            Self::Any(conditions) => {
                let reasons = conditions.iter().map(|each| each.explain(event, shown));
                let reasons: Option<Vec<_>> = reasons.collect();
                let reasons = reasons?;
                Some(match reasons.as_slice() {
                    [only] => only.clone(),
                    several => format!("none of these holds: {}", listed(several, "; ")),
                })
            }
            Self::Test(test) => (!test.holds(event)).then(|| test.explain(shown)),
        }
    }
}

impl Test {
    fn explain(&self, shown: &Object<'_>) -> String {
        let mut text = property::describe(&self.property);
        text.push_str(" must ");
        match &self.check {
            Check::Presence { wanted: true } => text.push_str("be set"),
            Check::Presence { wanted: false } => text.push_str("not be set"),
            Check::Relation {
                relation,
                negated,
                values,
            } => {
                if *negated {
                    text.push_str("not ");
                }
                text.push_str(words(*relation));
                text.push(' ');
                let values: Vec<_> = values.iter().map(Comparand::to_string).map(cut).collect();
                text.push_str(&listed(&values, " or "));
            }
            Check::Matches(patterns) => {
                text.push_str("match ");
                let patterns: Vec<_> = patterns.iter().map(|each| each.to_string()).collect();
                text.push_str(&listed(&patterns, " or "));
            }
        }
        text.push_str(", but it is ");
        match property::find(&self.property, shown) {
            Some(value) => text.push_str(&cut(value.to_json())),
            None => text.push_str("missing"),
        }
        text
    }
}

fn words(relation: Relation) -> &'static str {
    match relation {
        Relation::Equal => "be",
        Relation::Contains => "contain",
        Relation::StartsWith => "start with",
        Relation::EndsWith => "end with",
        Relation::Less => "be <",
        Relation::LessOrEqual => "be ≤",
        Relation::Greater => "be >",
        Relation::GreaterOrEqual => "be ≥",
        Relation::HasItem => "be a list with the item",
    }
}

fn listed(items: &[String], separator: &str) -> String {
    let mut text = items[..items.len().min(MAX_LISTED)].join(separator);
    if items.len() > MAX_LISTED {
        // Writing to a string can't fail.
        let _ = write!(text, "{separator}{} more", items.len() - MAX_LISTED);
    }
    text
}

fn cut(text: String) -> String {
    match text.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
