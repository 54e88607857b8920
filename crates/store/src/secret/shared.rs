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

#[cfg(test)]
mod tests {
    use model::random::Seeded;

    use super::*;
    use crate::secret::Secret;

    fn config(folder: &Path) -> Config {
        Config::in_folder(folder)
    }

    #[test]
    fn a_key_that_came_into_the_file_is_found_when_something_was_sealed_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let (config, random) = (config(folder.path()), Seeded::new(1));
        let here = SharedKeyring::open(&config, true, &random).unwrap();
        let there = SharedKeyring::open(&config, false, &random).unwrap();
        Keyring::add_key(&config.key_file, &random).unwrap();
        here.reload().unwrap();
        let envelope = here.seal("a", b"value", &random).unwrap();
        assert_eq!(there.open_envelope("a", &envelope).unwrap(), b"value");
        let again = there.seal("a", b"value", &random).unwrap();
        assert_eq!(Keyring::key_id(&again), Keyring::key_id(&envelope));
        assert!(there.current().has(here.current().ids().next().unwrap()));
    }

    #[test]
    fn a_file_that_went_away_or_was_spoilt_leaves_the_known_keys_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let (config, random) = (config(folder.path()), Seeded::new(1));
        let keys = SharedKeyring::open(&config, true, &random).unwrap();
        let envelope = keys.seal("a", b"value", &random).unwrap();
        std::fs::write(&config.key_file, "nonsense").unwrap();
        assert!(matches!(
            keys.reload(),
            Err(Error::KeyFileMalformed { line: 1, .. })
        ));
        std::fs::remove_file(&config.key_file).unwrap();
        assert!(matches!(keys.reload(), Err(Error::KeyFileMissing { .. })));
        assert_eq!(keys.open_envelope("a", &envelope).unwrap(), b"value");
    }

    #[test]
    fn keys_that_are_given_need_no_file_and_none_is_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        let key = |id: &str| format!("{id}:{}", "11".repeat(32));
        config.key = Some(Secret::new(format!("{}, {}", key("b"), key("a"))));
        let random = Seeded::new(1);
        let keys = SharedKeyring::open(&config, false, &random).unwrap();
        assert!(keys.file().is_none() && !config.key_file.exists());
        assert!(keys.reload().unwrap().ids().eq(["b", "a"]));
        let unknown = keys.open_envelope("a", "1:c:00");
        assert!(matches!(unknown, Err(Error::UnknownKey { key_id }) if key_id == "c"));
        config.key = Some(Secret::new(format!("{},b:22", key("a"))));
        let wrong = SharedKeyring::open(&config, false, &random);
        assert!(matches!(wrong, Err(Error::KeyMalformed { number: 2 })));
    }
}
