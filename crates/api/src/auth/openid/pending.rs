//! A sign-in between its start and the provider's answer. The browser carries it, sealed, so that any
//! node can finish what another one has begun.

use std::time::Duration;

use model::{Random, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Secret, Store};

use super::Failure;

/// How long signing in at the provider may take.
pub(crate) const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// What the sealed value is for.
const PURPOSE: &str = "sign-in";

/// Longest path to return to: browsers keep cookies of 4 KiB.
const PATH_BYTES: usize = 1000;

/// A sign-in under way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// The provider, by its name in the configuration.
    pub(crate) provider: String,
    /// Comes back with the answer, so that it belongs to this browser.
    pub(super) state: String,
    /// Comes back in the ID token, so that it belongs to this sign-in.
    pub(super) nonce: String,
    /// Proves that whoever brings the code has asked for it (PKCE).
    pub(super) verifier: String,
    /// Where the browser goes afterwards.
    pub(crate) return_to: String,
    expires_at: i64,
}

impl Pending {
    pub(super) fn new(
        provider: &str,
        return_to: String,
        random: &dyn Random,
        now: Timestamp,
    ) -> Self {
        Self {
            provider: provider.to_owned(),
            state: unguessable(random),
            nonce: unguessable(random),
            verifier: unguessable(random),
            return_to,
            expires_at: (now + LIFETIME).0,
        }
    }

    /// The cookie's value.
    pub(super) fn seal(&self, store: &Store) -> Result<Secret, store::Error> {
        // Of texts and a number: always written.
        let text = serde_json::to_vec(self).unwrap_or_default();
        store.seal_to_carry(PURPOSE, &text)
    }

    /// What a cookie holds, if the answer with this `state` belongs to it and it isn't too late.
    pub(crate) fn open(
        cookie: Option<&str>,
        state: Option<&str>,
        store: &Store,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let cookie = cookie.ok_or(Failure::Ended)?;
        let opened = store.open_carried(PURPOSE, cookie)?;
        let opened = opened.ok_or(Failure::Ended)?;
        let pending: Self = serde_json::from_slice(&opened).map_err(|_| Failure::Ended)?;
        let present = pending.expires_at > now.0 && state == Some(pending.state.as_str());
        present.then_some(pending).ok_or(Failure::Ended)
    }
}

/// 256 random bits as 64 hexadecimal digits.
fn unguessable(random: &dyn Random) -> String {
    let words: [u64; 4] = std::array::from_fn(|_| random.next_u64());
    words.map(|word| format!("{word:016x}")).concat()
}

/// A path of this installation to return to: nothing that a browser could take for another site's
/// address.
pub(crate) fn is_own_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    path.len() <= PATH_BYTES
        && path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_paths_are_returned_to() {
        for path in ["/", "/projects/prj_1?tab=syncs#top", "/%2F/evil.example"] {
            assert!(is_own_path(path), "{path}");
        }
        for path in [
            "",
            "projects",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\nb",
            "/\t/evil.example",
            "/a b",
            &format!("/{}", "a".repeat(1000)),
        ] {
            assert!(!is_own_path(path), "{path}");
        }
    }
}
