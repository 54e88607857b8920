//! Changing the key that seals secrets, while the server runs.
//!
//! A new key is put first into the key file, so that it seals from then on; then every envelope is
//! opened and sealed again, a few at a time. Dying in between does no harm: all keys open what they
//! sealed, and going on is beginning again. Former keys stay in the file, for the sake of backups,
//! until they are taken out.

use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::{Keyring, SEALED};
use crate::change::{Caller, Entry};
use crate::{Error, Store};

/// Envelopes that are sealed again at once.
const AT_ONCE: i64 = 100;

/// A key, and how much was sealed with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The key's id.
    pub id: String,
    /// Whether it is the one that seals.
    pub seals: bool,
    /// Values that it sealed.
    pub values: u64,
}

impl Store {
    /// The keys that are known, and how much each of them sealed.
    pub async fn key_uses(&self) -> Result<Vec<KeyUse>, Error> {
        let mut connection = self.pool.acquire().await?;
        self.key_uses_in(&mut connection).await
    }

    async fn key_uses_in(&self, connection: &mut AnyConnection) -> Result<Vec<KeyUse>, Error> {
        let keyring = self.keyring.reload()?;
        let mut uses = Vec::new();
        for (position, id) in keyring.ids().enumerate() {
            let mut values = 0;
            for (table, column) in SEALED {
                // Of constants; a key's id is letters and digits.
                let sql = format!(
                    "SELECT COUNT(*) FROM {table} WHERE {column} IS NOT NULL AND {column} LIKE $1"
                );
                let row = sqlx::query(AssertSqlSafe(sql))
                    .bind(format!("1:{id}:%"))
                    .fetch_one(&mut *connection)
                    .await?;
                values += row.try_get::<i64, _>(0)?.unsigned_abs();
            }
            uses.push(KeyUse {
                id: id.to_owned(),
                seals: position == 0,
                values,
            });
        }
        Ok(uses)
    }

    /// Makes a new key the one that seals. Only where the keys are in a file.
    pub async fn add_key(&self, by: &Caller) -> Result<String, Error> {
        let path = self.keyring.file().ok_or(Error::KeysGiven)?;
        let change = self.begin(by).await?;
        Keyring::add_key(path, self.random.as_ref())?;
        let keyring = self.keyring.reload()?;
        let id = keyring.ids().next().unwrap_or_default().to_owned();
        change.commit(entry("secrets.add_key", &id)).await?;
        Ok(id)
    }

    /// Seals everything again that was not sealed with the present key; `progress` is told how many
    /// values were looked at. Returns how many were sealed again.
    ///
    /// Fails when there is a value that can't be opened: with the first one, and when all others are
    /// sealed again.
    pub async fn reseal(&self, progress: impl Fn(u64) + Send + Sync) -> Result<u64, Error> {
        let (mut seen, mut resealed) = (0, 0);
        let mut unopened = None;
        for (table, column) in SEALED {
            let mut after = String::new();
            loop {
                let sql = format!(
                    "SELECT id, {column} FROM {table}
                     WHERE {column} IS NOT NULL AND id > $1 ORDER BY id LIMIT $2"
                );
                let rows = sqlx::query(AssertSqlSafe(sql))
                    .bind(&after)
                    .bind(AT_ONCE)
                    .fetch_all(&self.pool)
                    .await?;
                for row in &rows {
                    let (id, envelope): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                    match self.reseal_one(table, column, &id, &envelope).await {
                        Ok(sealed_again) => resealed += u64::from(sealed_again),
                        Err(error @ (Error::UnknownKey { .. } | Error::Unsealable { .. })) => {
                            unopened.get_or_insert(error);
                        }
                        Err(error) => return Err(error),
                    }
                    seen += 1;
                    after = id;
                }
                progress(seen);
                if rows.is_empty() {
                    break;
                }
            }
        }
        unopened.map_or(Ok(resealed), Err)
    }

    async fn reseal_one(
        &self,
        table: &str,
        column: &str,
        id: &str,
        envelope: &str,
    ) -> Result<bool, Error> {
        let keyring = self.keyring.current();
        if Keyring::key_id(envelope) == keyring.ids().next() {
            return Ok(false);
        }
        let value = self.keyring.open_envelope(id, envelope)?;
        let sealed = keyring.seal(id, &value, self.random.as_ref())?;
        // Changed in the meantime: then it was sealed with the present key, or is gone.
        let sql = format!("UPDATE {table} SET {column} = $3 WHERE id = $1 AND {column} = $2");
        let updated = sqlx::query(AssertSqlSafe(sql))
            .bind(id)
            .bind(envelope)
            .bind(sealed)
            .execute(&self.pool)
            .await?;
        Ok(updated.rows_affected() > 0)
    }

    /// Takes keys out of the key file with which nothing is sealed any more, and returns their ids.
    /// Backups that were made before need them: keep a copy of the file as long as these.
    pub async fn remove_unused_keys(&self, by: &Caller) -> Result<Vec<String>, Error> {
        let path = self.keyring.file().ok_or(Error::KeysGiven)?;
        let mut change = self.begin(by).await?;
        let uses = self.key_uses_in(change.connection()).await?;
        let unused = uses.into_iter().filter(|key| !key.seals && key.values == 0);
        let unused: Vec<_> = unused.map(|key| key.id).collect();
        if unused.is_empty() {
            return Ok(unused);
        }
        Keyring::remove_keys(path, &unused)?;
        self.keyring.reload()?;
        change
            .commit(entry("secrets.remove_keys", &unused.join(" ")))
            .await?;
        Ok(unused)
    }
}

fn entry(action: &'static str, ids: &str) -> Entry {
    Entry {
        organisation: None,
        action,
        target_id: ids.to_owned(),
        target_name: String::new(),
        before: None,
        after: Some(json!({"keys": ids})),
    }
}
