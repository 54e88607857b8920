//! Trying what can occur: one value at a time from plain bases, then what shows only together.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use ftl::Step;
use model::definition::{Definition, Mapping};
use model::{EventKind, Part};

use super::case::{Case, Json, get};
use super::domain::{self, Domain, Kind, Path};
use super::finding::Code;
use super::regions::Context;
use super::target::{Fault, Printed, Target, Version};
use super::values;
use crate::views::Root;

/// Sample events that serve as bases.
const MOST_SAMPLES: usize = 5;
/// Bases that take another way through the template than those before.
const MOST_WAYS: usize = 24;
/// Pairs of values that are missing at once.
const MOST_PAIRS: usize = 300;
/// Paths that are varied.
const MOST_PATHS: usize = 150;
/// Cases that are kept to try mends with.
const MOST_TRIALS: usize = 4_000;
/// Cases that are kept for each fault, to try mends with.
const MOST_BROKEN: usize = 12;

/// What the linter may still spend.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) renders: u32,
    /// Of output.
    pub(super) bytes: usize,
}

impl Budget {
    /// Whether one more render is allowed, which is counted.
    pub(super) fn take(&mut self) -> bool {
        if self.renders == 0 || self.bytes == 0 {
            return false;
        }
        self.renders -= 1;
        true
    }

    pub(super) fn spend(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// A path that is varied.
pub(super) struct Varied<'d> {
    pub(super) path: Path,
    pub(super) domain: Domain<'d>,
    /// Whether it is read itself, and not only what is within.
    is_read: bool,
}

/// A case that was tried.
#[derive(Clone)]
pub(super) struct Trial {
    pub(super) case: Case,
    /// Which paths were changed from a base.
    pub(super) changed: Vec<usize>,
    /// What was changed, in words.
    pub(super) change: String,
}

/// A fault with the cases that show it, the simplest first.
pub(super) struct Shown {
    pub(super) fault: Fault,
    pub(super) trials: Vec<Trial>,
}

/// Faults by place and code.
pub(super) type Faults = BTreeMap<(usize, usize, Code), Shown>;

/// What was tried with one version of a template.
#[derive(Default)]
pub(super) struct Explored {
    pub(super) faults: Faults,
    pub(super) trials: Vec<Trial>,
    pub(super) sound: Printed,
    /// Where interpolations stand, by their number.
    pub(super) contexts: BTreeMap<usize, Context>,
    ways: BTreeSet<Vec<usize>>,
}

/// The paths that a template reads, with those that lead to them.
pub(super) fn varied<'d>(target: &Target<'_>, definition: &'d Definition) -> Vec<Varied<'d>> {
    let mut paths: Vec<Path> = Vec::new();
    let mut add = |path: Path| {
        if !paths.contains(&path) && paths.len() < MOST_PATHS {
            paths.push(path);
        }
    };
    for read in &target.reads {
        let steps = &read.path.steps;
        for length in 1..steps.len() {
            let steps = steps[..length].to_vec();
            add(Path {
                root: read.path.root,
                steps,
            });
        }
        add(read.path.clone());
    }
    let varied = paths.into_iter().map(|path| Varied {
        domain: domain::domain(&path, target.part, definition),
        is_read: target.reads.iter().any(|read| read.path == path),
        path,
    });
    // The event as a whole is varied by its parts.
    varied
        .filter(|each| !each.path.steps.is_empty() || each.path.root == Root::MappedProperties)
        .collect()
}

/// Everything that is tried on one template.
pub(super) struct Explorer<'e, 'd> {
    pub(super) target: &'e Target<'d>,
    pub(super) definition: &'d Definition,
    pub(super) varied: &'e [Varied<'d>],
    pub(super) literals: &'e [Json],
    pub(super) samples: &'e [(EventKind, Json)],
}

impl Explorer<'_, '_> {
    /// Renders all cases with `version`.
    pub(super) fn explore(&self, version: &Version, budget: &mut Budget) -> Explored {
        let mut explored = Explored::default();
        let mut plain = self.plain(EventKind::Track);
        self.settle(&mut plain, version, budget);
        let mut bases = vec![plain.clone()];
        bases.extend(self.kinds_of_identifiers(&plain));
        if self.target.part == Part::User {
            let mut group = self.plain(EventKind::GroupIdentify);
            group.fields.clone_from(&plain.fields);
            bases.push(group);
        }
        let mut ways = Vec::new();
        for base in &bases {
            self.run(base.clone(), &[], "", version, &mut explored, budget);
        }
        for (kind, event) in self.samples.iter().take(MOST_SAMPLES) {
            let mut sample = plain.clone();
            (sample.kind, sample.event) = (*kind, event.clone());
            self.run(
                sample.clone(),
                &[],
                "of the samples",
                version,
                &mut explored,
                budget,
            );
            ways.push((sample, Vec::new(), "a sample".to_owned()));
        }
        for base in &bases {
            self.vary_all(base, version, &mut explored, &mut ways, budget);
        }
        self.leave_out(&plain, version, &mut explored, &mut ways, budget);
        for (base, changed, change) in ways.into_iter().take(MOST_WAYS) {
            self.vary_few(&base, &changed, &change, version, &mut explored, budget);
        }
        explored
    }

    /// All values of each path. Cases that take another way through the template are added to `ways`.
    fn vary_all(
        &self,
        base: &Case,
        version: &Version,
        explored: &mut Explored,
        ways: &mut Vec<(Case, Vec<usize>, String)>,
        budget: &mut Budget,
    ) {
        for (index, each) in self.varied.iter().enumerate() {
            let is_whole = each.is_read || matches!(each.domain.kind, Kind::Any);
            let values = values::all(&each.domain, self.literals);
            for value in values
                .into_iter()
                .filter(|value| is_whole || value.is_none())
            {
                for item in 0..items(&each.path) {
                    let Some((case, change)) = changed(base, each, value.as_ref(), item) else {
                        continue;
                    };
                    if self.run(case.clone(), &[index], &change, version, explored, budget) {
                        ways.push((case, vec![index], change));
                    }
                }
            }
        }
    }

    fn vary_few(
        &self,
        base: &Case,
        changed_before: &[usize],
        change_before: &str,
        version: &Version,
        explored: &mut Explored,
        budget: &mut Budget,
    ) {
        for (index, each) in self.varied.iter().enumerate() {
            if changed_before.contains(&index) {
                continue;
            }
            let is_whole = each.is_read || matches!(each.domain.kind, Kind::Any);
            let values = values::few(&each.domain);
            for value in values
                .into_iter()
                .filter(|value| is_whole || value.is_none())
            {
                let Some((case, change)) = changed(base, each, value.as_ref(), 0) else {
                    continue;
                };
                let change = match change_before {
                    "" => change,
                    before => format!("{before} and {change}"),
                };
                let paths: Vec<usize> = changed_before.iter().copied().chain([index]).collect();
                self.run(case, &paths, &change, version, explored, budget);
            }
        }
    }

    /// Values that are missing together: separators are often wrong only then.
    fn leave_out(
        &self,
        plain: &Case,
        version: &Version,
        explored: &mut Explored,
        ways: &mut Vec<(Case, Vec<usize>, String)>,
        budget: &mut Budget,
    ) {
        let optional: Vec<usize> = (0..self.varied.len())
            .filter(|index| self.varied[*index].domain.optional)
            .collect();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (position, first) in optional.iter().enumerate() {
            groups.extend(
                optional[position + 1..]
                    .iter()
                    .map(|second| vec![*first, *second]),
            );
        }
        groups.truncate(MOST_PAIRS);
        for left in &optional {
            groups.push(
                optional
                    .iter()
                    .copied()
                    .filter(|each| each != left)
                    .collect(),
            );
        }
        groups.push(optional.clone());
        for group in groups {
            let mut case = plain.clone();
            for index in &group {
                let mut without = case.clone();
                without.set(&self.varied[*index].path, None, 0);
                if self.is_possible(&without) {
                    case = without;
                }
            }
            let change = format!("{} are missing", self.names(&group));
            if self.run(case.clone(), &group, &change, version, explored, budget) {
                ways.push((case, group, change));
            }
        }
    }

    /// Whether such a case can come: of the kinds of identifiers that a user chooses from one is
    /// filled, and what is required is.
    fn is_possible(&self, case: &Case) -> bool {
        let filled = |field: &str| {
            let value = get(&case.fields, &[Step::Key(field.to_owned())], 0);
            value.is_some_and(|value| value.as_str() != Some(""))
        };
        let fits = |mapping: &Mapping| {
            let count = mapping.fields().filter(|field| filled(field)).count();
            count <= 1 && (count == 1 || !mapping.required)
        };
        case.is_possible() && self.definition.mappings.iter().all(fits)
    }

    fn names(&self, indexes: &[usize]) -> String {
        let names = indexes
            .iter()
            .take(4)
            .map(|each| self.varied[*each].path.to_string());
        names.collect::<Vec<_>>().join(", ")
    }

    /// Renders a case once more, with another version.
    pub(super) fn try_again(
        &self,
        trial: &Trial,
        version: &Version,
        explored: &Explored,
        faults: &mut Faults,
        budget: &mut Budget,
    ) {
        if !budget.take() {
            return;
        }
        let verdict = self.target.judge(version, &trial.case, &explored.sound);
        budget.spend(verdict.output.text.len());
        if let Some(fault) = verdict.fault {
            show(faults, fault, trial.clone());
        }
    }

    /// Renders one case. Whether it took a way through the template that is new.
    fn run(
        &self,
        case: Case,
        changed: &[usize],
        change: &str,
        version: &Version,
        explored: &mut Explored,
        budget: &mut Budget,
    ) -> bool {
        if !self.is_possible(&case) || !budget.take() {
            return false;
        }
        let verdict = self.target.judge(version, &case, &explored.sound);
        budget.spend(verdict.output.text.len());
        for (region, context) in verdict.output.regions.iter().zip(verdict.output.contexts()) {
            if context != Context::Hidden && verdict.fault.is_none() {
                explored.contexts.insert(region.id, context);
            } else if context != Context::Hidden {
                explored.contexts.entry(region.id).or_insert(context);
            }
        }
        let trial = Trial {
            case,
            changed: changed.to_vec(),
            change: change.to_owned(),
        };
        let Some(fault) = verdict.fault else {
            if explored.trials.len() < MOST_TRIALS {
                explored.trials.push(trial);
            }
            explored.sound.note(&verdict.output);
            let mut way: Vec<usize> = Vec::new();
            for region in &verdict.output.regions {
                if way.last() != Some(&region.id) {
                    way.push(region.id);
                }
            }
            return explored.ways.insert(way);
        };
        if explored.trials.len() < MOST_TRIALS {
            explored.trials.push(trial.clone());
        }
        show(&mut explored.faults, fault, trial);
        false
    }
}

/// Adds a fault to those that are known.
fn show(faults: &mut Faults, fault: Fault, trial: Trial) {
    let Range { start, end } = fault.place.clone();
    let shown = faults.entry((start, end, fault.code));
    let shown = shown.or_insert_with(|| Shown {
        fault,
        trials: Vec::new(),
    });
    if shown.trials.len() < MOST_BROKEN {
        shown.trials.push(trial);
    }
}

/// How many items of a list are varied, one at a time.
pub(super) fn items(path: &Path) -> usize {
    1 + usize::from(path.steps.contains(&Step::Each))
}

/// Whether there is a list or an object where the path goes through all of its items.
fn has_items(base: &Case, path: &Path) -> bool {
    let root = match path.root {
        Root::Input => &base.event,
        Root::MappedFields => &base.fields,
        Root::MappedProperties => &base.properties,
        Root::Parameters => return true,
    };
    // A user's fields have other names in the event.
    let named = base.part == Part::Event || path.root != Root::Input;
    let through = path
        .steps
        .iter()
        .position(|step| matches!(step, Step::Each | Step::Dynamic));
    through.is_none_or(|end| !named || get(root, &path.steps[..end], 0).is_some())
}

/// `base` with one value changed, and the change in words; `None` when nothing changes.
fn changed(
    base: &Case,
    each: &Varied<'_>,
    value: Option<&Json>,
    item: usize,
) -> Option<(Case, String)> {
    if !has_items(base, &each.path) {
        return None;
    }
    let mut case = base.clone();
    case.set(&each.path, value.cloned(), item);
    if case.event == base.event
        && case.fields == base.fields
        && case.properties == base.properties
        && case.parameters == base.parameters
    {
        return None;
    }
    let path = &each.path;
    let change = match value {
        None => format!("{path} is missing"),
        Some(value) => {
            let json = value.to_json();
            match json.char_indices().nth(60) {
                Some((end, _)) => format!("{path} is {}…", &json[..end]),
                None => format!("{path} is {json}"),
            }
        }
    };
    Some((case, change))
}
