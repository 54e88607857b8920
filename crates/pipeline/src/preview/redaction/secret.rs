//! One secret, as it is looked for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::canonical::Canonical;

/// Shorter values are no secrets, and can stand anywhere by chance.
const SECRET_BYTES: usize = 4;

/// As many letters of Base64 don't stand anywhere by chance.
const BASE64_LETTERS: usize = 8;

/// What escapes begin with.
const ESCAPING: [char; 3] = ['\\', '%', '&'];

/// A beginning of so many bytes is looked for in place of the whole: a shorter one can stand anywhere by chance.
const STEM_BYTES: usize = 6;

/// A text that is cut ends within so much of a secret at most, as far as it is looked for.
const LONGEST_CUT: usize = 4096;

/// A secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret {
    /// As it reads, and its beginning where what it ends with may look like an escape.
    texts: Vec<String>,
    /// What Base64 makes of it where it begins with the first, second and third byte of a group, as far as that
    /// is the secret's alone: with the letters that stand anywhere, and those in URLs.
    encoded: Vec<String>,
    /// As it stands, and as JSON writes it: for where it and what is around look like one escape.
    plain: Vec<String>,
}

impl Secret {
    pub(super) fn new(secret: &str) -> Option<Self> {
        let secret = secret.trim();
        if secret.len() < SECRET_BYTES {
            return None;
        }
        let read = |text: &str| Canonical::of(text).text().to_owned();
        let stands = |text: &str| Canonical::plain(text).text().to_owned();
        let mut plain = vec![stands(secret), stands(&in_json(secret))];
        let mut texts = vec![read(secret)];
        // Its last characters may begin an escape together with what follows, whatever wrote them: what stands
        // before them tells enough.
        let stem = secret.trim_end_matches(ESCAPING);
        if stem.len() < secret.len() && stem.len() >= STEM_BYTES {
            texts.push(read(stem));
            plain.extend([stands(stem), stands(&in_json(stem))]);
        }
        let mut encoded = Vec::new();
        for before in 0..3 {
            let letters = base64_within(secret.as_bytes(), before);
            if letters.len() >= BASE64_LETTERS {
                let of_urls = letters.replace('+', "-").replace('/', "_");
                encoded.extend(
                    [letters, of_urls].map(|text| text.replace('+', " ").to_ascii_lowercase()),
                );
            }
        }
        plain.dedup();
        encoded.dedup();
        Some(Self {
            texts,
            encoded,
            plain,
        })
    }

    /// Adds where in the original the text has it; also where that ends within it.
    pub(super) fn find(&self, text: &LookedAt, places: &mut Vec<(usize, usize)>) {
        let LookedAt { read, plain, .. } = text;
        let unwrapped = text.unwrapped.as_ref().unwrap_or(read);
        find(&self.texts, read, read.without_cut(), places);
        find(&self.encoded, unwrapped, unwrapped.without_cut(), places);
        find(&self.plain, plain, plain.text(), places);
    }
}

/// A text, in the ways in which secrets are looked for in it.
pub(super) struct LookedAt {
    read: Canonical,
    /// As it reads, without its line breaks, if it has any.
    unwrapped: Option<Canonical>,
    /// As it stands.
    plain: Canonical,
}

impl LookedAt {
    pub(super) fn of(text: &str) -> Self {
        let read = Canonical::of(text);
        Self {
            unwrapped: read.unwrapped(),
            plain: Canonical::plain(text),
            read,
        }
    }
}

/// Adds where in the original a text has one of these; also where what is kept of it ends within one.
fn find(secrets: &[String], text: &Canonical, kept: &str, places: &mut Vec<(usize, usize)>) {
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let found = text.text().match_indices(secret.as_str());
        places.extend(found.filter_map(|(at, found)| text.original(at..at + found.len())));
        let least = SECRET_BYTES.min(secret.len());
        let most = secret.len().min(kept.len()).min(LONGEST_CUT);
        let ends =
            |length: &usize| secret.is_char_boundary(*length) && kept.ends_with(&secret[..*length]);
        if let Some(length) = (least..most).rev().find(ends) {
            let to_the_end = kept.len() - length..text.text().len();
            places.extend(text.original(to_the_end));
        }
    }
}

/// What stands between the quotes where JSON has this text.
fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// What Base64 makes of these bytes behind so many others (0 to 2), without the letters that what stands
/// around has a part in.
fn base64_within(bytes: &[u8], before: usize) -> String {
    let group = [&[0_u8; 2][..before], bytes].concat();
    let letters = STANDARD_NO_PAD.encode(&group);
    let (first, end) = ((before * 8).div_ceil(6), group.len() * 8 / 6);
    letters[first.min(end)..end].to_owned()
}
