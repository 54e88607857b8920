//! One template under the linter: how it is rendered with changes, and what is wrong with an output.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use ftl::{Engine, ErrorKind, Template};
use model::Part;
use model::outcome::Discarded;

use super::asked::Asked;
use super::broken;
use super::case::Case;
use super::domain::Path;
use super::finding::Code;
use super::locate::{self, Marked};
use super::patch::{Change, Patched};
use super::regions::{self, Output};
use super::source;
use crate::json_check;
use crate::url;
use crate::views::Root;

/// What must hold of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is JSON.
    Json,
    /// It is text.
    Text,
    /// It is a URL.
    Url,
    /// It is the value of a header.
    Header,
    /// It is the same for all events, and checked at set-up: rendering it must not fail.
    Constant,
}

/// A place that a template reads, and what.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) range: Range<usize>,
    pub(super) path: Path,
}

/// A template of a definition.
pub(super) struct Target<'d> {
    pub(super) pointer: String,
    pub(super) source: &'d str,
    pub(super) part: Part,
    pub(super) mode: Mode,
    pub(super) engine: &'d Engine,
    pub(super) template: Template,
    /// The interpolations, in the order of the source.
    pub(super) interpolations: Vec<Range<usize>>,
    /// What it reads, as far as it is known.
    pub(super) reads: Vec<Read>,
    /// The names by which it reads what its source doesn't say.
    pub(super) asked: Asked,
    /// Where the first texts of branches begin.
    pub(super) texts: Vec<usize>,
    /// Whether it is of a request that follows an answer.
    pub(super) follows: bool,
}

/// A template with changes.
pub(super) struct Version {
    plain: Template,
    marked: Template,
    patched: Patched,
    marked_patched: Patched,
    changes: Vec<Change>,
    /// The same with marks before the tokens of its text, made when it is needed.
    tokens: OnceCell<Option<Marked>>,
}

/// What is wrong with one render.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    /// Where, in the original template.
    pub(super) place: Range<usize>,
    pub(super) code: Code,
    /// What was printed, if rendering did not fail.
    pub(super) output: Option<String>,
    pub(super) error: Option<String>,
}

/// What one render gave.
pub(super) struct Verdict {
    pub(super) output: Output,
    pub(super) fault: Option<Fault>,
}

impl Target<'_> {
    /// The template with `changes`; `None` when it can't be compiled.
    pub(super) fn version(&self, changes: &[Change]) -> Option<Version> {
        let patched = Patched::new(self.source, changes.to_vec())?;
        let plain = self.engine.compile(&self.pointer, &patched.text).ok()?;
        let marked_patched = Patched::new(self.source, self.marked(changes))?;
        let marked = self
            .engine
            .compile(&self.pointer, &marked_patched.text)
            .ok()?;
        Some(Version {
            plain,
            marked,
            patched,
            marked_patched,
            changes: changes.to_vec(),
            tokens: OnceCell::new(),
        })
    }

    /// `changes` with marks around what each interpolation prints.
    fn marked(&self, changes: &[Change]) -> Vec<Change> {
        let mut marked: Vec<Change> = Vec::new();
        let mut wrapped = BTreeSet::new();
        for (id, range) in self.interpolations.iter().enumerate() {
            let Some((open, close)) = regions::marks(id) else {
                break;
            };
            let around = |change: &&Change| {
                change.range.start <= range.start && range.end <= change.range.end
            };
            if let Some(change) = changes.iter().find(around) {
                if wrapped.insert(change.range.start) {
                    marked.push(Change {
                        range: change.range.clone(),
                        replacement: format!("{open}{}{close}", change.replacement),
                    });
                }
                continue;
            }
            marked.push(insertion(range.start, open));
            marked.push(insertion(range.end, close));
        }
        for (id, at) in self.texts.iter().enumerate() {
            let touches = |change: &Change| change.range.start <= *at && *at <= change.range.end;
            if let Some(mark) = regions::text_mark(id)
                && !changes.iter().any(touches)
            {
                marked.push(insertion(*at, mark));
            }
        }
        let others = changes
            .iter()
            .filter(|each| !wrapped.contains(&each.range.start));
        marked.extend(others.cloned());
        marked
    }

    /// Renders `case` with `version`. `sound` has what each interpolation printed in a sound render.
    pub(super) fn judge(&self, version: &Version, case: &Case, sound: &Printed) -> Verdict {
        let fault = match case.render_watched(&version.marked, Some(&self.asked)) {
            Err(error) => {
                let fault = self.failed(&error, case, &version.marked, &version.marked_patched);
                // Marks may be to blame: they can't be told from the text that a template captures.
                let is_real = case.render(&version.plain).is_err();
                return Verdict {
                    output: Output::default(),
                    fault: fault.filter(|_| is_real),
                };
            }
            Ok(marked) => {
                let output = Output::new(&marked);
                match self.broken(&output, case, sound) {
                    None => {
                        return Verdict {
                            output,
                            fault: None,
                        };
                    }
                    Some((id, code, error)) => (output, id, code, error),
                }
            }
        };
        let (output, id, code, error) = fault;
        let fault = match case.render(&version.plain) {
            Err(error) => self.failed(&error, case, &version.plain, &version.patched),
            Ok(text) if text == output.text => Some(Fault {
                place: match (id, code) {
                    (None, Code::InvalidJson) => self.locate(version, case, &text),
                    (id, _) => self.place(id),
                },
                code,
                output: Some(text),
                error,
            }),
            Ok(text) => {
                let unmarked = Output::new(&text);
                let broken = self.broken(&unmarked, case, sound);
                // Where white space is compressed, a mark only keeps some that is not kept without.
                let is_alike =
                    id.is_some() && without_spaces(&text) == without_spaces(&output.text);
                broken.map(|(_, other, error)| Fault {
                    place: self.place(id.filter(|_| is_alike)),
                    code: if is_alike { code } else { other },
                    output: Some(text),
                    error,
                })
            }
        };
        Verdict { output, fault }
    }

    /// What is sent in a case whose output with marks is `output`: text that a template captures has
    /// their marks in it.
    pub(super) fn sent(&self, version: &Version, case: &Case, output: Output) -> String {
        let ends = [
            "/#assign",
            "/#global",
            "/#local",
            "/#function",
            "/#compress",
            "/@",
        ];
        if !ends.iter().any(|end| self.source.contains(end)) {
            return output.text;
        }
        case.render(&version.plain).unwrap_or(output.text)
    }

    /// The place of an interpolation, or the whole template.
    fn place(&self, id: Option<usize>) -> Range<usize> {
        let found = id.and_then(|id| self.interpolations.get(id));
        found.cloned().unwrap_or(0..self.source.len())
    }

    /// The token of the template's text that makes an output no JSON; the whole template where that
    /// can't be told.
    fn locate(&self, version: &Version, case: &Case, text: &str) -> Range<usize> {
        let whole = 0..self.source.len();
        if text.trim().is_empty() {
            let pieces = source::pieces(self.source, &self.interpolations);
            let mut tags = pieces
                .into_iter()
                .filter(|piece| piece.kind == source::Kind::Tag);
            let decides = |tag: &source::Piece| {
                let name = source::name(&self.source[tag.range.clone()]);
                matches!(name, "if" | "list" | "switch")
            };
            return tags.find(decides).map_or(whole, |tag| tag.range);
        }
        let Err(Discarded::InvalidJson { line, column, .. }) = json_check::check(text.as_bytes())
        else {
            return whole;
        };
        let tokens = version
            .tokens
            .get_or_init(|| locate::mark(self, &version.changes));
        let blamed = tokens
            .as_ref()
            .and_then(|marked| marked.blamed(case, text, broken::offset(text, line, column)));
        blamed.unwrap_or(whole)
    }

    /// A render that failed; `None` when that was meant.
    fn failed(
        &self,
        error: &ftl::Error,
        case: &Case,
        template: &Template,
        patched: &Patched,
    ) -> Option<Fault> {
        let code = match error.kind() {
            ErrorKind::Stop => return None,
            // Deliveries have more of these than the linter.
            ErrorKind::Steps | ErrorKind::Output | ErrorKind::Memory | ErrorKind::Regex
                if case.is_long =>
            {
                return None;
            }
            ErrorKind::Missing => Code::MayBeMissing,
            ErrorKind::Type => Code::WrongType,
            _ => Code::RenderError,
        };
        let place = error.span().map_or(0..self.source.len(), |span| {
            let at = patched.original(&template.range(&span));
            let around = |each: &&Range<usize>| each.start <= at.start && at.end <= each.end;
            let found = self.interpolations.iter().find(around).cloned();
            found.unwrap_or_else(|| self.whole_read(at))
        });
        let message = error.message().lines().collect::<Vec<_>>().join(" ");
        Some(Fault {
            place,
            code,
            output: None,
            error: Some(message),
        })
    }

    /// The longest read that begins where `at` does: of `a.b.c`, `a.b` may be what is missing.
    fn whole_read(&self, at: Range<usize>) -> Range<usize> {
        let reads = self.reads.iter().map(|read| &read.range);
        let longer = reads.filter(|range| range.start == at.start && range.end > at.end);
        longer.max_by_key(|range| range.end).cloned().unwrap_or(at)
    }

    /// What is wrong with an output: the interpolation to blame, how, and in words.
    fn broken(
        &self,
        output: &Output,
        case: &Case,
        sound: &Printed,
    ) -> Option<(Option<usize>, Code, Option<String>)> {
        match self.mode {
            Mode::Text | Mode::Constant => None,
            Mode::Json => broken::json(output, sound),
            Mode::Url => self.broken_url(output, case, sound),
            Mode::Header => {
                let is_control = |c: char| c.is_ascii_control() && c != '\t';
                let position = output.text.find(is_control)?;
                let mut regions = output.regions.iter();
                let region = regions.find(|each| each.range.contains(&position));
                let reason = "control characters can't be sent in a header".to_owned();
                Some((
                    region.map(|each| each.id),
                    Code::InvalidHeader,
                    Some(reason),
                ))
            }
        }
    }

    fn broken_url(
        &self,
        output: &Output,
        case: &Case,
        sound: &Printed,
    ) -> Option<(Option<usize>, Code, Option<String>)> {
        let reason = url::parse(output.text.as_bytes()).err();
        let path_start = path_start(&output.text);
        let (mut in_query, mut looked_at) = (false, 0);
        for region in &output.regions {
            let text = output.of(region);
            let before = output.text.get(looked_at..region.range.start);
            in_query |= before.unwrap_or_default().contains('?');
            looked_at = region.range.end;
            let illegal =
                |c: char| !c.is_ascii_alphanumeric() && !"-._~:/?@!$&'()*+,;=%[]".contains(c);
            if reason.is_some() && text.contains(illegal) {
                return Some((Some(region.id), Code::Unescaped, reason));
            }
            // Where a value makes another path or another query of it, that is as bad.
            let splits = |c: char| match in_query {
                true => c == '&',
                false => matches!(c, '/' | '?'),
            };
            let is_events = self.reads_event(region.id);
            if region.range.start > path_start
                && is_events
                && text.contains(splits)
                && !sound.contains_in(region.id, splits)
                && case.is_possible()
            {
                let reason = "the value makes another address of it".to_owned();
                return Some((Some(region.id), Code::Unescaped, Some(reason)));
            }
        }
        let Some(reason) = reason else {
            let dots = self.dots(output, path_start)?;
            let reason =
                "a value of . or .. makes another address of it: it is discarded".to_owned();
            return case
                .is_possible()
                .then_some((Some(dots), Code::InvalidUrl, Some(reason)));
        };
        Some((None, Code::InvalidUrl, Some(reason)))
    }

    /// The interpolation that prints a whole segment of the path, where an event makes it `.` or `..`:
    /// destinations don't call what they answer of that.
    fn dots(&self, output: &Output, path_start: usize) -> Option<usize> {
        let path = output.text.split(['?', '#']).next().unwrap_or_default();
        let is_whole = |range: &Range<usize>| {
            let before = path.get(..range.start).unwrap_or_default();
            let after = path.get(range.end..);
            let ends = after.is_some_and(|after| after.is_empty() || after.starts_with('/'));
            path_start < range.start && before.ends_with('/') && ends
        };
        let mut regions = output.regions.iter();
        let found = regions.find(|region| {
            is_whole(&region.range)
                && url::is_dots(output.of(region))
                && self.reads_more_than(region.id, &[Root::Parameters, Root::Answer])
        });
        found.map(|region| region.id)
    }

    /// Whether what interpolation `id` prints depends on the event, or on an answer.
    fn reads_event(&self, id: usize) -> bool {
        self.reads_more_than(id, &[Root::Parameters])
    }

    /// Whether what interpolation `id` prints depends on something else than `roots`.
    fn reads_more_than(&self, id: usize, roots: &[Root]) -> bool {
        let Some(range) = self.interpolations.get(id) else {
            return false;
        };
        let mut reads = self.reads_at(range).peekable();
        reads.peek().is_none() || reads.any(|path| !roots.contains(&path.root))
    }

    /// Whether the way through the template depends on what is at `path`: a tag reads it, or an
    /// interpolation that compares, or that looks something up by it.
    pub(super) fn decides(&self, path: &Path) -> bool {
        let mut reads = self.reads.iter().filter(|read| read.path == *path);
        reads.any(|read| {
            let range = &read.range;
            let around = |each: &&Range<usize>| each.start <= range.start && range.end <= each.end;
            let within = self.interpolations.iter().find(around);
            within.is_none_or(|within| {
                let text = &self.source[within.clone()];
                let compares = ["==", "!=", "?then", "?switch", "?seq_"];
                let before = &self.source[within.start..range.start];
                let is_key = before.trim_end_matches(['(', ' ']).ends_with('[');
                is_key || compares.iter().any(|each| text.contains(each))
            })
        })
    }

    /// Whether what any of these interpolations prints may depend on what is at `path`. Of one that
    /// reads nothing itself, as in a macro, that isn't known.
    pub(super) fn depends(&self, printed: &[usize], path: &Path) -> bool {
        let places = printed.iter().filter_map(|id| self.interpolations.get(*id));
        places.into_iter().any(|place| {
            let mut reads = self.reads_at(place).peekable();
            reads.peek().is_none()
                || reads.any(|read| read.starts_with(path) || path.starts_with(read))
        })
    }

    /// What is read at a place.
    pub(super) fn reads_at<'t>(
        &'t self,
        place: &'t Range<usize>,
    ) -> impl Iterator<Item = &'t Path> {
        let within =
            move |each: &&Read| place.start <= each.range.start && each.range.end <= place.end;
        self.reads.iter().filter(within).map(|each| &each.path)
    }
}

/// What interpolations printed in renders that nothing was wrong with.
#[derive(Debug, Default)]
pub(super) struct Printed(BTreeMap<usize, String>);

impl Printed {
    pub(super) fn note(&mut self, output: &Output) {
        for region in &output.regions {
            let known = self.0.entry(region.id).or_default();
            if known.is_empty() {
                output.of(region).clone_into(known);
            }
        }
    }

    pub(super) fn contains_in(&self, id: usize, pattern: impl Fn(char) -> bool) -> bool {
        self.0.get(&id).is_some_and(|text| text.contains(pattern))
    }
}

fn insertion(at: usize, mark: char) -> Change {
    Change {
        range: at..at,
        replacement: mark.to_string(),
    }
}

fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Where the path of a URL begins.
fn path_start(text: &str) -> usize {
    let authority = text.find("://").map_or(0, |at| at + 3);
    let path = text[authority..].find(['/', '?']);
    path.map_or(text.len(), |at| authority + at)
}
