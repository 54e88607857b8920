//! The paths that a template reads, and what can be there.

use std::collections::BTreeSet;

use ftl::Step;
use model::definition::Definition;

use super::asked;
use super::domain::{self, Domain, Path};
use super::target::Target;
use crate::views::Root;

/// Paths that are varied.
const MOST_PATHS: usize = 400;

/// A path that is varied.
pub(super) struct Varied<'d> {
    pub(super) path: Path,
    pub(super) domain: Domain<'d>,
    /// Whether it is read itself, and not only what is within.
    pub(super) is_read: bool,
    /// Whether the way through the template depends on it.
    pub(super) decides: bool,
}

/// The paths that a template reads, with those that lead to them; and how many were left out.
pub(super) fn varied<'d>(
    target: &Target<'_>,
    definition: &'d Definition,
) -> (Vec<Varied<'d>>, usize) {
    let mut paths: Vec<Path> = Vec::new();
    let mut left_out: BTreeSet<Path> = BTreeSet::new();
    let mut add = |path: Path| {
        if paths.contains(&path) {
            return;
        }
        if paths.len() < MOST_PATHS {
            paths.push(path);
        } else {
            left_out.insert(path);
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
        decides: target.decides(&path),
        path,
    });
    // The event as a whole is varied by its parts, those by names that are computed too.
    let varied = varied
        .filter(|each| match each.path.steps.first() {
            None => each.path.root == Root::MappedProperties,
            Some(Step::Key(_)) => true,
            Some(_) => !asked::is_known(each.path.root),
        })
        .collect();
    (varied, left_out.len())
}
