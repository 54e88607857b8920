//! How old things may get: as the configuration says, or as a project that keeps less.

use std::collections::HashMap;
use std::time::Duration;

use model::{Offset, ProjectId};

use super::imports::Imports;
use super::projects::Projects;
use crate::Keep;
use crate::sqlite::Config;

/// The ages that count for one project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ages {
    pub(super) events: Duration,
    pub(super) ended: Duration,
    /// What a paused lane holds.
    pub(super) paused: Duration,
}

impl Ages {
    fn of(config: &Config, keep: Keep) -> Self {
        let events = keep.events.unwrap_or(Duration::MAX);
        let ended = keep.ended.unwrap_or(Duration::MAX).min(events);
        Self {
            events: config.retention_age.min(events),
            ended: config.ended_max_age.min(ended),
            paused: config.paused_max_age.min(events),
        }
    }
}

/// The ages of all projects, of an import's log those of the project that it counts for; and how far a
/// round over those that keep less has come.
#[derive(Debug, Default)]
pub(super) struct Shorter {
    /// By the project's number: only those that keep less.
    ages: HashMap<i64, Ages>,
    /// Numbers of projects whose events go earlier than others', of this round; the last one is next.
    left: Vec<i64>,
    /// Where the round is within that project.
    at: Offset,
}

impl Shorter {
    /// A round begins, or goes on when the one before was cut short.
    pub(super) fn begin(
        &mut self,
        said: &HashMap<ProjectId, Keep>,
        (projects, imports): (&Projects, &Imports),
        config: &Config,
    ) {
        let known = projects
            .iter()
            .filter_map(|(id, project)| Some((project.number, Ages::of(config, *said.get(&id)?))));
        let mut ages: HashMap<_, _> = known.collect();
        let of_imports = imports.iter();
        let of_imports = of_imports.filter_map(|(log, owner)| Some((log, *ages.get(&owner)?)));
        let of_imports: Vec<_> = of_imports.collect();
        ages.extend(of_imports);
        if ages != self.ages {
            self.ages = ages;
            self.left.clear();
        }
        if self.left.is_empty() {
            let earlier = self.ages.iter();
            let earlier = earlier.filter(|(_, ages)| ages.events < config.retention_age);
            self.left = earlier.map(|(number, _)| *number).collect();
            self.at = Offset(0);
        }
    }

    pub(super) fn ages(&self, project: i64, config: &Config) -> Ages {
        let ages = self.ages.get(&project).copied();
        ages.unwrap_or_else(|| Ages::of(config, Keep::default()))
    }

    /// The project that the round is at, and where.
    pub(super) fn place(&self) -> Option<(i64, Offset)> {
        self.left.last().map(|number| (*number, self.at))
    }

    /// The chunks up to here have been looked at.
    pub(super) fn looked_at(&mut self, end: Offset) {
        self.at = end;
    }

    /// The rest of the project's events is younger.
    pub(super) fn next_project(&mut self) {
        self.left.pop();
        self.at = Offset(0);
    }
}
