//! Built-ins that search by text or by regular expression.

use std::rc::Rc;

use fancy_regex::Captures;

use super::utf16;
use super::{Args, Builtin, Returned, Run, define};
use crate::error::{Error, ErrorKind};
use crate::eval::{Env, Evaluated, Fault, UNCHECKED};
use crate::regex::{self, Flags, Pattern, Refused, Replacement};
use crate::syntax::ast::BuiltinCall;
use crate::value::{ListKind, Match, Str, Value};

pub(super) const TABLE: &[Builtin] = &[
    define("replace", Run::Str(replace), Args::Required(2, 3)),
    define("split", Run::Str(split), Args::Required(1, 2)),
    define("matches", Run::Str(matches), Args::Required(1, 2)),
    define("groups", Run::Items(groups), Args::None),
    define("keep_before", Run::Str(keep_before), Args::Required(1, 2)),
    define("keep_after", Run::Str(keep_after), Args::Required(1, 2)),
    define(
        "keep_before_last",
        Run::Str(keep_before_last),
        Args::Required(1, 2),
    ),
    define(
        "keep_after_last",
        Run::Str(keep_after_last),
        Args::Required(1, 2),
    ),
    define(
        "ensure_starts_with",
        Run::Str(ensure_starts_with),
        Args::Required(1, 3),
    ),
];

/// What a part of a text takes in a list, in items: its place, its characters' head, and where it is while they are counted.
pub(super) const ITEMS_OF_A_PART: usize = 3;
/// What a match takes beside its groups.
const ITEMS_OF_A_MATCH: usize = 8;
/// Parts of a replacement that are put in for a step.
const PARTS_PER_STEP: usize = 64;

fn flags<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, index: usize) -> Evaluated<'a, Flags> {
    if call.arg_count() > index {
        Ok(Flags::parse(env.arg_text(call, index)?.as_str()))
    } else {
        Ok(Flags::default())
    }
}

/// The flags of the newer built-ins, which must be strings.
fn new_flags<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, index: usize) -> Evaluated<'a, Flags> {
    if call.arg_count() > index {
        Ok(Flags::parse(env.arg_str(call, index)?.as_str()))
    } else {
        Ok(Flags::default())
    }
}

/// Translates a pattern to be looked for in `subject`; a plain text matches itself.
fn source<'a>(
    env: &mut Env<'a>,
    text: &str,
    flags: Flags,
    subject: &str,
) -> Evaluated<'a, regex::Source> {
    let quoted;
    let pattern = if flags.regex {
        text
    } else {
        quoted = format!("\\Q{}\\E", text.replace("\\E", "\\E\\\\E\\Q"));
        &quoted
    };
    let source = regex::Source::of(pattern, flags, subject).map_err(|why| refused(env, why))?;
    env.steps(source.steps())?;
    Ok(source)
}

/// Compiles a pattern to be looked for in `subject`.
fn pattern<'a>(
    env: &mut Env<'a>,
    text: &str,
    flags: Flags,
    subject: &str,
) -> Evaluated<'a, Pattern> {
    let source = source(env, text, flags, subject)?;
    let limit = env.engine.budgets.regex_backtracking;
    source.compile(limit).map_err(|why| refused(env, why))
}

fn refused<'a>(env: &Env<'a>, why: Refused) -> Fault<'a> {
    match why {
        Refused::Malformed(message) => env.failure(ErrorKind::Value, message),
        Refused::TooLarge => env.failure(ErrorKind::Regex, "the regular expression is too large"),
    }
}

fn too_long<'a>(env: &Env<'a>, call: &BuiltinCall) -> Fault<'a> {
    env.fault(
        ErrorKind::Regex,
        call.target.src,
        "the regular expression takes too many steps on this text",
    )
}

fn replace<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let search = env.arg_text(call, 0)?;
    let with = env.arg_text(call, 1)?;
    let flags = flags(env, call, 2)?;
    let (source, search, with) = (text.as_str(), search.as_str(), with.as_str());
    if !flags.regex && !flags.case_insensitive {
        if search.is_empty() {
            return replace_everywhere(env, &text, with, flags.first_only);
        }
        let count = if flags.first_only {
            usize::from(source.contains(search))
        } else {
            source.matches(search).count()
        };
        let kept = source.len() - count * search.len();
        let len = kept.saturating_add(with.len().saturating_mul(count));
        env.charge_text(len)?;
        let mut replaced = String::with_capacity(len);
        let mut end = 0;
        for (at, found) in source.match_indices(search).take(count) {
            replaced.push_str(&source[end..at]);
            replaced.push_str(with);
            end = at + found.len();
        }
        replaced.push_str(&source[end..]);
        return Ok(Some(Value::string(replaced)));
    }
    let regex = pattern(env, search, flags, source)?;
    if !regex
        .regex
        .is_match(source)
        .map_err(|_| too_long(env, call))?
    {
        // A replacement that isn't needed may be malformed.
        return Ok(Some(Value::Str(text)));
    }
    let replacement = if flags.regex {
        regex::replacement(with, &regex.regex)
            .map_err(|message| bad_replacement(env, call, message))?
    } else {
        vec![Replacement::Text(with.to_owned())]
    };
    let mut replaced = String::with_capacity(source.len());
    let mut end = 0;
    for captures in regex.occurrences(source) {
        let captures = captures.map_err(|_| too_long(env, call))?;
        env.step()?;
        let Some(whole) = captures.get(0) else { break };
        let parts = replacement.iter().map(|part| match part {
            Replacement::Text(text) => text.as_str(),
            Replacement::Group(group) => captures.get(*group).map_or("", |found| found.as_str()),
            Replacement::Named(name) => captures.name(name).map_or("", |found| found.as_str()),
        });
        env.steps(replacement.len() / PARTS_PER_STEP)?;
        let added = parts.clone().map(str::len).fold(0, usize::saturating_add);
        env.charge(added.saturating_add(whole.start() - end))?;
        env.check_text(replaced.len().saturating_add(added))?;
        replaced.push_str(&source[end..whole.start()]);
        parts.for_each(|part| replaced.push_str(part));
        end = whole.end();
        if flags.first_only {
            break;
        }
    }
    replaced.push_str(&source[end..]);
    env.made(replaced).map(Some)
}

/// Java throws exceptions for malformed replacements; since 2.3.27 FreeMarker has words of its own for one of them.
fn bad_replacement<'a>(env: &Env<'a>, call: &BuiltinCall, message: String) -> Fault<'a> {
    let is_told = message.starts_with("No group ") && env.engine.options.version.has(27);
    if !is_told && !env.engine.wraps_unchecked {
        return Fault::Error(Error::new(ErrorKind::Value, message).foreign());
    }
    match env.whole_fault(call, ErrorKind::Value, UNCHECKED) {
        Fault::Error(error) => Fault::Error(error.caused_by(Error::new(ErrorKind::Value, message))),
        missing => missing,
    }
}

/// An empty search string is found before each character and at the end.
fn replace_everywhere<'a>(
    env: &mut Env<'a>,
    text: &Str<'a>,
    with: &str,
    first_only: bool,
) -> Returned<'a> {
    let source = text.as_str();
    if first_only {
        return env.made(format!("{with}{source}")).map(Some);
    }
    let times = source.chars().count() + 1;
    let len = with.len().saturating_mul(times);
    let len = len.saturating_add(source.len());
    env.charge_text(len)?;
    let mut replaced = String::with_capacity(len);
    replaced.push_str(with);
    for c in source.chars() {
        replaced.push(c);
        replaced.push_str(with);
    }
    Ok(Some(Value::string(replaced)))
}

fn split<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let separator = env.arg_text(call, 0)?;
    let flags = flags(env, call, 1)?;
    let source = text.as_str();
    let mut ranges = Vec::new();
    if flags.regex || (flags.case_insensitive && !separator.as_str().is_empty()) {
        let regex = pattern(env, separator.as_str(), flags, source)?;
        let mut start = 0;
        for captures in regex.occurrences(source) {
            let captures = captures.map_err(|_| too_long(env, call))?;
            env.step()?;
            let Some(found) = captures.get(0) else { break };
            if found.end() == 0 {
                continue;
            }
            env.charge_items(ITEMS_OF_A_PART)?;
            ranges.push(start..found.start());
            start = found.end();
        }
        ranges.push(start..source.len());
        if flags.regex {
            // Java's regex split drops empty strings at the end.
            while start > 0 && ranges.last().is_some_and(std::ops::Range::is_empty) {
                ranges.pop();
            }
        }
    } else if separator.as_str().is_empty() {
        env.charge_items(source.chars().count().saturating_mul(ITEMS_OF_A_PART))?;
        let (units, has_halves) = utf16::units(source);
        if has_halves {
            env.has_halves.set(true);
            let units = units
                .into_iter()
                .map(|unit| Some(Value::string(unit.to_string())));
            return Ok(Some(Value::list(units.collect())));
        }
        ranges.extend(source.char_indices().map(|(at, c)| at..at + c.len_utf8()));
    } else {
        let mut start = 0;
        for (at, found) in source.match_indices(separator.as_str()) {
            env.charge_items(ITEMS_OF_A_PART)?;
            ranges.push(start..at);
            start = at + found.len();
        }
        ranges.push(start..source.len());
    }
    env.steps(ranges.len())?;
    env.charge(source.len())?;
    Ok(Some(Value::list(
        ranges
            .into_iter()
            .map(|range| Some(Value::Str(text.slice(|_| range))))
            .collect(),
    )))
}

fn matches<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let search = env.arg_text(call, 0)?;
    let flags = Flags {
        regex: true,
        ..flags(env, call, 1)?
    };
    let source = text.as_str();
    let translated = self::source(env, search.as_str(), flags, source)?;
    let limit = env.engine.budgets.regex_backtracking;
    env.steps(translated.steps())?;
    let regex = translated.compile(limit).map_err(|why| refused(env, why))?;
    let whole_regex = translated.compile_whole(limit);
    let whole_regex = whole_regex.map_err(|why| refused(env, why))?;
    let whole = whole_regex
        .captures(source)
        .map_err(|_| too_long(env, call))?;
    let groups = whole.as_ref().map_or_else(
        || Value::special_list(vec![None; whole_regex.captures_len()], ListKind::Groups),
        |captures| {
            // Groups of the whole that have matched nothing are empty; those of single matches are missing.
            let groups = group_list(captures).into_iter();
            let groups = groups.map(|group| group.or(Some(Value::str(""))));
            Value::special_list(groups.collect(), ListKind::Groups)
        },
    );
    let mut found = Vec::new();
    for captures in regex.occurrences(source) {
        let captures = captures.map_err(|_| too_long(env, call))?;
        env.step()?;
        env.charge_items(captures.len() * ITEMS_OF_A_PART + ITEMS_OF_A_MATCH)?;
        let groups_len = captures.iter().flatten().map(|group| group.as_str().len());
        env.charge(groups_len.fold(0, usize::saturating_add))?;
        let groups = group_list(&captures);
        let item = Match {
            whole: true,
            matches: groups.first().cloned().flatten().unwrap_or(Value::str("")),
            groups: Value::list(groups),
        };
        found.push(Some(Value::Match(Rc::new(item))));
    }
    let result = Match {
        whole: whole.is_some(),
        matches: Value::list(found),
        groups,
    };
    Ok(Some(Value::Match(Rc::new(result))))
}

fn group_list<'a>(captures: &Captures<'_, str>) -> Vec<Option<Value<'a>>> {
    captures
        .iter()
        .map(|group| group.map(|group| Value::string(group.as_str())))
        .collect()
}

fn groups<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Returned<'a> {
    match env.eval_opt(&call.target)? {
        Some(Value::Match(found)) => Ok(Some(found.groups.clone())),
        Some(other) => Err(env.type_fault(&call.target, "regular expression matcher", &other)),
        // The whole is to blame.
        None => Err(env.missing(call.src)),
    }
}

/// Flags that only mean something for a regular expression are an error without `r`.
fn refuse_regex_flags<'a>(env: &Env<'a>, call: &BuiltinCall, flags: Flags) -> Evaluated<'a, ()> {
    let flag = match flags {
        Flags { regex: true, .. } => return Ok(()),
        Flags {
            multi_line: true, ..
        } => "m",
        Flags { dot_all: true, .. } => "s",
        Flags { comments: true, .. } => "c",
        _ => return Ok(()),
    };
    let name = &call.name;
    let message = format!("?{name} doesn't support the \"{flag}\" flag without the \"r\" flag.");
    Err(env.failure(ErrorKind::Value, message))
}

/// Where the first occurrence of the separator is.
fn first_separator<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    text: &str,
) -> Evaluated<'a, Option<(usize, usize)>> {
    let separator = env.arg_str(call, 0)?;
    let flags = new_flags(env, call, 1)?;
    refuse_regex_flags(env, call, flags)?;
    if !flags.regex && !flags.case_insensitive {
        return Ok(text
            .find(separator.as_str())
            .map(|at| (at, at + separator.as_str().len())));
    }
    let regex = pattern(env, separator.as_str(), flags, text)?;
    let found = regex.regex.find(text).map_err(|_| too_long(env, call))?;
    Ok(found.map(|found| (found.start(), found.end())))
}

fn keep_before<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let found = first_separator(env, call, text.as_str())?;
    Ok(Some(Value::Str(text.slice(|text| {
        0..found.map_or(text.len(), |(start, _)| start)
    }))))
}

fn keep_after<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let found = first_separator(env, call, text.as_str())?;
    Ok(Some(Value::Str(text.slice(|text| {
        found.map_or(text.len(), |(_, end)| end)..text.len()
    }))))
}

/// Where the last occurrence of the separator is.
fn last_separator<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    text: &str,
) -> Evaluated<'a, Option<(usize, usize)>> {
    let separator = env.arg_str(call, 0)?;
    let flags = new_flags(env, call, 1)?;
    refuse_regex_flags(env, call, flags)?;
    if !flags.regex && !flags.case_insensitive {
        return Ok(text
            .rfind(separator.as_str())
            .map(|at| (at, at + separator.as_str().len())));
    }
    if separator.as_str().is_empty() {
        return Ok(Some((text.len(), text.len())));
    }
    let regex = pattern(env, separator.as_str(), flags, text)?;
    let mut last = None;
    let mut from = 0;
    // Occurrences may overlap.
    while let Some(found) = regex
        .regex
        .find_from_pos(text, from)
        .map_err(|_| too_long(env, call))?
    {
        env.step()?;
        last = Some((found.start(), found.end()));
        let Some(c) = text[found.start()..].chars().next() else {
            // FreeMarker looks on beyond the end.
            return Err(env.whole_fault(call, ErrorKind::Value, UNCHECKED));
        };
        from = found.start() + c.len_utf8();
    }
    Ok(last)
}

fn keep_before_last<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let found = last_separator(env, call, text.as_str())?;
    Ok(Some(Value::Str(text.slice(|text| {
        0..found.map_or(text.len(), |(start, _)| start)
    }))))
}

fn keep_after_last<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let found = last_separator(env, call, text.as_str())?;
    Ok(Some(Value::Str(text.slice(|text| {
        found.map_or(text.len(), |(_, end)| end)..text.len()
    }))))
}

fn ensure_starts_with<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let start = env.arg_str(call, 0)?;
    let (starts, prefix) = if call.arg_count() > 1 {
        let prefix = env.arg_str(call, 1)?;
        let flags = if call.arg_count() > 2 {
            let flags = new_flags(env, call, 2)?;
            refuse_regex_flags(env, call, flags)?;
            flags
        } else {
            Flags {
                regex: true,
                ..Flags::default()
            }
        };
        let regex = pattern(env, start.as_str(), flags, text.as_str())?;
        let found = regex.regex.find(text.as_str());
        let found = found.map_err(|_| too_long(env, call))?;
        (found.is_some_and(|found| found.start() == 0), prefix)
    } else {
        (text.as_str().starts_with(start.as_str()), start)
    };
    if starts {
        return Ok(Some(Value::Str(text)));
    }
    env.made(format!("{}{}", prefix.as_str(), text.as_str()))
        .map(Some)
}
