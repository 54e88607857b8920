//! Java counts strings in UTF-16 units; these translate to bytes of UTF-8.

use std::ops::Range;

/// The length in UTF-16 units.
pub(crate) fn len(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.chars().map(char::len_utf16).sum()
    }
}

/// The units `from..to` of a text: its bytes, or, if a cut goes through a character, a text with what is left of that
/// character as a half.
pub(crate) fn part(text: &str, from: usize, to: usize) -> Part {
    if text.is_ascii() {
        let end = to.min(text.len());
        return Part::Bytes(from.min(end)..end);
    }
    let (start, cut_at_start) = place(text, from);
    let (end, cut_at_end) = place(text, to.max(from));
    if !cut_at_start && !cut_at_end {
        return Part::Bytes(start..end.max(start));
    }
    let mut cut = String::new();
    let mut rest = start;
    if cut_at_start {
        let [_, low] = halves(text, start);
        if to > from {
            cut.push(low);
        }
        rest += ASTRAL_BYTES;
    }
    cut.push_str(text.get(rest..end).unwrap_or_default());
    if cut_at_end && to > from {
        let [high, _] = halves(text, end);
        cut.push(high);
    }
    Part::Cut(cut)
}

/// What [`part`] finds.
pub(crate) enum Part {
    Bytes(Range<usize>),
    Cut(String),
}

/// The length of a character of two units.
const ASTRAL_BYTES: usize = 4;

/// Strings here are UTF-8, which has no halves of a character: characters of the private area stand for them until the
/// end of the render. Where `0xd800` is 0, that many follow.
const FIRST_HALF: u32 = 0xe800;
const FIRST_LOW_HALF: u32 = 0xec00;
const LAST_HALF: u32 = 0xefff;

/// The halves of the character of two units that begins at the byte `at`.
fn halves(text: &str, at: usize) -> [char; 2] {
    let c = text.get(at..).and_then(|rest| rest.chars().next());
    let beyond = c.map_or(0, u32::from).saturating_sub(0x1_0000);
    let half = |code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    [
        half(FIRST_HALF + (beyond >> 10)),
        half(FIRST_LOW_HALF + (beyond & 0x3ff)),
    ]
}

/// The UTF-16 units of a text as characters, and whether some are halves of one.
pub(crate) fn units(text: &str) -> (Vec<char>, bool) {
    let mut units = Vec::with_capacity(text.len());
    let mut has_halves = false;
    for (at, c) in text.char_indices() {
        if c.len_utf16() == 1 {
            units.push(c);
        } else {
            units.extend(halves(text, at));
            has_halves = true;
        }
    }
    (units, has_halves)
}

/// Puts the halves in `out` from `start` on together, where two follow each other as in a character; what is left of
/// others becomes `?`, as in Java's UTF-8.
pub(crate) fn join_halves(out: &mut Vec<u8>, start: usize) {
    let text = String::from_utf8_lossy(out.get(start..).unwrap_or_default()).into_owned();
    out.truncate(start);
    let mut chars = text.chars().peekable();
    let mut joined = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        let code = u32::from(c);
        if !(FIRST_HALF..=LAST_HALF).contains(&code) {
            joined.push(c);
            continue;
        }
        let next = chars.peek().map_or(0, |next| u32::from(*next));
        let whole = (code < FIRST_LOW_HALF && (FIRST_LOW_HALF..=LAST_HALF).contains(&next))
            .then(|| 0x1_0000 + ((code - FIRST_HALF) << 10) + (next - FIRST_LOW_HALF))
            .and_then(char::from_u32);
        match whole {
            Some(whole) => {
                joined.push(whole);
                chars.next();
            }
            None => joined.push('?'),
        }
    }
    out.extend_from_slice(joined.as_bytes());
}

/// The byte of the character that unit `index` belongs to, and whether that is its second unit.
fn place(text: &str, index: usize) -> (usize, bool) {
    let mut units = 0;
    for (at, c) in text.char_indices() {
        if units >= index {
            return (at, false);
        }
        units += c.len_utf16();
        if units > index {
            return (at, true);
        }
    }
    (text.len(), false)
}

/// The byte at which unit `index` begins.
pub(crate) fn byte(text: &str, index: usize) -> usize {
    if text.is_ascii() {
        return index.min(text.len());
    }
    let mut units = 0;
    for (at, c) in text.char_indices() {
        if units >= index {
            return at;
        }
        units += c.len_utf16();
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_translated_to_bytes() {
        assert_eq!(len("é😀a"), 4);
        assert!(matches!(part("é😀a", 1, 3), Part::Bytes(bytes) if bytes == (2..6)));
        assert!(matches!(part("abc", 1, 9), Part::Bytes(bytes) if bytes == (1..3)));
    }

    #[test]
    fn halves_of_a_character_find_each_other_again() {
        let cut = |from, to| match part("a😀b", from, to) {
            Part::Cut(text) => text,
            Part::Bytes(bytes) => "a😀b"[bytes].to_owned(),
        };
        assert_eq!(len(&cut(1, 2)), 1);
        assert_eq!(cut(1, 3), "😀");
        assert_eq!(cut(2, 2), "");
        let joined = |text: &str| {
            let mut out = b"before".to_vec();
            out.extend_from_slice(text.as_bytes());
            join_halves(&mut out, 6);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(joined(&(cut(0, 2) + &cut(2, 4))), "beforea😀b");
        assert_eq!(joined(&(cut(2, 4) + &cut(0, 2))), "before?ba?");
    }
}
