//! Where two texts differ, line by line.

use serde::Serialize;
use similar::{Algorithm, ChangeTag, capture_diff_slices, group_diff_ops};

/// Lines around a change that are shown with it.
const CONTEXT: usize = 3;

/// Texts of more lines are not compared: one is replaced by the other.
const COMPARED: usize = 5_000;

/// Most lines of a difference.
const SHOWN: usize = 1_000;

/// Most characters of a line that are shown.
const LINE: usize = 2_000;

/// A line of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = DifferenceLine))]
pub struct Line {
    /// What became of it.
    pub change: LineChange,
    /// Its number before, from 1; null when it was added.
    pub before: Option<usize>,
    /// Its number after, from 1; null when it was removed.
    pub after: Option<usize>,
    /// What it says; cut after 2,000 characters.
    pub text: String,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LineChange {
    /// Nothing: it stands beside one that changed.
    Same,
    /// It is gone.
    Removed,
    /// It is new.
    Added,
}

/// The lines that differ, with three around each; none where the texts are the same. At most 1,000.
pub fn lines(before: &str, after: &str) -> Vec<Line> {
    if before == after {
        return Vec::new();
    }
    let (before, after) = (split(before), split(after));
    if before.len() > COMPARED || after.len() > COMPARED {
        return replaced(&before, &after);
    }
    let operations = capture_diff_slices(Algorithm::Myers, &before, &after);
    let groups = group_diff_ops(operations, CONTEXT).into_iter().flatten();
    let changes = groups.flat_map(|operation| {
        let changes = operation.iter_changes(&before[..], &after[..]);
        changes.collect::<Vec<_>>()
    });
    let lines = changes.map(|change| Line {
        change: match change.tag() {
            ChangeTag::Equal => LineChange::Same,
            ChangeTag::Delete => LineChange::Removed,
            ChangeTag::Insert => LineChange::Added,
        },
        before: change.old_index().map(|index| index + 1),
        after: change.new_index().map(|index| index + 1),
        text: cut(change.value(), LINE),
    });
    lines.take(SHOWN).collect()
}

/// An empty text has no line.
fn split(text: &str) -> Vec<&str> {
    match text.is_empty() {
        true => Vec::new(),
        false => text.split('\n').collect(),
    }
}

/// One as a whole in place of the other; of each at most half of what is shown.
fn replaced(before: &[&str], after: &[&str]) -> Vec<Line> {
    let removed = before.iter().enumerate().map(|(index, text)| Line {
        change: LineChange::Removed,
        before: Some(index + 1),
        after: None,
        text: cut(text, LINE),
    });
    let added = after.iter().enumerate().map(|(index, text)| Line {
        change: LineChange::Added,
        before: None,
        after: Some(index + 1),
        text: cut(text, LINE),
    });
    let (removed, added) = (removed.take(SHOWN / 2), added.take(SHOWN / 2));
    removed.chain(added).collect()
}

/// At most so many characters of a text.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The difference as `diff -u` writes it, without its heads.
    fn unified(before: &str, after: &str) -> Vec<String> {
        let lines = lines(before, after).into_iter();
        let lines = lines.map(|line| {
            let sign = match line.change {
                LineChange::Same => ' ',
                LineChange::Removed => '-',
                LineChange::Added => '+',
            };
            format!("{sign}{}", line.text)
        });
        lines.collect()
    }

    #[test]
    fn what_changed_is_shown_with_its_surroundings() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9";
        let after = "1\n2\n3\n4\nfive\n6\n7\n8\n9";
        let expected = [" 2", " 3", " 4", "-5", "+five", " 6", " 7", " 8"];
        assert_eq!(unified(before, after), expected);
        let lines = lines(before, after);
        assert_eq!((lines[3].before, lines[3].after), (Some(5), None));
        assert_eq!((lines[4].before, lines[4].after), (None, Some(5)));
        assert_eq!((lines[5].before, lines[5].after), (Some(6), Some(6)));
    }

    #[test]
    fn a_text_comes_and_goes() {
        assert_eq!(unified("", "a\nb"), ["+a", "+b"]);
        assert_eq!(unified("a", ""), ["-a"]);
        assert!(unified("a", "a").is_empty());
        assert_eq!(unified("a", "a\n"), [" a", "+"]);
    }

    #[test]
    fn however_long_the_texts_are_little_is_shown() {
        let long = |word: &str| vec![word; COMPARED + 1].join("\n");
        let lines = lines(&long("a"), &long("b"));
        assert_eq!(lines.len(), SHOWN);
        assert_eq!(lines[SHOWN / 2].change, LineChange::Added);
        let wide = super::lines("", &"ä".repeat(LINE + 1));
        assert_eq!(wide[0].text.chars().count(), LINE + 1);
        assert!(wide[0].text.ends_with('…'));
    }
}
