//! Cases that get to what no case has printed yet: all the conditions around a place are met at once.
//!
//! Of a template's own text and its interpolations each is looked for that no sound render has printed. What
//! its conditions read is set to what they compare it with, to what is missing and to other values of which
//! some make most conditions true and some make them false, in the order of how likely they are.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::case::{Case, Json};
use super::domain::{Kind as DomainKind, Path};
use super::explore::{Budget, Explored, Explorer, Way, changed};
use super::literals;
use super::source::{self, Kind, Piece};
use super::target::{Target, Version};
use super::values;

/// Renders that look for one place.
const MOST_PER_PLACE: usize = 400;
/// Which part of the renders that are left may go into this.
const PART: u32 = 8;
/// Values that are combined, of those that stand nearest to the place.
const MOST_COMBINED: usize = 8;

/// What parts a condition in those that each must hold.
static PARTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"&&|\|\||&amp;&amp;").expect("a constant pattern that tests compile")
});

/// A name that a template gives to a value.
static ASSIGNED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:assign|local|global)\s+(\w+)\s*=")
        .expect("a constant pattern that tests compile")
});

/// A tag that only asks whether there is a value.
static ONLY_ASKS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[<\[]#(?:if|else[iI]f)\s+[(!\s]*[\w.]+\s*(?:\?\?|\?has_content)[)\s]*[>\]]$")
        .expect("a constant pattern that tests compile")
});

/// A place of a template that prints something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unit {
    Interpolation(usize),
    /// The first text of a branch, by its place among these.
    Text(usize),
}

/// Where the first texts of the branches of `source` begin: not the spaces before them, since lines that
/// only hold tags are stripped. None where a template keeps text, and looks at it.
pub(super) fn texts(source: &str, pieces: &[Piece]) -> Vec<usize> {
    let keeps = ["/#assign", "/#global", "/#local", "/#function"];
    if keeps.iter().any(|tag| source.contains(tag)) {
        return Vec::new();
    }
    let begins = |pair: &[Piece]| {
        let (tag, text) = (&pair[0], &pair[1]);
        let tag_text = &source[tag.range.clone()];
        let is_branch = tag.kind == Kind::Tag
            && !source::is_end(tag_text)
            && matches!(
                source::name(tag_text),
                "if" | "else" | "elseif" | "elseIf" | "case" | "on" | "default" | "list" | "sep"
            );
        let of_text = &source[text.range.clone()];
        let blank = of_text.len() - of_text.trim_start().len();
        (is_branch && text.kind == Kind::Text && blank < of_text.len())
            .then_some(text.range.start + blank)
    };
    pieces.windows(2).filter_map(begins).collect()
}

impl Target<'_> {
    /// All places that print.
    fn units(&self) -> impl Iterator<Item = (Unit, usize)> {
        let interpolations = self.interpolations.iter().enumerate();
        let interpolations =
            interpolations.map(|(id, range)| (Unit::Interpolation(id), range.start));
        let texts = self.texts.iter().enumerate();
        interpolations.chain(texts.map(|(id, at)| (Unit::Text(id), *at)))
    }

    /// The places that no render has printed, by where they begin, but for those within `except`.
    pub(super) fn unreached(
        &self,
        reached: &BTreeSet<Unit>,
        except: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let left = self
            .units()
            .filter(|(unit, at)| !reached.contains(unit) && !except(*at));
        let mut left: Vec<usize> = left.map(|(_, at)| at).collect();
        left.sort_unstable();
        left
    }
}

/// A value that a condition around a place reads, and what it may have to be.
struct Choice {
    /// Which of the paths that are varied.
    path: usize,
    /// `None` leaves it as it is; within, no value is one that is missing.
    values: Vec<Option<Option<Json>>>,
}

impl Explorer<'_, '_> {
    /// Looks for cases that print what no sound render has printed, from `bases`.
    pub(super) fn reach(
        &self,
        bases: &[Case],
        version: &Version,
        explored: &mut Explored,
        ways: &mut Vec<Way>,
        budget: &mut Budget,
    ) {
        let pieces = source::pieces(self.target.source, &self.target.interpolations);
        let mut left = budget.renders / PART;
        let units: Vec<(Unit, usize)> = self.target.units().collect();
        for (unit, at) in units {
            if explored.soundly.contains(&unit) {
                continue;
            }
            let choices = self.choices(&pieces, at);
            if choices.is_empty() {
                continue;
            }
            let lengths: Vec<usize> = choices.iter().map(|each| each.values.len()).collect();
            let combinations = combinations(&lengths, MOST_PER_PLACE / bases.len().max(1));
            'found: for combination in combinations {
                for base in bases {
                    let Some((case, met)) = self.combined(base, &choices, &combination) else {
                        continue;
                    };
                    if left == 0 || budget.is_spent() {
                        return;
                    }
                    left -= 1;
                    let paths: Vec<usize> = met.iter().map(|(path, _)| *path).collect();
                    let changes: Vec<&str> =
                        met.iter().map(|(_, change)| change.as_str()).collect();
                    let change = changes.join(" and ");
                    let way = self.run(case.clone(), &paths, &change, version, explored, budget);
                    ways.extend(way.map(|printed| Way {
                        case,
                        changed: Vec::new(),
                        change: String::new(),
                        printed,
                        met,
                    }));
                    if explored.soundly.contains(&unit) {
                        break 'found;
                    }
                }
            }
        }
    }

    /// Whether it is asked around `at` for values only that every event has, or that no event has otherwise:
    /// then what stands there is for events that there are not.
    pub(super) fn asks_in_vain(&self, at: usize) -> bool {
        let target = self.target;
        let pieces = source::pieces(target.source, &target.interpolations);
        let domain = |path: &Path| {
            let mut varied = self.varied.iter();
            varied
                .find(|each| each.path == *path)
                .map(|each| &each.domain)
        };
        let is_there = |path: &Path| domain(path).is_some_and(|domain| !domain.optional);
        let is_fixed = |path: &Path| {
            domain(path).is_some_and(|domain| matches!(domain.kind, DomainKind::Fixed(_)))
        };
        let in_vain = |tag: &Range<usize>| {
            let only_asks = ONLY_ASKS.is_match(&target.source[tag.clone()]);
            target.reads_at(tag).next().is_some()
                && target
                    .reads_at(tag)
                    .all(|path| is_there(path) && (only_asks || is_fixed(path)))
        };
        conditions(target.source, &pieces, at)
            .iter()
            .any(|tags| tags.iter().all(in_vain))
    }

    /// `base` with a combination of choices; `None` where that leaves it as it is.
    fn combined(
        &self,
        base: &Case,
        choices: &[Choice],
        combination: &[usize],
    ) -> Option<(Case, Vec<(usize, String)>)> {
        let mut case = base.clone();
        let mut met: Vec<(usize, String)> = Vec::new();
        for (choice, index) in choices.iter().zip(combination) {
            let Some(Some(value)) = choice.values.get(*index) else {
                continue;
            };
            let each = &self.varied[choice.path];
            if let Some((next, change)) = changed(&case, each, value.as_ref(), &[0]) {
                case = next;
                met.push((choice.path, change));
            }
        }
        (!met.is_empty()).then_some((case, met))
    }

    /// What the conditions around `at` read, those that stand nearest last.
    fn choices(&self, pieces: &[Piece], at: usize) -> Vec<Choice> {
        let target = self.target;
        let mut choices: Vec<Choice> = Vec::new();
        let mut parts: Vec<Range<usize>> = Vec::new();
        for tags in conditions(target.source, pieces, at) {
            // What a switch looks at is compared with what its case says.
            let of_switch =
                tags.len() > 1 && source::name(&target.source[tags[0].clone()]) == "switch";
            if of_switch {
                let told: String = tags[1..]
                    .iter()
                    .map(|tag| &target.source[tag.clone()])
                    .collect();
                self.add(&mut choices, &tags[0], &told);
            } else {
                tags.iter()
                    .for_each(|tag| parts.extend(parts_of(target.source, tag)));
            }
            for part in parts.drain(..) {
                self.add(&mut choices, &part, &target.source[part.clone()]);
            }
        }
        let first = choices.len().saturating_sub(MOST_COMBINED);
        choices.split_off(first)
    }

    /// Adds what is read at `place`, which is compared with what `told` says.
    fn add(&self, choices: &mut Vec<Choice>, place: &Range<usize>, told: &str) {
        let piece = Piece {
            kind: Kind::Tag,
            range: 0..told.len(),
        };
        let found = literals::literals(told, &[piece]);
        for path in self.read_by(place) {
            let Some(index) = self.varied.iter().position(|each| each.path == path) else {
                continue;
            };
            let mut values: Vec<Option<Option<Json>>> = Vec::new();
            let telling = values::telling(&self.varied[index].domain, &found);
            let compared = telling.compared.into_iter().map(|value| Some(Some(value)));
            values.extend(compared);
            values.push(None);
            values.extend(telling.others.into_iter().map(Some));
            match choices.iter_mut().find(|choice| choice.path == index) {
                // Of what a condition nearer to the place says, it may be the one that counts.
                Some(choice) => {
                    values.append(&mut choice.values);
                    let mut distinct: Vec<Option<Option<Json>>> = Vec::new();
                    for value in values {
                        if !distinct.contains(&value) {
                            distinct.push(value);
                        }
                    }
                    choice.values = distinct;
                }
                None => choices.push(Choice {
                    path: index,
                    values,
                }),
            }
        }
    }

    /// The paths that are read at a place, also where a name was given to the value before.
    fn read_by(&self, place: &Range<usize>) -> Vec<Path> {
        let target = self.target;
        let mut places = vec![place.clone()];
        let mut paths: Vec<Path> = Vec::new();
        let mut looked_at = 0;
        while let Some(place) = places.get(looked_at).cloned() {
            looked_at += 1;
            for path in target.reads_at(&place) {
                if !paths.contains(path) {
                    paths.push(path.clone());
                }
            }
            let text = &target.source[place.clone()];
            for captures in ASSIGNED.captures_iter(target.source) {
                let (Some(whole), Some(name)) = (captures.get(0), captures.get(1)) else {
                    continue;
                };
                let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
                if !words.any(|word| word == name.as_str()) {
                    continue;
                }
                let rest = &target.source[whole.end()..];
                let end = whole.end() + rest.find(['>', ']', '\n']).unwrap_or(rest.len());
                let assigned = whole.start()..end;
                if !places.contains(&assigned) && places.len() < MOST_COMBINED {
                    places.push(assigned);
                }
            }
        }
        paths
    }
}

/// The tags that decide whether what stands at `at` is printed, from the outermost on: of each element its
/// own and those of its branches up to there.
fn conditions(source: &str, pieces: &[Piece], at: usize) -> Vec<Vec<Range<usize>>> {
    let mut open: Vec<Vec<Range<usize>>> = Vec::new();
    for piece in pieces.iter().take_while(|piece| piece.range.start < at) {
        if piece.kind != Kind::Tag {
            continue;
        }
        let tag = &source[piece.range.clone()];
        match (source::name(tag), source::is_end(tag)) {
            ("if" | "list" | "switch", false) => open.push(vec![piece.range.clone()]),
            ("if" | "list" | "switch", true) => {
                open.pop();
            }
            ("elseif" | "elseIf", _) => {
                if let Some(last) = open.last_mut() {
                    last.push(piece.range.clone());
                }
            }
            ("case" | "on", false) => {
                if let Some(last) = open.last_mut() {
                    last.truncate(1);
                    last.push(piece.range.clone());
                }
            }
            _ => {}
        }
    }
    open
}

/// The parts of a condition.
fn parts_of(source: &str, tag: &Range<usize>) -> Vec<Range<usize>> {
    let text = &source[tag.clone()];
    let mut parts = Vec::new();
    let mut from = tag.start;
    for found in PARTS.find_iter(text) {
        parts.push(from..tag.start + found.start());
        from = tag.start + found.end();
    }
    parts.push(from..tag.end);
    parts
}

/// Which of its values each choice takes, the first of all first, then those that are together nearest to
/// that; `most` at most.
fn combinations(lengths: &[usize], most: usize) -> Vec<Vec<usize>> {
    let highest: usize = lengths.iter().map(|length| length.saturating_sub(1)).sum();
    let mut found = Vec::new();
    for sum in 0..=highest {
        let mut taken = Vec::with_capacity(lengths.len());
        with_sum(lengths, sum, &mut taken, most, &mut found);
        if found.len() >= most {
            break;
        }
    }
    found
}

fn with_sum(
    lengths: &[usize],
    sum: usize,
    taken: &mut Vec<usize>,
    most: usize,
    found: &mut Vec<Vec<usize>>,
) {
    if found.len() >= most {
        return;
    }
    let Some((length, rest)) = lengths.split_first() else {
        if sum == 0 {
            found.push(taken.clone());
        }
        return;
    };
    let highest: usize = rest.iter().map(|length| length.saturating_sub(1)).sum();
    for index in sum.saturating_sub(highest)..(*length).min(sum + 1) {
        taken.push(index);
        with_sum(rest, sum - index, taken, most, found);
        taken.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_begin_with_the_likeliest() {
        let found = combinations(&[2, 3], 10);
        assert_eq!(found[0], [0, 0]);
        assert_eq!(found.len(), 6);
        let sums: Vec<usize> = found.iter().map(|each| each.iter().sum()).collect();
        assert!(sums.is_sorted());
        assert_eq!(combinations(&[9; 8], 400).len(), 400);
    }

    #[test]
    fn the_conditions_around_a_place_are_found() {
        let source =
            "<#if a><#if b></#if><#elseif c><#switch d><#case 1><#case 2>x</#switch></#if>";
        let at = source.find('x').unwrap();
        let found: Vec<Vec<&str>> = conditions(source, &source::pieces(source, &[]), at)
            .into_iter()
            .map(|tags| tags.into_iter().map(|tag| &source[tag]).collect())
            .collect();
        assert_eq!(
            found,
            [
                vec!["<#if a>", "<#elseif c>"],
                vec!["<#switch d>", "<#case 2>"]
            ]
        );
        assert_eq!(texts(source, &source::pieces(source, &[])), [at]);
    }

    #[test]
    fn asking_for_a_value_is_told_from_looking_at_it() {
        for tag in [
            "<#if input.event_time??>",
            "[#elseif !(input.event_type?has_content)]",
        ] {
            assert!(ONLY_ASKS.is_match(tag), "{tag}");
        }
        for tag in [
            "<#if input.a?? && input.b??>",
            "<#if input.a == 'b'>",
            "<#if (input.a!'')?length gt 3>",
        ] {
            assert!(!ONLY_ASKS.is_match(tag), "{tag}");
        }
    }
}
