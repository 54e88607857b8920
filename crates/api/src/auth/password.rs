//! Passwords: what they must be, and their hashes (argon2id).

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use model::Random;
use store::Secret;
use tokio::sync::Semaphore;

use super::Config;
use crate::portal::ApiError;

/// Fewest characters: what NIST SP 800-63B asks of a password that has company, and two more.
const SHORTEST: usize = 10;

/// Longest password: hashing takes time with its length.
const LONGEST_BYTES: usize = 256;

/// Hashes and compares passwords, a few at a time.
pub(crate) struct Passwords {
    params: Params,
    hashers: Arc<Semaphore>,
    random: Arc<dyn Random>,
    /// The hash of no one's password: someone who doesn't exist is refused as slowly as one who does.
    nobody: String,
}

/// What comparing a password with a hash gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// It is another one.
    Wrong,
    /// It is the one.
    Right,
    /// It is the one, but its hash is easier to guess from than ours: here is a new one.
    Outdated(String),
}

impl Passwords {
    pub(crate) fn new(config: &Config, random: Arc<dyn Random>) -> Self {
        let (memory, passes) = (config.password_memory_kib, config.password_passes);
        let params = Params::new(memory, passes, 1, None).unwrap_or_default();
        let nobody = hash(&params, random.as_ref(), "").unwrap_or_default();
        Self {
            params,
            hashers: Arc::new(Semaphore::new(config.password_hashers)),
            random,
            nobody,
        }
    }

    /// The hash to store of a new password.
    pub(crate) async fn hash(&self, password: Secret) -> Result<String, ApiError> {
        let (params, random) = (self.params.clone(), Arc::clone(&self.random));
        self.run(move || hash(&params, random.as_ref(), password.expose()))
            .await?
    }

    /// Compares a password with the hash of someone's, or of no one's: that takes as long.
    pub(crate) async fn compare(
        &self,
        password: Secret,
        stored: Option<String>,
    ) -> Result<Comparison, ApiError> {
        // One that is too long is nobody's; hashing it all the same would take the longer.
        let usable = password.expose().len() <= LONGEST_BYTES;
        let password = match usable {
            true => password,
            false => Secret::new(String::new()),
        };
        let exists = usable && stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        let (params, random) = (self.params.clone(), Arc::clone(&self.random));
        self.run(move || {
            let parsed = PasswordHash::new(&stored).map_err(internal)?;
            let verified = Argon2::default()
                .verify_password(password.expose().as_bytes(), &parsed)
                .is_ok();
            if !verified || !exists {
                return Ok(Comparison::Wrong);
            }
            if weaker(&parsed, &params) {
                let again = hash(&params, random.as_ref(), password.expose())?;
                return Ok(Comparison::Outdated(again));
            }
            Ok(Comparison::Right)
        })
        .await?
    }

    /// Runs work that takes memory and tens of milliseconds of CPU off the threads that serve.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let turn = Arc::clone(&self.hashers).acquire_owned().await;
        let turn = turn.map_err(internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(internal)
    }
}

fn hash(params: &Params, random: &dyn Random, password: &str) -> Result<String, ApiError> {
    let words = [random.next_u64(), random.next_u64()];
    let salt = words.map(u64::to_le_bytes).concat();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let hash: PasswordHash = argon2
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(internal)?;
    Ok(hash.to_string())
}

fn weaker(stored: &PasswordHash, params: &Params) -> bool {
    let Ok(used) = Params::try_from(stored) else {
        return true;
    };
    let argon2id = stored.algorithm == Algorithm::Argon2id.ident();
    !argon2id || used.m_cost() < params.m_cost() || used.t_cost() < params.t_cost()
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> ApiError {
    ApiError::Internal {
        source: Box::new(error),
    }
}

/// Why a text is no password to choose.
pub(crate) fn problem(password: &str, email: &str) -> Option<String> {
    let characters = password.chars().count();
    if characters < SHORTEST {
        Some(format!("at least {SHORTEST} characters, not {characters}"))
    } else if password.len() > LONGEST_BYTES {
        Some(format!("at most {LONGEST_BYTES} bytes"))
    } else if password.to_lowercase() == email.to_lowercase() {
        Some("something else than the e-mail address".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use model::random::Seeded;

    use super::*;

    fn passwords(memory: u32) -> Passwords {
        let config = Config {
            password_memory_kib: memory,
            password_passes: 1,
            ..Config::default()
        };
        Passwords::new(&config, Arc::new(Seeded::new(1)))
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_recognised_and_hashed_again_when_hashes_get_harder() {
        let (before, now) = (passwords(8), passwords(16));
        let stored = before.hash(secret("correct horse")).await.unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=8,t=1,p=1$"),
            "{stored}"
        );
        let compared = before.compare(secret("correct horse"), Some(stored.clone()));
        assert_eq!(compared.await.unwrap(), Comparison::Right);
        let compared = now.compare(secret("battery staple"), Some(stored.clone()));
        assert_eq!(compared.await.unwrap(), Comparison::Wrong);
        let compared = now.compare(secret("correct horse"), Some(stored)).await;
        let Comparison::Outdated(again) = compared.unwrap() else {
            panic!("the hash is of half the memory");
        };
        let compared = now.compare(secret("correct horse"), Some(again)).await;
        assert_eq!(compared.unwrap(), Comparison::Right);
    }

    #[tokio::test]
    async fn nobody_has_no_password() {
        for text in ["", "correct horse"] {
            let compared = passwords(8).compare(secret(text), None).await;
            assert_eq!(compared.unwrap(), Comparison::Wrong);
        }
        let passwords = passwords(8);
        let empty = passwords.hash(secret("")).await.unwrap();
        let long = secret(&"x".repeat(1 << 20));
        let compared = passwords.compare(long, Some(empty)).await;
        assert_eq!(compared.unwrap(), Comparison::Wrong);
    }

    #[test]
    fn short_long_and_obvious_passwords_are_refused() {
        assert!(problem("123456789", "a@b.c").is_some());
        assert!(problem(&"x".repeat(257), "a@b.c").is_some());
        assert!(problem("Someone@example.com", "someone@example.com").is_some());
        assert_eq!(problem("ten chars!", "someone@example.com"), None);
    }
}
