//! Which interpolation printed which part of an output, and which of them broke it.
//!
//! The template is rendered with marks around what its interpolations print: a private character for
//! each, and one that ends them all.

use std::ops::Range;

use super::finding::Code;

/// Marks are characters of the last two planes, which are for private use.
const FIRST_MARK: u32 = 0xF_0000;
/// Those of the template's own texts.
const FIRST_TEXT: u32 = 0x10_0000;
const END_MARK: char = '\u{10FFFD}';

/// Interpolations beyond this many get no marks.
pub(super) const MOST: usize = 0xFFFD;

/// The marks around interpolation `id`.
pub(super) fn marks(id: usize) -> Option<(char, char)> {
    let offset = u32::try_from(id).ok().filter(|_| id < MOST)?;
    Some((char::from_u32(FIRST_MARK + offset)?, END_MARK))
}

/// The mark of the text `id` of a template's own.
pub(super) fn text_mark(id: usize) -> Option<char> {
    let offset = u32::try_from(id).ok().filter(|_| id < MOST)?;
    char::from_u32(FIRST_TEXT + offset)
}

/// Where an interpolation stands in a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// In a string, with other text.
    String,
    /// It is all that a string holds.
    WholeString,
    /// Outside of strings.
    Value,
    /// Outside of strings, but it opens one that it doesn't close.
    Unfinished,
    /// Within what another prints into a string.
    Hidden,
}

/// What one interpolation printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) id: usize,
    /// Where, in the output without marks.
    pub(super) range: Range<usize>,
    /// The index behind those that are within this one.
    next: usize,
}

/// An output without its marks.
#[derive(Debug, Clone, Default)]
pub(super) struct Output {
    pub(super) text: String,
    /// In the order in which they begin.
    pub(super) regions: Vec<Region>,
    /// Which of the marked texts of the template it holds.
    pub(super) texts: Vec<usize>,
}

impl Output {
    pub(super) fn new(marked: &str) -> Self {
        let mut output = Self::default();
        let mut open = Vec::new();
        for c in marked.chars() {
            let at = output.text.len();
            if c == END_MARK {
                if let Some(index) = open.pop() {
                    let next = output.regions.len();
                    let region: &mut Region = &mut output.regions[index];
                    (region.range.end, region.next) = (at, next);
                }
            } else if (FIRST_MARK..FIRST_MARK + MOST as u32).contains(&u32::from(c)) {
                open.push(output.regions.len());
                output.regions.push(Region {
                    id: (u32::from(c) - FIRST_MARK) as usize,
                    range: at..at,
                    next: output.regions.len() + 1,
                });
            } else if (FIRST_TEXT..u32::from(END_MARK)).contains(&u32::from(c)) {
                output.texts.push((u32::from(c) - FIRST_TEXT) as usize);
            } else {
                output.text.push(c);
            }
        }
        output
    }

    pub(super) fn of(&self, region: &Region) -> &str {
        &self.text[region.range.clone()]
    }

    /// The region that breaks the JSON, and how. `error` is the offset at which a reader gives up;
    /// `None` where the whole is JSON, though maybe not the one that was meant.
    pub(super) fn blame(&self, error: Option<usize>) -> Option<(usize, Code)> {
        let contexts = self.contexts();
        for (region, context) in self.regions.iter().zip(&contexts) {
            match context {
                Context::String | Context::WholeString if !is_string_content(self.of(region)) => {
                    return Some((region.id, Code::Unescaped));
                }
                // What a reader gives up at before is the template's own.
                Context::Unfinished if error.is_none_or(|at| region.range.start <= at) => {
                    return Some((region.id, Code::Unquoted));
                }
                _ => {}
            }
        }
        let error = error?;
        let bare = || {
            let all = self.regions.iter().zip(&contexts);
            all.filter(|(_, context)| **context == Context::Value)
                .map(|(region, _)| region)
        };
        if let Some(region) = bare().rfind(|each| each.range.contains(&error)) {
            return Some((region.id, Code::Unquoted));
        }
        let is_blank = |range: Range<usize>| {
            let text = self.text.get(range).unwrap_or_default();
            text.trim_ascii().is_empty()
        };
        let ends_before =
            |each: &&Region| each.range.end <= error && is_blank(each.range.end..error);
        if let Some(region) = bare().rfind(ends_before) {
            let is_empty = self.of(region).trim_ascii().is_empty();
            let code = if is_empty {
                Code::EmptyValue
            } else {
                Code::Unquoted
            };
            if is_empty || serde_json::from_str::<serde::de::IgnoredAny>(self.of(region)).is_err() {
                return Some((region.id, code));
            }
        }
        None
    }

    /// What stands around each region: JSON as far as the template itself writes it.
    pub(super) fn contexts(&self) -> Vec<Context> {
        let mut contexts = vec![Context::Hidden; self.regions.len()];
        let bytes = self.text.as_bytes();
        let (mut at, mut next) = (0, 0);
        let (mut in_string, mut escaped) = (false, false);
        let mut open: Vec<usize> = Vec::new();
        loop {
            while let Some(&index) = open.last()
                && self.regions[index].range.end <= at
                && self.regions[index].next <= next
            {
                if in_string {
                    contexts[index] = Context::Unfinished;
                }
                open.pop();
            }
            if let Some(region) = self.regions.get(next)
                && region.range.start <= at
            {
                if in_string {
                    let end = region.range.end;
                    let whole = bytes.get(at.wrapping_sub(1)) == Some(&b'"')
                        && bytes.get(end) == Some(&b'"');
                    contexts[next] = if whole {
                        Context::WholeString
                    } else {
                        Context::String
                    };
                    (at, next) = (end, region.next);
                    escaped = false;
                } else {
                    contexts[next] = Context::Value;
                    open.push(next);
                    next += 1;
                }
                continue;
            }
            let Some(&byte) = bytes.get(at) else {
                return contexts;
            };
            at += 1;
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                _ => {}
            }
        }
    }
}

/// Whether `text` can stand in a JSON string.
fn is_string_content(text: &str) -> bool {
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let is_fine = match byte {
            b'"' | ..0x20 => false,
            b'\\' => match rest.next() {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
                Some(b'u') => (0..4).all(|_| rest.next().is_some_and(|b| b.is_ascii_hexdigit())),
                _ => false,
            },
            _ => true,
        };
        if !is_fine {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The output whose regions stand in `«»`, numbered as they begin.
    fn output(text: &str) -> Output {
        let mut marked = String::new();
        let mut id = 0;
        for c in text.chars() {
            match c {
                '«' => {
                    marked.push(marks(id).unwrap().0);
                    id += 1;
                }
                '»' => marked.push(END_MARK),
                c => marked.push(c),
            }
        }
        Output::new(&marked)
    }

    #[test]
    fn marks_are_taken_out_and_regions_nest() {
        let output = output(r#"{"a": "«x«y»»!«»"}"#);
        assert_eq!(output.text, r#"{"a": "xy!"}"#);
        let ranges: Vec<_> = output
            .regions
            .iter()
            .map(|each| each.range.clone())
            .collect();
        assert_eq!(ranges, [7..9, 8..9, 10..10]);
        assert_eq!(
            output.contexts(),
            [Context::String, Context::Hidden, Context::String]
        );
    }

    #[test]
    fn the_region_that_breaks_out_of_its_place_is_blamed() {
        for (text, error, blamed) in [
            (r#"{"a": "«x"y»"}"#, Some(9), Some((0, Code::Unescaped))),
            (
                r#"{"a": "«x\\»", "b": "«\x»"}"#,
                Some(1),
                Some((1, Code::Unescaped)),
            ),
            (r#"{"a": «abc»}"#, Some(6), Some((0, Code::Unquoted))),
            (
                r#"{"a": «"», "b": "c"}"#,
                Some(12),
                Some((0, Code::Unquoted)),
            ),
            (
                r#"{"a": «» , "b": 1}"#,
                Some(7),
                Some((0, Code::EmptyValue)),
            ),
            (r#"{"a": «1» "b": 1}"#, Some(8), None),
            (
                r#"{"a": "«x»", "b": "«y","z":"»"}"#,
                None,
                Some((1, Code::Unescaped)),
            ),
        ] {
            assert_eq!(output(text).blame(error), blamed, "{text}");
        }
    }
}
