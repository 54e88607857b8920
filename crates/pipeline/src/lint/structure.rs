//! Mends of a template's own commas, brackets and quotes.

use std::borrow::Cow;
use std::ops::Range;

use super::expression::{delimited, tight};
use super::patch::Change;
use super::source::{self, Kind, Piece, arguments, is_end, name};
use super::target::Target;

/// Siblings that a condition is made of.
const MOST_SIBLINGS: usize = 20;
/// Tags that a comma is moved behind.
const MOST_TAGS: usize = 4;

/// Edits worth a try where the text at `place` makes a body no JSON, the smallest first.
pub(super) fn candidates(target: &Target<'_>, place: &Range<usize>) -> Vec<Change> {
    let source = target.source;
    let pieces = source::pieces(source, &target.interpolations);
    let around = |piece: &Piece| piece.range.start <= place.start && place.end <= piece.range.end;
    let Some(index) = pieces.iter().position(around) else {
        return Vec::new();
    };
    let outline = Outline {
        source,
        pieces: &pieces,
        index,
        place,
        square: source::is_square(source),
    };
    if pieces[index].kind == Kind::Tag {
        return outline.nothing_to_send();
    }
    let mut found = match &source[place.clone()] {
        "," => outline.comma(),
        "'" => outline.quotes(),
        "{" | "[" => outline.unclosed(),
        "}" | "]" => vec![change(place.clone(), "")],
        word if word.chars().all(|c| c.is_ascii_alphabetic() || c == '_') => {
            vec![change(place.clone(), &format!("\"{word}\""))]
        }
        _ => Vec::new(),
    };
    found.extend(outline.missing_comma());
    found.extend(outline.broken_line());
    found.extend(outline.separated());
    found
}

/// A comma between the items of the list around the interpolation at `place`, where what it prints is followed by
/// the next without one.
pub(super) fn between_items(target: &Target<'_>, place: &Range<usize>) -> Option<Change> {
    let source = target.source;
    let pieces = source::pieces(source, &target.interpolations);
    let outline = Outline {
        source,
        index: pieces.iter().position(|piece| piece.range == *place)?,
        pieces: &pieces,
        place,
        square: source::is_square(source),
    };
    let (_, end) = outline.list()?;
    Some(change(end..end, &outline.sep()))
}

/// A template's pieces around the place to blame.
pub(super) struct Outline<'t> {
    pub(super) source: &'t str,
    pub(super) pieces: &'t [Piece],
    /// The piece that holds the place.
    pub(super) index: usize,
    pub(super) place: &'t Range<usize>,
    square: bool,
}

impl<'t> Outline<'t> {
    pub(super) fn text(&self, piece: &Piece) -> &'t str {
        &self.source[piece.range.clone()]
    }

    pub(super) fn is_tag(&self, piece: &Piece, of: &str, end: bool) -> bool {
        let text = self.text(piece);
        piece.kind == Kind::Tag && name(text) == of && is_end(text) == end
    }

    pub(super) fn is_blank(&self, piece: &Piece) -> bool {
        match piece.kind {
            Kind::Text => self.text(piece).trim().is_empty(),
            Kind::Comment => true,
            Kind::Tag => matches!(name(self.text(piece)), "assign" | "local" | "global"),
            Kind::Interpolation => false,
        }
    }

    /// A tag in the template's own syntax.
    pub(super) fn tag(&self, inner: &str) -> String {
        match self.square {
            true => format!("[{inner}]"),
            false => format!("<{inner}>"),
        }
    }

    fn conditional_comma(&self, conditions: &[Cow<'_, str>]) -> Option<String> {
        let condition = match conditions {
            [] => return None,
            [only] => only.to_string(),
            several => {
                let each = several.iter().map(|each| format!("({each})"));
                each.collect::<Vec<_>>().join(" || ")
            }
        };
        let (open, close) = (self.tag(&format!("#if {condition}")), self.tag("/#if"));
        Some([&open, ",", &close].concat())
    }

    /// A comma too many: it goes, stands between the items of a list only, moves to what it belongs to,
    /// or depends on whether there is something beside it.
    fn comma(&self) -> Vec<Change> {
        let mut found = Vec::new();
        if self.list().is_some() {
            found.push(change(self.place.clone(), &self.sep()));
            found.extend(self.conditional().map(|range| change(range, &self.sep())));
            found.extend(self.separated());
            found.extend(self.led());
            found.extend(self.trailed());
        }
        found.push(change(self.place.clone(), ""));
        let mut tags = 0;
        for piece in &self.pieces[self.index + 1..] {
            let between = &self.source[self.place.end..piece.range.start];
            if piece.kind == Kind::Interpolation || tags == MOST_TAGS {
                break;
            }
            if piece.kind == Kind::Tag {
                tags += 1;
                let to = &self.source[self.place.end..piece.range.end];
                found.push(change(
                    self.place.start..piece.range.end,
                    &format!("{to}, "),
                ));
            } else if !self.is_blank(piece) || !between.trim().is_empty() && tags == 0 {
                break;
            }
        }
        let after = self.conditions_after();
        let before = self.conditions_before();
        for conditions in [&after[..1.min(after.len())], &after[..], &before[..]] {
            let comma = self.conditional_comma(conditions);
            found.extend(comma.map(|comma| change(self.place.clone(), &comma)));
        }
        found
    }

    /// A comma that is not there.
    fn missing_comma(&self) -> Vec<Change> {
        let at = self.place.start..self.place.start;
        let mut found = vec![change(at.clone(), ",")];
        if let Some((list, end)) = self.list() {
            found.push(change(self.place.start..end, &{
                self.source[self.place.start..end].to_owned() + &self.sep()
            }));
            // One that comes at the wrong times.
            let within = self.conditionals(list.range.end..end);
            found.extend(within.map(|range| change(range, &self.sep())));
        }
        let comma = self.conditional_comma(&self.conditions_before());
        found.extend(comma.map(|comma| change(at, &comma)));
        found
    }

    /// On what it depends whether what the tag of a condition or list begins prints anything.
    fn condition(&self, tag: &Piece) -> Cow<'t, str> {
        let arguments = arguments(self.text(tag));
        match arguments.rsplit_once(" as ") {
            Some((listed, _)) if self.is_tag(tag, "list", false) => {
                Cow::Owned(tight(listed.trim()) + "?has_content")
            }
            _ => Cow::Borrowed(arguments),
        }
    }

    /// The conditions of the siblings that come next, behind the end of what the place is in.
    fn conditions_after(&self) -> Vec<Cow<'t, str>> {
        let rest = &self.source[self.place.end..self.pieces[self.index].range.end];
        if !rest.trim().is_empty() {
            return Vec::new();
        }
        let mut conditions = Vec::new();
        let mut pieces = self.pieces[self.index + 1..].iter();
        while let Some(piece) = pieces.next() {
            if conditions.len() >= MOST_SIBLINGS {
                break;
            }
            let mut begins = ["if", "list"].into_iter();
            if let Some(tag) = begins.find(|tag| self.is_tag(piece, tag, false)) {
                conditions.push(self.condition(piece));
                let mut depth = 1;
                while depth > 0 {
                    let Some(piece) = pieces.next() else { break };
                    depth += i32::from(self.is_tag(piece, tag, false));
                    depth -= i32::from(self.is_tag(piece, tag, true));
                }
            } else if !self.is_blank(piece) && !self.is_tag(piece, "if", true) {
                break;
            }
        }
        conditions
    }

    /// The conditions of the siblings that come before, in the order of the template.
    fn conditions_before(&self) -> Vec<Cow<'t, str>> {
        let first = &self.source[self.pieces[self.index].range.start..self.place.start];
        if !first.trim().is_empty() {
            return Vec::new();
        }
        let mut conditions = Vec::new();
        let mut pieces = self.pieces[..self.index].iter().rev();
        while let Some(piece) = pieces.next() {
            if conditions.len() >= MOST_SIBLINGS {
                break;
            }
            let mut ends = ["if", "list"].into_iter();
            if let Some(tag) = ends.find(|tag| self.is_tag(piece, tag, true)) {
                let mut depth = 1;
                while depth > 0 {
                    let Some(piece) = pieces.next() else { break };
                    depth += i32::from(self.is_tag(piece, tag, true));
                    depth -= i32::from(self.is_tag(piece, tag, false));
                    if depth == 0 {
                        conditions.push(self.condition(piece));
                    }
                }
            } else if !self.is_blank(piece) && !self.is_tag(piece, "if", false) {
                break;
            }
        }
        conditions.reverse();
        conditions
    }

    /// Single quotes, which JSON doesn't know, around text and what is printed.
    fn quotes(&self) -> Vec<Change> {
        let (mut plain, mut escaped) = (String::from("\""), String::from("\""));
        for piece in &self.pieces[self.index..] {
            let from = piece.range.start.max(self.place.end);
            let text = &self.source[from..piece.range.end];
            match piece.kind {
                Kind::Text => {
                    let end = text.find(['\'', '"', '\\', '\n']);
                    let inner = &text[..end.unwrap_or(text.len())];
                    for quoted in [&mut plain, &mut escaped] {
                        quoted.push_str(inner);
                    }
                    let Some(end) = end else { continue };
                    if !text[end..].starts_with('\'') {
                        break;
                    }
                    let range = self.place.start..from + end + 1;
                    let all =
                        [plain, escaped].map(|quoted| change(range.clone(), &(quoted + "\"")));
                    return all.into();
                }
                Kind::Interpolation => {
                    plain.push_str(text);
                    let Some((open, expression, close)) = delimited(text) else {
                        break;
                    };
                    escaped += &[open, &tight(expression), "?json_string", close].concat();
                }
                Kind::Tag | Kind::Comment => break,
            }
        }
        Vec::new()
    }

    /// Line breaks and tabs within a string, as JSON writes them.
    fn broken_line(&self) -> Option<Change> {
        let piece = &self.pieces[self.index];
        let before = &self.source[piece.range.start..self.place.start];
        let blank = before.len() - before.trim_end().len();
        let start = self.place.start - blank;
        let rest = &self.source[start..piece.range.end];
        let mut replacement = String::new();
        let mut escaped = false;
        let is_raw = |c: char| c.is_ascii_control();
        let end = rest.char_indices().find_map(|(at, c)| {
            match c {
                '"' if !escaped => return Some(at),
                '\n' => replacement.push_str("\\n"),
                '\r' => replacement.push_str("\\r"),
                '\t' => replacement.push_str("\\t"),
                c => replacement.push(c),
            }
            escaped = c == '\\' && !escaped;
            None
        });
        let end = end.unwrap_or(rest.len());
        let has_raw = rest[..end].contains(is_raw);
        has_raw.then(|| change(start..start + end, &replacement))
    }

    /// A bracket that nothing closes, or that only something that may not be there does.
    fn unclosed(&self) -> Vec<Change> {
        let close = match &self.source[self.place.clone()] {
            "{" => "}",
            _ => "]",
        };
        let mut found = Vec::new();
        for pieces in self.pieces[self.index..].windows(3) {
            if let [open, text, end] = pieces
                && self.is_tag(open, "if", false)
                && self.is_tag(end, "if", true)
                && self.text(text).trim() == close
            {
                found.push(change(open.range.start..end.range.end, close));
            }
        }
        let rest = self.place.end..self.pieces[self.index].range.end;
        let closing = self.source[rest.clone()].match_indices(['}', ']']).take(4);
        found.extend(closing.map(|(at, _)| change(rest.start + at..rest.start + at, close)));
        let end = self.source.trim_end().len();
        found.push(change(end..end, close));
        found
    }

    /// Where a template prints nothing, it can say that nothing is to be sent.
    fn nothing_to_send(&self) -> Vec<Change> {
        let ends = self.pieces.iter().rev();
        let ends = ends.filter(|piece| self.is_tag(piece, "if", true)).take(8);
        let stop = self.tag("#stop \"there is nothing to send\"");
        let stop = [self.tag("#else"), stop].concat();
        ends.map(|end| change(end.range.start..end.range.start, &stop))
            .collect()
    }
}

pub(super) fn change(range: Range<usize>, replacement: &str) -> Change {
    Change {
        range,
        replacement: replacement.to_owned(),
    }
}
