//! Copies of a journal: taken while another process uses it, and made ready to be used themselves.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::Timestamp;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::config::Config;
use super::dedupe::{Dedupe, builder};
use super::failure::Fault;
use super::open::{self, LOCK_FILE, OpenError, Role, connect, database};
use super::schema;

/// The schema of the journals that this version makes.
pub const SCHEMA: i64 = schema::VERSION;

/// Pages that are copied between two reports of progress: 8 MiB.
const PAGES_PER_STEP: i32 = 1024;

/// How often a snapshot is begun anew because a file of it was deleted before it could be opened.
const TRIES: usize = 20;

/// Why a journal can't be copied, or a copy can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is nothing to copy.
    #[error("there is no journal in {}", folder.display())]
    Missing {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// The journal can't be read, is damaged, or was made by a later version.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The copy can't be written.
    #[error("the copy {} can't be written: {reason}", file.display())]
    Copy {
        /// The copy.
        file: PathBuf,
        /// What SQLite said.
        reason: String,
    },
}

/// A journal at one moment. What is written later doesn't show in it, what is deleted later is
/// still in it. While it lasts, the journal's write-ahead log can't start over and grows.
#[derive(Debug)]
pub struct Snapshot {
    /// In a transaction that reads.
    connection: Connection,
    file: PathBuf,
    bytes: u64,
    runs: Vec<RunFile>,
}

/// One file of duplicate detection.
#[derive(Debug)]
pub struct RunFile {
    /// Its name in the journal's folder.
    pub name: String,
    /// Open for reading: it can be read even when it has been deleted since.
    pub file: File,
    /// Its length.
    pub bytes: u64,
}

impl Snapshot {
    /// The journal in `folder` as it is now. Doesn't hold up whoever writes it.
    pub fn take(folder: &Path) -> Result<Self, BackupError> {
        let file = database(folder);
        if !file.is_file() {
            return Err(BackupError::Missing {
                folder: folder.to_owned(),
            });
        }
        let sort = |error| OpenError::from(Fault::from(error).sort(&file));
        let connection = connect(&file, Role::Reader).map_err(sort)?;
        for _ in 0..TRIES {
            connection.execute_batch("BEGIN").map_err(sort)?;
            check_version(&connection, folder)?;
            let numbers = run_numbers(&connection).map_err(sort)?;
            if let Some(runs) = open_runs(folder, &numbers)? {
                let bytes = size(&connection).map_err(sort)?;
                return Ok(Self {
                    connection,
                    file,
                    bytes,
                    runs,
                });
            }
            // A later commit has replaced a run, and its file is gone: a later snapshot knows.
            connection.execute_batch("ROLLBACK").map_err(sort)?;
        }
        let reason = "its files are replaced faster than they can be opened";
        Err(OpenError::Storage(format!("{}: {reason}", file.display())).into())
    }

    /// The size of the database, and so of its copy.
    pub fn database_bytes(&self) -> u64 {
        self.bytes
    }

    /// The files beside the database.
    pub fn runs(&self) -> &[RunFile] {
        &self.runs
    }

    /// Copies the database to the file `to`, which is made, or empty. `progress` is told how many
    /// bytes have been copied.
    pub fn copy_database(
        &self,
        to: &Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), BackupError> {
        let failed = |error: rusqlite::Error| BackupError::Copy {
            file: to.to_owned(),
            reason: error.to_string(),
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
                // Nobody else knows the copy, and readers of a journal wait for nobody.
                _ => {
                    return Err(BackupError::Copy {
                        file: to.to_owned(),
                        reason: format!("{} is locked", self.file.display()),
                    });
                }
            }
        }
    }

    /// Lets the write-ahead log start over; what is left to be copied are the files.
    pub fn into_runs(self) -> Vec<RunFile> {
        self.runs
    }
}

/// The database's name in a journal's folder.
pub const DATABASE_NAME: &str = open::DATABASE;

/// Whether a journal's folder may have a file of this name that has to be copied.
pub fn is_file_of_journal(name: &str) -> bool {
    name == DATABASE_NAME || builder::is_run(name)
}

/// Whether a process has the journal in `folder` open.
pub fn is_in_use(folder: &Path) -> bool {
    let lock = File::open(folder.join(LOCK_FILE));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Makes the copied journal in `folder` ready to be opened: checks it, and leaves out the numbers
/// that the journal may have given away since it was copied.
///
/// An offset stands for one event for ever, since the ids of deliveries are made of it: an event
/// that came after the copy was taken has been delivered under its offset, and a destination may
/// ignore another one with the same id. So new events go on behind a gap that no journal can have
/// filled in the time between. The same holds for `amplitude_id`s.
pub fn adopt(folder: &Path, taken_at: Timestamp, now: Timestamp) -> Result<(), BackupError> {
    let file = database(folder);
    let sort = |error: rusqlite::Error| OpenError::from(Fault::from(error).sort(&file));
    let connection = connect(&file, Role::Writer).map_err(sort)?;
    check_version(&connection, folder)?;
    open::check(&connection, &file, Duration::MAX)?;
    Dedupe::load(&connection, &Config::new(folder))
        .map_err(|fault| OpenError::from(fault.sort(&file)))?;
    leave_out(&connection, given_at_most(taken_at, now)).map_err(sort)?;
    // Closes the write-ahead log, so that the database is one file.
    connection.close().map_err(|(_, error)| sort(error).into())
}

/// More numbers than can have been given away: one each microsecond, and an hour's in case clocks
/// differ. Below 2^53 in any case, where numbers in JSON end to be exact, for some 280 years.
fn given_at_most(taken_at: Timestamp, now: Timestamp) -> i64 {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    let micros = (now.since(taken_at) + HOUR).as_micros();
    i64::try_from(micros).unwrap_or(i64::MAX)
}

fn leave_out(connection: &Connection, numbers: i64) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    // Who has nothing left to read is taken along, or the gap would look like a backlog.
    transaction.execute(
        "UPDATE lanes SET cursor = cursor + ?1
         WHERE length(ahead) = 0
           AND cursor = (SELECT next FROM projects WHERE projects.number = lanes.project)",
        [numbers],
    )?;
    transaction.execute("UPDATE projects SET next = next + ?1", [numbers])?;
    transaction.execute(
        "UPDATE meta SET value = value + ?1 WHERE key = 'last_amplitude_id'",
        [numbers],
    )?;
    transaction.commit()
}

fn check_version(connection: &Connection, folder: &Path) -> Result<(), BackupError> {
    let file = database(folder);
    let pragma = |name: &str| {
        let value = connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        value.map_err(|error| OpenError::from(Fault::from(error).sort(&file)))
    };
    match (pragma("application_id")?, pragma("user_version")?) {
        // A former one is brought up to date when it is opened.
        (schema::APPLICATION_ID, 1..=schema::VERSION) => Ok(()),
        (schema::APPLICATION_ID, found) => Err(BackupError::Open(OpenError::Newer {
            folder: folder.to_owned(),
            found,
            known: schema::VERSION,
        })),
        _ => Err(BackupError::Missing {
            folder: folder.to_owned(),
        }),
    }
}

fn run_numbers(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut query = connection.prepare("SELECT number FROM dedupe_runs ORDER BY number")?;
    let numbers = query.query_map([], |row| row.get(0))?;
    numbers.collect()
}

/// The size of the database within the transaction under way.
fn size(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok((pragma("page_count")? * pragma("page_size")?) as u64)
}

/// `None` when one is not there any more.
fn open_runs(folder: &Path, numbers: &[i64]) -> Result<Option<Vec<RunFile>>, BackupError> {
    let mut runs = Vec::new();
    for number in numbers {
        let path = builder::path(folder, *number);
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (bytes, file) = match opened {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let fault = Fault::File(path.clone(), error);
                return Err(OpenError::from(fault.sort(&path)).into());
            }
        };
        runs.push(RunFile {
            name: builder::file_name(*number),
            file,
            bytes,
        });
    }
    Ok(Some(runs))
}
