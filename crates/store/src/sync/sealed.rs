//! What is secret in a sync's settings: stored apart from the rest, sealed.

use std::collections::BTreeMap;

use model::sync::Settings;
use serde::{Deserialize, Serialize};

use super::SecretFields;
use crate::{Error, Store};

/// What is sealed of a sync's settings.
#[derive(Default, Serialize, Deserialize)]
struct Sealed {
    headers: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
}

impl Store {
    /// The settings without their secrets as JSON, and the secrets sealed for the row with this id, if
    /// there are any.
    pub(super) fn seal_settings(
        &self,
        id: &str,
        settings: &Settings,
        secret: &SecretFields,
    ) -> Result<(String, Option<String>), Error> {
        let mut open = settings.clone();
        let mut sealed = Sealed::default();
        for header in &mut open.headers {
            if secret.headers.contains(&header.name) {
                let value = std::mem::take(&mut header.value);
                sealed.headers.insert(header.name.clone(), value);
            }
        }
        for (name, value) in &mut open.parameters {
            if secret.parameters.contains(name) {
                sealed
                    .parameters
                    .insert(name.clone(), std::mem::take(value));
            }
        }
        let unwritable = |_| Error::Corrupt {
            what: "the settings",
            id: id.to_owned(),
        };
        let open = serde_json::to_string(&open).map_err(unwritable)?;
        if sealed.headers.is_empty() && sealed.parameters.is_empty() {
            return Ok((open, None));
        }
        let sealed = serde_json::to_vec(&sealed).map_err(unwritable)?;
        let random = self.random.as_ref();
        let envelope = self.keyring.seal(id, &sealed, random)?;
        Ok((open, Some(envelope)))
    }

    /// Puts the sealed values back into the settings and says which they are.
    pub(super) fn unseal_settings(
        &self,
        id: &str,
        settings: &mut Settings,
        envelope: &str,
    ) -> Result<SecretFields, Error> {
        let sealed = self.keyring.open_envelope(id, envelope)?;
        let sealed: Sealed = serde_json::from_slice(&sealed).map_err(|_| Error::Corrupt {
            what: "the secrets",
            id: id.to_owned(),
        })?;
        let secret = SecretFields {
            headers: sealed.headers.keys().cloned().collect(),
            parameters: sealed.parameters.keys().cloned().collect(),
        };
        for header in &mut settings.headers {
            if let Some(value) = sealed.headers.get(&header.name) {
                header.value.clone_from(value);
            }
        }
        settings.parameters.extend(sealed.parameters);
        Ok(secret)
    }
}
