//! Makes a case that differs smaller while it still differs in the same way.

use std::io;
use std::ops::Range;

use serde_json::Value;

use crate::java::FreeMarker;
use crate::verdict::{Verdict, judge};

/// Candidates tried at once.
const BATCH: usize = 120;
/// How often something may be left out of one case.
const MAX_ROUNDS: usize = 60;

/// Parts of the template that may go.
type Cut = Vec<Range<usize>>;

fn cut(start: usize, end: usize) -> Cut {
    std::iter::once(start..end).collect()
}

/// The smallest case that was found.
pub(crate) fn shrink(
    java: &mut FreeMarker,
    case: &Value,
    verdict: Verdict,
) -> io::Result<(Value, Verdict)> {
    let mut smallest = (case.clone(), verdict);
    for _ in 0..MAX_ROUNDS {
        let mut shorter = None;
        for text in texts(&smallest.0) {
            if shorter.is_none() {
                shorter = shorter_template(java, &smallest, &text)?;
            }
        }
        let simpler = match shorter {
            None => simpler_surroundings(java, &smallest)?,
            some => some,
        };
        match simpler {
            Some(smaller) => smallest = smaller,
            None => break,
        }
    }
    Ok(smallest)
}

/// Leaves out as much as can go at once of what can go alone.
fn shorter_template(
    java: &mut FreeMarker,
    (case, verdict): &(Value, Verdict),
    text: &str,
) -> io::Result<Option<(Value, Verdict)>> {
    let template = text_at(case, text);
    let with = |cut: &Cut| {
        let mut candidate = case.clone();
        if let Some(place) = candidate.pointer_mut(text) {
            *place = without(template, cut).into();
        }
        candidate
    };
    let signature = verdict.signature();
    for batch in cuts(template).chunks(BATCH) {
        let candidates: Vec<_> = batch.iter().map(with).collect();
        let verdicts = judge(java, &candidates)?;
        let possible: Vec<_> = (0..batch.len())
            .filter(|&index| verdicts[index].signature() == signature)
            .collect();
        let Some(&best) = possible
            .iter()
            .min_by_key(|&&index| text_at(&candidates[index], text).len())
        else {
            continue;
        };
        let all: Cut = possible
            .iter()
            .flat_map(|&index| batch[index].iter().cloned())
            .collect();
        let together = with(&all);
        let verdict = judge(java, std::slice::from_ref(&together))?.pop();
        return Ok(match verdict {
            Some(verdict) if verdict.signature() == signature => Some((together, verdict)),
            _ => candidates.into_iter().zip(verdicts).nth(best),
        });
    }
    Ok(None)
}

/// Where the case has templates, as JSON pointers.
fn texts(case: &Value) -> Vec<String> {
    let others = case["templates"].as_object().into_iter().flatten();
    std::iter::once("/template".to_owned())
        .chain(others.map(|(name, _)| format!("/templates/{}", name.replace('/', "~1"))))
        .collect()
}

fn text_at<'c>(case: &'c Value, pointer: &str) -> &'c str {
    case.pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn simpler_surroundings(
    java: &mut FreeMarker,
    (case, verdict): &(Value, Verdict),
) -> io::Result<Option<(Value, Verdict)>> {
    let signature = verdict.signature();
    for batch in surroundings(case).chunks(BATCH) {
        let found = batch
            .iter()
            .zip(judge(java, batch)?)
            .find(|(_, verdict)| verdict.signature() == signature);
        if let Some((case, verdict)) = found {
            return Ok(Some((case.clone(), verdict)));
        }
    }
    Ok(None)
}

/// The case with less in its settings and data.
fn surroundings(case: &Value) -> Vec<Value> {
    let mut candidates = Vec::new();
    for part in ["settings", "data", "templates"] {
        if case[part].as_object().is_some_and(|map| !map.is_empty()) {
            let mut candidate = case.clone();
            candidate[part] = serde_json::json!({});
            candidates.push(candidate);
        }
        for key in case[part]
            .as_object()
            .into_iter()
            .flat_map(|map| map.keys())
        {
            let mut candidate = case.clone();
            if let Some(map) = candidate[part].as_object_mut() {
                map.shift_remove(key);
            }
            candidates.push(candidate);
        }
    }
    for (key, value) in case["data"].as_object().into_iter().flatten() {
        for simple in simpler(value) {
            let mut candidate = case.clone();
            candidate["data"][key] = simple;
            candidates.push(candidate);
        }
    }
    candidates
}

fn simpler(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) if text.len() > 1 => text
            .char_indices()
            .map(|(at, c)| [&text[..at], &text[at + c.len_utf8()..]].concat().into())
            .collect(),
        Value::Number(number) if number.as_i64() != Some(1) => vec![1.into()],
        Value::Array(items) => (0..items.len())
            .map(|left_out| {
                let mut items = items.clone();
                items.remove(left_out);
                items.into()
            })
            .collect(),
        Value::Object(map) => map
            .keys()
            .map(|left_out| {
                let mut map = map.clone();
                map.shift_remove(left_out);
                map.into()
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// What to leave out: long runs of tokens first, then brackets without what is in them and the other way round.
fn cuts(template: &str) -> Vec<Cut> {
    let tokens = tokens(template);
    let run = |from: usize, size: usize| cut(tokens[from].start, tokens[from + size - 1].end);
    let mut cuts = Vec::new();
    let mut size = tokens.len() / 2;
    while size > 1 {
        cuts.extend(
            (0..=tokens.len() - size)
                .step_by(size.div_ceil(2))
                .map(|from| run(from, size)),
        );
        size /= 2;
    }
    for (open, close) in pairs(template, &tokens) {
        let (open, close) = (tokens[open].clone(), tokens[close].clone());
        cuts.push(cut(open.start, close.end));
        cuts.push(cut(open.end, close.start));
        cuts.push(vec![open, close]);
    }
    for size in 1..=8.min(tokens.len()) {
        cuts.extend((0..=tokens.len() - size).map(|from| run(from, size)));
    }
    if template.len() <= 80 {
        cuts.extend(
            template
                .char_indices()
                .map(|(at, c)| cut(at, at + c.len_utf8())),
        );
    }
    cuts
}

fn without(template: &str, cut: &Cut) -> String {
    template
        .char_indices()
        .filter(|(at, _)| !cut.iter().any(|range| range.contains(at)))
        .map(|(_, c)| c)
        .collect()
}

/// Words, and everything else character by character.
fn tokens(template: &str) -> Vec<Range<usize>> {
    let mut tokens: Vec<Range<usize>> = Vec::new();
    let mut in_word = false;
    for (at, c) in template.char_indices() {
        let word = c.is_alphanumeric() || c == '_';
        match tokens.last_mut() {
            Some(last) if word && in_word => last.end = at + c.len_utf8(),
            _ => tokens.push(at..at + c.len_utf8()),
        }
        in_word = word;
    }
    tokens
}

/// Brackets that belong together, and tags with their ends.
fn pairs(template: &str, tokens: &[Range<usize>]) -> Vec<(usize, usize)> {
    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut pairs = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let text = &template[token.clone()];
        let opening = match text {
            "(" | "[" | "{" | "<" => {
                open.push((index, text));
                continue;
            }
            ")" => "(",
            "]" => "[",
            "}" => "{",
            ">" => "<",
            _ => continue,
        };
        if let Some(at) = open.iter().rposition(|(_, text)| *text == opening) {
            pairs.push((open[at].0, index));
            open.truncate(at);
        }
    }
    pairs
}
