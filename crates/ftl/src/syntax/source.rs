//! Byte offsets, and the lines and columns that people count in.

use crate::error::Span;

/// A stretch of source text in bytes, the end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub(crate) struct Src {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Src {
    pub(crate) fn to(self, other: Self) -> Self {
        Self {
            start: self.start,
            end: other.end,
        }
    }
}

/// Bytes of a line that are looked through for a column; what comes before them is known.
const STRETCH: usize = 1024;

/// Where the lines of a source begin.
pub(crate) struct SourceMap {
    pub(crate) literals: Literals,
    line_starts: Vec<u32>,
    /// Offsets within long lines, with the columns before them.
    columns: Vec<(u32, u32)>,
    /// What the columns of errors reckon with.
    tab_size: u32,
}

impl SourceMap {
    pub(crate) fn new(source: &str, tab_size: u32) -> Self {
        let bytes = source.as_bytes();
        let mut line_starts = vec![0];
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
                line_starts.push(at as u32 + 1);
            }
        }
        let mut map = Self {
            literals: Literals::default(),
            line_starts,
            columns: Vec::new(),
            tab_size: tab_size.max(1),
        };
        map.measure_long_lines(source);
        map
    }

    fn measure_long_lines(&mut self, source: &str) {
        let ends = self.line_starts.iter().skip(1).copied();
        let ends = ends.chain([source.len() as u32]);
        for (start, end) in self.line_starts.iter().zip(ends) {
            let (start, end) = (*start as usize, end as usize);
            if end - start <= STRETCH {
                continue;
            }
            let (mut column, mut next) = (0, start + STRETCH);
            for (at, c) in source[start..end].char_indices() {
                if start + at >= next {
                    self.columns.push(((start + at) as u32, column));
                    next = start + at + STRETCH;
                }
                column = self.column_after(column, c);
            }
        }
    }

    /// The column after `c`, if `column` is the one before it.
    fn column_after(&self, column: u32, c: char) -> u32 {
        if c == '\t' {
            column + self.tab_size - column % self.tab_size
        } else {
            column + c.len_utf16() as u32
        }
    }

    /// `text`, which begins at `offset`, with blanks in place of its tabs.
    pub(crate) fn expanded(&self, source: &str, offset: u32, text: &str) -> String {
        let first = text.chars().next().map_or(0, |c| c.len_utf16() as u32);
        let mut column = self.position(source, offset).1.saturating_sub(first);
        let mut expanded = String::with_capacity(text.len() * 2);
        for c in text.chars() {
            let next = if c == '\n' {
                0
            } else {
                self.column_after(column, c)
            };
            if c == '\t' && self.tab_size > 1 {
                expanded.extend(std::iter::repeat_n(' ', (next - column) as usize));
            } else {
                expanded.push(c);
            }
            column = next;
        }
        expanded
    }

    /// The line of the byte at `offset`, from 1.
    pub(crate) fn line(&self, offset: u32) -> u32 {
        self.line_starts.partition_point(|start| *start <= offset) as u32
    }

    /// Whether a line begins at `offset`.
    pub(crate) fn starts_line(&self, offset: u32) -> bool {
        self.line_starts.binary_search(&offset).is_ok()
    }

    /// Line and column (UTF-16 units, tabs expanded) of the byte at `offset`.
    pub(crate) fn position(&self, source: &str, offset: u32) -> (u32, u32) {
        self.position_among(&self.literals, source, offset)
    }

    /// The same, while more literals are still being found.
    pub(crate) fn position_among(
        &self,
        literals: &Literals,
        source: &str,
        offset: u32,
    ) -> (u32, u32) {
        if let Some(literal) = literals.at(offset) {
            return self.position_in(literal, offset);
        }
        let line = self.line(offset);
        let start = self.line_starts[line as usize - 1];
        let measured = self.columns.partition_point(|(at, _)| *at <= offset);
        let (start, mut column) = match measured.checked_sub(1).map(|index| self.columns[index]) {
            Some((at, column)) if at > start => (at as usize, column),
            _ => (start as usize, 0),
        };
        for c in source[start..].chars().scan(start, |at, c| {
            let here = *at;
            *at += c.len_utf8();
            (here <= offset as usize).then_some(c)
        }) {
            column = self.column_after(column, c);
        }
        if offset as usize >= source.len() {
            // The end after a line break is still before the first column.
            if !source.is_empty() && start == source.len() {
                return (line, 0);
            }
            column += 1;
        }
        (line, column.max(1))
    }

    fn position_in(&self, literal: &Literal, offset: u32) -> (u32, u32) {
        let (mut line, mut column) = (literal.line, literal.column - 1);
        let mut before = '\0';
        for (at, c) in literal.text.char_indices() {
            if literal.start + at as u32 > offset {
                return (line, column);
            }
            if before == '\n' || (before == '\r' && c != '\n') {
                (line, column) = (line + 1, 0);
            }
            column = self.column_after(column, c);
            before = c;
        }
        let is_beyond = offset >= literal.end();
        (line, column + u32::from(is_beyond))
    }

    /// What FreeMarker takes for the source between two places: of what stands in a literal with escapes that may be
    /// something else. `None` if there are no such places.
    pub(crate) fn between(&self, source: &str, span: Span) -> Option<String> {
        let line_at = |line: u32| {
            let start = *self.line_starts.get(line as usize - 1)? as usize;
            let end = self.line_starts.get(line as usize);
            let text = &source[start..end.map_or(source.len(), |end| *end as usize)];
            (!text.is_empty()).then_some((start, text))
        };
        let mut units = Vec::new();
        let mut last_len = 0;
        for line in span.line..=span.end_line {
            let (start, text) = line_at(line)?;
            let text = self.expanded(source, start as u32, text);
            last_len = units.len();
            units.extend(text.encode_utf16());
            last_len = units.len() - last_len;
        }
        let left_out = last_len.checked_sub(span.end_column as usize)?;
        units.drain(..(span.column as usize - 1).min(units.len()));
        units.truncate(units.len().checked_sub(left_out)?);
        Some(String::from_utf16_lossy(&units))
    }

    /// The offset of the character at a line and column; the line's end where it is shorter.
    pub(crate) fn offset(&self, source: &str, line: u32, column: u32) -> usize {
        let line = line.max(1) as usize;
        let start = match self.line_starts.get(line - 1) {
            Some(start) => *start as usize,
            None => return source.len(),
        };
        let end = self.line_starts.get(line);
        let end = end.map_or(source.len(), |end| *end as usize);
        let mut before = 0;
        for (at, c) in source[start..end].char_indices() {
            before = self.column_after(before, c);
            if before >= column {
                return start + at;
            }
        }
        end
    }

    pub(crate) fn span(&self, source: &str, src: Src) -> Span {
        self.span_among(&self.literals, source, src)
    }

    pub(crate) fn span_among(&self, literals: &Literals, source: &str, src: Src) -> Span {
        let (line, column) = self.position_among(literals, source, src.start);
        let end = src.end.saturating_sub(1).max(src.start);
        let (end_line, end_column) = self.position_among(literals, source, end);
        Span {
            line,
            column,
            end_line,
            end_column,
        }
    }
}

/// The texts of string literals with interpolations in which escapes have been resolved. FreeMarker reads these texts
/// and not the source, so what stands in them has offsets of its own, beyond those of the source.
#[derive(Default)]
pub(crate) struct Literals(Vec<Literal>);

struct Literal {
    /// Offset of its first byte.
    start: u32,
    text: Box<str>,
    /// Where its first character stands.
    line: u32,
    column: u32,
}

impl Literal {
    fn end(&self) -> u32 {
        self.start + self.text.len() as u32
    }
}

/// Offsets between two texts, so that one just behind a text belongs to no other.
const GAP: u32 = 16;

impl Literals {
    /// Adds a text whose first character stands at a line and a column; returns the offset of its first byte.
    pub(crate) fn add(&mut self, source: &str, text: &str, (line, column): (u32, u32)) -> u32 {
        let end = self.0.last().map_or(source.len() as u32, Literal::end);
        let start = end.saturating_add(GAP);
        if start.checked_add(text.len() as u32 + GAP).is_none() {
            // More than offsets can count: the places of what stands in there get lost.
            return 0;
        }
        self.0.push(Literal {
            start,
            text: text.into(),
            line,
            column,
        });
        start
    }

    fn at(&self, offset: u32) -> Option<&Literal> {
        let after = self.0.partition_point(|literal| literal.start <= offset);
        self.0.get(after.checked_sub(1)?)
    }

    /// The text at `src`, if that is in a literal.
    pub(crate) fn text_of(&self, src: Src) -> Option<&str> {
        let literal = self.at(src.start)?;
        let end = src.end.saturating_sub(literal.start);
        let range = (src.start - literal.start) as usize..end as usize;
        Some(literal.text.get(range).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_utf16_units_and_expand_tabs() {
        let source = "a\r\n\t😀b";
        let map = SourceMap::new(source, 8);
        assert_eq!(map.position(source, 0), (1, 1));
        assert_eq!(map.position(source, 8), (2, 11));
    }

    #[test]
    fn a_position_leads_back_to_its_offset() {
        let source = "a\r\n\t😀b\n\nc";
        let map = SourceMap::new(source, 8);
        for (at, _) in source.char_indices().filter(|(_, c)| !c.is_control()) {
            let (line, column) = map.position(source, at as u32);
            assert_eq!(map.offset(source, line, column), at);
        }
        assert_eq!(map.offset(source, 9, 1), source.len());
    }

    #[test]
    fn columns_of_long_lines_count_from_the_line_start() {
        let source = format!("x\n{}\n{}y", "\té".repeat(2_000), "é".repeat(STRETCH));
        let map = SourceMap::new(&source, 8);
        let second = 2 + 3 * 1_999;
        assert_eq!(map.position(&source, second), (2, 8 * 2_000));
        let last = source.len() as u32 - 1;
        assert_eq!(map.position(&source, last), (3, STRETCH as u32 + 1));
    }
}
