//! Mends: edits that are tried on the template until one holds against everything that broke it.

use std::collections::BTreeSet;
use std::ops::Range;

use super::candidates::candidates;
use super::explore::{Budget, Explored, Explorer, Trial};
use super::finding::Code;
use super::patch::Change;
use super::same::is_same;
use super::target::{Mode, Version};

/// Cases that a mend is tried with, beside those that broke: from the simplest on.
const MOST_CONCERNED: usize = 150;

/// What is known of a place that breaks.
pub(super) struct Broken<'e> {
    pub(super) place: Range<usize>,
    /// The faults that were shown there.
    pub(super) codes: BTreeSet<Code>,
    /// The cases that show them.
    pub(super) trials: Vec<&'e Trial>,
    /// Whether it is an interpolation.
    pub(super) is_interpolation: bool,
    /// Whether it is in a JSON string.
    pub(super) in_string: bool,
    /// Whether only texts can occur there.
    pub(super) only_text: bool,
}

/// A mend and what it leaves broken at its place.
pub(super) struct Mend {
    pub(super) change: Change,
    pub(super) left: BTreeSet<Code>,
}

/// A case that mends are tried with.
struct Tried<'e> {
    trial: &'e Trial,
    /// What is sent without the mend, where nothing is wrong with that: it must stay.
    sound: Option<String>,
    /// Where it breaks otherwise.
    fault: Option<usize>,
}

/// What mends of one place are tried with.
struct Attempts<'e, 'd> {
    explorer: &'e Explorer<'e, 'd>,
    broken: &'e Broken<'e>,
    /// What else is changed.
    before: &'e [Change],
    explored: &'e Explored,
    tried: Vec<Tried<'e>>,
    /// What the place printed where it broke.
    printed: Vec<String>,
    /// Whether the mend is to send another type.
    retypes: bool,
}

/// The mends that bring no fault of their own and change nothing of what is sent without one, in the
/// order in which they are to be preferred.
pub(super) fn mends(
    explorer: &Explorer<'_, '_>,
    broken: &Broken<'_>,
    before: &[Change],
    explored: &Explored,
    budget: &mut Budget,
) -> Vec<Mend> {
    let mut found = Vec::new();
    let attempts = Attempts::new(explorer, broken, before, explored, false, budget);
    for change in candidates(explorer, broken, &attempts.printed) {
        if let Some(left) = attempts.left_broken(&change, budget) {
            let is_whole = left.is_empty();
            found.push(Mend { change, left });
            if is_whole {
                break;
            }
        }
    }
    found
}

/// The first of the changes with which nothing breaks, and nothing but types changes.
pub(super) fn retyped<'c>(
    explorer: &Explorer<'_, '_>,
    broken: &Broken<'_>,
    changes: &'c [Change],
    before: &[Change],
    explored: &Explored,
    budget: &mut Budget,
) -> Option<&'c Change> {
    let attempts = Attempts::new(explorer, broken, before, explored, true, budget);
    changes.iter().find(|change| {
        let left = attempts.left_broken(change, budget);
        left.is_some_and(|left| left.is_empty())
    })
}

impl<'e, 'd> Attempts<'e, 'd> {
    fn new(
        explorer: &'e Explorer<'e, 'd>,
        broken: &'e Broken<'e>,
        before: &'e [Change],
        explored: &'e Explored,
        retypes: bool,
        budget: &mut Budget,
    ) -> Self {
        let mut attempts = Self {
            explorer,
            broken,
            before,
            explored,
            tried: Vec::new(),
            printed: Vec::new(),
            retypes,
        };
        let Some(version) = explorer.target.version(before) else {
            return attempts;
        };
        let all = broken.trials.iter().copied().chain(attempts.concerned());
        for trial in all {
            if !budget.take() {
                break;
            }
            let tried = attempts.tried(trial, &version, budget);
            attempts.tried.push(tried);
        }
        attempts
    }

    /// The cases that vary what the place reads; of a place that reads nothing, those first in which
    /// several values differ from a base.
    fn concerned(&self) -> Vec<&'e Trial> {
        let read: Vec<_> = self.explorer.target.reads_at(&self.broken.place).collect();
        let trials = self.explored.trials.iter();
        if read.is_empty() {
            let (mut several, single): (Vec<_>, Vec<_>) =
                trials.partition(|trial| trial.changed.len() != 1);
            several.truncate(MOST_CONCERNED);
            several.extend(single.into_iter().take(MOST_CONCERNED));
            return several;
        }
        let concerns = |trial: &&Trial| {
            let changed = trial.changed.iter();
            let mut changed = changed.map(|index| &self.explorer.varied[*index].path);
            trial.changed.is_empty()
                || changed.any(|path| {
                    let mut read = read.iter();
                    read.any(|read| read.starts_with(path) || path.starts_with(read))
                })
        };
        trials.filter(concerns).take(MOST_CONCERNED).collect()
    }

    /// What becomes of a case without a mend.
    fn tried(&mut self, trial: &'e Trial, version: &Version, budget: &mut Budget) -> Tried<'e> {
        let target = self.explorer.target;
        let verdict = target.judge(version, &trial.case, &self.explored.sound);
        budget.spend(verdict.output.text.len());
        let id = target
            .interpolations
            .iter()
            .position(|each| *each == self.broken.place);
        let mut printed = verdict.output.regions.iter();
        let printed = printed.find(|region| Some(region.id) == id);
        let printed = printed.map(|region| verdict.output.of(region).to_owned());
        if let Some(fault) = verdict.fault {
            self.printed.extend(printed);
            return Tried {
                trial,
                sound: None,
                fault: Some(fault.place.start),
            };
        }
        let both = printed.zip(id);
        let by_chance = both.is_some_and(|(text, id)| self.is_by_chance(trial, id, &text));
        Tried {
            trial,
            sound: (!by_chance).then(|| target.sent(version, &trial.case, verdict.output)),
            fault: None,
        }
    }

    /// Whether what is printed is only what it should be because the value happens to fit: a text that
    /// spells a number where a value is printed without quotes, or that brings an escape of its own.
    fn is_by_chance(&self, trial: &Trial, id: usize, printed: &str) -> bool {
        let target = self.explorer.target;
        let sound = &self.explored.sound;
        let mut texts = target
            .reads_at(&self.broken.place)
            .filter_map(|path| trial.case.text(path));
        match target.mode {
            Mode::Json if self.broken.in_string => {
                texts.any(|text| text.contains('\\') && printed.contains(&text))
            }
            Mode::Json => {
                self.broken.codes.contains(&Code::Unquoted) && texts.any(|text| text == printed)
            }
            Mode::Url => {
                let parts = |c: char| matches!(c, '/' | '?' | '&' | '#' | '%' | '=' | '+');
                printed.contains(parts) && !sound.contains_in(id, parts)
            }
            Mode::Text | Mode::Header | Mode::Constant => false,
        }
    }

    /// What is left broken at the place after a change; `None` if that brings something new, or changes
    /// what was sent and sound.
    fn left_broken(&self, change: &Change, budget: &mut Budget) -> Option<BTreeSet<Code>> {
        let (target, broken) = (self.explorer.target, self.broken);
        let mut changes: Vec<Change> = self.before.to_vec();
        changes.push(change.clone());
        let version = target.version(&changes)?;
        let mut left = BTreeSet::new();
        for tried in &self.tried {
            let Tried { trial, sound, .. } = tried;
            if !budget.take() {
                return None;
            }
            let verdict = target.judge(&version, &trial.case, &self.explored.sound);
            budget.spend(verdict.output.text.len());
            let Some(fault) = verdict.fault else {
                if let Some(sound) = sound {
                    let sent = target.sent(&version, &trial.case, verdict.output);
                    if !is_same(target.mode, sound, &sent, self.retypes) {
                        return None;
                    }
                }
                continue;
            };
            if sound.is_some() {
                return None;
            }
            let key = (fault.place.start, fault.place.end, fault.code);
            let touches = fault.place == broken.place
                || fault.place.start < change.range.end && change.range.start < fault.place.end;
            let length = target.source.len();
            let is_whole = fault.place.len() == length && broken.place.len() < length;
            if touches && !is_whole {
                if !broken.codes.contains(&fault.code) {
                    return None;
                }
                left.insert(fault.code);
                if left == broken.codes {
                    return None;
                }
            } else if (is_whole || fault.code == Code::InvalidJson)
                && !self.explored.faults.contains_key(&key)
            {
                // What shows behind the change was hidden by what it mends.
                let hidden = tried
                    .fault
                    .is_some_and(|before| fault.place.start >= before);
                if is_whole || !hidden || fault.place.start < change.range.end {
                    return None;
                }
            }
        }
        Some(left)
    }
}
