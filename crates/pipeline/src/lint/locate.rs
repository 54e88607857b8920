//! Where in a template the text stands that makes a body no JSON.
//!
//! The template is rendered with a mark before each token of its own text; so it shows which of them
//! stands where a reader gives up.

use std::ops::Range;

use super::case::Case;
use super::patch::{Change, Patched};
use super::source::{self, Kind, Piece};
use super::target::Target;
use ftl::Template;

/// Marks of tokens are characters of the last plane, which is for private use.
const FIRST_MARK: u32 = 0x10_0000;
/// Tokens beyond this many get no marks.
const MOST: usize = 0xFFF0;

/// A template with marks, and what they stand for.
pub(super) struct Marked {
    template: Template,
    /// The tokens, by their marks.
    tokens: Vec<Range<usize>>,
}

/// Marks the tokens of a template that `changes` leave as they are.
pub(super) fn mark(target: &Target<'_>, changes: &[Change]) -> Option<Marked> {
    let pieces = source::pieces(target.source, &target.interpolations);
    let untouched = |at: usize| {
        let within = |change: &Change| change.range.start <= at && at < change.range.end;
        !changes.iter().any(within)
    };
    let tokens: Vec<Range<usize>> = tokens(target.source, &pieces)
        .filter(|token| untouched(token.start))
        .take(MOST)
        .collect();
    let marks = tokens.iter().zip(FIRST_MARK..);
    let marks = marks.filter_map(|(token, mark)| {
        Some(Change {
            range: token.start..token.start,
            replacement: char::from_u32(mark)?.to_string(),
        })
    });
    let all = changes.iter().cloned().chain(marks).collect();
    let patched = Patched::new(target.source, all)?;
    let template = target.engine.compile(&target.pointer, &patched.text).ok()?;
    Some(Marked { template, tokens })
}

impl Marked {
    /// The token to blame for `output`, of which a reader of JSON gives up at byte `error`.
    pub(super) fn blamed(&self, case: &Case, output: &str, error: usize) -> Option<Range<usize>> {
        let marked = case.render(&self.template).ok()?;
        let mut text = String::with_capacity(output.len());
        let mut places: Vec<(usize, usize)> = Vec::new();
        for c in marked.chars() {
            let id = u32::from(c).checked_sub(FIRST_MARK);
            match id
                .map(|id| id as usize)
                .filter(|id| *id < self.tokens.len())
            {
                Some(id) => places.push((text.len(), id)),
                None => text.push(c),
            }
        }
        // Marks within what a template keeps and changes tell nothing.
        if text != output {
            return None;
        }
        let at = culprit(output, error);
        let before = places.partition_point(|(place, _)| *place <= at);
        let (_, id) = places.get(before.checked_sub(1)?)?;
        self.tokens.get(*id).cloned()
    }
}

/// The character of `output` to blame where a reader gives up at `error`: the comma before what should
/// not follow one, the bracket that is not closed, or what stands there.
fn culprit(output: &str, error: usize) -> usize {
    let bytes = output.as_bytes();
    let here = (error..bytes.len()).find(|at| !bytes[*at].is_ascii_whitespace());
    let before = (0..error.min(bytes.len())).rfind(|at| !bytes[*at].is_ascii_whitespace());
    let is_comma = |at: &usize| bytes[*at] == b',';
    match (before, here) {
        (_, Some(here)) if bytes[here] == b',' => here,
        (Some(comma), None) if is_comma(&comma) => comma,
        (Some(comma), Some(here)) if is_comma(&comma) && matches!(bytes[here], b'}' | b']') => {
            comma
        }
        (_, Some(here)) if !matches!(bytes[here], b'}' | b']') => here,
        (_, here) => unclosed(bytes)
            .or(here)
            .unwrap_or(bytes.len().saturating_sub(1)),
    }
}

/// The bracket that another kind of bracket closes, or that is open at the end.
fn unclosed(bytes: &[u8]) -> Option<usize> {
    let mut open: Vec<usize> = Vec::new();
    let (mut in_string, mut escaped) = (false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => open.push(at),
            b'}' | b']' if !in_string => {
                let begin = open.pop()?;
                if (bytes[begin] == b'{') != (*byte == b'}') {
                    return Some(begin);
                }
            }
            _ => {}
        }
    }
    open.pop()
}

/// The tokens of a template's own text: single marks of punctuation, and words.
fn tokens<'s>(source: &'s str, pieces: &'s [Piece]) -> impl Iterator<Item = Range<usize>> + 's {
    let texts = pieces.iter().filter(|piece| piece.kind == Kind::Text);
    texts.flat_map(move |piece| {
        let mut found: Vec<Range<usize>> = Vec::new();
        for (at, c) in source[piece.range.clone()].char_indices() {
            let start = piece.range.start + at;
            let end = start + c.len_utf8();
            let is_word = |c: char| !c.is_whitespace() && !",:{}[]\"'".contains(c);
            match found.last_mut() {
                Some(last)
                    if last.end == start && is_word(c) && {
                        source[last.clone()].chars().all(is_word)
                    } =>
                {
                    last.end = end;
                }
                _ if c.is_whitespace() => {}
                _ => found.push(start..end),
            }
        }
        found
    })
}
