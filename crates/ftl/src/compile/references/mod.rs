//! What a template reads of its data: a walk over the compiled tree in the order of execution, which follows values
//! through variables, loops, parameters, nested content and built-ins.

mod expressions;
mod nodes;
mod state;

use std::collections::{BTreeMap, HashSet};

use self::state::{Nested, Path, State};
use super::Program;
use crate::error::Span;
use crate::syntax::Src;
use crate::syntax::ast::{MacroDef, Node, NodeKind};

/// One place where a template reads a variable of its data.
///
/// A value is followed to where it comes from: after `<#assign u = input.user>`, `${u.name}` reads `input.user.name`, and
/// within `<#list input.items as i>`, `${i.id}` reads `input.items`, [`Step::Each`], `id`. Where several values are
/// possible (`(a!b).c`, a name that only one branch assigns) there is a reference for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The variable's name.
    pub root: String,
    /// What is read of it, step by step.
    pub steps: Vec<Step>,
    /// Where.
    pub span: Span,
    /// Whether a missing value of the last step is provided for, wherever the place is reached from: right there, by `!`,
    /// `??`, `?has_content`, `?if_exists` or `?default`; or by an `#if`, `#elseif`, `?then`, `&&` or `||` around it that has
    /// found this value, or one within it, to be there with `??` or `?has_content`. `#attempt` doesn't count.
    pub guarded: bool,
    /// With how many arguments it is called there, if it is: `f(1, 2)`; `items?map(f)` calls it with one.
    pub arguments: Option<usize>,
}

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// `.name` or `["name"]`
    Key(String),
    /// `[0]`
    Index(i64),
    /// A key that is known only when the template runs.
    Dynamic,
    /// Each item of a sequence, or each value of a hash.
    Each,
}

/// A reference, with its place in the source.
pub(crate) struct RawReference {
    pub(crate) root: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) src: Src,
    pub(crate) guarded: bool,
    pub(crate) arguments: Option<usize>,
}

/// About how many nodes are visited with care. After that, macros and loops are walked through only once, and the order of
/// assignments no longer matters: a variable may hold whatever is assigned to it anywhere.
const MAX_VISITS: usize = 200_000;
/// What is kept in mind of what has been found to be there.
const MAX_PRESENT: usize = 64;
/// References that are noted at most.
const MAX_REFERENCES: usize = 20_000;

/// Everything that `program` reads, in the order of the source.
pub(crate) fn references(program: &Program) -> Vec<RawReference> {
    let mut reader = Reader {
        program: Some(program),
        ..Reader::default()
    };
    reader.collect_macros(&program.nodes);
    let slots: Vec<u32> = reader.macros.keys().copied().collect();
    for slot in slots {
        reader.state.bind(State::NAMESPACE, slot, Vec::new());
    }
    reader.nodes(&program.nodes);
    reader.uncalled_macros();
    let mut found: Vec<_> = reader
        .found
        .into_iter()
        .map(|(key, how)| RawReference {
            src: Src {
                start: key.0,
                end: key.1,
            },
            root: key.2,
            steps: key.3,
            guarded: how.guarded,
            arguments: how.arguments,
        })
        .collect();
    found.sort_by_key(|reference| reference.src.start);
    found
}

/// How a value is read at one place.
#[derive(Clone, Copy)]
struct How {
    guarded: bool,
    /// With how many arguments it is called.
    arguments: Option<usize>,
}

/// The walk.
#[derive(Default)]
struct Reader<'p> {
    /// What is walked through, for the names of its variables.
    program: Option<&'p Program>,
    state: State,
    /// The frame of the running macro, or the template's own.
    frame: u32,
    frames: u32,
    /// By the slots of their names; a name may be defined more than once.
    macros: BTreeMap<u32, Vec<&'p MacroDef>>,
    called: HashSet<*const MacroDef>,
    /// The macros that are being walked through, the innermost last.
    running: Vec<&'p MacroDef>,
    nested: Option<std::rc::Rc<Nested<'p>>>,
    /// The sources of the lists whose `#items` is still to come.
    list_sources: Vec<Vec<Path>>,
    returned: Vec<Path>,
    /// Paths that have been found to be there.
    present: Vec<Path>,
    found: BTreeMap<(u32, u32, String, Vec<Step>), How>,
    visits: usize,
}

impl<'p> Reader<'p> {
    fn collect_macros(&mut self, nodes: &'p [Node]) {
        for node in nodes {
            if let NodeKind::Macro(def) = &node.kind {
                self.macros.entry(def.slot).or_default().push(def);
            }
            node.for_each_body(&mut |body| self.collect_macros(body));
        }
    }

    /// Macros that nothing here calls may be called from elsewhere.
    fn uncalled_macros(&mut self) {
        let all: Vec<_> = self.macros.values().flatten().copied().collect();
        for def in all {
            if !self.called.contains(&std::ptr::from_ref(def)) {
                self.run_macro(def, Vec::new(), None);
            }
        }
    }

    /// Notes that `paths` are read at `src`.
    fn note(&mut self, src: Src, paths: &[Path], how: How) {
        for path in paths {
            if path.containers > 0 || path.root.is_empty() || self.found.len() >= MAX_REFERENCES {
                continue;
            }
            let guarded = how.guarded || self.present.iter().any(|known| known.implies(path));
            let key = (src.start, src.end, path.root.clone(), path.steps.clone());
            // However often it is come by, the source has the same arguments there.
            let found = self.found.entry(key).or_insert(How {
                guarded: true,
                ..how
            });
            found.guarded &= guarded;
        }
    }

    fn is_exhausted(&self) -> bool {
        self.visits > MAX_VISITS
    }

    /// The variables as they are, to come back to; `None` if that would be too much work.
    fn snapshot(&mut self) -> Option<State> {
        self.visits += 1 + self.state.len();
        (!self.is_exhausted()).then(|| self.state.clone())
    }

    /// What holds if either way may have been taken.
    fn join(&mut self, other: Option<&State>) {
        match other {
            Some(other) => self.state.join(other),
            None => self.state.forget_order(),
        }
    }
}
