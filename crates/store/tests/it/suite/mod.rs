//! The behaviours.

pub(crate) mod mail;
pub(crate) mod open;
pub(crate) mod project;
pub(crate) mod sync;
pub(crate) mod token;

use millstream_store::{SecretFields, SyncDraft};
use model::definition::Header;
use model::sync::Settings;

/// What the secret header of [`draft`] holds.
pub(crate) const SECRET_HEADER: &str = "Bearer hunter2-in-a-header";
/// What the secret parameter of [`draft`] holds.
pub(crate) const SECRET_PARAMETER: &str = "hunter2-in-a-parameter";

/// A sync with a secret header, an open one, a secret parameter and an open one.
pub(crate) fn draft(name: &str) -> SyncDraft {
    let header = |name: &str, value: &str| Header {
        name: name.into(),
        value: value.into(),
    };
    SyncDraft {
        name: name.into(),
        enabled: false,
        settings: Settings {
            headers: vec![
                header("x-shop", "north"),
                header("authorization", SECRET_HEADER),
            ],
            parameters: [
                ("url", "https://example.com/hook"),
                ("key", SECRET_PARAMETER),
            ]
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
            ..Settings::default()
        },
        secret: SecretFields {
            headers: ["authorization".into()].into(),
            parameters: ["key".into()].into(),
        },
    }
}
