//! Makes a case that differs smaller while it still differs in the same way.

use std::io;
use std::ops::Range;

use serde_json::Value;

use crate::java::FreeMarker;
use crate::verdict::{Verdict, judge};

/// Candidates tried at once.
const BATCH: usize = 200;
/// How often something may be left out of one case.
const MAX_ROUNDS: usize = 200;

/// The smallest case that was found.
pub(crate) fn shrink(
    java: &mut FreeMarker,
    case: &Value,
    verdict: Verdict,
) -> io::Result<(Value, Verdict)> {
    let signature = verdict.signature();
    let (mut smallest, mut smallest_verdict) = (case.clone(), verdict);
    for _ in 0..MAX_ROUNDS {
        let candidates = candidates(&smallest);
        let mut better = None;
        for batch in candidates.chunks(BATCH) {
            let verdicts = judge(java, batch)?;
            better = batch
                .iter()
                .zip(verdicts)
                .filter(|(_, verdict)| verdict.signature() == signature)
                .min_by_key(|(case, _)| case.to_string().len());
            if better.is_some() {
                break;
            }
        }
        let Some((case, verdict)) = better else { break };
        (smallest, smallest_verdict) = (case.clone(), verdict);
    }
    Ok((smallest, smallest_verdict))
}

fn candidates(case: &Value) -> Vec<Value> {
    let template = case["template"].as_str().unwrap_or_default();
    let mut candidates: Vec<_> = shorter(template)
        .into_iter()
        .map(|shorter| {
            let mut candidate = case.clone();
            candidate["template"] = shorter.into();
            candidate
        })
        .collect();
    for part in ["settings", "data"] {
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

/// The template with tokens left out: long runs first, then brackets without what is in them and the other way round.
fn shorter(template: &str) -> Vec<String> {
    let tokens = tokens(template);
    let mut shorter = Vec::new();
    let mut size = tokens.len() / 2;
    while size > 0 {
        for from in (0..=tokens.len() - size).step_by((size / 2).max(1)) {
            shorter.push(without(template, &tokens[from], &tokens[from + size - 1]));
        }
        size /= 2;
    }
    for (open, close) in pairs(template, &tokens) {
        let (open, close) = (&tokens[open], &tokens[close]);
        shorter.push(without(template, open, close));
        shorter.push(
            [
                &template[..open.start],
                &template[open.end..close.start],
                &template[close.end..],
            ]
            .concat(),
        );
        shorter.push([&template[..open.end], &template[close.start..]].concat());
    }
    // Whole runs of small sizes that halving may have jumped over.
    for size in 2..=8.min(tokens.len()) {
        for from in 0..=tokens.len() - size {
            shorter.push(without(template, &tokens[from], &tokens[from + size - 1]));
        }
    }
    if template.len() <= 80 {
        for (at, c) in template.char_indices() {
            shorter.push([&template[..at], &template[at + c.len_utf8()..]].concat());
        }
    }
    shorter
}

fn without(template: &str, first: &Range<usize>, last: &Range<usize>) -> String {
    [&template[..first.start], &template[last.end..]].concat()
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
