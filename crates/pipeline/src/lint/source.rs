//! A template's source in pieces: text, interpolations, tags and comments.

use std::ops::Range;

/// What a piece of a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Interpolation,
    Tag,
    Comment,
}

/// A piece of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
}

/// The pieces of `source`, in order and without gaps. `interpolations` are those that print where they
/// stand, in the order of the source.
pub(super) fn pieces(source: &str, interpolations: &[Range<usize>]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut add = |kind, range: Range<usize>| {
        if range.is_empty() {
            return;
        }
        match pieces.last_mut() {
            Some(last) if kind == Kind::Text && last.kind == kind => last.range.end = range.end,
            _ => pieces.push(Piece { kind, range }),
        }
    };
    let square = is_square(source);
    let mut left = interpolations.iter().peekable();
    let mut at = 0;
    while at < source.len() {
        while left.next_if(|each| each.start < at).is_some() {}
        if let Some(found) = left.next_if(|each| each.start == at) {
            add(Kind::Interpolation, found.clone());
            at = found.end;
            continue;
        }
        let rest = &source[at..];
        if let Some(length) = comment(rest) {
            add(Kind::Comment, at..at + length);
            at += length;
        } else if let Some(length) = tag(rest, square) {
            add(Kind::Tag, at..at + length);
            at += length;
            let name = name(&source[at - length..at]);
            if matches!(name, "noparse" | "#noparse") {
                let end = source[at..].find("noparse").map_or(source.len(), |end| {
                    let before = &source[at..at + end];
                    at + before.rfind(['<', '[']).unwrap_or(before.len())
                });
                add(Kind::Text, at..end);
                at = end;
            }
        } else {
            let length = rest.chars().next().map_or(1, char::len_utf8);
            add(Kind::Text, at..at + length);
            at += length;
        }
    }
    pieces
}

/// Whether its tags stand in square brackets: the first decides.
pub(super) fn is_square(source: &str) -> bool {
    let first = |tags: [&str; 2]| tags.iter().filter_map(|tag| source.find(tag)).min();
    match (first(["[#", "[@"]), first(["<#", "<@"])) {
        (Some(square), Some(angle)) => square < angle,
        (square, _) => square.is_some(),
    }
}

/// The name of a tag, without what begins and ends it: `if` of `<#if x>` and of `</#if>`.
pub(super) fn name(tag: &str) -> &str {
    let inner = tag.trim_start_matches(['<', '[', '/', '#', '@']);
    let end = inner.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.');
    &inner[..end.unwrap_or(inner.len())]
}

/// Whether a tag ends an element.
pub(super) fn is_end(tag: &str) -> bool {
    tag.as_bytes().get(1) == Some(&b'/')
}

/// What stands in a tag behind its name.
pub(super) fn arguments(tag: &str) -> &str {
    let name = name(tag);
    let after = tag.find(name).map_or(0, |at| at + name.len());
    let inner = &tag[after..tag.len().saturating_sub(1).max(after)];
    inner.trim().trim_end_matches('/').trim_end()
}

fn comment(rest: &str) -> Option<usize> {
    let end = match rest.get(..4)? {
        "<#--" => "-->",
        "[#--" => "--]",
        _ => return None,
    };
    Some(
        rest.find(end)
            .map_or(rest.len(), |length| length + end.len()),
    )
}

/// The length of the tag that `rest` begins with.
fn tag(rest: &str, square: bool) -> Option<usize> {
    let (begins, end): (&[&str], char) = match square {
        true => (&["[#", "[@", "[/#", "[/@"], ']'),
        false => (&["<#", "<@", "</#", "</@"], '>'),
    };
    begins.iter().find(|begin| rest.starts_with(**begin))?;
    let mut depth = 0;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c == end && depth == 0 => return Some(at + 1),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            _ => {}
        }
    }
    Some(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_falls_into_its_pieces() {
        let source = r#"a<#if (x > 1) && y == "}>">b${c}<#-- d --></#if>[e]"#;
        let at = source.find("${c}").unwrap();
        let found = pieces(source, std::slice::from_ref(&(at..at + 4)));
        let texts: Vec<_> = found
            .iter()
            .map(|each| (each.kind, &source[each.range.clone()]))
            .collect();
        assert_eq!(
            texts,
            [
                (Kind::Text, "a"),
                (Kind::Tag, r#"<#if (x > 1) && y == "}>">"#),
                (Kind::Text, "b"),
                (Kind::Interpolation, "${c}"),
                (Kind::Comment, "<#-- d -->"),
                (Kind::Tag, "</#if>"),
                (Kind::Text, "[e]"),
            ]
        );
        assert_eq!(name("<#if x>"), "if");
        assert_eq!(arguments("<#if (x > 1)>"), "(x > 1)");
        assert!(is_end("</#if>") && !is_end("<#if x>"));
        let noparse = "<#noparse>${x}</#noparse>,";
        let texts: Vec<_> = pieces(noparse, &[])
            .into_iter()
            .filter(|each| each.kind == Kind::Text)
            .map(|each| &noparse[each.range])
            .collect();
        assert_eq!(texts, ["${x}", ","]);
        let square = "[#if x]1[/#if]";
        assert_eq!(pieces(square, &[]).len(), 3);
    }
}
