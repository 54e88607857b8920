//! A template with changes, and the way back from its places to those of the original.

use std::ops::Range;

/// A part of the original and what stands in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) range: Range<usize>,
    pub(super) replacement: String,
}

/// A text with changes made to it.
#[derive(Debug)]
pub(super) struct Patched {
    pub(super) text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    /// Where it begins in the changed text.
    start: usize,
    original: Range<usize>,
    is_replaced: bool,
}

/// `changes` and one more, which may hold some of them: these are made in its text, where what they change stands
/// as often as in the original. `None` where it doesn't, or where it overlaps with one.
pub(super) fn joined(original: &str, changes: &[Change], change: &Change) -> Option<Vec<Change>> {
    let range = &change.range;
    let is_within = |other: &&Change| {
        let held = range.start <= other.range.start && other.range.end <= range.end;
        held && !range.is_empty() && (!other.range.is_empty() || range.contains(&other.range.start))
    };
    let (mut within, apart): (Vec<&Change>, Vec<&Change>) = changes.iter().partition(is_within);
    // From the last on, so that those before stay where they are.
    within.sort_by_key(|other| std::cmp::Reverse(other.range.start));
    let mut replacement = change.replacement.clone();
    for other in within {
        let text = original
            .get(other.range.clone())
            .filter(|text| !text.is_empty())?;
        let places = |text_of: &str| {
            text_of
                .match_indices(text)
                .map(|(at, _)| at)
                .collect::<Vec<_>>()
        };
        let before = places(original.get(range.clone())?);
        let after = places(&change.replacement);
        let which = before
            .iter()
            .position(|at| range.start + at == other.range.start)?;
        if before.len() != after.len() {
            return None;
        }
        let at = after[which]..after[which] + text.len();
        if replacement.get(at.clone()) != Some(text) {
            return None;
        }
        replacement.replace_range(at, &other.replacement);
    }
    let whole = Change {
        range: range.clone(),
        replacement,
    };
    Some(apart.into_iter().cloned().chain([whole]).collect())
}

impl Patched {
    /// Makes `changes`, which don't overlap, to `original`. Those that insert at one place stay in
    /// order. `None` when they overlap.
    pub(super) fn new(original: &str, mut changes: Vec<Change>) -> Option<Self> {
        changes.sort_by_key(|change| (change.range.start, change.range.end));
        let mut patched = Self {
            text: String::with_capacity(original.len() * 2),
            pieces: Vec::new(),
        };
        let mut at = 0;
        for change in changes {
            patched.push(
                original.get(at..change.range.start)?,
                at..change.range.start,
                false,
            );
            at = change.range.end;
            patched.push(&change.replacement, change.range, true);
        }
        patched.push(original.get(at..)?, at..original.len(), false);
        Some(patched)
    }

    fn push(&mut self, text: &str, original: Range<usize>, is_replaced: bool) {
        self.pieces.push(Piece {
            start: self.text.len(),
            original,
            is_replaced,
        });
        self.text.push_str(text);
    }

    /// The part of the original that a part of the changed text comes from.
    pub(super) fn original(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.piece(range.start);
        let last = self.piece(range.end.saturating_sub(1).max(range.start));
        let from = match start.is_replaced {
            true => start.original.start,
            false => start.original.start + (range.start - start.start),
        };
        let to = match last.is_replaced {
            true => last.original.end,
            false => last.original.start + (range.end - last.start),
        };
        from..to.max(from)
    }

    fn piece(&self, at: usize) -> &Piece {
        let after = self.pieces.partition_point(|piece| piece.start <= at);
        &self.pieces[after.saturating_sub(1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_takes_up_those_that_it_holds() {
        let original = "<x><if a.b><y>,</if>";
        let change = |text: &str, replacement: &str| {
            let start = original.find(text).unwrap();
            Change {
                range: start..start + text.len(),
                replacement: replacement.into(),
            }
        };
        let others = [
            change("a.b", "(a).b"),
            change("<x>", "<z>"),
            change("y", "w"),
        ];
        let wide = change("<if a.b><y>,", "<s><if a.b>${s}<y><t>");
        let joined = |change| {
            let joined = joined(original, &others, &change)?;
            Some(Patched::new(original, joined).unwrap().text)
        };
        assert_eq!(joined(wide).unwrap(), "<z><s><if (a).b>${s}<w><t></if>");
        assert_eq!(joined(change(",", ";")).unwrap(), "<z><if (a).b><w>;</if>");
        let twice = change("<if a.b><y>,", "<if a.b><if a.b><y>");
        assert_eq!(joined(twice), None);
    }

    #[test]
    fn places_lead_back_through_replacements_and_insertions() {
        let change = |range, text: &str| Change {
            range,
            replacement: text.into(),
        };
        let changes = vec![change(4..6, "LONGER"), change(1..1, "<"), change(8..8, ">")];
        let patched = Patched::new("abcdefghij", changes).unwrap();
        assert_eq!(patched.text, "a<bcdLONGERgh>ij");
        assert_eq!(patched.original(&(2..5)), 1..4);
        assert_eq!(patched.original(&(6..8)), 4..6);
        assert_eq!(patched.original(&(3..12)), 2..7);
        assert_eq!(patched.original(&(14..16)), 8..10);
        let overlapping = vec![change(1..4, ""), change(2..5, "")];
        assert!(Patched::new("abcdefghij", overlapping).is_none());
    }
}
