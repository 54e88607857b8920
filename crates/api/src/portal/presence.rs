//! That whoever uses a session is the one who began it: asked for before what a thief of the session
//! would do first.

use store::{Credentials, Secret};

use super::{ApiError, Portal};
use crate::auth::{Comparison, Principal};

impl Portal {
    /// Refuses unless the password is that of the person who is signed in; wrong ones count as
    /// failures to sign in. `pointer` says which field holds it.
    pub(super) async fn prove_presence(
        &self,
        principal: &Principal,
        password: Option<String>,
        pointer: &str,
    ) -> Result<Credentials, ApiError> {
        let (person, _) = principal.who.present()?;
        self.attempt(&person.email)?;
        let credentials = self.store.credentials_of(person.clone()).await?;
        if credentials.password_hash.is_none() {
            self.forgive(&person.email);
            return Ok(credentials);
        }
        let password = Secret::new(password.unwrap_or_default());
        let stored = credentials.password_hash.clone();
        let passwords = &self.authority.passwords;
        match passwords.compare(password, stored).await? {
            Comparison::Wrong => Err(ApiError::field(pointer, "this is not your password")),
            Comparison::Right | Comparison::Outdated(_) => {
                self.forgive(&person.email);
                Ok(credentials)
            }
        }
    }

    /// Refuses unless the person has no second factor, or `code` is one of it; wrong ones count as
    /// wrong passwords do.
    pub(super) async fn prove_code(
        &self,
        principal: &Principal,
        credentials: &Credentials,
        code: Option<&str>,
    ) -> Result<(), ApiError> {
        let email = &credentials.person.email;
        self.attempt(email)?;
        let by = &principal.caller;
        let proved = self.prove_second_factor(credentials, code, by).await;
        if !matches!(proved, Err(ApiError::WrongCredentials)) {
            self.forgive(email);
        }
        proved.map_err(|error| match error {
            ApiError::WrongCredentials => ApiError::field("/code", "this is not the code"),
            error => error,
        })
    }

    /// Counts an attempt at the account of someone who is signed in.
    fn attempt(&self, email: &str) -> Result<(), ApiError> {
        let (failures, now) = (&self.authority.failures, self.authority.clock.now());
        let attempt = failures.attempt_account(email, now);
        attempt.map_err(|retry_after| ApiError::TooManyFailures { retry_after })
    }

    /// Takes the attempt back: it was no failure.
    fn forgive(&self, email: &str) {
        let (failures, now) = (&self.authority.failures, self.authority.clock.now());
        failures.forgive_account(email, now);
    }
}
