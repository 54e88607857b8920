//! API tokens: how programs and the command line sign in.
//!
//! A token's text is `mst_ID_SECRET`: 16 hexadecimal digits that find it, and 64 (256 random bits)
//! that prove it. Only the SHA-256 of the latter is stored.

use model::{Random, Timestamp};
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::secret::Secret;
use crate::{Error, Store};

const PREFIX: &str = "mst_";
const ID_DIGITS: usize = 16;
const SECRET_DIGITS: usize = 64;

/// An API token, as far as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The public half of its text.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A token that was just made. Its text is not shown again.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The token.
    pub token: Token,
    /// What to send as `Authorization: Bearer …`.
    pub text: Secret,
}

impl Store {
    /// Makes a token that may do everything.
    pub async fn create_token(&self, name: &str) -> Result<NewToken, Error> {
        let (id, secret, text) = generate(self.random.as_ref());
        let created_at = self.clock.now();
        sqlx::query(
            "INSERT INTO api_tokens (id, name, secret_hash, created_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(&id)
        .bind(name)
        .bind(secret.hash())
        .bind(created_at.0)
        .execute(&self.pool)
        .await?;
        let token = Token {
            id,
            name: name.to_owned(),
            created_at,
        };
        Ok(NewToken { token, text })
    }

    /// The token with this text; `None` when it is none of ours.
    pub async fn verify_token(&self, text: &str) -> Result<Option<Token>, Error> {
        let Some((id, secret)) = parse(text) else {
            return Ok(None);
        };
        let row =
            sqlx::query("SELECT id, name, secret_hash, created_at FROM api_tokens WHERE id = $1")
                .bind(id)
                .fetch_optional(&self.pool)
                .await?;
        let Some(row) = row else { return Ok(None) };
        let hash: String = row.try_get("secret_hash")?;
        let token = from_row(&row)?;
        Ok(secret.matches(&hash).then_some(token))
    }

    /// All tokens, oldest first.
    pub async fn tokens(&self) -> Result<Vec<Token>, Error> {
        let rows = sqlx::query(
            "SELECT id, name, created_at FROM api_tokens ORDER BY created_at, id LIMIT 1000",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(from_row).collect()
    }

    /// Revokes a token.
    pub async fn delete_token(&self, id: &str) -> Result<(), Error> {
        let deleted = sqlx::query("DELETE FROM api_tokens WHERE id = $1")
            .bind(id)
            .execute(&self.pool)
            .await?;
        match deleted.rows_affected() {
            0 => Err(Error::NoToken(id.to_owned())),
            _ => Ok(()),
        }
    }
}

fn from_row(row: &AnyRow) -> Result<Token, Error> {
    Ok(Token {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        created_at: Timestamp(row.try_get("created_at")?),
    })
}

/// A new token's id, secret half and whole text.
fn generate(random: &dyn Random) -> (String, Secret, Secret) {
    let id = format!("{:016x}", random.next_u64());
    let words: [u64; SECRET_DIGITS / 16] = std::array::from_fn(|_| random.next_u64());
    let secret = words.map(|word| format!("{word:016x}")).concat();
    let text = Secret::new(format!("{PREFIX}{id}_{secret}"));
    (id, Secret::new(secret), text)
}

/// The two halves of a token's text.
fn parse(text: &str) -> Option<(&str, Secret)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let digits = |part: &str, count| {
        part.len() == count && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    (digits(id, ID_DIGITS) && digits(secret, SECRET_DIGITS))
        .then(|| (id, Secret::new(secret.to_owned())))
}
