//! Texts that were made of an event, such as a template's complaint or a destination's answer: values of
//! sensitive properties are taken out where they stand, also in part.

use std::fmt;

use super::MASK;
use crate::json::write_string;

/// Most values of one event that are looked for. Of an event with more, nothing that was made of it is
/// shown.
const VALUES: usize = 1000;

/// A longer value is looked for by so many of its first bytes: what was cut is found, too.
const HEAD_BYTES: usize = 8;

/// A shorter value is only found where no letter or digit is beside it: it may stand anywhere by chance.
const SHORT_BYTES: usize = 4;

/// The values that were taken out of an event.
#[derive(Clone, Default)]
pub struct Redaction {
    values: Vec<String>,
    changed: bool,
    all: bool,
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never what was taken out.
        write!(f, "Redaction({} values)", self.values.len())
    }
}

impl Redaction {
    /// Whether nothing was taken out.
    pub fn is_empty(&self) -> bool {
        !self.changed
    }

    /// The text with [`MASK`] where a value was that was taken out: as it was, as JSON or URLs have it, or
    /// cut. What a template made something else of, such as a hash, can't be found.
    pub fn apply(&self, text: &str) -> String {
        if self.all && !text.is_empty() {
            return MASK.to_owned();
        }
        let lower = text.to_ascii_lowercase();
        let values = self.values.iter();
        let mut places: Vec<_> = values.flat_map(|value| places(&lower, value)).collect();
        places.sort_unstable();
        let (mut out, mut from) = (String::with_capacity(text.len()), 0);
        for (start, end) in places {
            if start >= from {
                out.push_str(&text[from..start]);
                out.push_str(MASK);
            }
            // Of two that overlap, both go.
            from = from.max(end);
        }
        out.push_str(&text[from..]);
        out
    }

    pub(super) fn note_truth(&mut self) {
        self.changed = true;
    }

    pub(super) fn note(&mut self, value: &str) {
        self.changed = true;
        if value.is_empty() || self.all {
            return;
        }
        for form in forms(value) {
            if !self.values.contains(&form) {
                self.values.push(form);
            }
        }
        if self.values.len() > VALUES {
            self.withhold_all();
        }
    }

    /// From now on no text is shown at all.
    pub(super) fn withhold_all(&mut self) {
        (self.all, self.changed) = (true, true);
        self.values.clear();
    }
}

/// A value as it stands in texts, each form once: in lower case, since letters are compared without
/// regard to it.
fn forms(value: &str) -> Vec<String> {
    let mut json = Vec::new();
    write_string(value, &mut json);
    let json = String::from_utf8(json).unwrap_or_default();
    let inner = json
        .strip_prefix('"')
        .and_then(|json| json.strip_suffix('"'));
    let json = inner.unwrap_or(value).to_owned();
    let mut forms = vec![
        value.to_owned(),
        json,
        percent(value, "%20"),
        percent(value, "+"),
    ];
    forms
        .iter_mut()
        .for_each(|form| form.make_ascii_lowercase());
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// As URLs and forms have it.
fn percent(value: &str, space: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(byte));
            }
            b' ' => text.push_str(space),
            byte => text.push_str(&format!("%{byte:02x}")),
        }
    }
    text
}

/// Where a text, in lower case, begins as the value does, as far as it goes on so.
fn places(text: &str, value: &str) -> Vec<(usize, usize)> {
    let mut head = HEAD_BYTES.min(value.len());
    while !value.is_char_boundary(head) {
        head += 1;
    }
    let head = &value[..head];
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(at) = text[from..].find(head).map(|at| from + at) {
        let alike = |(a, b): &(char, char)| a == b;
        let stretch = text[at..].chars().zip(value.chars()).take_while(alike);
        let end = at + stretch.map(|(c, _)| c.len_utf8()).sum::<usize>();
        let by_chance = value.len() < SHORT_BYTES
            && (text[..at].ends_with(char::is_alphanumeric)
                || text[end..].starts_with(char::is_alphanumeric));
        if !by_chance {
            found.push((at, end));
        }
        from = end;
    }
    found.extend(cut_place(text, value));
    found
}

/// Where a text that was cut ends with the beginning of the value.
fn cut_place(text: &str, value: &str) -> Option<(usize, usize)> {
    let mut lengths = (SHORT_BYTES..value.len().min(HEAD_BYTES)).rev();
    let length = lengths
        .find(|&length| value.is_char_boundary(length) && text.ends_with(&value[..length]))?;
    Some((text.len() - length, text.len()))
}
