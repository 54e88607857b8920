//! That whoever uses a session is the one who began it: asked for before what a thief of the session
//! would do first.

use std::time::Duration;

use store::{Credentials, Secret, Session};

use super::{ApiError, Portal};
use crate::auth::{Comparison, Principal};

/// How long a sign-in stands for what is proved by it.
const RECENT: Duration = Duration::from_secs(10 * 60);

impl Portal {
    /// Refuses unless the password is that of the person who is signed in. Somebody without one has to
    /// have signed in, at their provider, [lately](RECENT). `pointer` says which field holds it.
    pub(super) async fn prove_presence(
        &self,
        principal: &Principal,
        password: Option<String>,
        pointer: &str,
    ) -> Result<Credentials, ApiError> {
        let (person, session) = principal.who.present()?;
        let credentials = self.store.credentials_of(person.clone()).await?;
        let Some(stored) = credentials.password_hash.clone() else {
            // Without a password there is no way to begin a session but the provider's.
            return match self.is_recent(session) {
                true => Ok(credentials),
                false => Err(ApiError::RecentSignInNeeded {
                    has_password: false,
                }),
            };
        };
        self.attempt(session)?;
        let password = Secret::new(password.unwrap_or_default());
        let passwords = &self.authority.passwords;
        let compared = passwords.compare(password, Some(stored)).await;
        if !matches!(compared, Ok(Comparison::Wrong)) {
            self.forgive(session);
        }
        match compared? {
            Comparison::Wrong => Err(ApiError::field(pointer, "this is not your password")),
            Comparison::Right | Comparison::Outdated(_) => Ok(credentials),
        }
    }

    /// The same for what a person does who has just signed in as well as later: who has begun the session
    /// [lately](RECENT) has proved it by that.
    pub(super) async fn prove_presence_once(
        &self,
        principal: &Principal,
        password: Option<String>,
        pointer: &str,
    ) -> Result<(), ApiError> {
        let (person, session) = principal.who.present()?;
        match password {
            None if self.is_recent(session) => Ok(()),
            None => Err(ApiError::RecentSignInNeeded {
                has_password: person.has_password,
            }),
            given => {
                let proved = self.prove_presence(principal, given, pointer);
                proved.await.map(drop)
            }
        }
    }

    /// Whether a session was begun [lately](RECENT).
    fn is_recent(&self, session: &Session) -> bool {
        self.authority.clock.now().since(session.created_at) < RECENT
    }

    /// Refuses unless the person has no second factor, or `code` is one of it; wrong ones count as
    /// wrong passwords do.
    pub(super) async fn prove_code(
        &self,
        principal: &Principal,
        credentials: &Credentials,
        code: Option<&str>,
    ) -> Result<(), ApiError> {
        let (_, session) = principal.who.present()?;
        self.attempt(session)?;
        let by = &principal.caller;
        let proved = self.prove_second_factor(credentials, code, by).await;
        if !matches!(proved, Err(ApiError::WrongCredentials)) {
            self.forgive(session);
        }
        proved.map_err(|error| match error {
            ApiError::WrongCredentials => ApiError::field("/code", "this is not the code"),
            error => error,
        })
    }

    /// Counts an attempt of a session. Not of the account: strangers who guess at that shall not keep
    /// its owner, who is signed in, from giving it a better password.
    fn attempt(&self, session: &Session) -> Result<(), ApiError> {
        let (failures, now) = (&self.authority.failures, self.authority.clock.now());
        let attempt = failures.attempt_in_session(&session.id, now);
        attempt.map_err(|retry_after| ApiError::TooManyFailures { retry_after })
    }

    /// Takes the attempt back: it was no failure.
    fn forgive(&self, session: &Session) {
        let (failures, now) = (&self.authority.failures, self.authority.clock.now());
        failures.forgive_in_session(&session.id, now);
    }
}
