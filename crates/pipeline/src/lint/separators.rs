//! Mends of what parts the items of a list.

use std::ops::Range;

use super::patch::Change;
use super::source::Piece;
use super::structure::{Outline, change};

impl<'t> Outline<'t> {
    /// A comma between the items of a list.
    pub(super) fn sep(&self) -> String {
        [&self.tag("#sep"), ",", &self.tag("/#sep")].concat()
    }

    /// Where conditions stand within `range` that nothing but a comma depends on.
    pub(super) fn conditionals(&self, range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        self.pieces.windows(3).filter_map(move |pieces| {
            let [open, text, end] = pieces else {
                return None;
            };
            let is_one = self.is_tag(open, "if", false)
                && self.text(text).trim() == ","
                && self.is_tag(end, "if", true);
            let found = open.range.start..end.range.end;
            let is_within = range.start <= found.start && found.end <= range.end;
            (is_one && is_within).then_some(found)
        })
    }

    /// The condition that only the comma at the place depends on, as `<#if k?has_next>,</#if>`.
    pub(super) fn conditional(&self) -> Option<Range<usize>> {
        let mut all = self.conditionals(0..self.source.len());
        all.find(|range| range.contains(&self.place.start))
    }

    /// Between the items of a list of which some are passed over: a variable that is empty before the
    /// first.
    pub(super) fn separated(&self) -> Option<Change> {
        let (list, list_end) = self.list()?;
        let separator = self.separator();
        let mut item = list.range.end;
        let mut open = Vec::new();
        let is_comma = &self.source[self.place.clone()] == ",";
        let conditional = self.conditional().filter(|_| is_comma);
        let before = conditional
            .as_ref()
            .map_or(self.place.start, |range| range.start);
        for piece in &self.pieces[..self.index] {
            if piece.range.start < list.range.end || piece.range.start >= before {
                continue;
            }
            if self.is_tag(piece, "if", false) {
                open.push(piece.range.end);
            } else if self.is_tag(piece, "if", true) {
                open.pop();
            } else if (self.is_tag(piece, "else", false) || self.is_tag(piece, "elseif", false))
                && let Some(last) = open.last_mut()
            {
                *last = piece.range.end;
            }
        }
        item = open.last().copied().unwrap_or(item);
        let (from, to) = match (conditional, is_comma) {
            (Some(range), _) => (range.start, range.end),
            (None, true) => (self.place.start, self.place.end),
            (None, false) => {
                let mut after = self.pieces[self.index..].iter();
                let ends = |piece: &&Piece| {
                    self.is_tag(piece, "if", true) || self.is_tag(piece, "list", true)
                };
                let end = after.find(ends).map_or(list_end, |piece| piece.range.start);
                (end, end)
            }
        };
        let Range {
            start: from,
            end: to,
        } = self.within_sep(from..to);
        let start = list.range.start;
        let replacement = [
            &self.tag(&format!("#assign {separator} = \"\"")),
            self.source.get(start..item)?,
            &format!("${{{separator}}}"),
            self.source.get(item..from)?,
            &self.tag(&format!("#assign {separator} = \",\"")),
        ]
        .concat();
        Some(change(start..to, &replacement))
    }

    /// The name of a variable that is none of the template's.
    pub(super) fn separator(&self) -> String {
        let mut separator = "separator".to_owned();
        while self.source.contains(&separator) {
            separator.push('_');
        }
        separator
    }

    /// The comma before a condition on the item is printed with the item, behind the first.
    pub(super) fn led(&self) -> Option<Change> {
        let (list, _) = self.list()?;
        let comma = self.conditional().unwrap_or_else(|| self.place.clone());
        let after = self.pieces.iter();
        let mut after = after.skip_while(|piece| piece.range.start < comma.end);
        let condition = after.find(|piece| !self.is_blank(piece))?;
        if !self.is_tag(condition, "if", false) {
            return None;
        }
        let separator = self.separator();
        let start = list.range.start;
        let replacement = [
            &self.tag(&format!("#assign {separator} = \"\"")),
            self.source.get(start..comma.start)?,
            self.source.get(comma.end..condition.range.end)?,
            &format!("${{{separator}}}"),
            &self.tag(&format!("#assign {separator} = \",\"")),
        ]
        .concat();
        Some(change(start..condition.range.end, &replacement))
    }

    /// The comma behind a condition on the item is printed with the item, behind the first.
    pub(super) fn trailed(&self) -> Option<Change> {
        let (list, _) = self.list()?;
        let comma = self.within_sep(self.conditional().unwrap_or_else(|| self.place.clone()));
        let before = self.pieces.iter().rev();
        let mut before = before.skip_while(|piece| piece.range.end > comma.start);
        let end = before.find(|piece| !self.is_blank(piece))?;
        if !self.is_tag(end, "if", true) {
            return None;
        }
        let mut depth = 1;
        let condition = before.find(|piece| {
            depth += i32::from(self.is_tag(piece, "if", true));
            depth -= i32::from(self.is_tag(piece, "if", false));
            depth == 0
        })?;
        let separator = self.separator();
        let (start, item) = (list.range.start, condition.range.end);
        let replacement = [
            &self.tag(&format!("#assign {separator} = \"\"")),
            self.source.get(start..item)?,
            &format!("${{{separator}}}"),
            &self.tag(&format!("#assign {separator} = \",\"")),
            self.source.get(item..comma.start)?,
        ]
        .concat();
        Some(change(start..comma.end, &replacement))
    }

    /// `range` with the tags around it that make a separator of it.
    pub(super) fn within_sep(&self, range: Range<usize>) -> Range<usize> {
        let (mut from, mut to) = (range.start, range.end);
        for piece in self.pieces {
            if self.is_tag(piece, "sep", false)
                && piece.range.end <= from
                && self.source[piece.range.end..from].trim().is_empty()
            {
                from = piece.range.start;
            }
            if self.is_tag(piece, "sep", true)
                && piece.range.start >= to
                && self.source[to..piece.range.start].trim().is_empty()
            {
                to = piece.range.end;
            }
        }
        from..to
    }

    /// The list around the place: its tag, and where its body ends.
    pub(super) fn list(&self) -> Option<(&'t Piece, usize)> {
        let mut open: Vec<&Piece> = Vec::new();
        let mut found: Option<&Piece> = None;
        for (index, piece) in self.pieces.iter().enumerate() {
            if index == self.index {
                found = Some(*open.last()?);
            }
            if self.is_tag(piece, "list", false) {
                open.push(piece);
            } else if self.is_tag(piece, "list", true) {
                let closed = open.pop();
                if let Some(list) = found.filter(|list| closed == Some(*list)) {
                    return Some((list, piece.range.start));
                }
            }
        }
        None
    }
}
