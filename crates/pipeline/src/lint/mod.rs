//! Faults of templates that show only with certain events, each proven by a render.
//!
//! The linter reads from a template which values it uses, looks up what can occur there, and renders
//! it with each: from a plain base one value at a time, then with several missing at once, and from
//! every base that takes another way through the template. An output that is not what its place
//! needs, or a render that fails, is the proof of a fault; what cannot be broken is passed over in
//! silence. Mends are tried in the same way: one is proposed only if nothing breaks with it.
//!
//! A request that follows an answer is rendered with answers that have all that its templates read: texts
//! there are varied, since destinations quote what they were sent, but neither left out nor of another
//! type, which only the destination can tell.
//!
//! Which interpolation is to blame shows in the output, where marks stand around what each printed.
//! A fault often hides those behind it; so what was found is mended, and the search goes on until
//! nothing new is found. Part of the time is kept for the mends, so that a search which ends early has some
//! of what it has found.

mod advice;
mod asked;
mod base;
mod broken;
mod candidates;
mod case;
mod domain;
mod explore;
mod expression;
mod finding;
mod literals;
mod locate;
mod mend;
mod patch;
mod patterns;
mod reach;
mod regions;
mod report;
mod same;
mod search;
mod seen;
mod separators;
mod source;
mod structure;
mod target;
mod until;
mod values;
mod varied;
mod watched;

use std::sync::Arc;

use ftl::{Budgets, Engine, Step, Template};
use model::definition::{Definition, Header, Payload};
use model::{Clock, Event, Part};

use crate::check::sections;
use crate::json_check::is_json;
use crate::problem::pointer;
use crate::template::{self, has_special, has_tags};
use crate::views::{ANSWER, Root};
use asked::Asked;
use domain::Path;
use explore::Budget;
use target::{Mode, Read, Target};
use until::Watch;

pub use finding::{Code, Edit, Finding, Left, Linted, Proof, Severity};
pub use seen::{Seen, Type};
pub use until::Until;

/// Findings beyond this many help nobody.
const MOST_FINDINGS: usize = 100;
/// Renders for one definition.
const RENDERS: u32 = 20_000;
/// What they may read and print together, in bytes.
const WORK: usize = 400 << 20;

/// What one render may use up: much less than a delivery's, as there are many.
const BUDGETS: Budgets = Budgets {
    steps: 50_000,
    output_bytes: 1 << 20,
    depth: 200,
    memory_bytes: 4 << 20,
    regex_backtracking: 50_000,
    number_digits: 1_000,
};

/// Looks for faults in the templates of `definition`. `samples` are real events, if there are any:
/// they serve as bases, and show which types values usually have. `clock` is what templates see as
/// `.now`.
///
/// Templates that can't be compiled are passed over: [`check`](crate::check) tells of them. The
/// findings come in the order of the definition, at most 100. What the bounds on time have kept it from
/// looking at is named.
#[must_use]
pub fn lint(definition: &Definition, samples: &[Event], clock: &Arc<dyn Clock>) -> Linted {
    lint_received(definition, samples, &Seen::default(), clock)
}

/// The same with what is known of the types of values in all events that were received, of which `samples`
/// are a few.
#[must_use]
pub fn lint_received(
    definition: &Definition,
    samples: &[Event],
    seen: &Seen,
    clock: &Arc<dyn Clock>,
) -> Linted {
    lint_until(definition, (samples, seen), clock, Until::default())
}

/// The same, but not for longer than `until` says.
#[must_use]
pub fn lint_until(
    definition: &Definition,
    (samples, seen): (&[Event], &Seen),
    clock: &Arc<dyn Clock>,
    until: Until,
) -> Linted {
    let mut linted = Linted::default();
    let Ok(engine) = template::engine(clock, BUDGETS) else {
        linted.leave("", "the template engine can't be set up");
        return linted;
    };
    let mut budget = Budget {
        renders: RENDERS,
        bytes: WORK,
        weight: 0,
        is_short: false,
        watch: Watch::new(clock, until),
    };
    let mut targets: Vec<Target<'_>> = sections(definition)
        .flat_map(|(at, payload)| targets(at, payload, &engine))
        .collect();
    let count = targets.len();
    for (position, target) in targets.iter_mut().enumerate() {
        if budget.watch.is_over() {
            linted.leave(&target.pointer, "not looked at: time ran out before");
            continue;
        }
        let share = u32::try_from(count - position).unwrap_or(u32::MAX);
        let mut own = Budget {
            renders: budget.renders / share,
            bytes: budget.bytes / (count - position),
            weight: 0,
            is_short: false,
            watch: budget.watch.share(share),
        };
        let (renders, bytes) = (own.renders, own.bytes);
        let found = search::faults(target, definition, (samples, seen), &mut own);
        linted.findings.extend(found.findings);
        for message in found.left {
            linted.leave(&target.pointer, message);
        }
        budget.renders -= renders - own.renders;
        budget.bytes -= bytes - own.bytes;
    }
    if linted.findings.len() > MOST_FINDINGS {
        let pointer = linted.findings[MOST_FINDINGS].pointer.clone();
        linted.findings.truncate(MOST_FINDINGS);
        linted.leave(
            &pointer,
            "there are more faults than are shown: mend these first",
        );
    }
    linted
}

/// The templates of a payload that stands at `at`.
fn targets<'d>(at: &str, payload: &'d Payload, engine: &'d Engine) -> Vec<Target<'d>> {
    let part = if at == "/users" {
        Part::User
    } else {
        Part::Event
    };
    let mut found = Vec::new();
    let mut add = |at: String, source: &'d str, mode: Mode| {
        found.extend(target(at, source, mode, part, engine));
    };
    add(pointer(at, "url"), &payload.url, Mode::Url);
    for (position, header) in payload
        .headers
        .iter()
        .enumerate()
        .take(crate::headers::MOST)
    {
        let at = pointer(&pointer(at, "headers"), position);
        // Like a value that only parameters go into, it is checked when somebody fills them in.
        add(pointer(&at, "name"), &header.name, Mode::Constant);
        add(pointer(&at, "value"), &header.value, Mode::Header);
    }
    let of_body = match promises_json(&payload.headers) {
        true => Mode::Json,
        false => Mode::Text,
    };
    if let Some(body) = &payload.body {
        add(pointer(at, "body"), body, of_body);
    }
    if let Some(next) = &payload.follow_up {
        // It takes the headers of the request before.
        let at = pointer(at, "follow_up");
        add(pointer(&at, "url"), &next.url, Mode::Url);
        if let Some(body) = &next.body {
            add(pointer(&at, "body"), body, of_body);
        }
        let of_next = |target: &&mut Target<'_>| target.pointer.starts_with(&at);
        let of_next = found.iter_mut().filter(of_next);
        of_next.for_each(|target| target.follows = true);
    }
    found
}

/// Whether the content type says JSON, as it does where none is given.
fn promises_json(headers: &[Header]) -> bool {
    let mut given = headers.iter();
    let given = given.find(|header| header.name.eq_ignore_ascii_case("content-type"));
    given.is_none_or(|header| match has_tags(&header.value) {
        true => header.value.contains("json"),
        false => is_json(header.value.as_bytes()),
    })
}

fn target<'d>(
    pointer: String,
    source: &'d str,
    mode: Mode,
    part: Part,
    engine: &'d Engine,
) -> Option<Target<'d>> {
    if !has_tags(source) && mode != Mode::Json {
        return None;
    }
    let template = engine.compile(&pointer, source).ok()?;
    let reads: Vec<Read> = template
        .references()
        .into_iter()
        .filter_map(|reference| {
            let path = Path {
                root: root(&reference.root)?,
                steps: reference.steps,
            };
            Some(Read {
                range: template.range(&reference.span),
                path,
            })
        })
        .collect();
    let mode = match mode {
        Mode::Url | Mode::Header if is_constant(&template, &reads) => Mode::Constant,
        mode => mode,
    };
    let interpolations = template.interpolations();
    let pieces = source::pieces(source, &interpolations);
    let texts = reach::texts(source, &pieces);
    let asked = Asked::new(reads, source, &pieces);
    Some(Target {
        texts,
        pointer,
        source,
        part,
        mode,
        engine,
        interpolations,
        template,
        reads: asked.reads(),
        asked,
        follows: false,
    })
}

/// A name that templates use. Where there is no answer, the check has said so.
fn root(name: &str) -> Option<Root> {
    let answer = || (name == ANSWER).then_some(Root::Answer);
    Root::named(name).or_else(answer)
}

/// Whether it is rendered once, when a sync is set up.
fn is_constant(template: &Template, reads: &[Read]) -> bool {
    let tagged = ["<#", "<@", "[#", "[@"]
        .iter()
        .any(|tag| template.source().contains(tag));
    let of_parameter = |read: &Read| {
        read.path.root == Root::Parameters && matches!(read.path.steps.first(), Some(Step::Key(_)))
    };
    !tagged && !has_special(template.source()) && reads.iter().all(of_parameter)
}
