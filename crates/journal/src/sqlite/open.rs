//! Opening the folder: the lock, the connections, the schema, the checks.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use model::Random;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::accounts::CREATE_ACCOUNTS;
use super::config::Config;
use super::failure::{Failure, Fault, advice};
use super::family::CREATE_BOUNDED_LANES_OF_SYNCS;
use super::losses::CREATE_LOSSES;
use super::received::CREATE_RECEIVED;
use super::writer::{ADD_GIVEN_TO_RETRIES, CREATE_IMPORTS};
use super::{fate, schema, upgrade};

/// Why a journal can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder can't be made or written.
    #[error("the journal's folder {} can't be used: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process works on it.
    #[error("the journal in {} is in use by another process", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// A later version of this program made it.
    #[error(
        "the journal in {} has schema {found}, this version knows {known}: use a later version",
        folder.display()
    )]
    Newer {
        /// The folder.
        folder: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Its content contradicts itself.
    #[error("the journal is damaged: {0}")]
    Corrupt(String),
    /// It can't be read or written for another reason.
    #[error("the journal can't be opened: {0}")]
    Storage(String),
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Full => Self::Storage("the disk is full".into()),
            Failure::Corrupt(text) => Self::Corrupt(text),
            Failure::Other(text) => Self::Storage(text),
        }
    }
}

/// The file name of the database.
pub(super) const DATABASE: &str = "journal.db";

/// The file that is locked as long as a process has the journal open.
pub(super) const LOCK_FILE: &str = "journal.lock";

/// The database within a journal's folder.
pub(super) fn database(folder: &Path) -> PathBuf {
    folder.join(DATABASE)
}

/// Makes the folder and takes its lock, which lasts as long as the file is open.
pub(super) fn lock(folder: &Path) -> Result<File, OpenError> {
    let unusable = |source| OpenError::Folder {
        folder: folder.to_owned(),
        source,
    };
    fs::create_dir_all(folder).map_err(unusable)?;
    let lock = File::create(folder.join(LOCK_FILE)).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
            folder: folder.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Writer,
    Checkpointer,
    Reader,
}

/// Larger than SQLite's default: chunks span many pages, and each costs bookkeeping.
const PAGE_SIZE: i64 = 8192;

pub(super) fn connect(file: &Path, role: Role) -> rusqlite::Result<Connection> {
    let access = match role {
        Role::Writer => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Role::Checkpointer => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Role::Reader => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    // Each connection is used by one thread at a time.
    let connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(64);
    let cache_kib = match role {
        Role::Writer => 16 * 1024,
        Role::Checkpointer | Role::Reader => 2 * 1024,
    };
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    if role == Role::Writer {
        connection.pragma_update(None, "page_size", PAGE_SIZE)?;
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.query_row("PRAGMA wal_autocheckpoint = 0", [], |_| Ok(()))?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        // Whatever is deleted is overwritten, whole pages too: a free page that is taken again may become
        // the inside of a table, between whose entries the old text would stay for good.
        connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    }
    Ok(connection)
}

/// The writer's connection to a database that has been made or checked.
pub(super) fn open(config: &Config, random: &dyn Random) -> Result<Connection, OpenError> {
    let file = database(&config.folder);
    let sort = |error: rusqlite::Error| OpenError::from(Fault::from(error).sort(&file));
    let connection = connect(&file, Role::Writer).map_err(sort)?;
    let version: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(sort)?;
    match version {
        0 => create(&connection, random).map_err(sort)?,
        1..=schema::VERSION => {
            check(&connection, &file, config.check_budget)?;
            upgrade::upgrade(&connection, version)
                .map_err(|fault| OpenError::from(fault.sort(&file)))?;
        }
        found => {
            return Err(OpenError::Newer {
                folder: config.folder.clone(),
                found,
                known: schema::VERSION,
            });
        }
    }
    if let Some(bytes) = config.file_max_bytes {
        let page_size: i64 = connection
            .pragma_query_value(None, "page_size", |row| row.get(0))
            .map_err(sort)?;
        let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page_size;
        let sql = format!("PRAGMA max_page_count = {}", pages.max(1));
        connection.query_row(&sql, [], |_| Ok(())).map_err(sort)?;
    }
    Ok(connection)
}

/// What makes this journal's hashes unpredictable.
pub(super) fn seed(connection: &Connection, file: &Path) -> Result<u64, OpenError> {
    let seed = "SELECT value FROM meta WHERE key = 'seed'";
    let seed = connection.query_row(seed, [], |row| row.get::<_, i64>(0));
    let seed = seed.map_err(|error| Fault::from(error).sort(file))?;
    Ok(seed as u64)
}

fn create(connection: &Connection, random: &dyn Random) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(schema::CREATE)?;
    transaction.execute_batch(schema::CREATE_FIGURES)?;
    transaction.execute_batch(schema::CREATE_REPLAYS)?;
    transaction.execute_batch(schema::CREATE_ERASURES)?;
    transaction.execute_batch(fate::CREATE_FATES)?;
    transaction.execute_batch(schema::CREATE_HOLDS)?;
    transaction.execute_batch(schema::CREATE_DEVICES_OF_USERS)?;
    transaction.execute_batch(schema::CREATE_TURNS)?;
    transaction.execute_batch(CREATE_RECEIVED)?;
    transaction.execute_batch(CREATE_IMPORTS)?;
    transaction.execute_batch(CREATE_BOUNDED_LANES_OF_SYNCS)?;
    transaction.execute_batch(ADD_GIVEN_TO_RETRIES)?;
    transaction.execute_batch(CREATE_ACCOUNTS)?;
    transaction.execute_batch(CREATE_LOSSES)?;
    transaction.execute(
        "INSERT INTO meta VALUES ('seed', ?1)",
        [random.next_u64() as i64],
    )?;
    transaction.pragma_update(None, "application_id", schema::APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", schema::VERSION)?;
    transaction.commit()
}

/// Checks the structure of one table after another, as far as the time allows. (What a chunk
/// holds is checked whenever it is read.)
pub(super) fn check(
    connection: &Connection,
    file: &Path,
    budget: Duration,
) -> Result<(), OpenError> {
    const CHECK_CLOCK_EVERY: i32 = 10_000;
    let sort = |error: rusqlite::Error| OpenError::from(Fault::from(error).sort(file));
    let started = Instant::now();
    connection
        .progress_handler(CHECK_CLOCK_EVERY, Some(move || started.elapsed() > budget))
        .map_err(sort)?;
    for table in schema::TABLES {
        // A former version may not have it yet.
        if !connection.table_exists(None, table).map_err(sort)? {
            continue;
        }
        let sql = format!("PRAGMA quick_check({table})");
        match connection.query_row(&sql, [], |row| row.get::<_, String>(0)) {
            Ok(verdict) if verdict == "ok" => {}
            Ok(problem) => return Err(OpenError::Corrupt(advice(file, &problem))),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
                tracing::info!(
                    table,
                    "the check of the journal took too long and was cut short"
                );
                break;
            }
            Err(error) => return Err(sort(error)),
        }
    }
    connection
        .progress_handler(0, None::<fn() -> bool>)
        .map_err(sort)
}
