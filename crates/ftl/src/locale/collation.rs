//! The order in which Java sorts strings in a language, read out of `collation.txt`.
//!
//! Every character has elements: a letter (the high 16 bits), an accent (8 bits) and a case (8 bits), each of which may
//! be none. Letters decide first, then accents, then case.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

const TEXT: &str = include_str!("collation.txt");

/// The letter that comes before characters that are in no order: after all others, by their code.
const UNORDERED: u32 = 0x7fff_0000;

/// The order of a language.
#[derive(Default)]
pub(crate) struct Collation {
    /// Where the elements of a character, or of two letters that count as one, are among all.
    places: HashMap<[char; 2], (u32, u8)>,
    elements: Vec<u32>,
    /// Whether there are letters that count as one.
    has_pairs: bool,
    /// Whether of two accents the later one decides.
    is_french: bool,
}

/// Fills the place of the second of two letters.
const NO_CHAR: char = '\0';

struct Section {
    text: &'static str,
    read: OnceLock<Collation>,
}

/// The orders by the names of their locales; the root's is nameless.
static SECTIONS: LazyLock<(Vec<Section>, HashMap<&'static str, usize>)> = LazyLock::new(|| {
    let mut sections = Vec::new();
    let mut names = HashMap::new();
    for part in TEXT.split("\n= ").skip(1) {
        let (locales, text) = part.split_once('\n').unwrap_or((part, ""));
        names.extend(locales.split(',').map(|name| (name, sections.len())));
        let read = OnceLock::new();
        sections.push(Section { text, read });
    }
    (sections, names)
});

impl Collation {
    /// The order of a locale, or of its language, or the root's.
    pub(super) fn of(locale: &str, language: &str) -> &'static Self {
        static NOTHING: LazyLock<Collation> = LazyLock::new(Collation::default);
        let (sections, names) = &*SECTIONS;
        let place = [locale, language, ""]
            .into_iter()
            .find_map(|name| names.get(name));
        match place.and_then(|place| sections.get(*place)) {
            Some(section) => section.read.get_or_init(|| Self::read(section.text)),
            None => &NOTHING,
        }
    }

    fn read(section: &str) -> Self {
        let mut order = Self::default();
        for line in section.lines() {
            match line.split_at_checked(2) {
                Some(("o ", stream)) => order.read_single(stream),
                Some(("m ", list)) => order.read_several(list),
                _ => order.is_french |= line == "f",
            }
        }
        order.read_decompositions();
        order
    }

    fn insert(&mut self, key: [char; 2], elements: &[u32]) {
        let place = (self.elements.len() as u32, elements.len() as u8);
        self.elements.extend_from_slice(elements);
        self.places.insert(key, place);
    }

    /// Characters of one element, from the first to the last, with the steps between them.
    fn read_single(&mut self, stream: &str) {
        let mut last = 0u32;
        let mut rest = stream;
        while let Some(first) = rest.chars().next() {
            let (next, after) = match first {
                '=' => (last, &rest[1..]),
                ';' => ((last & 0xffff_ff00).wrapping_add(0x100), &rest[1..]),
                ',' => (last.wrapping_add(1), &rest[1..]),
                '#' => {
                    let (hex, after) = rest[1..].split_once(' ').unwrap_or_default();
                    (u32::from_str_radix(hex, 16).unwrap_or_default(), after)
                }
                _ => ((last & 0xffff_0000).wrapping_add(0x1_0000), rest),
            };
            let Some((c, after)) = character(after) else {
                return;
            };
            last = next;
            rest = after;
            self.insert([c, NO_CHAR], &[next]);
        }
    }

    /// What has several elements, or none.
    fn read_several(&mut self, list: &str) {
        for entry in list.split(' ') {
            let Some((hex, text)) = entry.split_once(':') else {
                continue;
            };
            let elements: Vec<u32> = hex
                .split('.')
                .filter_map(|element| u32::from_str_radix(element, 16).ok())
                .collect();
            let Some((first, rest)) = character(text) else {
                continue;
            };
            let second = character(rest).map_or(NO_CHAR, |(second, _)| second);
            self.has_pairs |= second != NO_CHAR;
            self.insert([first, second], &elements);
        }
    }

    /// Characters that count as what they are made of, unless the language has a place for them.
    fn read_decompositions(&mut self) {
        let line = TEXT.lines().next().unwrap_or_default();
        for word in line.split(' ').skip(1) {
            let mut chars = word.chars();
            let Some(whole) = chars.next() else { continue };
            if let Some(own) = self.places.get(&[whole, NO_CHAR]).copied() {
                // A letter of its own is that, too, where it is written as two characters.
                if let (Some(base), Some(mark), None) = (chars.next(), chars.next(), chars.next()) {
                    self.places.insert([base, mark], own);
                    self.has_pairs = true;
                }
                continue;
            }
            let parts: Option<Vec<u32>> = chars.try_fold(Vec::new(), |mut elements, part| {
                elements.extend_from_slice(self.elements_of([part, NO_CHAR])?);
                Some(elements)
            });
            if let Some(elements) = parts {
                self.insert([whole, NO_CHAR], &elements);
            }
        }
    }

    fn elements_of(&self, key: [char; 2]) -> Option<&[u32]> {
        let (start, len) = self.places.get(&key)?;
        let start = *start as usize;
        self.elements.get(start..start + usize::from(*len))
    }

    /// The elements of a text, which [`compare`](Self::compare) compares.
    pub(crate) fn weigh(&self, text: &str) -> Vec<u32> {
        let mut weights = Vec::with_capacity(text.len());
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if self.has_pairs
                && let Some(next) = chars.peek()
                && let Some(pair) = self.elements_of([c, *next])
            {
                weights.extend_from_slice(pair);
                chars.next();
                continue;
            }
            match self.elements_of([c, NO_CHAR]) {
                Some(elements) => weights.extend_from_slice(elements),
                None => {
                    weights.push(UNORDERED);
                    let units = c.encode_utf16(&mut [0; 2]).to_vec();
                    weights.extend(units.into_iter().map(|unit| u32::from(unit) << 16));
                }
            }
        }
        weights
    }

    /// Compares what has been weighed. A difference between letters decides at once, one between accents wins over one
    /// between cases.
    pub(crate) fn compare(&self, left: &[u32], right: &[u32]) -> Ordering {
        let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
        let mut result = Ordering::Equal;
        let (mut accents_count, mut case_counts) = (true, true);
        while let (Some(&&l), Some(&&r)) = (left.peek(), right.peek()) {
            let (left_letter, right_letter) = (letter(l), letter(r));
            if l == r {
                if self.is_french && left_letter != 0 && !accents_count {
                    accents_count = true;
                    case_counts = false;
                }
                left.next();
                right.next();
            } else if left_letter != right_letter {
                // What is no letter is passed over on its side; an accent that the other side hasn't got decides.
                if l == 0 {
                    left.next();
                } else if r == 0 {
                    right.next();
                } else if left_letter == 0 {
                    if std::mem::take(&mut accents_count) {
                        result = Ordering::Greater;
                    }
                    left.next();
                } else if right_letter == 0 {
                    if std::mem::take(&mut accents_count) {
                        result = Ordering::Less;
                    }
                    right.next();
                } else {
                    return left_letter.cmp(&right_letter);
                }
            } else {
                if accents_count {
                    let (left_accent, right_accent) = (accent(l), accent(r));
                    if left_accent != right_accent {
                        result = left_accent.cmp(&right_accent);
                        accents_count = false;
                    } else if case_counts && (l & 0xff) != (r & 0xff) {
                        result = (l & 0xff).cmp(&(r & 0xff));
                        case_counts = false;
                    }
                }
                left.next();
                right.next();
            }
        }
        rest(left, accents_count, Ordering::Greater)
            .or_else(|| rest(right, accents_count, Ordering::Less))
            .unwrap_or(result)
    }
}

/// What comes after the end of the other text decides if it is a letter, or an accent where these still count.
fn rest<'e>(
    elements: impl Iterator<Item = &'e u32>,
    accents_count: bool,
    longer: Ordering,
) -> Option<Ordering> {
    let mut found = None;
    for element in elements {
        if letter(*element) != 0 {
            return Some(longer);
        }
        if accent(*element) != 0 && accents_count {
            found = Some(longer);
        }
    }
    found
}

fn letter(element: u32) -> u32 {
    element >> 16
}

fn accent(element: u32) -> u32 {
    element >> 8 & 0xff
}

/// The first character of a text that escapes some as `\` and four hexadecimal digits, and the rest.
fn character(text: &str) -> Option<(char, &str)> {
    let first = text.chars().next()?;
    if first != '\\' {
        return Some((first, &text[first.len_utf8()..]));
    }
    let code = u32::from_str_radix(text.get(1..5)?, 16).ok()?;
    Some((char::from_u32(code)?, &text[5..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(language: &str, words: &[&'static str]) -> Vec<&'static str> {
        let order = Collation::of(language, language);
        let mut words = words.to_vec();
        words.sort_by(|left, right| order.compare(&order.weigh(left), &order.weigh(right)));
        words
    }

    #[test]
    fn case_and_accents_only_decide_between_equals() {
        let words = [
            "Pear", "apple", "Zoo", "école", "eclair", "Apple", "pear", "10", "_", "Straße",
        ];
        assert_eq!(
            sorted("en", &words),
            [
                "_", "10", "apple", "Apple", "eclair", "école", "pear", "Pear", "Straße", "Zoo"
            ]
        );
    }

    #[test]
    fn languages_have_their_own_letters() {
        assert_eq!(sorted("es", &["nz", "ña", "oa"]), ["nz", "ña", "oa"]);
        assert_eq!(sorted("en", &["nz", "ña", "oa"]), ["ña", "nz", "oa"]);
        assert_eq!(sorted("cs", &["ci", "ch", "hz"]), ["ci", "hz", "ch"]);
        assert_eq!(sorted("fr", &["coté", "côte"]), ["côte", "coté"]);
        assert_eq!(sorted("en", &["coté", "côte"]), ["coté", "côte"]);
    }
}
