//! Values that somebody else carries for us and can neither read nor change, such as a browser in a
//! cookie.

use super::Secret;
use crate::{Error, Store};

impl Store {
    /// Seals a value for `purpose`. It opens as long as its key is there; whether it is out of date is
    /// for the value to say.
    pub fn seal_to_carry(&self, purpose: &'static str, value: &[u8]) -> Result<Secret, Error> {
        let bound = bound(purpose);
        let sealed = self.keyring.seal(&bound, value, self.random.as_ref());
        sealed.map(Secret::new)
    }

    /// A value that was sealed for `purpose`; `None` when this is none, or was changed.
    pub fn open_carried(
        &self,
        purpose: &'static str,
        envelope: &str,
    ) -> Result<Option<Vec<u8>>, Error> {
        match self.keyring.open_envelope(&bound(purpose), envelope) {
            Ok(value) => Ok(Some(value)),
            Err(Error::UnknownKey { .. } | Error::Unsealable { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What the envelope is bound to: no row has such an id.
fn bound(purpose: &str) -> String {
    format!("carried for {purpose}")
}
