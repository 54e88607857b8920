//! One secret, as it is looked for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::canonical::Canonical;

/// Shorter values are no secrets, and can stand anywhere by chance.
const SECRET_BYTES: usize = 4;

/// As many letters of Base64 don't stand anywhere by chance.
const BASE64_LETTERS: usize = 8;

/// A text that is cut ends within so much of a secret at most, as far as it is looked for.
const LONGEST_CUT: usize = 4096;

/// A secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret {
    /// As it reads; then what Base64 makes of it where it begins with the first, second and third byte of a
    /// group, as far as that is the secret's alone: with the letters that stand anywhere, and those in URLs.
    texts: Vec<String>,
}

impl Secret {
    pub(super) fn new(secret: &str) -> Option<Self> {
        let secret = secret.trim();
        if secret.len() < SECRET_BYTES {
            return None;
        }
        let read = |text: &str| Canonical::of(text).text().to_owned();
        let mut texts = vec![read(secret)];
        for before in 0..3 {
            let encoded = base64_within(secret.as_bytes(), before);
            if encoded.len() >= BASE64_LETTERS {
                let of_urls = encoded.replace('+', "-").replace('/', "_");
                texts.extend(
                    [encoded, of_urls].map(|text| text.replace('+', " ").to_ascii_lowercase()),
                );
            }
        }
        let mut encoded = texts.split_off(1);
        encoded.dedup();
        texts.extend(encoded);
        Some(Self { texts })
    }

    /// Adds where in the original the text has it; also where it ends within it. `unwrapped`: the text without
    /// line breaks, if it has any.
    pub(super) fn find(
        &self,
        text: &Canonical,
        unwrapped: Option<&Canonical>,
        places: &mut Vec<(usize, usize)>,
    ) {
        let Some((plain, encoded)) = self.texts.split_first() else {
            return;
        };
        find_in(text, std::slice::from_ref(plain), places);
        find_in(unwrapped.unwrap_or(text), encoded, places);
    }
}

/// Adds where one of the secret's texts stands.
fn find_in(text: &Canonical, secrets: &[String], places: &mut Vec<(usize, usize)>) {
    let kept = text.without_cut();
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

/// What Base64 makes of these bytes behind so many others (0 to 2), without the letters that what stands
/// around has a part in.
fn base64_within(bytes: &[u8], before: usize) -> String {
    let group = [&[0_u8; 2][..before], bytes].concat();
    let letters = STANDARD_NO_PAD.encode(&group);
    let (first, end) = ((before * 8).div_ceil(6), group.len() * 8 / 6);
    letters[first.min(end)..end].to_owned()
}
