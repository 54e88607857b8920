//! What SQLite and PostgreSQL don't say alike.

use sqlx::{AnyConnection, Executor};

use crate::Error;

/// Which database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// SQLite, in a file of its own.
    Sqlite,
}

impl Dialect {
    /// The dialect that a database address names.
    pub(crate) fn of(database: &str) -> Result<Self, Error> {
        match database.split_once(':') {
            Some(("sqlite", _)) => Ok(Self::Sqlite),
            _ => Err(Error::UnknownDialect),
        }
    }

    /// The address to connect to: a missing SQLite file is made.
    pub(crate) fn url(self, database: &str) -> String {
        match self {
            Self::Sqlite if database.contains('?') => database.to_owned(),
            Self::Sqlite => format!("{database}?mode=rwc"),
        }
    }

    /// Sets a new connection up.
    pub(crate) async fn prepare(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        match self {
            // The busy timeout comes first: switching to WAL may have to wait for another process.
            Self::Sqlite => {
                connection
                    .execute(
                        "PRAGMA busy_timeout = 5000;
                         PRAGMA journal_mode = WAL;
                         PRAGMA synchronous = FULL;
                         PRAGMA foreign_keys = ON;",
                    )
                    .await?;
            }
        }
        Ok(())
    }

    /// How a transaction starts that reads before it writes. SQLite must take the write lock at
    /// once: one that is taken later fails when another writer was faster.
    pub(crate) fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
        }
    }
}
