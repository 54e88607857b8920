//! White-space stripping: lines that hold nothing but tags leave no trace, and `#t`, `#lt`, `#rt`, `#nt`.
//!
//! FreeMarker decides this on its tree of elements, after parsing, in document order, so that one element's
//! stripping is seen by the next one. This does the same on a sketch of that tree.

use std::cell::Cell;

use super::source::SourceMap;

/// What an element of the tree means for the white-space around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(usize),
    /// Prints something: the line isn't one of tags only.
    Output,
    /// A tag that prints nothing of its own.
    Plain,
    /// Assignments, settings, comments.
    Silent,
    Trim {
        left: bool,
        right: bool,
    },
    /// Has a body.
    Block,
    /// Has a body, and goes where that is empty.
    Vanishing,
    /// Its body isn't looked into.
    Macro,
    BlockAssign,
}

#[derive(Debug)]
struct Element {
    piece: Piece,
    parent: usize,
    /// Place among the parent's children.
    index: usize,
    children: Vec<usize>,
    start: u32,
    end: u32,
    begin_line: u32,
    end_line: u32,
    starts_line: bool,
    removed: bool,
}

/// The sketch of the tree, built while parsing.
#[derive(Default)]
pub(crate) struct Layout {
    elements: Vec<Element>,
    open: Vec<usize>,
    texts: Vec<String>,
    has_trims: bool,
    /// Elements that may still be looked at beside others of their line: each text looks along its line.
    looks_left: Cell<usize>,
}

/// Looks along lines that a template may take in all: so many, and so many an element.
const LOOKS: usize = 5_000_000;
const LOOKS_PER_ELEMENT: usize = 32;

const ROOT: usize = 0;

impl Layout {
    pub(crate) fn text(&mut self, text: &str, start: u32, end: u32) -> usize {
        self.texts.push(text.to_owned());
        let id = self.texts.len() - 1;
        self.leaf(Piece::Text(id), start, end);
        id
    }

    pub(crate) fn leaf(&mut self, piece: Piece, start: u32, end: u32) {
        self.has_trims |= matches!(piece, Piece::Trim { .. });
        self.add(piece, start, end);
    }

    pub(crate) fn open(&mut self, piece: Piece, start: u32) {
        let id = self.add(piece, start, start);
        self.open.push(id);
    }

    pub(crate) fn close(&mut self, end: u32) {
        if let Some(id) = self.open.pop() {
            self.elements[id].end = end;
        }
    }

    /// Forgets the texts of the open element: what stands there is read over.
    pub(crate) fn leave_texts_out(&mut self) {
        let Some(&parent) = self.open.last() else {
            return;
        };
        let mut children = std::mem::take(&mut self.elements[parent].children);
        children.retain(|child| !matches!(self.elements[*child].piece, Piece::Text(_)));
        for (index, child) in children.iter().enumerate() {
            self.elements[*child].index = index;
        }
        self.elements[parent].children = children;
    }

    fn add(&mut self, piece: Piece, start: u32, end: u32) -> usize {
        if self.elements.is_empty() {
            self.elements
                .push(Element::new(Piece::Block, ROOT, 0, 0, 0));
        }
        let parent = self.open.last().copied().unwrap_or(ROOT);
        let id = self.elements.len();
        let index = self.elements[parent].children.len();
        self.elements[parent].children.push(id);
        self.elements
            .push(Element::new(piece, parent, index, start, end));
        id
    }

    /// Strips, and returns the texts that are left, by their ids; `None` if that takes too long.
    pub(crate) fn finish(mut self, map: &SourceMap, strip: bool) -> Option<Vec<String>> {
        self.looks_left = Cell::new(LOOKS + LOOKS_PER_ELEMENT * self.elements.len());
        for element in &mut self.elements {
            element.begin_line = map.line(element.start);
            element.end_line = map.line(element.end.saturating_sub(1).max(element.start));
            // A tab's column is that of its end; what isn't parsed begins with its tag.
            let is_at_tab = matches!(element.piece, Piece::Text(text)
                if self.texts[text].starts_with('\t')
                    && self.texts[text].len() == (element.end - element.start) as usize);
            element.starts_line = map.starts_line(element.start) && !is_at_tab;
        }
        if !self.elements.is_empty() {
            self.clean(strip);
        }
        (self.looks_left.get() > 0).then_some(self.texts)
    }

    /// Visits the texts in document order; a block's ignorable children go once all of them have been visited.
    fn clean(&mut self, strip: bool) {
        let mut stack = vec![(ROOT, 0)];
        while let Some((id, child)) = stack.pop() {
            match self.elements[id].children.get(child).copied() {
                Some(next) => {
                    stack.push((id, child + 1));
                    if let Piece::Text(text) = self.elements[next].piece {
                        self.clean_text(next, text, strip);
                    } else {
                        stack.push((next, 0));
                    }
                }
                None => self.drop_ignorable(id, strip),
            }
        }
    }

    fn drop_ignorable(&mut self, parent: usize, strip: bool) {
        // A template's only element has nobody who would leave it out.
        if parent == ROOT && self.elements[ROOT].children.len() == 1 {
            return;
        }
        let children = std::mem::take(&mut self.elements[parent].children);
        let mut kept: Vec<usize> = Vec::with_capacity(children.len());
        for (at, id) in children.iter().copied().enumerate() {
            let siblings = [kept.last().copied(), children.get(at + 1).copied()];
            if self.is_ignorable(id, siblings, strip) {
                self.elements[id].removed = true;
                if let Piece::Text(text) = self.elements[id].piece {
                    self.texts[text].clear();
                }
            } else {
                self.elements[id].index = kept.len();
                kept.push(id);
            }
        }
        self.elements[parent].children = kept;
    }

    fn is_ignorable(&self, id: usize, siblings: [Option<usize>; 2], strip: bool) -> bool {
        match self.elements[id].piece {
            Piece::Trim { .. } => true,
            Piece::Vanishing => self.elements[id].children.is_empty(),
            Piece::Text(text) => self.is_ignorable_text(id, text, siblings, strip),
            _ => false,
        }
    }

    /// Whether a blank text stands between things that print nothing.
    fn is_ignorable_text(
        &self,
        id: usize,
        text: usize,
        siblings: [Option<usize>; 2],
        strip: bool,
    ) -> bool {
        let text = &self.texts[text];
        if text.is_empty() || !strip || !is_blank(text) {
            return text.is_empty();
        }
        let top = self.elements[id].parent == ROOT;
        let silent = |sibling: Option<usize>| match sibling {
            Some(sibling) => matches!(self.elements[sibling].piece, Piece::Silent | Piece::Macro),
            None => top,
        };
        siblings.into_iter().all(silent)
    }

    fn siblings(&self, id: usize) -> [Option<usize>; 2] {
        [self.previous_sibling(id), self.next_sibling(id)]
    }

    /// Counts a look at a neighbour; false once there have been too many.
    fn look(&self) -> bool {
        let left = self.looks_left.get().saturating_sub(1);
        self.looks_left.set(left);
        left > 0
    }

    fn previous_sibling(&self, id: usize) -> Option<usize> {
        let element = &self.elements[id];
        (id != ROOT && element.index > 0)
            .then(|| self.elements[element.parent].children[element.index - 1])
    }

    fn next_sibling(&self, id: usize) -> Option<usize> {
        if id == ROOT {
            return None;
        }
        let element = &self.elements[id];
        self.elements[element.parent]
            .children
            .get(element.index + 1)
            .copied()
    }

    fn leaf_of(&self, mut id: usize, pick: fn(&[usize]) -> Option<&usize>) -> usize {
        while !matches!(self.elements[id].piece, Piece::Macro | Piece::BlockAssign) {
            match pick(&self.elements[id].children) {
                Some(child) => id = *child,
                None => break,
            }
        }
        id
    }

    fn next_leaf(&self, mut id: usize) -> Option<usize> {
        while id != ROOT {
            if let Some(next) = self.next_sibling(id) {
                return Some(self.leaf_of(next, <[usize]>::first));
            }
            id = self.elements[id].parent;
        }
        None
    }

    fn previous_leaf(&self, mut id: usize) -> Option<usize> {
        while id != ROOT {
            if let Some(previous) = self.previous_sibling(id) {
                return Some(self.leaf_of(previous, <[usize]>::last));
            }
            id = self.elements[id].parent;
        }
        None
    }

    fn leaves_after(&self, id: usize) -> impl Iterator<Item = usize> {
        let line = self.elements[id].end_line;
        std::iter::successors(self.next_leaf(id), |leaf| self.next_leaf(*leaf))
            .take_while(move |leaf| self.elements[*leaf].begin_line == line && self.look())
    }

    fn leaves_before(&self, id: usize) -> impl Iterator<Item = usize> {
        let line = self.elements[id].begin_line;
        std::iter::successors(self.previous_leaf(id), |leaf| self.previous_leaf(*leaf))
            .take_while(move |leaf| self.elements[*leaf].end_line == line && self.look())
    }

    fn clean_text(&mut self, id: usize, text: usize, strip: bool) {
        if self.texts[text].is_empty() {
            return;
        }
        let left = self.has_trims && self.trim_before_left_marks(id, text);
        let right = self.has_trims && self.trim_after_right_marks(id, text);
        if !strip || self.texts[text].is_empty() {
            return;
        }
        if self.elements[id].parent == ROOT && self.previous_sibling(id).is_none() {
            return;
        }
        let trailing = if left {
            0
        } else {
            self.trailing_blank(id, text)
        };
        let opening = if right {
            0
        } else {
            self.opening_blank(id, text)
        };
        let kept = opening..self.texts[text].len().saturating_sub(trailing).max(opening);
        self.texts[text] = self.texts[text][kept].to_owned();
        if opening > 0 {
            self.elements[id].begin_line += 1;
            self.elements[id].starts_line = true;
        }
    }

    /// `#lt` and `#t` later on the line cut the blanks at the line's beginning.
    fn trim_before_left_marks(&mut self, id: usize, text: usize) -> bool {
        let marks: Vec<_> = self
            .leaves_after(id)
            .filter_map(|leaf| self.trim_mark(leaf))
            .collect();
        let mut deliberate = false;
        for (left, right) in marks {
            deliberate |= left || !right;
            if !left {
                continue;
            }
            let content = &self.texts[text];
            let last_break = last_line_break(content);
            if last_break.is_none() && !self.elements[id].starts_line {
                continue;
            }
            let line_start = last_break.map_or(0, |at| at + 1);
            let (first, last) = content.split_at(line_start);
            self.texts[text] = format!("{first}{}", last.trim_start_matches(is_java_blank));
        }
        deliberate
    }

    /// `#rt` and `#t` earlier on the line cut the line's end, its line break included.
    fn trim_after_right_marks(&mut self, id: usize, text: usize) -> bool {
        let marks: Vec<_> = self
            .leaves_before(id)
            .filter_map(|leaf| self.trim_mark(leaf))
            .collect();
        let mut deliberate = false;
        for (left, right) in marks {
            deliberate |= right || !left;
            if !right {
                continue;
            }
            let content = self.texts[text].clone();
            let Some(line_end) = first_line_end(&content) else {
                return false;
            };
            let (opening, trailing) = content.split_at(line_end);
            if is_blank(opening) {
                self.texts[text] = trailing.to_owned();
                self.elements[id].begin_line += 1;
                self.elements[id].starts_line = true;
                // It begins on the next line now, which no other mark stands on.
                break;
            } else {
                let printable = opening.trim_end_matches(is_java_blank);
                let mut keep_trailing = true;
                if is_blank(trailing) {
                    keep_trailing = false;
                    for leaf in self.leaves_after(id) {
                        keep_trailing |= self.heeds_opening(leaf);
                        if matches!(self.trim_mark(leaf), Some((true, _))) {
                            keep_trailing = false;
                            break;
                        }
                    }
                }
                self.texts[text] =
                    format!("{printable}{}", if keep_trailing { trailing } else { "" });
            }
        }
        deliberate
    }

    fn trim_mark(&self, id: usize) -> Option<(bool, bool)> {
        match self.elements[id].piece {
            Piece::Trim { left, right } => Some((left, right)),
            _ => None,
        }
    }

    /// Bytes at the start that go because the line that ends here holds only tags.
    fn opening_blank(&self, id: usize, text: usize) -> usize {
        let content = &self.texts[text];
        let end = match first_line_end(content) {
            Some(end) => end,
            None if self.elements[id].starts_line => 0,
            None => return 0,
        };
        if !is_blank(&content[..end]) || self.leaves_before(id).any(|leaf| self.heeds_opening(leaf))
        {
            return 0;
        }
        end
    }

    /// Bytes at the end that go because the line that begins here holds only tags.
    fn trailing_blank(&self, id: usize, text: usize) -> usize {
        let content = &self.texts[text];
        let last_break = last_line_break(content);
        if last_break.is_none() && !self.elements[id].starts_line {
            return 0;
        }
        let start = last_break.map_or(0, |at| at + 1);
        if !is_blank(&content[start..])
            || self.leaves_after(id).any(|leaf| self.heeds_trailing(leaf))
        {
            return 0;
        }
        content.len() - start
    }

    /// Whether what `id` prints stands on the line of what comes after it.
    fn heeds_opening(&self, id: usize) -> bool {
        match self.elements[id].piece {
            Piece::Output => true,
            Piece::Text(text) => {
                !self.is_ignorable_text(id, text, self.siblings(id), true)
                    && heeds(self.texts[text].chars().rev())
            }
            _ => false,
        }
    }

    /// Whether what `id` prints stands on the line of what comes before it.
    fn heeds_trailing(&self, id: usize) -> bool {
        match self.elements[id].piece {
            Piece::Output => true,
            Piece::Text(text) => {
                !self.is_ignorable_text(id, text, self.siblings(id), true)
                    && heeds(self.texts[text].chars())
            }
            _ => false,
        }
    }
}

impl Element {
    fn new(piece: Piece, parent: usize, index: usize, start: u32, end: u32) -> Self {
        Self {
            piece,
            parent,
            index,
            children: Vec::new(),
            start,
            end,
            begin_line: 0,
            end_line: 0,
            starts_line: false,
            removed: false,
        }
    }
}

/// Whether anything visible comes before a line break, or there is no line break at all.
fn heeds(chars: impl Iterator<Item = char>) -> bool {
    for c in chars {
        if c == '\n' || c == '\r' {
            return false;
        }
        if !is_java_blank(c) {
            return true;
        }
    }
    true
}

fn is_blank(text: &str) -> bool {
    // Java's `trim()` takes control characters for blanks.
    text.chars().all(|c| c <= ' ')
}

fn is_java_blank(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{85}')
        || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn last_line_break(text: &str) -> Option<usize> {
    text.rfind(['\n', '\r'])
}

/// Where the first line ends, its line break included.
fn first_line_end(text: &str) -> Option<usize> {
    let at = text.find(['\n', '\r'])?;
    Some(if text[at..].starts_with("\r\n") {
        at + 2
    } else {
        at + 1
    })
}
