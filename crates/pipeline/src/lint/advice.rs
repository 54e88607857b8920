//! Numbers and booleans that are sent as strings.

use std::collections::{BTreeMap, BTreeSet};

use model::definition::ParameterKind;

use super::candidates;
use super::domain::{Kind, Path};
use super::explore::{Budget, Explored, Explorer};
use super::expression;
use super::finding::{Code, Finding, Severity};
use super::mend::{self, Broken};
use super::patch::Change;
use super::regions::Context;
use super::report;
use super::seen::Type;
use super::target::{Fault, Mode};
use crate::views::Root;

/// What `explored`, a search that has found nothing new, lets say about the types of values.
/// `contexts` says where interpolations stand in the original.
pub(super) fn advice(
    explorer: &Explorer<'_, '_>,
    explored: &Explored,
    contexts: &BTreeMap<usize, Context>,
    changes: &[Change],
    budget: &mut Budget,
) -> Vec<Finding> {
    let target = explorer.target;
    let mut found = Vec::new();
    if target.mode != Mode::Json {
        return found;
    }
    for (id, place) in target.interpolations.iter().enumerate() {
        if budget.watch.is_over() {
            break;
        }
        let is_whole = contexts.get(&id) == Some(&Context::WholeString);
        let Some((open, expression, close)) = expression::delimited(&target.source[place.clone()])
        else {
            continue;
        };
        let (Some(range), true) = (candidates::quoted(target.source, place), is_whole) else {
            continue;
        };
        let mut reads = target.reads_at(place);
        let (Some(path), None) = (reads.next(), reads.next()) else {
            continue;
        };
        let (head, tail) = expression::split(expression);
        let (head, tail) = (undefaulted(head), tail.trim());
        if !matches!(tail, "" | "?c" | "?json_string") || head.contains([' ', '+', '*']) {
            continue;
        }
        let Some(code) = always(explorer, path) else {
            continue;
        };
        let bare = |expression: String| Change {
            range: range.clone(),
            replacement: [open, &expression, close].concat(),
        };
        let mut tried = vec![bare(head.to_owned())];
        tried.extend(
            candidates::with_default(head, "\"null\"")
                .into_iter()
                .map(bare),
        );
        let helped = candidates::helped(target.source, range.start, "toJson", head);
        tried.extend(helped.map(bare));
        let Some(trial) = explored.trials.first() else {
            continue;
        };
        let others: Vec<Change> = changes
            .iter()
            .filter(|change| change.range.end <= range.start || range.end <= change.range.start)
            .cloned()
            .collect();
        let broken = Broken {
            place: place.clone(),
            codes: BTreeSet::new(),
            trials: Vec::new(),
            is_interpolation: true,
            in_string: false,
            only_text: false,
        };
        let mended = mend::retyped(explorer, &broken, &tried, &others, explored, budget);
        let fault = Fault {
            place: place.clone(),
            code,
            output: trial.case.render(&target.template).ok(),
            error: None,
        };
        let what = if code == Code::QuotedNumber {
            "number"
        } else {
            "boolean"
        };
        let message = format!("{path} is always a {what}, but is sent as a string");
        let proof = report::proof(target, &trial.case, &fault);
        let mut finding = report::at(target, &fault, Severity::Advice, message, proof);
        finding.mend = mended.map(|change| report::edit(target, change));
        found.push(finding);
    }
    found
}

/// The expression without its default and the parentheses around both.
fn undefaulted(expression: &str) -> &str {
    let inner = expression.strip_prefix('(');
    let inner = inner
        .and_then(|inner| inner.strip_suffix(')'))
        .unwrap_or(expression);
    let end = inner.find('!').unwrap_or(inner.len());
    inner[..end].trim()
}

/// What a path holds whenever it holds anything, by what the system guarantees or by what was received.
fn always(explorer: &Explorer<'_, '_>, path: &Path) -> Option<Code> {
    let index = explorer.varied.iter().position(|each| each.path == *path)?;
    match explorer.varied[index].domain.kind {
        Kind::Integer | Kind::Number => return Some(Code::QuotedNumber),
        Kind::True => return Some(Code::QuotedBoolean),
        Kind::Parameter(parameter) if parameter.kind == ParameterKind::Checkbox => {
            return Some(Code::QuotedBoolean);
        }
        Kind::Any if path.root == Root::Input => {}
        _ => return None,
    }
    match explorer.known.get(index)?.always()? {
        Type::Number => Some(Code::QuotedNumber),
        Type::Boolean => Some(Code::QuotedBoolean),
        _ => None,
    }
}
