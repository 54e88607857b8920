//! What SQLite says when something fails, sorted by what it means to us.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use rusqlite::ErrorCode;

use crate::{AcceptError, StorageError};

/// Why a transaction was rolled back or a query failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// No room on the disk, or in the file.
    Full,
    /// The file contradicts itself: what, and what to do.
    Corrupt(String),
    /// Anything else, in SQLite's words.
    Other(String),
}

/// What went wrong, before it is known for which file and what it means.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite failed.
    Sqlite(rusqlite::Error),
    /// What was read contradicts itself.
    Damaged(String),
    /// A file beside the database failed.
    File(PathBuf, io::Error),
}

impl Fault {
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }

    /// Sorts the fault, which happened in the database `file`.
    pub(super) fn sort(self, file: &Path) -> Failure {
        match self {
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => Failure::Full,
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    Failure::Corrupt(advice(file, &error))
                }
                _ => Failure::Other(format!("{}: {error}", file.display())),
            },
            Self::Damaged(what) => Failure::Corrupt(advice(file, &what)),
            Self::File(path, error) => match error.kind() {
                io::ErrorKind::StorageFull => Failure::Full,
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                    Failure::Corrupt(advice(&path, &error))
                }
                _ => Failure::Other(format!("{}: {error}", path.display())),
            },
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// What is damaged and what to do about it.
pub(super) fn advice(file: &Path, what: &dyn fmt::Display) -> String {
    format!(
        "{}: {what}; stop the server, check the disk, and restore the folder from a backup or \
         start with an empty one",
        file.display()
    )
}

impl From<Failure> for AcceptError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Full => Self::DiskFull,
            Failure::Corrupt(text) | Failure::Other(text) => Self::Storage(text),
        }
    }
}

impl From<Failure> for StorageError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Full => Self::Storage("the disk is full".into()),
            Failure::Corrupt(text) => Self::Corrupt(text),
            Failure::Other(text) => Self::Storage(text),
        }
    }
}
