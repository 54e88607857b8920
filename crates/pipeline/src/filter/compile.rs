//! From a selection as it is stored to one that judges, with everything that is wrong with it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use model::event::EventKind;
use model::filter::{self, Operator};
use regex::{Regex, RegexBuilder};

use super::{Check, Comparand, Condition, Relation, Selection, Test};
use crate::problem::{Problems, pointer};

/// How many event types a sync may list.
const MAX_TYPES: usize = 2000;
/// How many values one test may compare with.
const MAX_VALUES: usize = 1000;
/// How many regular expressions all conditions of a sync may hold together.
const MAX_PATTERNS: usize = 50;
/// Longest regular expression, in bytes.
const MAX_PATTERN_LENGTH: usize = 1000;
/// Memory that one compiled regular expression may take, in bytes.
const MAX_PATTERN_SIZE: usize = 1 << 20;

/// Event types that are never streamed.
pub(super) fn is_reserved(event_type: &str) -> bool {
    matches!(event_type, "_all" | "_identify")
}

impl Selection {
    /// Compiles the selection that stands at `at` in the settings. What it returns is only of use
    /// when no problem was added.
    pub(crate) fn compile(
        selection: &filter::Selection,
        at: &str,
        problems: &mut Problems,
    ) -> Self {
        let mut compiler = Compiler {
            problems,
            tests: 0,
            patterns: 0,
        };
        match selection {
            filter::Selection::All { condition } => {
                let at = pointer(&pointer(at, "all"), "condition");
                Self::All(compiler.tree(condition.as_ref(), &at))
            }
            filter::Selection::Types(types) => {
                Self::Types(compiler.types(types, &pointer(at, "types")))
            }
        }
    }
}

struct Compiler<'p> {
    problems: &'p mut Problems,
    /// Tests in the present tree.
    tests: usize,
    /// Regular expressions in all trees.
    patterns: usize,
}

impl Compiler<'_> {
    fn types(
        &mut self,
        types: &[filter::SelectedType],
        at: &str,
    ) -> HashMap<Box<str>, Option<Condition>> {
        let mut compiled = HashMap::new();
        if types.is_empty() {
            self.problems
                .add(at, "no event type is selected: choose some, or all");
        }
        if types.len() > MAX_TYPES {
            let message = format!("at most {MAX_TYPES} event types can be selected");
            self.problems.add(at, message);
            return compiled;
        }
        for (position, selected) in types.iter().enumerate() {
            let at = pointer(at, position);
            self.check_type(&selected.event_type, &pointer(&at, "event_type"));
            let condition = self.tree(selected.condition.as_ref(), &pointer(&at, "condition"));
            match compiled.entry(selected.event_type.as_str().into()) {
                Entry::Vacant(free) => {
                    free.insert(condition);
                }
                Entry::Occupied(_) => self.problems.add(
                    pointer(&at, "event_type"),
                    format!(
                        "{:?} is selected twice: join the conditions with any",
                        selected.event_type
                    ),
                ),
            }
        }
        compiled
    }

    fn check_type(&mut self, event_type: &str, at: &str) {
        let message = if event_type.is_empty() {
            "an event type can't be empty".to_owned()
        } else if is_reserved(event_type) {
            format!("{event_type} is reserved and can't be streamed")
        } else if EventKind::of_type(event_type) != EventKind::Track {
            format!("{event_type} is not sent as an event: switch on users to send it")
        } else {
            return;
        };
        self.problems.add(at, message);
    }

    fn tree(&mut self, condition: Option<&filter::Condition>, at: &str) -> Option<Condition> {
        self.tests = 0;
        condition.and_then(|condition| self.condition(condition, at, 1))
    }

    fn condition(
        &mut self,
        condition: &filter::Condition,
        at: &str,
        depth: usize,
    ) -> Option<Condition> {
        if depth > filter::Condition::MAX_DEPTH {
            let message = format!(
                "conditions nest deeper than {} groups",
                filter::Condition::MAX_DEPTH
            );
            self.problems.add(at, message);
            return None;
        }
        match condition {
            filter::Condition::All(conditions) => {
                let at = pointer(at, "all");
                Some(Condition::All(self.group(conditions, &at, depth)))
            }
            filter::Condition::Any(conditions) => {
                let at = pointer(at, "any");
                if conditions.is_empty() {
                    self.problems.add(
                        at.as_str(),
                        "a group of no alternatives never holds: add one",
                    );
                }
                Some(Condition::Any(self.group(conditions, &at, depth)))
            }
            filter::Condition::Test {
                property,
                operator,
                values,
            } => {
                let at = pointer(at, "test");
                self.count_test(&at)?;
                if property.name().is_empty() {
                    self.problems
                        .add(pointer(&at, "property"), "choose a property to compare");
                }
                Some(Condition::Test(Test {
                    property: property.clone(),
                    check: self.check(*operator, values, &pointer(&at, "values"))?,
                }))
            }
        }
    }

    fn group(
        &mut self,
        conditions: &[filter::Condition],
        at: &str,
        depth: usize,
    ) -> Box<[Condition]> {
        let each = conditions.iter().enumerate();
        each.filter_map(|(position, condition)| {
            self.condition(condition, &pointer(at, position), depth + 1)
        })
        .collect()
    }

    /// `None` beyond the limit, which is reported once.
    fn count_test(&mut self, at: &str) -> Option<()> {
        const MAX: usize = filter::Condition::MAX_TESTS;
        self.tests += 1;
        if self.tests == MAX + 1 {
            let message = format!("there are more than {MAX} comparisons: split the sync");
            self.problems.add(at, message);
        }
        (self.tests <= MAX).then_some(())
    }

    fn check(
        &mut self,
        operator: Operator,
        values: &[serde_json::Value],
        at: &str,
    ) -> Option<Check> {
        let relation = match operator {
            Operator::IsSet | Operator::IsNotSet => {
                if !values.is_empty() {
                    self.problems.add(
                        at,
                        "whether a property is set needs no value to compare with",
                    );
                }
                return Some(Check::Presence {
                    wanted: operator == Operator::IsSet,
                });
            }
            Operator::Matches => return self.patterns(values, at),
            Operator::Is | Operator::IsNot => Relation::Equal,
            Operator::Contains | Operator::DoesNotContain => Relation::Contains,
            Operator::StartsWith => Relation::StartsWith,
            Operator::EndsWith => Relation::EndsWith,
            Operator::Less => Relation::Less,
            Operator::LessOrEqual => Relation::LessOrEqual,
            Operator::Greater => Relation::Greater,
            Operator::GreaterOrEqual => Relation::GreaterOrEqual,
            Operator::SetContains => Relation::HasItem,
        };
        self.check_count(values.len(), MAX_VALUES, at)?;
        let each = values.iter().enumerate();
        let comparands = each
            .filter_map(|(position, value)| self.comparand(relation, value, &pointer(at, position)))
            .collect();
        Some(Check::Relation {
            relation,
            negated: matches!(operator, Operator::IsNot | Operator::DoesNotContain),
            values: comparands,
        })
    }

    fn check_count(&mut self, count: usize, max: usize, at: &str) -> Option<()> {
        if count == 0 {
            self.problems.add(at, "a value to compare with is missing");
            return None;
        }
        if count > max {
            self.problems
                .add(at, format!("at most {max} values can be compared with"));
            return None;
        }
        Some(())
    }

    fn comparand(
        &mut self,
        relation: Relation,
        value: &serde_json::Value,
        at: &str,
    ) -> Option<Comparand> {
        let Some(comparand) = Comparand::new(value) else {
            self.problems.add(
                at,
                "a property is compared with text, a number or a boolean",
            );
            return None;
        };
        let ordered = matches!(
            relation,
            Relation::Less | Relation::LessOrEqual | Relation::Greater | Relation::GreaterOrEqual
        );
        // Only "is" can mean the empty text: every text contains it and comes after it.
        let empty =
            comparand.text().is_empty() && !matches!(relation, Relation::Equal | Relation::HasItem);
        if ordered && comparand.is_bool() {
            self.problems.add(
                at,
                "booleans have no order: compare with a number or a date, or use is",
            );
        } else if empty {
            self.problems.add(at, "the value to compare with is empty");
        } else {
            return Some(comparand);
        }
        None
    }

    fn patterns(&mut self, values: &[serde_json::Value], at: &str) -> Option<Check> {
        self.check_count(values.len(), MAX_VALUES, at)?;
        let mut compiled = Vec::new();
        for (position, value) in values.iter().enumerate() {
            self.patterns += 1;
            if self.patterns > MAX_PATTERNS {
                let message = format!("a sync can hold at most {MAX_PATTERNS} regular expressions");
                self.problems.add(at, message);
                return None;
            }
            match pattern(value) {
                Ok(pattern) => compiled.push(pattern),
                Err(message) => self.problems.add(pointer(at, position), message),
            }
        }
        Some(Check::Matches(compiled.into()))
    }
}

fn pattern(value: &serde_json::Value) -> Result<Regex, String> {
    let pattern = match value.as_str() {
        Some("") => return Err("the regular expression is empty".into()),
        Some(pattern) => pattern,
        None => return Err("a regular expression is text".into()),
    };
    if pattern.len() > MAX_PATTERN_LENGTH {
        return Err(format!(
            "the regular expression is longer than {MAX_PATTERN_LENGTH} bytes"
        ));
    }
    let compiled = RegexBuilder::new(pattern)
        .size_limit(MAX_PATTERN_SIZE)
        .dfa_size_limit(MAX_PATTERN_SIZE)
        .build();
    compiled.map_err(|error| {
        // The crate draws the pattern over several lines; the last one says what is wrong.
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        let reason = last.strip_prefix("error: ").unwrap_or(last);
        format!("the regular expression can't be used: {reason}")
    })
}
