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

/// The bytes of the units `from..to`. A cut through a character keeps the whole of it.
pub(crate) fn range(text: &str, from: usize, to: usize) -> Range<usize> {
    let start = byte(text, from);
    start..byte(text, to).max(start)
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
        assert_eq!(range("é😀a", 1, 3), 2..6);
        assert_eq!(range("abc", 1, 9), 1..3);
    }
}
