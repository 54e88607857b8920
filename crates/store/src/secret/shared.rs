//! The keys in force, which may change while the server runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use model::Random;

use super::Keyring;
use crate::{Config, Error};

/// The keys in force, and where they come from.
#[derive(Debug)]
pub(crate) struct SharedKeyring {
    current: RwLock<Arc<Keyring>>,
    /// `None` when the configuration gives the keys themselves.
    file: Option<PathBuf>,
}

impl SharedKeyring {
    /// The keys that the configuration gives or names the file of. See [`Keyring::open`].
    pub(crate) fn open(
        config: &Config,
        may_make: bool,
        random: &dyn Random,
    ) -> Result<Self, Error> {
        let (keyring, file) = match &config.key {
            Some(given) => (Keyring::given(given.expose())?, None),
            None => {
                let keyring = Keyring::open(&config.key_file, may_make, random)?;
                (keyring, Some(config.key_file.clone()))
            }
        };
        Ok(Self {
            current: RwLock::new(Arc::new(keyring)),
            file,
        })
    }

    /// The keys at this moment.
    pub(crate) fn current(&self) -> Arc<Keyring> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// The key file, if the keys are in one.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Reads the key file again.
    pub(crate) fn reload(&self) -> Result<Arc<Keyring>, Error> {
        let Some(path) = &self.file else {
            return Ok(self.current());
        };
        let read = Keyring::read(path)?;
        let read = read.ok_or_else(|| Error::KeyFileMissing { path: path.clone() })?;
        let read = Arc::new(read);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::clone(&read);
        Ok(read)
    }

    /// See [`Keyring::seal`].
    pub(crate) fn seal(
        &self,
        id: &str,
        value: &[u8],
        random: &dyn Random,
    ) -> Result<String, Error> {
        self.current().seal(id, value, random)
    }

    /// See [`Keyring::open_envelope`]. A key that isn't known may have come into the file since.
    pub(crate) fn open_envelope(&self, id: &str, envelope: &str) -> Result<Vec<u8>, Error> {
        match self.current().open_envelope(id, envelope) {
            Err(Error::UnknownKey { .. }) if self.file.is_some() => {
                self.reload()?.open_envelope(id, envelope)
            }
            opened => opened,
        }
    }
}
