//! What variables may hold.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Step;
use crate::syntax::ast::Node;

/// Where a value comes from in the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// Empty for the data as a whole.
    pub(super) root: String,
    pub(super) steps: Vec<Step>,
    /// How many sequences or hashes that the template makes are around it.
    pub(super) containers: u8,
}

/// Steps that a path keeps.
const MAX_STEPS: usize = 32;
/// Origins that a value keeps.
const MAX_ORIGINS: usize = 16;

impl Path {
    pub(super) fn root(name: &str) -> Self {
        Self {
            root: name.to_owned(),
            steps: Vec::new(),
            containers: 0,
        }
    }

    /// What `step` leads to.
    pub(super) fn then(mut self, step: Step) -> Self {
        if self.containers > 0 {
            self.containers -= 1;
        } else if let (true, Step::Key(name)) = (self.root.is_empty(), &step) {
            self.root.clone_from(name);
        } else if self.steps.len() < MAX_STEPS {
            self.steps.push(step);
        }
        self
    }

    /// It as an item of something that the template makes.
    pub(super) fn contained(mut self) -> Self {
        self.containers = self.containers.saturating_add(1);
        self
    }

    /// Whether `other` is there if this is: it is the same, or this is within it.
    pub(super) fn implies(&self, other: &Self) -> bool {
        self.containers == 0 && self.root == other.root && self.steps.starts_with(&other.steps)
    }
}

/// What `step` leads to from each.
pub(super) fn then(paths: Vec<Path>, step: &Step) -> Vec<Path> {
    let mut found = Vec::new();
    merge(
        &mut found,
        paths
            .into_iter()
            .map(|path| path.then(step.clone()))
            .collect(),
    );
    found
}

pub(super) fn contained(paths: Vec<Path>) -> Vec<Path> {
    paths.into_iter().map(Path::contained).collect()
}

pub(super) fn merge(paths: &mut Vec<Path>, others: Vec<Path>) {
    for path in others {
        if paths.len() < MAX_ORIGINS && !paths.contains(&path) {
            paths.push(path);
        }
    }
}

/// The content of a call, and where it runs.
pub(super) struct Nested<'p> {
    pub(super) body: &'p [Node],
    pub(super) loop_vars: &'p [(Box<str>, u32)],
    pub(super) frame: u32,
    pub(super) outer: Option<Rc<Nested<'p>>>,
}

/// What a variable may hold at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) origins: Vec<Path>,
    /// Whether it is set whatever way led there.
    pub(super) is_certain: bool,
}

/// All variables at a place, by frame and slot.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub(super) struct State {
    variables: BTreeMap<(u32, u32), Bound>,
    /// Whether assignments only add to what variables may hold.
    only_adds: bool,
}

impl State {
    pub(super) const NAMESPACE: u32 = u32::MAX;
    pub(super) const GLOBALS: u32 = u32::MAX - 1;

    pub(super) fn get(&self, frame: u32, slot: u32) -> Option<&Bound> {
        self.variables.get(&(frame, slot))
    }

    pub(super) fn bind(&mut self, frame: u32, slot: u32, origins: Vec<Path>) {
        let is_loose = frame >= Self::GLOBALS && self.only_adds;
        if is_loose && let Some(bound) = self.variables.get_mut(&(frame, slot)) {
            merge(&mut bound.origins, origins);
            return;
        }
        let bound = Bound {
            origins,
            is_certain: !is_loose,
        };
        self.variables.insert((frame, slot), bound);
    }

    pub(super) fn forget_order(&mut self) {
        self.only_adds = true;
    }

    pub(super) fn len(&self) -> usize {
        self.variables.len()
    }

    pub(super) fn unbind(&mut self, frame: u32, slot: u32) {
        self.variables.remove(&(frame, slot));
    }

    /// Forgets the variables of a frame.
    pub(super) fn leave(&mut self, frame: u32) {
        let slots = (frame, 0)..=(frame, u32::MAX);
        while let Some((key, _)) = self.variables.range(slots.clone()).next() {
            let key = *key;
            self.variables.remove(&key);
        }
    }

    /// What holds if either way may have been taken.
    pub(super) fn join(&mut self, other: &Self) {
        for (key, bound) in &mut self.variables {
            match other.variables.get(key) {
                Some(same) => {
                    bound.is_certain &= same.is_certain;
                    merge(&mut bound.origins, same.origins.clone());
                }
                None => bound.is_certain = false,
            }
        }
        for (key, bound) in &other.variables {
            self.variables.entry(*key).or_insert_with(|| Bound {
                origins: bound.origins.clone(),
                is_certain: false,
            });
        }
    }
}
