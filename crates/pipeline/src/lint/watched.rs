//! Data that keeps in mind which names it is asked for.

use std::cell::Cell;

use ftl::{Entries, Hash, Seq, Step, View};

use super::asked::Asked;

/// A place, and the steps that lead on to it.
pub(super) type Way<'w> = (usize, &'w [Step]);

/// An object with what is watched within.
pub(super) struct Watched<'w> {
    asked: &'w Asked,
    hash: &'w dyn Hash,
    /// What it is, if it is watched itself.
    places: Vec<usize>,
    /// Whether its members were gone through: then it is no news that it is asked for one of them.
    is_listed: Cell<bool>,
    within: Vec<(&'w str, Inner<'w>)>,
}

/// A list with what is watched within.
struct Items<'w> {
    seq: &'w dyn Seq,
    within: Vec<(usize, Inner<'w>)>,
}

enum Inner<'w> {
    Hash(Watched<'w>),
    Seq(Items<'w>),
}

impl<'w> Watched<'w> {
    pub(super) fn new(asked: &'w Asked, hash: &'w dyn Hash, ways: &[Way<'w>]) -> Self {
        let here = ways.iter().filter(|(_, steps)| steps.is_empty());
        let mut within = Vec::new();
        if ways.iter().any(|(_, steps)| !steps.is_empty()) {
            for (name, view) in hash.entries() {
                let leads = |step: &Step| match step {
                    Step::Key(key) => key == name,
                    Step::Dynamic | Step::Each => true,
                    Step::Index(_) => false,
                };
                let inner = Inner::new(asked, view, &onward(ways, leads));
                within.extend(inner.map(|inner| (name, inner)));
            }
        }
        Self {
            asked,
            hash,
            places: here.map(|(id, _)| *id).collect(),
            is_listed: Cell::default(),
            within,
        }
    }

    fn member(&self, name: &str) -> Option<View<'_>> {
        let mut within = self.within.iter();
        let found = within.find(|(known, _)| *known == name);
        found.map(|(_, inner)| inner.view())
    }
}

impl<'w> Inner<'w> {
    fn new(asked: &'w Asked, view: View<'w>, ways: &[Way<'w>]) -> Option<Self> {
        if ways.is_empty() {
            return None;
        }
        Some(match view {
            View::Hash(hash) => Self::Hash(Watched::new(asked, hash, ways)),
            View::Seq(seq) => {
                let ways = onward(ways, |step| !matches!(step, Step::Key(_)));
                let items = (0..seq.len()).filter_map(|index| {
                    let inner = Inner::new(asked, seq.get(index)?, &ways)?;
                    Some((index, inner))
                });
                Self::Seq(Items {
                    seq,
                    within: items.collect(),
                })
            }
            _ => return None,
        })
    }

    fn view(&self) -> View<'_> {
        match self {
            Self::Hash(hash) => View::Hash(hash),
            Self::Seq(seq) => View::Seq(seq),
        }
    }
}

/// The ways that lead on by a step.
fn onward<'w>(ways: &[Way<'w>], leads: impl Fn(&Step) -> bool) -> Vec<Way<'w>> {
    let on = ways.iter().filter_map(|(id, steps)| {
        let (first, rest) = steps.split_first()?;
        leads(first).then_some((*id, rest))
    });
    on.collect()
}

impl Hash for Watched<'_> {
    fn get(&self, key: &str) -> Option<View<'_>> {
        let found = self.hash.get(key);
        if !(self.is_listed.get() && found.is_some()) {
            self.places.iter().for_each(|id| self.asked.note(*id, key));
        }
        self.member(key).or(found)
    }

    fn len(&self) -> usize {
        self.hash.len()
    }

    fn entries(&self) -> Entries<'_> {
        self.is_listed.set(true);
        self.places
            .iter()
            .for_each(|id| self.asked.note_listed(*id));
        let entries = self.hash.entries();
        Box::new(entries.map(|(name, view)| (name, self.member(name).unwrap_or(view))))
    }
}

impl Seq for Items<'_> {
    fn len(&self) -> usize {
        self.seq.len()
    }

    fn get(&self, index: usize) -> Option<View<'_>> {
        let mut within = self.within.iter();
        let found = within.find(|(known, _)| *known == index);
        found
            .map(|(_, inner)| inner.view())
            .or_else(|| self.seq.get(index))
    }
}
