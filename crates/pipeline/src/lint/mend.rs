//! Mends: edits that are tried on the template until one holds against everything that broke it.
//!
//! They are judged case by case: what was sent stays as it was, and what broke at the place is sound
//! afterwards. Where an edit mends one fault of several there, the cases of the others are as broken as they
//! were, and not in another way.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::Range;

use super::candidates::candidates;
use super::case::Case;
use super::domain::Kind;
use super::explore::{Budget, Explored, Explorer, Trial, items};
use super::finding::Code;
use super::patch::{Change, joined};
use super::patterns;
use super::regions::Region;
use super::same::is_same;
use super::target::{Fault, Mode, Target, Version};
use super::values;

/// Cases that a mend is tried with, beside those that broke: from the simplest on.
const MOST_CONCERNED: usize = 150;

/// Cases with several items, made of those that broke.
const MOST_REPEATED: usize = 24;

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

/// Where something breaks, from and to, and how.
type Key = (usize, usize, Code);

/// A case that mends are tried with.
struct Tried {
    case: Case,
    /// What is sent without the mend, where that is no accident: it must stay.
    sound: Option<String>,
    /// Where it breaks, if it does.
    fault: Option<Key>,
    /// Whether the place printed something.
    printed: bool,
}

/// What mends of one place are tried with.
struct Attempts<'e, 'd> {
    explorer: &'e Explorer<'e, 'd>,
    broken: &'e Broken<'e>,
    /// What else is changed.
    before: &'e [Change],
    explored: &'e Explored,
    tried: Vec<Tried>,
    /// What the place printed where it broke.
    printed: Vec<String>,
    /// The template with something harmless in the place, to see what else is wrong; made when it is needed.
    without: OnceCell<Option<Version>>,
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
    if budget.is_spent() {
        return found;
    }
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
            without: OnceCell::new(),
            retypes,
        };
        let Some(version) = explorer.target.version(before) else {
            return attempts;
        };
        let all = broken.trials.iter().copied().chain(attempts.concerned());
        let all: Vec<Case> = all.map(|trial| trial.case.clone()).collect();
        attempts.try_all(all, &version, budget);
        let more = match broken.is_interpolation {
            true => attempts.witnesses(),
            false => attempts.repeated(),
        };
        attempts.try_all(more, &version, budget);
        attempts
    }

    fn try_all(&mut self, cases: Vec<Case>, version: &Version, budget: &mut Budget) {
        for case in cases {
            if !budget.take() {
                return;
            }
            let tried = self.tried(case, version, budget);
            self.tried.push(tried);
        }
    }

    /// Texts of many sorts where the place prints them: what a template does to a value shows only with
    /// those that it does something to.
    fn witnesses(&self) -> Vec<Case> {
        let target = self.explorer.target;
        let prints = |tried: &&Tried| tried.printed;
        let sound = self
            .tried
            .iter()
            .find(|each| each.sound.is_some() && each.printed);
        let Some(base) = sound.or_else(|| self.tried.iter().find(prints)) else {
            return Vec::new();
        };
        let read: Vec<_> = target.reads_at(&self.broken.place).collect();
        let holds_text = |kind| {
            matches!(
                kind,
                Kind::Text | Kind::AnyText | Kind::Any | Kind::Answered
            )
        };
        let varied = self.explorer.varied.iter().filter(|each| {
            let is_read = read.is_empty() || read.contains(&&each.path);
            each.is_read && is_read && holds_text(each.domain.kind)
        });
        let paths: Vec<_> = varied.map(|each| &each.path).collect();
        if paths.is_empty() {
            return Vec::new();
        }
        let mut texts = patterns::texts(target.source);
        texts.extend(values::WITNESSES.iter().map(|text| (*text).to_owned()));
        let of = |text: &String| {
            let mut case = base.case.clone();
            for path in &paths {
                for item in 0..items(path) {
                    case.set(path, Some(values::text(text)), item);
                }
            }
            case
        };
        texts.iter().map(of).collect()
    }

    /// What broke with several items of each list that take the same way: what parts them shows only then.
    fn repeated(&self) -> Vec<Case> {
        let mut cases: Vec<Case> = Vec::new();
        let broken = self.tried.iter().filter(|each| each.fault.is_some());
        for tried in broken {
            for each in self
                .explorer
                .varied
                .iter()
                .filter(|each| items(&each.path) > 1)
            {
                for item in 0..items(&each.path) {
                    let mut case = tried.case.clone();
                    case.repeat(&each.path, item);
                    if cases.len() >= MOST_REPEATED {
                        return cases;
                    }
                    if case.event != tried.case.event || case.properties != tried.case.properties {
                        cases.push(case);
                    }
                }
            }
        }
        cases
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
    fn tried(&mut self, case: Case, version: &Version, budget: &mut Budget) -> Tried {
        let target = self.explorer.target;
        let verdict = target.judge(version, &case, &self.explored.sound);
        budget.spend(verdict.output.text.len());
        let mut places = target.interpolations.iter();
        let id = places.position(|each| *each == self.broken.place);
        let regions = verdict.output.regions.iter();
        let regions = regions.filter(|region| Some(region.id) == id);
        let regions: Vec<&Region> = regions.collect();
        // Two numbers without a comma are one.
        let adjoin = |pair: &[&Region]| {
            let (before, after) = (&pair[0].range, &pair[1].range);
            let is_bare = target.mode == Mode::Json && !self.broken.in_string;
            is_bare && before.end == after.start && !before.is_empty() && !after.is_empty()
        };
        let is_one_by_chance = regions.windows(2).any(adjoin);
        let printed = regions.iter();
        let printed: Vec<String> = printed
            .map(|region| verdict.output.of(region).to_owned())
            .collect();
        let prints = printed.iter().any(|text| !text.is_empty());
        if let Some(fault) = verdict.fault {
            self.printed.extend(printed.into_iter().next());
            return Tried {
                case,
                sound: None,
                fault: Some(key(&fault)),
                printed: prints,
            };
        }
        let mut printed = printed.iter();
        let by_chance = id.is_some_and(|id| printed.any(|text| self.is_by_chance(&case, id, text)));
        Tried {
            sound: (!by_chance && !is_one_by_chance)
                .then(|| target.sent(version, &case, verdict.output)),
            fault: None,
            printed: prints,
            case,
        }
    }

    /// Whether what is printed is only what it should be because the value happens to fit: a text that
    /// spells a number where a value is printed without quotes, or that brings an escape of its own.
    fn is_by_chance(&self, case: &Case, id: usize, printed: &str) -> bool {
        let target = self.explorer.target;
        let sound = &self.explored.sound;
        let read: Vec<_> = target.reads_at(&self.broken.place).collect();
        // What a variable prints that is set elsewhere may be of any of them.
        let varied = self.explorer.varied.iter().map(|each| &each.path);
        let of_any = varied.filter(|_| read.is_empty());
        let paths = read.iter().copied().chain(of_any);
        let mut texts = paths.flat_map(|path| case.texts(path));
        match target.mode {
            Mode::Json if self.broken.in_string => {
                texts.any(|text| text.contains('\\') && printed.contains(text))
            }
            // An item of a list without any text is lost, though it only shows where there are several.
            Mode::Json if printed.trim().is_empty() => {
                let is_bare = self.broken.codes.contains(&Code::Unquoted);
                let mut reads = target.reads_at(&self.broken.place);
                is_bare
                    && reads.any(|path| items(path) > 1)
                    && texts.any(|text| text.trim().is_empty())
            }
            Mode::Json => {
                let is_bare = self.broken.codes.contains(&Code::Unquoted);
                // A text of a real event that holds a list or an object may well be meant as that.
                let mut samples = self.explorer.samples.iter();
                let is_real = samples.any(|(_, event)| *event == case.event);
                let is_meant = |text: &str| is_real && text.trim_start().starts_with(['{', '[']);
                is_bare && texts.any(|text| text.trim() == printed.trim() && !is_meant(text))
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
        if budget.is_spent() {
            return None;
        }
        let (target, broken) = (self.explorer.target, self.broken);
        let version = target.version(&joined(target.source, self.before, change)?)?;
        let mut left = BTreeSet::new();
        for tried in &self.tried {
            if !budget.take() {
                return None;
            }
            let verdict = target.judge(&version, &tried.case, &self.explored.sound);
            budget.spend(verdict.output.text.len());
            let Some(fault) = verdict.fault else {
                if let Some(sound) = &tried.sound {
                    let sent = target.sent(&version, &tried.case, verdict.output);
                    if !is_same(target.mode, sound, &sent, self.retypes) {
                        return None;
                    }
                }
                continue;
            };
            // What was sent is not any more.
            let before = tried.fault?;
            if key(&fault) == before && !self.is_here(before) {
                continue;
            }
            let touches = fault.place == broken.place
                || fault.place.start < change.range.end && change.range.start < fault.place.end;
            let is_whole = is_whole(target, &fault) && broken.place.len() < target.source.len();
            if touches && !is_whole {
                if !self.is_here(before) || fault.code != before.2 {
                    return None;
                }
                left.insert(fault.code);
                if left == broken.codes {
                    return None;
                }
            } else if !self.is_another(tried, before, change, &fault, budget) {
                return None;
            }
        }
        Some(left)
    }

    fn is_here(&self, key: Key) -> bool {
        (key.0..key.1) == self.broken.place
    }

    /// Whether what breaks elsewhere after a change has nothing to do with it: it was hidden.
    fn is_another(
        &self,
        tried: &Tried,
        before: Key,
        change: &Change,
        fault: &Fault,
        budget: &mut Budget,
    ) -> bool {
        let target = self.explorer.target;
        if let Some(neutral) = neutral(target, self.broken) {
            let without = self.without.get_or_init(|| {
                let changes = self.before.iter().cloned().chain([neutral]);
                target.version(&changes.collect::<Vec<_>>())
            });
            let Some(without) = without.as_ref().filter(|_| budget.take()) else {
                return false;
            };
            let verdict = target.judge(without, &tried.case, &self.explored.sound);
            budget.spend(verdict.output.text.len());
            return verdict.fault.is_some_and(|other| key(&other) == key(fault));
        }
        let is_of_text = fault.code == Code::InvalidJson || is_whole(target, fault);
        let is_known = !self.is_here(before) && self.explored.faults.contains_key(&key(fault));
        let is_behind = before.0 <= fault.place.start && change.range.end <= fault.place.start;
        !is_of_text || is_known || is_behind && !is_whole(target, fault)
    }
}

fn key(fault: &Fault) -> Key {
    (fault.place.start, fault.place.end, fault.code)
}

/// Whether it isn't known where in the template the fault is.
fn is_whole(target: &Target<'_>, fault: &Fault) -> bool {
    fault.place.len() == target.source.len()
}

/// Something harmless in the place of what can't be mended, to see what is behind it.
pub(super) fn neutral(target: &Target<'_>, broken: &Broken<'_>) -> Option<Change> {
    let is_bare = target.mode == Mode::Json && !broken.in_string;
    broken.is_interpolation.then(|| Change {
        range: broken.place.clone(),
        replacement: if is_bare { "0" } else { "x" }.to_owned(),
    })
}
