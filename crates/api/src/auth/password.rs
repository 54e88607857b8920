//! Passwords: what they must be, and their hashes (argon2id).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use model::Random;
use store::Secret;
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

use super::Config;
use crate::portal::ApiError;

/// Fewest characters: what NIST SP 800-63B asks of a password that has company, and two more.
const SHORTEST: usize = 10;

/// Longest password: hashing takes time with its length.
const LONGEST_BYTES: usize = 256;

/// Hashes and compares passwords, a few at a time.
pub(crate) struct Passwords {
    hasher: Hasher,
    hashers: Arc<Semaphore>,
    /// Of those that are hashed and those that wait for it.
    places: Semaphore,
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
        let hasher = Hasher {
            costliest: Arc::new(AtomicU64::new(blocks(&params))),
            spent: Arc::default(),
            params,
            random,
        };
        let places = config.password_hashers + config.password_queue;
        Self {
            nobody: hasher.hash("").unwrap_or_default(),
            hasher,
            hashers: Arc::new(Semaphore::new(config.password_hashers)),
            places: Semaphore::new(places),
        }
    }

    /// The hash to store of a new password.
    pub(crate) async fn hash(&self, password: Secret) -> Result<String, ApiError> {
        let password = normal(&password);
        let hasher = self.hasher.clone();
        self.run(move || hasher.hash(password.expose())).await?
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
        let hasher = self.hasher.clone();
        self.run(move || hasher.compare_both(&password, &stored, exists))
            .await?
    }

    /// Runs work that takes memory and tens of milliseconds of CPU off the threads that serve. Refused
    /// when too many others wait for it.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let _place = self.places.try_acquire().map_err(|_| ApiError::Busy)?;
        let turn = Arc::clone(&self.hashers).acquire_owned().await;
        let turn = turn.map_err(internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(internal)
    }
}

/// Does the work, and sees to it that a refusal is the same amount of it whoever was asked for: it is
/// counted in the blocks that argon2 fills, a KiB each.
#[derive(Clone)]
struct Hasher {
    params: Params,
    random: Arc<dyn Random>,
    /// What the costliest hash takes that we know of: one that is made now, or was made when the
    /// configuration asked for more.
    costliest: Arc<AtomicU64>,
    /// All that was done.
    spent: Arc<AtomicU64>,
}

impl Hasher {
    fn hash(&self, password: &str) -> Result<String, ApiError> {
        let words = [self.random.next_u64(), self.random.next_u64()];
        let salt = words.map(u64::to_le_bytes).concat();
        self.note(blocks(&self.params));
        let hash: PasswordHash = argon2id(self.params.clone())
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map_err(internal)?;
        Ok(hash.to_string())
    }

    /// Compares a password as it is hashed now, and as it was typed, where that differs: that is how it was
    /// hashed formerly. It is as much work whether there is an account or not.
    fn compare_both(
        &self,
        typed: &Secret,
        stored: &str,
        exists: bool,
    ) -> Result<Comparison, ApiError> {
        let password = normal(typed);
        let compared = self.compare(password.expose(), stored, exists)?;
        if compared != Comparison::Wrong || password.expose() == typed.expose() {
            return Ok(compared);
        }
        match self.compare(typed.expose(), stored, exists)? {
            Comparison::Wrong => Ok(Comparison::Wrong),
            _ => Ok(Comparison::Outdated(self.hash(password.expose())?)),
        }
    }

    fn compare(&self, password: &str, stored: &str, exists: bool) -> Result<Comparison, ApiError> {
        let parsed = PasswordHash::new(stored).map_err(internal)?;
        let taken = Params::try_from(&parsed).map_or(0, |params| blocks(&params));
        self.note(taken);
        let verified = Argon2::default()
            .verify_password(password.as_bytes(), &parsed)
            .is_ok();
        if !verified || !exists {
            let costliest = self.costliest.fetch_max(taken, Ordering::Relaxed);
            self.fill(costliest.saturating_sub(taken));
            return Ok(Comparison::Wrong);
        }
        if weaker(&parsed, &self.params) {
            return Ok(Comparison::Outdated(self.hash(password)?));
        }
        Ok(Comparison::Right)
    }

    /// Fills about this many blocks, for nothing: in no more memory than a hash takes.
    fn fill(&self, missing: u64) {
        let passes = missing.div_ceil(u64::from(self.params.m_cost()).max(1));
        let memory = missing.checked_div(passes).unwrap_or(0);
        let (Ok(memory), Ok(passes)) = (u32::try_from(memory), u32::try_from(passes)) else {
            return;
        };
        // Less than argon2 can do is less than anyone can measure.
        let Ok(params) = Params::new(memory, passes, 1, None) else {
            return;
        };
        self.note(blocks(&params));
        let mut unused = [0; Params::DEFAULT_OUTPUT_LEN];
        let filled = argon2id(params).hash_password_into(b"", &[0; 16], &mut unused);
        if let Err(error) = filled {
            tracing::warn!(%error, "a refusal took less time than others");
        }
    }

    fn note(&self, blocks: u64) {
        self.spent.fetch_add(blocks, Ordering::Relaxed);
    }
}

fn argon2id(params: Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The blocks that a hash fills.
fn blocks(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
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

/// A password as it is hashed: keyboards write the same letters in several ways (`é` as one character or as
/// two), and people type on more than one.
fn normal(password: &Secret) -> Secret {
    Secret::new(password.expose().nfc().collect())
}

/// Passwords that are tried first, without what people put behind them: digits and signs.
const COMMON: &[&str] = &[
    "password",
    "passwort",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "motdepasse",
    "contraseña",
    "welcome",
    "willkommen",
    "letmein",
    "changeme",
    "iloveyou",
    "administrator",
    "admin",
    "administration",
    "millstream",
    "football",
    "baseball",
    "basketball",
    "superman",
    "batman",
    "princess",
    "sunshine",
    "starwars",
    "whatever",
    "trustnoone",
    "computer",
    "internet",
    "samsung",
    "michelle",
    "jennifer",
    "liverpool",
    "chelsea",
    "dragon",
    "monkey",
    "shadow",
    "master",
    "summer",
    "winter",
    "spring",
    "autumn",
    "january",
    "december",
    "monday",
    "secret",
    "default",
    "test",
    "testing",
    "user",
    "guest",
    "root",
    "qwerty",
    "qwertz",
    "azerty",
    "abc",
    "asdf",
];

/// What fingers run along.
const RUNS: &[&str] = &[
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
];

/// Whether a password is among the first that anybody tries: of few different characters, a run along the
/// alphabet or the keyboard, or a common one with some digits around it.
fn is_too_simple(password: &str) -> bool {
    let password: String = password.nfc().flat_map(char::to_lowercase).collect();
    let different: BTreeSet<char> = password.chars().collect();
    let backwards: String = password.chars().rev().collect();
    let mut runs = RUNS.iter();
    let core = password.trim_matches(|c: char| !c.is_alphabetic());
    let doubled = COMMON.iter().any(|common| {
        let rest = password.replace(common, "");
        rest.len() < password.len() && !rest.contains(char::is_alphabetic) && rest.len() <= 6
    });
    different.len() < 5
        || runs.any(|run| run.contains(&password) || run.contains(&backwards))
        || COMMON.contains(&core)
        || doubled
}

/// Why a text is no password to choose.
pub fn problem(password: &str, email: &str) -> Option<String> {
    let characters = password.chars().count();
    if characters < SHORTEST {
        Some(format!("at least {SHORTEST} characters, not {characters}"))
    } else if password.len() > LONGEST_BYTES {
        Some(format!("at most {LONGEST_BYTES} bytes"))
    } else if password.to_lowercase() == email.to_lowercase() {
        Some("something else than the e-mail address".to_owned())
    } else if is_too_simple(password) {
        Some("something that is not among the first that anybody would try".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use model::random::Seeded;

    use super::*;

    #[test]
    fn what_anybody_tries_first_is_no_password() {
        for simple in [
            "1234567890",
            "0987654321",
            "aaaaaaaaaaaa",
            "          ",
            "abababababab",
            "abcdefghij",
            "qwertyuiop",
            "password123",
            "Password2024!",
            "!!password!!",
            "passwordpassword",
            "Welcome12345",
            "qwerty123456",
        ] {
            assert!(problem(simple, "ann@example.com").is_some(), "{simple}");
        }
        for usable in [
            "correct horse battery",
            "another good one",
            "hunter2-password",
            "swordfish-of-the-tests",
            "a password for the test",
            "9f3k2m1x0q",
            "пароль из слов",
        ] {
            assert_eq!(problem(usable, "ann@example.com"), None, "{usable}");
        }
    }

    #[tokio::test]
    async fn the_same_letters_are_the_same_password_however_they_are_written() {
        let passwords = passwords(8);
        let (composed, apart) = ("un caf\u{e9} noir", "un cafe\u{301} noir");
        let secret = |text: &str| Secret::new(text.to_owned());
        let compare = async |text: &str, stored: &str| {
            passwords
                .compare(secret(text), Some(stored.to_owned()))
                .await
                .unwrap()
        };
        for chosen in [composed, apart] {
            let stored = passwords.hash(secret(chosen)).await.unwrap();
            for typed in [composed, apart] {
                assert_eq!(compare(typed, &stored).await, Comparison::Right);
            }
            assert_eq!(compare("un cafe noir", &stored).await, Comparison::Wrong);
        }
        // One that was hashed as it was typed still counts, and is hashed anew.
        let former = passwords.hasher.hash(apart).unwrap();
        let Comparison::Outdated(hash) = compare(apart, &former).await else {
            panic!("it is not hashed anew");
        };
        assert_eq!(compare(composed, &hash).await, Comparison::Right);
    }

    fn passwords(memory: u32) -> Passwords {
        with_passes(memory, 1)
    }

    fn with_passes(memory: u32, passes: u32) -> Passwords {
        let config = Config {
            password_memory_kib: memory,
            password_passes: passes,
            password_hashers: 1,
            password_queue: 2,
            ..Config::default()
        };
        Passwords::new(&config, Arc::new(Seeded::new(1)))
    }

    impl Passwords {
        /// The work of refusing a password, in blocks.
        async fn refusal(&self, stored: Option<&str>, password: &str) -> u64 {
            let before = self.hasher.spent.load(Ordering::Relaxed);
            let compared = self.compare(secret(password), stored.map(str::to_owned));
            assert_eq!(compared.await.unwrap(), Comparison::Wrong);
            self.hasher.spent.load(Ordering::Relaxed) - before
        }
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

    #[tokio::test]
    async fn a_refusal_is_as_much_work_whether_there_is_an_account_or_not() {
        let (before, now) = (with_passes(8, 1), with_passes(64, 3));
        let old = before.hash(secret("correct horse")).await.unwrap();
        let new = now.hash(secret("correct horse")).await.unwrap();
        let long = "x".repeat(1000);
        for stored in [None, Some(old.as_str()), Some(&new)] {
            for password in ["battery staple", "", &long] {
                // 64 KiB, gone over three times; rounded down for each pass that fills up.
                let work = now.refusal(stored, password).await;
                assert!((190..=192).contains(&work), "{work} for {stored:?}");
            }
        }
        // Where hashes once took more, and since that is known.
        let harder = before.refusal(Some(&new), "battery staple").await;
        assert_eq!(harder, 192);
        for stored in [None, Some(old.as_str())] {
            assert_eq!(before.refusal(stored, "battery staple").await, 192);
        }
    }

    #[tokio::test]
    async fn only_so_many_wait_to_be_hashed() {
        let passwords = passwords(8);
        let all = (0..5).map(|_| passwords.hash(secret("correct horse")));
        let all = futures_util::future::join_all(all).await;
        let done = all.iter().filter(|hashed| hashed.is_ok()).count();
        assert_eq!(done, 3, "one is hashed, and two wait");
        let refused = all.iter().filter(|one| matches!(one, Err(ApiError::Busy)));
        assert_eq!(refused.count(), 2);
        // Those who gave up waiting are out of the way.
        assert!(passwords.hash(secret("correct horse")).await.is_ok());
    }

    #[test]
    fn short_long_and_obvious_passwords_are_refused() {
        assert!(problem("123456789", "a@b.c").is_some());
        assert!(problem(&"x".repeat(257), "a@b.c").is_some());
        assert!(problem("Someone@example.com", "someone@example.com").is_some());
        assert_eq!(problem("ten chars!", "someone@example.com"), None);
    }
}
