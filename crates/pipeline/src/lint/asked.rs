//! The names by which a template asks for values where it computes them: its renders show which.
//!
//! Of `input[name]` the source doesn't say what is read. So the objects that are asked in this way are
//! watched while the template is rendered, and each name that they are asked for is varied like one that
//! the template spells. Names that only hostile values bring along are not: those that the template can
//! put together of its own texts are.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::LazyLock;

use ftl::{Hash, Step};
use model::Part;
use model::definition::Definition;
use regex::Regex;

use super::domain::{self, Path};
use super::source::{Kind, Piece};
use super::target::Read;
use super::watched::{Watched, Way};
use crate::views::Root;

/// Names by which one object is asked, and is varied.
const MOST_NAMES: usize = 64;
/// Names that are kept in mind of those that one object is asked for.
const MOST_KEPT: usize = 400;
/// Objects that are watched.
const MOST_PLACES: usize = 64;
/// Paths that one read stands for.
const MOST_PATHS: usize = 200;
/// Names of one object that are looked at at all.
const MOST_LOOKED_AT: usize = 4_000;
/// Reads beyond which none stands for several paths.
const MOST_READS: usize = 20_000;
/// Texts of a template that names are put together of.
const MOST_TEXTS: usize = 1_000;
/// Longest name, in bytes.
const LONGEST: usize = 200;

/// The texts in an expression.
static TEXTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#""([^"\\]*)"|'([^'\\]*)'"#).expect("a constant pattern that tests compile")
});

/// An interpolation in a text.
static INTERPOLATIONS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[$#]\{[^}]*\}?").expect("a constant pattern that tests compile"));

/// What a template asks for by names that it computes.
pub(super) struct Asked {
    /// What it reads, as its source says.
    written: Vec<Read>,
    places: Vec<Place>,
    /// Its own texts, in small letters.
    texts: Vec<String>,
    /// The names of its own that the render that runs has asked for: of which object, which.
    current: RefCell<BTreeSet<(usize, usize)>>,
    /// Whether there are more objects than are watched.
    is_cut: bool,
}

/// An object that is asked by names that the template computes.
struct Place {
    path: Path,
    /// The names that the template spells there.
    spelt: Vec<String>,
    names: RefCell<Vec<Name>>,
    /// How many further names are looked at that are not kept in mind yet.
    left: Cell<usize>,
    /// Whether all that it holds was gone through.
    is_listed: Cell<bool>,
}

struct Name {
    text: String,
    /// Whether the template can put it together of its own texts.
    is_own: bool,
    is_varied: bool,
}

impl Asked {
    pub(super) fn new(written: Vec<Read>, source: &str, pieces: &[Piece]) -> Self {
        let mut places: Vec<Place> = Vec::new();
        let mut is_cut = false;
        for read in &written {
            let steps = &read.path.steps;
            let computed =
                (0..steps.len()).filter(|at| is_computed(read.path.root, *at, &steps[*at]));
            for at in computed {
                let path = Path {
                    root: read.path.root,
                    steps: steps[..at].to_vec(),
                };
                if places.iter().any(|place| place.path == path) {
                    continue;
                }
                is_cut |= places.len() >= MOST_PLACES;
                if places.len() < MOST_PLACES {
                    places.push(Place {
                        spelt: spelt(&written, &path),
                        path,
                        names: RefCell::default(),
                        left: Cell::new(MOST_LOOKED_AT),
                        is_listed: Cell::default(),
                    });
                }
            }
        }
        let texts = match places.is_empty() {
            true => Vec::new(),
            false => texts(source, pieces),
        };
        Self {
            written,
            places,
            texts,
            current: RefCell::default(),
            is_cut,
        }
    }

    /// Whether there is nothing to watch.
    pub(super) fn is_idle(&self) -> bool {
        self.places.is_empty()
    }

    /// The objects that are watched.
    pub(super) fn objects(&self) -> impl Iterator<Item = &Path> {
        self.places.iter().map(|place| &place.path)
    }

    /// Begins with another render.
    pub(super) fn begin(&self) {
        self.current.borrow_mut().clear();
    }

    /// Which names of its own the template has asked for since then.
    pub(super) fn of_render(&self) -> Vec<(usize, usize)> {
        self.current.borrow().iter().copied().collect()
    }

    /// A root with what is watched of it; `None` where that is nothing.
    pub(super) fn watched<'w>(&'w self, root: Root, hash: &'w dyn Hash) -> Option<Watched<'w>> {
        let places = self.places.iter().enumerate();
        let of_root = places.filter(|(_, place)| place.path.root == root);
        let ways: Vec<Way<'_>> = of_root
            .map(|(id, place)| (id, place.path.steps.as_slice()))
            .collect();
        (!ways.is_empty()).then(|| Watched::new(self, hash, &ways))
    }

    /// Has the names varied that were asked for since, all of them or only the template's own. Whether
    /// there are any.
    pub(super) fn take_up(&self, all: bool, part: Part, definition: &Definition) -> bool {
        let mut is_new = false;
        for place in &self.places {
            let mut names = place.names.borrow_mut();
            if place.is_listed.get() && place.path.steps.is_empty() {
                for text in members(place.path.root, part, definition) {
                    if names.iter().all(|name| name.text != text) {
                        names.push(Name {
                            text,
                            is_own: true,
                            is_varied: false,
                        });
                    }
                }
            }
            let mut left = MOST_NAMES.saturating_sub(varied(&names));
            for name in names.iter_mut().filter(|name| !name.is_varied) {
                // What is spelt there is asked for by that, unless it can be both.
                let counts = name.is_own || (all && !place.spelt.contains(&name.text));
                if left > 0 && counts {
                    (name.is_varied, is_new) = (true, true);
                    left -= 1;
                }
            }
        }
        is_new
    }

    /// How many names are not varied, of those that the template puts together itself; and whether there
    /// may be others that were never seen.
    pub(super) fn left_out(&self) -> (usize, bool) {
        let places = self.places.iter();
        let left_out = places.map(|place| {
            let names = place.names.borrow();
            let own = names.iter().filter(|name| name.is_own && !name.is_varied);
            own.count()
        });
        let mut places = self.places.iter();
        let is_over = places.any(|place| place.left.get() == 0);
        (left_out.sum(), self.is_cut || is_over)
    }

    /// What the template reads, with the names that are known.
    pub(super) fn reads(&self) -> Vec<Read> {
        let mut reads: Vec<Read> = Vec::new();
        for read in &self.written {
            let mut all = Vec::new();
            self.expand(read.path.root, read.path.steps.clone(), 0, &mut all);
            if reads.len() >= MOST_READS {
                all.truncate(1);
            }
            let paths = all.into_iter().map(|steps| Path {
                root: read.path.root,
                steps,
            });
            reads.extend(paths.map(|path| Read {
                range: read.range.clone(),
                path,
            }));
        }
        reads
    }

    /// `steps` with the names that are computed from step `from` on; the names come first, so that an
    /// object has them before what is said of any of its members.
    fn expand(&self, root: Root, steps: Vec<Step>, from: usize, all: &mut Vec<Vec<Step>>) {
        if all.len() >= MOST_PATHS {
            return;
        }
        let mut left = from..steps.len();
        let Some(at) = left.find(|at| is_computed(root, *at, &steps[*at])) else {
            all.push(steps);
            return;
        };
        for name in self.names(root, &steps[..at]) {
            let mut named = steps.clone();
            named[at] = Step::Key(name);
            self.expand(root, named, at + 1, all);
        }
        // What a root holds is known by its names alone.
        if at > 0 || !is_known(root) {
            self.expand(root, steps, at + 1, all);
        }
    }

    /// The names that are varied of the object at `steps`.
    fn names(&self, root: Root, steps: &[Step]) -> Vec<String> {
        let is_there = |place: &&Place| {
            let mut pairs = place.path.steps.iter().zip(steps);
            let is_like =
                |(watched, step): (&Step, &Step)| watched == step || *watched == Step::Dynamic;
            place.path.root == root && place.path.steps.len() == steps.len() && pairs.all(is_like)
        };
        let mut found: Vec<String> = Vec::new();
        for place in self.places.iter().filter(is_there) {
            for name in place.names.borrow().iter().filter(|name| name.is_varied) {
                if !found.contains(&name.text) {
                    found.push(name.text.clone());
                }
            }
        }
        found
    }

    /// Keeps in mind that all that an object holds was gone through.
    pub(super) fn note_listed(&self, id: usize) {
        self.places[id].is_listed.set(true);
    }

    /// Keeps in mind that an object was asked for `name`.
    pub(super) fn note(&self, id: usize, name: &str) {
        let mut names = self.places[id].names.borrow_mut();
        let known = names.iter().position(|each| each.text == name);
        let position = known.unwrap_or_else(|| {
            let left = &self.places[id].left;
            if left.get() == 0 {
                return usize::MAX;
            }
            left.set(left.get() - 1);
            let is_own = self.is_own(name);
            let most = if is_own { 2 * MOST_KEPT } else { MOST_KEPT };
            if names.len() < most && name.len() <= LONGEST {
                names.push(Name {
                    text: name.to_owned(),
                    is_own,
                    is_varied: false,
                });
                return names.len() - 1;
            }
            usize::MAX
        });
        if names.get(position).is_some_and(|name| name.is_own) {
            self.current.borrow_mut().insert((id, position));
        }
    }

    /// Whether the template can put `name` together of its own texts, with numbers between.
    fn is_own(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        if name.len() > LONGEST || name.bytes().all(|byte| byte.is_ascii_digit()) {
            return false;
        }
        // A letter or two are part of most texts.
        let is_part = |text: &String| name.len() > 2 && text.contains(&name);
        if self.texts.iter().any(is_part) {
            return true;
        }
        let mut ends = vec![false; name.len() + 1];
        ends[0] = true;
        for at in 0..name.len() {
            let Some(rest) = name.get(at..).filter(|_| ends[at]) else {
                continue;
            };
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            ends[at + 1..=at + digits].fill(true);
            for text in self.texts.iter().filter(|text| rest.starts_with(*text)) {
                ends[at + text.len()] = true;
            }
        }
        ends[name.len()]
    }
}

fn varied(names: &[Name]) -> usize {
    names.iter().filter(|name| name.is_varied).count()
}

/// Whether what `root` can hold is known by name.
pub(super) fn is_known(root: Root) -> bool {
    matches!(root, Root::Input | Root::Parameters | Root::Answer)
}

/// Whether the source doesn't say what step `at` is: a name that is computed, or each of what is known by
/// name.
fn is_computed(root: Root, at: usize, step: &Step) -> bool {
    *step == Step::Dynamic || (at == 0 && is_known(root) && *step == Step::Each)
}

/// What a root can hold, where it is known.
fn members(root: Root, part: Part, definition: &Definition) -> Vec<String> {
    match root {
        Root::Input => domain::fields(part).map(str::to_owned).collect(),
        Root::Parameters => {
            let parameters = definition.parameters.iter();
            parameters.map(|each| each.name.clone()).collect()
        }
        Root::Answer => ["status", "body"].map(str::to_owned).into(),
        Root::MappedFields | Root::MappedProperties => Vec::new(),
    }
}

/// The names that are spelt of the object at `path`.
fn spelt(reads: &[Read], path: &Path) -> Vec<String> {
    let within = reads.iter().filter(|read| read.path.starts_with(path));
    let next = within.filter_map(|read| match read.path.steps.get(path.steps.len()) {
        Some(Step::Key(name)) => Some(name.clone()),
        _ => None,
    });
    let next: BTreeSet<String> = next.collect();
    next.into_iter().collect()
}

/// The texts in the tags and interpolations of a template, in small letters.
fn texts(source: &str, pieces: &[Piece]) -> Vec<String> {
    let mut found = BTreeSet::new();
    let code = pieces.iter();
    let code = code.filter(|piece| matches!(piece.kind, Kind::Tag | Kind::Interpolation));
    for piece in code {
        for captures in TEXTS.captures_iter(&source[piece.range.clone()]) {
            let text = captures.iter().skip(1).flatten().next();
            let text = text.map_or("", |text| text.as_str()).to_lowercase();
            for part in INTERPOLATIONS.split(&text) {
                if !part.is_empty() && found.len() < MOST_TEXTS {
                    found.insert(part.to_owned());
                }
            }
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use ftl::View;

    use super::super::source::pieces;
    use super::*;

    fn key(name: &str) -> Step {
        Step::Key(name.to_owned())
    }

    fn asked(source: &str, root: Root, steps: &[Step]) -> Asked {
        let read = Read {
            range: 0..1,
            path: Path {
                root,
                steps: steps.to_vec(),
            },
        };
        Asked::new(vec![read], source, &pieces(source, &[]))
    }

    #[test]
    fn a_name_of_its_own_is_told_from_what_a_value_says() {
        let source = r#"<#assign a="city,Country" b='item_' c="x${a}_id">"#;
        let asked = asked(source, Root::Input, &[Step::Dynamic]);
        for name in ["country", "City", "item_12", "item_7_id", "x_id"] {
            assert!(asked.is_own(name), "{name}");
        }
        for name in ["", "plain", "\"", "item-", "items", "12", "c", "ci"] {
            assert!(!asked.is_own(name), "{name}");
        }
    }

    fn last(asked: &Asked) -> Vec<Step> {
        let reads = asked.reads().into_iter();
        let last = reads.filter_map(|read| read.path.steps.last().cloned());
        last.collect()
    }

    #[test]
    fn what_is_asked_for_takes_the_place_of_what_is_computed() {
        let steps = [key("event_properties"), Step::Each, Step::Dynamic];
        let asked = asked(r#"<#assign b="city">"#, Root::Input, &steps);
        let event = br#"{"event_properties":[{"a":1},{"a":1}]}"#;
        let event = model::json::parse(event, &model::json::Limits::OWN).unwrap();
        let event = event.as_object().unwrap();
        let is_new = |all| asked.take_up(all, Part::Event, &Definition::webhook());
        {
            let watched = asked.watched(Root::Input, event).unwrap();
            let Some(View::Seq(items)) = watched.get("event_properties") else {
                panic!("a list")
            };
            let Some(View::Hash(item)) = items.get(1) else {
                panic!("an object")
            };
            assert_eq!(item.entries().count(), 1);
            // One of the members that were listed is no news.
            assert!(item.get("a").is_some() && !is_new(true));
            assert!(item.get("b").is_none() && item.get("city").is_none());
        }
        assert_eq!(asked.of_render().len(), 1);
        assert!(is_new(false) && !is_new(false));
        assert_eq!(last(&asked), [key("city"), Step::Dynamic]);
        assert!(is_new(true));
        assert_eq!(last(&asked), [key("b"), key("city"), Step::Dynamic]);
    }

    #[test]
    fn a_root_that_is_listed_has_all_that_it_can_hold() {
        let asked = asked("", Root::Input, &[Step::Each]);
        assert!(last(&asked).is_empty());
        let event = model::json::parse(br#"{"event_type":"x"}"#, &model::json::Limits::OWN);
        let event = event.unwrap();
        {
            let watched = asked.watched(Root::Input, event.as_object().unwrap());
            assert_eq!(watched.unwrap().entries().count(), 1);
        }
        assert!(asked.take_up(false, Part::Event, &Definition::webhook()));
        assert!(last(&asked).contains(&key("city")));
        assert_eq!(asked.left_out(), (0, false));
    }
}
