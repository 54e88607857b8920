//! The search for the faults of one template: what is found is mended, to see what is behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use model::definition::Definition;
use model::{Event, EventKind, Part};

use super::MOST_FINDINGS;
use super::advice;
use super::case::Json;
use super::explore::{Budget, Explored, Explorer, Faults, Trial};
use super::finding::{Code, Finding, Severity};
use super::literals::{self, Literals};
use super::mend::{self, Broken, Mend};
use super::patch::{Change, joined};
use super::regions::Context;
use super::report;
use super::seen::{Known, Seen};
use super::source;
use super::target::{Mode, Target};
use super::values;
use super::varied;

/// How often everything is tried again behind what was found.
const MOST_PASSES: usize = 8;
/// How often what broke is tried again, between these.
const MOST_ROUNDS: usize = 200;
/// One part of so many of the time is for trying in the end what is proposed.
const FOR_VERIFYING: u32 = 8;
/// One of so many of the rest is for the mends of what a pass finds.
const FOR_MENDING: u32 = 4;
/// Samples that are looked at.
const MOST_SAMPLES: usize = 100;

/// How often all is looked at again with names that came up.
const MOST_AGAIN: usize = 3;
/// Rounds in which names are learnt that come up whatever the event is.
const MOST_ASKING: usize = 40;

/// A place in the original: bytes from and to.
type Place = (usize, usize);

/// What is known of a place.
#[derive(Default)]
struct Noted {
    codes: BTreeSet<Code>,
    /// Cases that show the faults, with the fault of each.
    trials: Vec<(Code, Trial)>,
    /// The findings there, by position.
    findings: Vec<usize>,
    /// What was changed because of them.
    change: Option<Change>,
    /// The mends that are proposed, by the position of their findings.
    mends: BTreeMap<usize, Change>,
}

/// A search, as far as it has come.
struct Search<'s, 'd> {
    explorer: Explorer<'s, 'd>,
    findings: Vec<Finding>,
    known: BTreeMap<Place, Noted>,
    /// Mends of what was found, and harmless texts where there is none.
    changes: Vec<Change>,
    /// Where interpolations stand, by their number, before they were changed.
    contexts: BTreeMap<usize, Context>,
    /// What was not looked at, in words.
    left: Vec<String>,
    /// Whether time ran out.
    is_late: bool,
}

/// What a search has found.
pub(super) struct Found {
    /// In the order of their places.
    pub(super) findings: Vec<Finding>,
    /// What was not looked at, in words.
    pub(super) left: Vec<String>,
    /// Whether time ran out.
    is_late: bool,
}

/// The faults of a template, by samples and by what else was received.
pub(super) fn faults(
    target: &mut Target<'_>,
    definition: &Definition,
    (samples, seen): (&[Event], &Seen),
    budget: &mut Budget,
) -> Found {
    let samples = usable(samples, target.part);
    learn_names(target, definition, &samples, budget);
    let mut found = faults_of_known(target, definition, (&samples, seen), budget);
    for _ in 0..MOST_AGAIN {
        let is_late = found.is_late || budget.watch.is_over();
        if is_late || !target.asked.take_up(false, target.part, definition) {
            break;
        }
        target.reads = target.asked.reads();
        let again = faults_of_known(target, definition, (&samples, seen), budget);
        // What time has cut off is no better than what was found before.
        let is_worse = again.is_late && again.findings.len() < found.findings.len();
        match is_worse {
            true => (found.left, found.is_late) = (again.left, true),
            false => found = again,
        }
    }
    let (names, is_cut) = target.asked.left_out();
    if names > 0 {
        found.left.push(format!(
            "{names} of the names that the template computes were not varied"
        ));
    }
    if is_cut {
        let message = "the template computes more names than are looked at";
        found.left.push(message.to_owned());
    }
    found
}

/// Looks for the names that a template computes whatever the event is: what it doesn't find may only come
/// behind what it finds.
fn learn_names(
    target: &mut Target<'_>,
    definition: &Definition,
    samples: &[(EventKind, Json)],
    budget: &mut Budget,
) {
    if target.asked.is_idle() {
        return;
    }
    let literals = Literals::default();
    for _ in 0..MOST_ASKING {
        let (varied, _) = varied::varied(target, definition);
        let explorer = Explorer {
            target,
            definition,
            varied: &varied,
            literals: &literals,
            samples,
            known: &[],
        };
        explorer.ask(budget);
        if budget.is_spent() || !target.asked.take_up(true, target.part, definition) {
            return;
        }
        target.reads = target.asked.reads();
    }
}

/// The faults of a template with the names that are known.
fn faults_of_known(
    target: &Target<'_>,
    definition: &Definition,
    (samples, seen): (&[(EventKind, Json)], &Seen),
    budget: &mut Budget,
) -> Found {
    let (varied, left_out) = varied::varied(target, definition);
    let pieces = source::pieces(target.source, &target.interpolations);
    let mut literals = literals::literals(target.source, &pieces);
    if target.mode == Mode::Url {
        let dots = [".", ".."].map(values::text);
        literals.everywhere.extend(dots);
    }
    let events = || samples.iter().map(|(_, event)| event);
    let known: Vec<Known> = varied
        .iter()
        .map(|each| seen.of(&each.path, events()))
        .collect();
    let mut search = Search {
        explorer: Explorer {
            target,
            definition,
            varied: &varied,
            literals: &literals,
            samples,
            known: &known,
        },
        findings: Vec::new(),
        known: BTreeMap::new(),
        changes: Vec::new(),
        contexts: BTreeMap::new(),
        left: Vec::new(),
        is_late: false,
    };
    if left_out > 0 {
        let message = format!("{left_out} of the values that the template reads were not varied");
        search.left.push(message);
    }
    if literals.is_cut {
        let message = "not all texts and numbers that the template compares with were tried";
        search.left.push(message.to_owned());
    }
    // Each read looks for its value among those beside it.
    budget.weight = target.source.len() + target.reads.len() * varied.len();
    let end = budget.watch.end_early(FOR_VERIFYING);
    let explored = search.run(budget);
    budget.watch.end_at(end);
    if let Some(explored) = explored {
        search.verify(&explored, budget);
    }
    if budget.is_short {
        let message = "the template is too large for all that can occur to be tried";
        search.left.push(message.to_owned());
    }
    let mut findings = search.findings;
    findings.sort_by_key(|each| (each.line, each.column, each.code));
    Found {
        findings,
        left: search.left,
        is_late: search.is_late,
    }
}

/// The sample events that are of use to a template.
fn usable(samples: &[Event], part: Part) -> Vec<(EventKind, Json)> {
    let fits = |event: &&Event| part == Part::User || event.kind == EventKind::Track;
    let all = samples.iter().filter(fits).take(MOST_SAMPLES);
    all.filter_map(|event| {
        let root = event.root().ok()?;
        root.as_object()?;
        Some((event.kind, model::json::Value::clone(root).into_owned()))
    })
    .collect()
}

impl Search<'_, '_> {
    /// What was tried last, with which nothing new was found; `None` where it did not come so far.
    fn run(&mut self, budget: &mut Budget) -> Option<Explored> {
        for _ in 0..MOST_PASSES {
            let version = self.explorer.target.version(&self.changes)?;
            let end = budget.watch.end_early(FOR_MENDING);
            let explored = self.explorer.explore(&version, budget);
            let is_late = budget.watch.is_over();
            budget.watch.end_at(end);
            for (id, context) in &explored.contexts {
                self.contexts.entry(*id).or_insert(*context);
            }
            let mut fresh = self.note(&explored.faults, &explored);
            if is_late {
                // What is behind it is not looked for any more.
                for place in fresh {
                    self.mend(place, &explored, budget);
                }
                self.tell_late(&explored);
                return Some(explored);
            }
            if fresh.is_empty() {
                let (contexts, changes) = (&self.contexts, &self.changes);
                let advice = advice::advice(&self.explorer, &explored, contexts, changes, budget);
                self.findings.extend(advice);
                if explored.is_cut {
                    let message = "not all ways through the template were followed".to_owned();
                    self.left.push(message);
                }
                self.tell_unreached(&explored);
                return Some(explored);
            }
            // One value may break several places, of which only the first shows.
            for _ in 0..MOST_ROUNDS {
                let changed = fresh
                    .iter()
                    .filter(|place| self.mend(**place, &explored, budget))
                    .count();
                if changed == 0 {
                    break;
                }
                if self.findings.len() > MOST_FINDINGS {
                    return Some(explored);
                }
                fresh = self.try_again(&fresh, &explored, budget);
            }
            if budget.watch.is_over() {
                self.tell_late(&explored);
                return Some(explored);
            }
        }
        let message = "there may be more faults behind those that were found".to_owned();
        self.left.push(message);
        None
    }

    /// Says what nothing is known of because time ran out.
    fn tell_late(&mut self, explored: &Explored) {
        self.is_late = true;
        let target = self.explorer.target;
        let unreached = target.unreached(&explored.reached, |_| false);
        let message = "time ran out before all that can occur was tried".to_owned();
        self.left.push(match unreached.first() {
            None => message,
            Some(first) => {
                let (count, line) = (unreached.len(), self.line(*first));
                format!("{message}: {count} places that print were not come to, the first in line {line}")
            }
        });
    }

    /// The line of a byte of the template.
    fn line(&self, at: usize) -> usize {
        self.explorer.target.source[..at].matches('\n').count() + 1
    }

    /// Says which places of the template nothing was printed at, and so nothing is known of.
    fn tell_unreached(&mut self, explored: &Explored) {
        let target = self.explorer.target;
        let is_changed = |at: usize| {
            let mut ranges = self.changes.iter().map(|change| &change.range);
            ranges.any(|range| range.start <= at && at <= range.end)
        };
        let mut unreached = target.unreached(&explored.reached, is_changed);
        unreached.retain(|at| !self.explorer.asks_in_vain(*at));
        let Some(first) = unreached.first() else {
            return;
        };
        let line = self.line(*first);
        self.left.push(format!(
            "{} places of the template that print were never come to, the first in line {line}: no event was \
             found that fulfils the conditions there",
            unreached.len()
        ));
    }

    /// Takes back the mends with which what showed the fault still breaks, in a way that is not known of
    /// the template as it is, when all else is mended.
    fn verify(&mut self, explored: &Explored, budget: &mut Budget) {
        let target = self.explorer.target;
        for (place, known) in &self.known {
            for (index, change) in &known.mends {
                if budget.watch.is_over() {
                    self.findings[*index].mend = None;
                    continue;
                }
                let apart = |other: &&Change| {
                    let (from, to) = (
                        change.range.start.min(place.0),
                        change.range.end.max(place.1),
                    );
                    let is_own = *other == change || known.change.as_ref() == Some(*other);
                    !is_own && (other.range.end <= from || to <= other.range.start)
                };
                let others = self.changes.iter().filter(apart).cloned();
                let Some(version) =
                    target.version(&others.chain([change.clone()]).collect::<Vec<_>>())
                else {
                    continue;
                };
                let code = self.findings[*index].code;
                let mut shown = known.trials.iter().filter(|(of, _)| *of == code);
                let holds = shown.all(|(_, trial)| {
                    if !budget.take() {
                        return false;
                    }
                    let verdict = target.judge(&version, &trial.case, &explored.sound);
                    budget.spend(verdict.output.text.len());
                    verdict.fault.is_none_or(|fault| {
                        let at = (fault.place.start, fault.place.end);
                        at != *place && self.known.contains_key(&at)
                    })
                });
                if !holds {
                    self.findings[*index].mend = None;
                }
            }
        }
    }

    /// Adds findings for the faults that are new. Where they are.
    fn note(&mut self, faults: &Faults, explored: &Explored) -> BTreeSet<Place> {
        let mut fresh = BTreeSet::new();
        for ((start, end, code), shown) in faults {
            let place = self.known.entry((*start, *end)).or_default();
            if !place.codes.insert(*code) {
                continue;
            }
            // An empty text is not JSON either: that has been said.
            if *code == Code::EmptyValue && place.codes.contains(&Code::Unquoted) {
                continue;
            }
            fresh.insert((*start, *end));
            place.findings.push(self.findings.len());
            let trials = shown.trials.iter().cloned();
            place.trials.extend(trials.map(|trial| (*code, trial)));
            self.findings
                .push(report::finding(&self.explorer, explored, shown));
        }
        fresh
    }

    /// Renders what broke at `places` again, with the changes. Where something new shows.
    fn try_again(
        &mut self,
        places: &BTreeSet<Place>,
        explored: &Explored,
        budget: &mut Budget,
    ) -> BTreeSet<Place> {
        let Some(version) = self.explorer.target.version(&self.changes) else {
            return BTreeSet::new();
        };
        let known = places.iter().filter_map(|place| self.known.get(place));
        let mut faults = Faults::new();
        for (_, trial) in known.flat_map(|known| &known.trials) {
            if budget.watch.is_over() {
                break;
            }
            self.explorer
                .try_again(trial, &version, explored, &mut faults, budget);
        }
        self.note(&faults, explored)
    }

    /// Looks for mends of a place, and takes the best for what follows. Whether something changed.
    fn mend(&mut self, place: Place, explored: &Explored, budget: &mut Budget) -> bool {
        let Some(known) = self.known.get(&place) else {
            return false;
        };
        let broken = self.broken(place.0..place.1, known);
        let touches = |change: &Change| change.range.start < place.1 && place.0 < change.range.end;
        let mut changes = self.changes.clone();
        changes.retain(|change| !touches(change) && known.change.as_ref() != Some(change));
        let mends = mend::mends(&self.explorer, &broken, &changes, explored, budget);

        let findings = known.findings.iter().map(|index| &self.findings[*index]);
        let errors = findings.filter(|finding| finding.severity == Severity::Error);
        let errors: BTreeSet<Code> = errors.map(|finding| finding.code).collect();
        let whole = mends.iter().find(|mend| mend.left.is_empty());
        let main = mends.iter().find(|mend| mend.left.is_disjoint(&errors));
        let mut proposed = BTreeMap::new();
        for index in &known.findings {
            let finding = &mut self.findings[*index];
            let own = mends.iter().find(|mend| !mend.left.contains(&finding.code));
            let mend: Option<&Mend> = match finding.severity {
                Severity::Error => main.or(own),
                Severity::Advice => whole.or(own),
            };
            finding.mend = mend.map(|mend| report::edit(self.explorer.target, &mend.change));
            proposed.extend(mend.map(|mend| (*index, mend.change.clone())));
        }
        let change = whole.or(main).map(|mend| mend.change.clone());
        // What is mended within it stays mended.
        let source = self.explorer.target.source;
        let with_others = |change: &Change| joined(source, &changes, change);
        let Some(change) = change.or_else(|| mend::neutral(self.explorer.target, &broken)) else {
            if let Some(known) = self.known.get_mut(&place) {
                known.mends = proposed;
            }
            return false;
        };
        let Some(all) = with_others(&change) else {
            return false;
        };
        if let Some(known) = self.known.get_mut(&place) {
            known.change = all.last().cloned();
            known.mends = proposed;
        }
        self.changes = all;
        true
    }

    fn broken<'k>(&self, place: Range<usize>, known: &'k Noted) -> Broken<'k> {
        let target = self.explorer.target;
        let id = target.interpolations.iter().position(|each| *each == place);
        let in_string = match id.and_then(|id| self.contexts.get(&id)) {
            Some(context) => matches!(context, Context::String | Context::WholeString),
            None => {
                let line = target.source[..place.start].lines().last();
                line.unwrap_or_default().matches('"').count() % 2 == 1
            }
        };
        let only_text = target.reads_at(&place).all(|path| {
            let mut varied = self.explorer.varied.iter();
            let of = varied.find(|each| each.path == *path);
            of.is_some_and(|each| each.domain.is_text())
        });
        Broken {
            codes: known.codes.clone(),
            trials: known.trials.iter().map(|(_, trial)| trial).collect(),
            is_interpolation: id.is_some(),
            in_string,
            only_text,
            place,
        }
    }
}
