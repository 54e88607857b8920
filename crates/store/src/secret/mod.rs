//! Secrets: a type that doesn't show itself, keys that are stored as hashes, and values that are
//! stored sealed.

mod carried;
mod credential;
mod keyring;
mod rotation;
mod shared;

use std::fmt;

use model::Random;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub(crate) use credential::{Credential, Kind, mask_links};
pub use keyring::Keyring;
pub use rotation::KeyUse;
pub(crate) use shared::SharedKeyring;

/// Where sealed values are: the table, and the column of their envelopes, which are bound to the
/// rows' `id`.
pub(crate) const SEALED: &[(&str, &str)] = &[
    ("syncs", "secrets"),
    ("sync_versions", "secrets"),
    ("people", "totp"),
    ("mails", "bodies"),
    ("idempotency", "made"),
    ("alert_channels", "secrets"),
    ("alert_keys", "secret"),
];

/// A text that must not be shown: not by `Debug`, not by serialisation.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text. Only to show it to its owner once, or to use it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A key of 32 hexadecimal digits, 128 random bits.
    pub(crate) fn key(random: &dyn Random) -> Self {
        Self(format!(
            "{:016x}{:016x}",
            random.next_u64(),
            random.next_u64()
        ))
    }

    /// What is stored of a secret that only needs to be recognised: its SHA-256 in hexadecimal.
    /// Enough for random ones of 128 bits or more, which nobody can guess.
    pub(crate) fn hash(&self) -> String {
        hexadecimal(&Sha256::digest(self.0.as_bytes()))
    }

    /// Whether `hash` is this secret's, in a time that tells nothing about where they differ.
    pub(crate) fn matches(&self, hash: &str) -> bool {
        self.hash().as_bytes().ct_eq(hash.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of hexadecimal digits; `None` when it is something else.
pub(crate) fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8))
        .collect()
}

#[cfg(test)]
mod tests {
    use model::random::Seeded;

    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::key(&Seeded::new(1));
        assert!(!format!("{secret:?}").contains(secret.expose()));
    }

    #[test]
    fn a_secret_is_recognised_by_its_hash_only() {
        let random = Seeded::new(1);
        let (secret, other) = (Secret::key(&random), Secret::key(&random));
        assert!(secret.matches(&secret.hash()));
        assert!(!other.matches(&secret.hash()));
        assert!(!secret.matches(""));
        assert!(!secret.matches(secret.expose()));
    }

    #[test]
    fn hexadecimal_digits_survive_and_others_are_refused() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hexadecimal(&hexadecimal(&bytes)), Some(bytes));
        for wrong in ["0", "0g", "+1", "é"] {
            assert_eq!(from_hexadecimal(wrong), None, "{wrong}");
        }
    }
}
