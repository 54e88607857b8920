//! Trying what can occur: one value at a time from plain bases, then what shows only together.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use ftl::Step;
use model::EventKind;
use model::definition::{Definition, Mapping};

use super::case::{Case, Json, get};
use super::domain::{Kind, Path};
use super::finding::Code;
use super::literals::Literals;
use super::reach::Unit;
use super::regions::Context;
use super::seen::Known;
use super::target::{Fault, Printed, Target, Version};
use super::until::Watch;
use super::values;
use super::varied::Varied;
use crate::views::Root;

/// Sample events that serve as bases.
pub(super) const MOST_SAMPLES: usize = 5;
/// Bases that take another way through the template than those before, from which all is varied.
const MOST_WAYS: usize = 24;
/// Further ones, from which that is varied which no way before has printed.
const MOST_FURTHER_WAYS: usize = 400;
/// Pairs of values that are missing at once.
const MOST_PAIRS: usize = 300;
/// Cases that are kept to try mends with.
const MOST_TRIALS: usize = 4_000;
/// Cases that are kept for each fault, to try mends with.
const MOST_BROKEN: usize = 12;

/// What the linter may still spend.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) renders: u32,
    /// What is read and printed, in bytes.
    pub(super) bytes: usize,
    /// What one render reads, in bytes.
    pub(super) weight: usize,
    /// Whether more was asked for than there was.
    pub(super) is_short: bool,
    /// What ends it earlier.
    pub(super) watch: Watch,
}

impl Budget {
    /// Whether one more render is allowed, which is counted.
    pub(super) fn take(&mut self) -> bool {
        if self.is_spent() {
            return false;
        }
        self.renders -= 1;
        self.spend(self.weight);
        true
    }

    /// Whether no more renders are allowed, where one is asked for: what would go before it is for nothing.
    pub(super) fn is_spent(&mut self) -> bool {
        if self.watch.is_over() {
            return true;
        }
        let is_short = self.renders == 0 || self.bytes == 0;
        self.is_short |= is_short;
        is_short
    }

    pub(super) fn spend(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }
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
    /// Types of values that a path had in renders that nothing was wrong with, where it can be any.
    pub(super) worked: BTreeSet<(usize, &'static str)>,
    /// Whether there were more ways through the template than were followed.
    pub(super) is_cut: bool,
    /// What was printed, and what of it in renders that nothing was wrong with.
    pub(super) reached: BTreeSet<Unit>,
    pub(super) soundly: BTreeSet<Unit>,
    ways: BTreeSet<Passed>,
}

/// The interpolations that a render printed one after the other, and the names that were computed for it.
type Passed = (Vec<usize>, Vec<(usize, usize)>);

/// A case that takes a way of its own through the template, and how it differs from a base.
pub(super) struct Way {
    pub(super) case: Case,
    pub(super) changed: Vec<usize>,
    pub(super) change: String,
    /// The interpolations that it prints; none where all is varied from it.
    pub(super) printed: Vec<usize>,
    /// What its conditions were met with, by path and in words: these are varied once more.
    pub(super) met: Vec<(usize, String)>,
}

/// Everything that is tried on one template.
pub(super) struct Explorer<'e, 'd> {
    pub(super) target: &'e Target<'d>,
    pub(super) definition: &'d Definition,
    pub(super) varied: &'e [Varied<'d>],
    pub(super) literals: &'e Literals,
    pub(super) samples: &'e [(EventKind, Json)],
    /// What was seen at each of the paths that are varied.
    pub(super) known: &'e [Known],
}

impl Explorer<'_, '_> {
    /// Renders all cases with `version`.
    pub(super) fn explore(&self, version: &Version, budget: &mut Budget) -> Explored {
        let mut explored = Explored::default();
        let mut plain = self.plain(EventKind::Track);
        self.settle(&mut plain, version, budget);
        let bases = self.bases(&plain);
        let mut ways: Vec<Way> = Vec::new();
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
            ways.push(Way {
                case: sample,
                changed: Vec::new(),
                change: "a sample".to_owned(),
                printed: Vec::new(),
                met: Vec::new(),
            });
        }
        for base in &bases {
            self.vary_all(base, version, &mut explored, &mut ways, budget);
        }
        self.leave_out(&plain, version, &mut explored, &mut ways, budget);
        self.reach(&bases, version, &mut explored, &mut ways, budget);
        explored.is_cut = ways.len() > MOST_WAYS + MOST_FURTHER_WAYS;
        let mut printed: BTreeSet<usize> = BTreeSet::new();
        for (position, way) in ways.iter().enumerate().take(MOST_WAYS + MOST_FURTHER_WAYS) {
            let fresh: Vec<usize> = way
                .printed
                .iter()
                .copied()
                .filter(|id| printed.insert(*id))
                .collect();
            if position < MOST_WAYS {
                self.vary_few(way, None, version, &mut explored, budget);
            } else if !fresh.is_empty() {
                self.vary_few(way, Some(&fresh), version, &mut explored, budget);
            }
        }
        explored
    }

    /// All values of each path: of each the first, then the second, so that what the budget cuts off
    /// are not whole paths. Cases that take another way through the template are added to `ways`.
    fn vary_all(
        &self,
        base: &Case,
        version: &Version,
        explored: &mut Explored,
        ways: &mut Vec<Way>,
        budget: &mut Budget,
    ) {
        let of_path = |each: &Varied<'_>| {
            let is_whole = each.is_read || matches!(each.domain.kind, Kind::Any);
            let mut values = values::all(&each.domain, self.literals, each.decides);
            values.retain(|value| is_whole || value.is_none());
            values
        };
        let all: Vec<Vec<Option<Json>>> = self.varied.iter().map(of_path).collect();
        let most = all.iter().map(Vec::len).max().unwrap_or(0);
        for round in 0..most {
            for (index, each) in self.varied.iter().enumerate() {
                let Some(value) = all[index].get(round) else {
                    continue;
                };
                for which in which(&each.path) {
                    if budget.is_spent() {
                        return;
                    }
                    let Some((case, change)) = changed(base, each, value.as_ref(), which) else {
                        continue;
                    };
                    let way = self.run(case.clone(), &[index], &change, version, explored, budget);
                    ways.extend(way.map(|printed| Way {
                        case,
                        changed: vec![index],
                        change,
                        printed,
                        met: Vec::new(),
                    }));
                }
            }
        }
    }

    /// Few values of each path from another base: of all, or of those only that what is `printed` there
    /// may depend on.
    fn vary_few(
        &self,
        way: &Way,
        printed: Option<&[usize]>,
        version: &Version,
        explored: &mut Explored,
        budget: &mut Budget,
    ) {
        for (index, each) in self.varied.iter().enumerate() {
            let counts = |printed: &[usize]| self.target.depends(printed, &each.path);
            if way.changed.contains(&index) || !printed.is_none_or(counts) {
                continue;
            }
            if budget.is_spent() {
                return;
            }
            let is_whole = each.is_read || matches!(each.domain.kind, Kind::Any);
            let values = values::few(&each.domain);
            for value in values
                .into_iter()
                .filter(|value| is_whole || value.is_none())
            {
                let Some((case, change)) = changed(&way.case, each, value.as_ref(), &[0]) else {
                    continue;
                };
                let met = || way.met.iter().filter(|(path, _)| *path != index);
                let before = [way.change.as_str()]
                    .into_iter()
                    .filter(|text| !text.is_empty());
                let before = before.chain(met().map(|(_, change)| change.as_str()));
                let told: Vec<&str> = before.chain([change.as_str()]).collect();
                let change = told.join(" and ");
                let paths = way.changed.iter().chain(met().map(|(path, _)| path));
                let paths: Vec<usize> = paths.copied().chain([index]).collect();
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
        ways: &mut Vec<Way>,
        budget: &mut Budget,
    ) {
        let optional: Vec<usize> = (0..self.varied.len())
            .filter(|index| self.varied[*index].domain.optional)
            .collect();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        // Neighbours first: they share a separator.
        for distance in 1..optional.len() {
            if groups.len() >= MOST_PAIRS {
                break;
            }
            let pairs = optional.iter().zip(&optional[distance..]);
            groups.extend(pairs.map(|(first, second)| vec![*first, *second]));
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
            if budget.is_spent() {
                return;
            }
            let mut case = plain.clone();
            for index in &group {
                let mut without = case.clone();
                without.set(&self.varied[*index].path, None, 0);
                if self.is_possible(&without) {
                    case = without;
                }
            }
            let change = format!("{} are missing", self.names(&group));
            let way = self.run(case.clone(), &group, &change, version, explored, budget);
            ways.extend(way.map(|printed| Way {
                case,
                changed: group,
                change,
                printed,
                met: Vec::new(),
            }));
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

    /// Notes the types with which a template works.
    fn note_types(&self, explored: &mut Explored, case: &Case, changed: &[usize]) {
        let all = 0..self.varied.len();
        let indexes: Vec<usize> = match changed {
            [] => all.collect(),
            [one] => vec![*one],
            _ => return,
        };
        for index in indexes {
            let each = &self.varied[index];
            if let (Kind::Any, Some(value)) = (each.domain.kind, case.value(&each.path)) {
                explored.worked.insert((index, value.kind()));
            }
        }
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

    /// Renders one case. What it printed, if it took a way through the template that is new.
    pub(super) fn run(
        &self,
        case: Case,
        changed: &[usize],
        change: &str,
        version: &Version,
        explored: &mut Explored,
        budget: &mut Budget,
    ) -> Option<Vec<usize>> {
        if !self.is_possible(&case) || !budget.take() {
            return None;
        }
        self.target.asked.begin();
        let verdict = self.target.judge(version, &case, &explored.sound);
        budget.spend(verdict.output.text.len());
        let printed = verdict.output.regions.iter();
        let printed = printed.map(|region| Unit::Interpolation(region.id));
        let texts = verdict.output.texts.iter().copied().map(Unit::Text);
        let units: BTreeSet<Unit> = printed.chain(texts).collect();
        if verdict.fault.is_none() {
            explored.soundly.extend(&units);
        }
        explored.reached.extend(units);
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
            self.note_types(explored, &trial.case, changed);
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
            let names = self.target.asked.of_render();
            return explored.ways.insert((way.clone(), names)).then_some(way);
        };
        if explored.trials.len() < MOST_TRIALS {
            explored.trials.push(trial.clone());
        }
        show(&mut explored.faults, fault, trial);
        None
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

/// How many items of a list, or members of an object that are read by their names, are varied, one at a time.
pub(super) fn items(path: &Path) -> usize {
    let is_one_of_several = |step: &Step| matches!(step, Step::Each | Step::Dynamic);
    1 + usize::from(path.steps.iter().any(is_one_of_several))
}

/// Which items of a list are varied: each of them, and all at once, so that several take the same way.
fn which(path: &Path) -> &'static [&'static [usize]] {
    match items(path) {
        1 => &[&[0]],
        _ => &[&[0], &[1], &[0, 1]],
    }
}

/// Whether there is a list or an object where the path goes through all of its items.
fn has_items(base: &Case, path: &Path) -> bool {
    let root = match path.root {
        Root::Input => &base.event,
        Root::MappedFields => &base.fields,
        Root::MappedProperties => &base.properties,
        Root::Parameters | Root::Answer => return true,
    };
    let steps = base.steps(path);
    let mut steps_of = steps.iter();
    let through = steps_of.position(|step| matches!(step, Step::Each | Step::Dynamic));
    through.is_none_or(|end| get(root, &steps[..end], 0).is_some())
}

/// `base` with one value changed, of lists in the items `which`, and the change in words; `None` when
/// nothing changes.
pub(super) fn changed(
    base: &Case,
    each: &Varied<'_>,
    value: Option<&Json>,
    which: &[usize],
) -> Option<(Case, String)> {
    if !has_items(base, &each.path) {
        return None;
    }
    let mut case = base.clone();
    case.is_long |= value.is_some_and(values::is_long);
    for item in which {
        case.set(&each.path, value.cloned(), *item);
    }
    if matches!(each.domain.kind, Kind::Answered) && !base.answers_text(&each.path) {
        return None;
    }
    if case.event == base.event
        && case.fields == base.fields
        && case.properties == base.properties
        && case.parameters == base.parameters
        && case.answer == base.answer
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
