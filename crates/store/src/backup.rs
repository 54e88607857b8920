//! Copies of the embedded database: taken while another process uses it, and checked before they
//! are used themselves.
//!
//! Secrets stay as they are stored: sealed, or as hashes. The key that seals them isn't copied.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use model::Timestamp;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use sqlx::sqlite::SqliteConnectOptions;

use crate::dialect::Dialect;
use crate::migrations;
use crate::secret::{Keyring, SEALED};
use crate::{Config, Error as StoreError};

/// The schema of the databases that this version makes.
pub const SCHEMA: i64 = migrations::LATEST;

/// Pages that are copied between two reports of progress: 4 MiB.
const PAGES_PER_STEP: i32 = 1024;

/// Why a database can't be copied, or a copy can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is not in a file.
    #[error(
        "`store.database` is no SQLite file, and backups are of the embedded installation: copy a \
         PostgreSQL database with `pg_dump`, put it back with `pg_restore`, and run `millstream end-access` \
         then"
    )]
    NotEmbedded,
    /// There is nothing to copy.
    #[error("there is no database {}", file.display())]
    Missing {
        /// Where it was looked for.
        file: PathBuf,
    },
    /// It isn't known whether there is anything to copy: the folder can't be looked into.
    #[error("{} can't be looked for: {source}", file.display())]
    Hidden {
        /// Where it was looked for.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database can't be read, or its copy can't be written.
    #[error("{}: {source}", file.display())]
    Sqlite {
        /// The file.
        file: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Its content contradicts itself.
    #[error("the database {} is damaged: {problem}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What was found.
        problem: String,
    },
    /// The key file has a key with the right id, but it doesn't open what was sealed.
    #[error("the key {key_id} in {} doesn't open the secrets that were sealed with a key of this id", key_file.display())]
    OtherKey {
        /// The key's id.
        key_id: String,
        /// The file that has it.
        key_file: PathBuf,
    },
    /// The schema is too new, or the key file can't be used or lacks a key.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A database at one moment: what is written later doesn't show in it.
#[derive(Debug)]
pub struct Snapshot {
    /// In a transaction that reads.
    connection: Connection,
    file: PathBuf,
    schema: i64,
    bytes: u64,
    key_ids: BTreeSet<String>,
}

impl Snapshot {
    /// The database as it is now, and what `meanwhile` returned: while that runs, nobody can
    /// change the database, so what it catches of other storage is of the same moment.
    pub fn take<T, E: From<Error>>(
        config: &Config,
        meanwhile: impl FnOnce() -> Result<T, E>,
    ) -> Result<(Self, T), E> {
        let file = file_of(config)?;
        let failed = |source| Error::Sqlite {
            file: file.clone(),
            source,
        };
        let changes = connect(&file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let snapshot = connect(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        changes.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
        snapshot.execute_batch("BEGIN").map_err(failed)?;
        let schema = schema(&snapshot, &file)?;
        let caught = meanwhile()?;
        changes.execute_batch("ROLLBACK").map_err(failed)?;
        let key_ids = one_envelope_per_key(&snapshot).map_err(failed)?;
        let snapshot = Self {
            bytes: size(&snapshot).map_err(failed)?,
            key_ids: key_ids.into_keys().collect(),
            connection: snapshot,
            schema,
            file,
        };
        Ok((snapshot, caught))
    }

    /// Its schema.
    pub fn schema(&self) -> i64 {
        self.schema
    }

    /// Its size, and so that of its copy.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The keys that its secrets are sealed with.
    pub fn key_ids(&self) -> &BTreeSet<String> {
        &self.key_ids
    }

    /// Copies it to the file `to`, which is made, or empty. `progress` is told how many bytes have
    /// been copied.
    pub fn copy(&self, to: &Path, progress: &mut dyn FnMut(u64)) -> Result<(), Error> {
        let failed = |source| Error::Sqlite {
            file: to.to_owned(),
            source,
        };
        let mut copy = Connection::open(to).map_err(failed)?;
        // Until it is complete it is worth nothing: no time is spent on making it durable.
        copy.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;")
            .map_err(failed)?;
        // The source is in a transaction: all steps copy the same moment.
        let copying = Backup::new(&self.connection, &mut copy).map_err(failed)?;
        loop {
            let step = copying.step(PAGES_PER_STEP).map_err(failed)?;
            let pages = copying.progress();
            let copied = f64::from(pages.pagecount - pages.remaining) / f64::from(pages.pagecount);
            progress((self.bytes as f64 * copied) as u64);
            match step {
                StepResult::Done => return Ok(()),
                StepResult::More => {}
                _ => {
                    return Err(Error::Damaged {
                        file: self.file.clone(),
                        problem: "it stays locked while it is read".to_owned(),
                    });
                }
            }
        }
    }
}

/// Checks that the copy `file` is sound, that this version can read it, and, unless `key_file` is
/// `None`, that its secrets can be opened.
pub fn verify(file: &Path, key_file: Option<&Path>) -> Result<(), Error> {
    let failed = |source| Error::Sqlite {
        file: file.to_owned(),
        source,
    };
    let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(failed)?;
    if verdict != "ok" {
        return Err(Error::Damaged {
            file: file.to_owned(),
            problem: verdict,
        });
    }
    let found = schema(&connection, file)?;
    if found > SCHEMA {
        let known = SCHEMA;
        return Err(StoreError::NewerSchema { found, known }.into());
    }
    if let Some(key_file) = key_file {
        let envelopes = one_envelope_per_key(&connection).map_err(failed)?;
        open_envelopes(&envelopes, key_file)?;
    }
    // Closes the write-ahead log, so that the database is one file.
    connection.close().map_err(|(_, source)| failed(source))
}

/// What let people and programs in when a copy was made, and no longer does, or still does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Sessions that have ended.
    pub sessions_ended: u64,
    /// Links to invitations and new passwords that have ended.
    pub links_ended: u64,
    /// API tokens that are taken: also those that were revoked after the copy was made.
    pub tokens_live: u64,
}

/// Ends, in the copy `file`, sessions and links: those that were ended since would be taken again.
/// Tokens stay, since programs have them that nobody attends.
pub fn end_access(file: &Path, now: Timestamp) -> Result<Access, Error> {
    let failed = |source| Error::Sqlite {
        file: file.to_owned(),
        source,
    };
    let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let access = end_access_in(&connection, now).map_err(failed)?;
    connection.close().map_err(|(_, source)| failed(source))?;
    Ok(access)
}

fn end_access_in(connection: &Connection, now: Timestamp) -> rusqlite::Result<Access> {
    // Letters go with the links that they bring.
    connection.execute_batch("PRAGMA foreign_keys = ON; BEGIN IMMEDIATE;")?;
    let delete = |table: &str| -> rusqlite::Result<u64> {
        // A schema of an earlier version may not have it yet.
        let mut tables =
            connection.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1")?;
        match tables.exists([table])? {
            true => Ok(connection.execute(&format!("DELETE FROM {table}"), [])? as u64),
            false => Ok(0),
        }
    };
    let sessions_ended = delete("sessions")?;
    let links_ended = delete("invitations")? + delete("password_resets")?;
    delete("asked_resets")?;
    let mut columns = connection
        .prepare("SELECT 1 FROM pragma_table_info('api_tokens') WHERE name = 'expires_at'")?;
    let live = match columns.exists([])? {
        true => "SELECT COUNT(*) FROM api_tokens WHERE expires_at IS NULL OR expires_at > ?1",
        false => "SELECT COUNT(*) FROM api_tokens WHERE ?1 IS NOT NULL",
    };
    let tokens_live: i64 = connection.query_row(live, [now.0], |row| row.get(0))?;
    connection.execute_batch("COMMIT")?;
    Ok(Access {
        sessions_ended,
        links_ended,
        tokens_live: tokens_live.unsigned_abs(),
    })
}

/// Checks that the key file has all of these keys.
pub fn check_key_ids(key_ids: &BTreeSet<String>, key_file: &Path) -> Result<(), Error> {
    let keyring = read_keys(key_file)?;
    match key_ids.iter().find(|id| !keyring.has(id)) {
        Some(missing) => Err(StoreError::UnknownKey {
            key_id: missing.clone(),
        }
        .into()),
        None => Ok(()),
    }
}

fn read_keys(key_file: &Path) -> Result<Keyring, Error> {
    let missing = || StoreError::KeyFileMissing {
        path: key_file.to_owned(),
    };
    Ok(Keyring::read(key_file)?.ok_or_else(missing)?)
}

fn open_envelopes(
    envelopes: &BTreeMap<String, (String, String)>,
    key_file: &Path,
) -> Result<(), Error> {
    if envelopes.is_empty() {
        return Ok(());
    }
    let keyring = read_keys(key_file)?;
    for (key_id, (row, envelope)) in envelopes {
        match keyring.open_envelope(row, envelope) {
            Ok(_) => {}
            Err(StoreError::Unsealable { .. }) => {
                return Err(Error::OtherKey {
                    key_id: key_id.clone(),
                    key_file: key_file.to_owned(),
                });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The file of an embedded database.
fn file_of(config: &Config) -> Result<PathBuf, Error> {
    if !matches!(Dialect::of(&config.database), Ok(Dialect::Sqlite)) {
        return Err(Error::NotEmbedded);
    }
    let options = SqliteConnectOptions::from_str(&config.database).map_err(StoreError::from)?;
    let file = options.get_filename().to_owned();
    match std::fs::metadata(&file) {
        Ok(found) if found.is_file() => Ok(file),
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Hidden { file, source })
        }
        _ => Err(Error::Missing { file }),
    }
}

fn connect(file: &Path, access: OpenFlags) -> Result<Connection, Error> {
    let connected = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let ready = connected.and_then(|connection| {
        connection.busy_timeout(Duration::from_secs(10))?;
        Ok(connection)
    });
    ready.map_err(|source| Error::Sqlite {
        file: file.to_owned(),
        source,
    })
}

/// The newest step that the schema has seen.
fn schema(connection: &Connection, file: &Path) -> Result<i64, Error> {
    let sql = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations";
    connection
        .query_row(sql, [], |row| row.get(0))
        .map_err(|source| Error::Sqlite {
            file: file.to_owned(),
            source,
        })
}

/// Of each key that something is sealed with: the row and the envelope that were found first.
fn one_envelope_per_key(
    connection: &Connection,
) -> rusqlite::Result<BTreeMap<String, (String, String)>> {
    let mut found = BTreeMap::new();
    for (table, column) in SEALED {
        // A schema of an earlier version may not have it yet.
        let mut columns =
            connection.prepare("SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2")?;
        if !columns.exists([table, column])? {
            continue;
        }
        let sql = format!("SELECT id, {column} FROM {table} WHERE {column} IS NOT NULL");
        let mut query = connection.prepare(&sql)?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let (row_id, envelope): (String, String) = (row.get(0)?, row.get(1)?);
            let key_id = Keyring::key_id(&envelope).unwrap_or_default().to_owned();
            found.entry(key_id).or_insert((row_id, envelope));
        }
    }
    Ok(found)
}

/// The size of the database within the transaction under way.
fn size(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok((pragma("page_count")? * pragma("page_size")?) as u64)
}
