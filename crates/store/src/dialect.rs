//! What SQLite and PostgreSQL don't say alike.

use std::borrow::Cow;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Any, AnyConnection, AnyPool, Executor, Transaction};

use crate::Error;

/// Which database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// SQLite, in a file of its own.
    Sqlite,
    /// PostgreSQL, which other nodes may use at the same time.
    Postgres,
}

/// What may stand behind the `?` of a PostgreSQL address. The driver would log any other with its
/// value, which may be the rest of a password that was not percent-encoded.
const POSTGRES_PARAMETERS: &[&str] = &[
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

/// Of PostgreSQL's advisory locks, the one that a transaction holds which reads before it writes.
const POSTGRES_WRITER: i64 = i64::from_be_bytes(*b"millstrm");

impl Dialect {
    /// The dialect that a database address names.
    pub(crate) fn of(database: &str) -> Result<Self, Error> {
        match database.split_once(':') {
            Some(("sqlite", _)) => Ok(Self::Sqlite),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                if is_postgres_address(database) {
                    Ok(Self::Postgres)
                } else {
                    Err(Error::MalformedAddress)
                }
            }
            _ => Err(Error::UnknownDialect),
        }
    }

    /// The address to connect to: a missing SQLite file is made.
    pub(crate) fn url(self, database: &str) -> Cow<'_, str> {
        match self {
            Self::Sqlite if !database.contains('?') => format!("{database}?mode=rwc").into(),
            Self::Sqlite | Self::Postgres => database.into(),
        }
    }

    /// Sets a new connection up.
    pub(crate) async fn prepare(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        let settings = match self {
            // The busy timeout comes first: switching to WAL may have to wait for another process.
            Self::Sqlite => {
                "PRAGMA busy_timeout = 5000;
                 PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL;
                 PRAGMA foreign_keys = ON;"
            }
            // What the address or the role sets stays as it is.
            Self::Postgres => {
                "SELECT set_config(name, value, FALSE)
                 FROM (VALUES ('application_name', 'millstream'),
                              ('statement_timeout', '30s'),
                              ('lock_timeout', '5s'),
                              ('idle_in_transaction_session_timeout', '60s')) AS ours (name, value)
                 WHERE current_setting(name) IN ('', '0')"
            }
        };
        connection.execute(settings).await?;
        Ok(())
    }

    /// Sets the connection up that changes the schema: it waits for another node that does the same,
    /// and takes the time it needs.
    pub(crate) async fn prepare_migration(
        self,
        connection: &mut AnyConnection,
    ) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite => self.prepare(connection).await,
            Self::Postgres => {
                // The migrator makes its table "if not exists", and would be told each time that it does.
                let settings = "SET application_name = 'millstream';
                     SET statement_timeout = 0;
                     SET lock_timeout = 0;
                     SET client_min_messages = warning;";
                connection.execute(settings).await?;
                Ok(())
            }
        }
    }

    /// A migration in this dialect. Bytes have a type of their own everywhere. Ids and names are ordered by their bytes everywhere: SQLite does
    /// so by itself, in PostgreSQL it is a column's property that the database's own order yields to.
    /// It also keeps indexes right when the operating system's idea of a language's order changes.
    pub(crate) fn migration(self, sql: &'static str) -> Cow<'static, str> {
        match self {
            Self::Sqlite => sql.into(),
            Self::Postgres => {
                let sql = sql.replace(" TEXT", r#" TEXT COLLATE "C""#);
                sql.replace(" BLOB", " BYTEA").into()
            }
        }
    }

    /// Starts a transaction that reads before it writes: no other of this kind runs at the same time,
    /// so that what it read still holds when it writes.
    pub(crate) async fn begin_write(
        self,
        pool: &AnyPool,
    ) -> Result<Transaction<'static, Any>, sqlx::Error> {
        match self {
            // Taken at once: a write lock that is taken later fails when another writer was faster.
            Self::Sqlite => pool.begin_with("BEGIN IMMEDIATE").await,
            Self::Postgres => {
                let mut transaction = pool.begin().await?;
                sqlx::query("SELECT pg_advisory_xact_lock($1)")
                    .bind(POSTGRES_WRITER)
                    .execute(&mut *transaction)
                    .await?;
                Ok(transaction)
            }
        }
    }
}

/// Whether the driver understands every part of a PostgreSQL address.
fn is_postgres_address(database: &str) -> bool {
    let query = database.split_once('?').map_or("", |(_, query)| query);
    let mut parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    parameters.all(|parameter| {
        let name = parameter
            .split_once('=')
            .map_or(parameter, |(name, _)| name);
        POSTGRES_PARAMETERS.contains(&name)
    }) && PgConnectOptions::from_str(database).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_its_dialect() {
        for (address, dialect) in [
            ("sqlite:control.db", Dialect::Sqlite),
            ("sqlite://control.db?mode=ro", Dialect::Sqlite),
            ("postgres://db.example/millstream", Dialect::Postgres),
            (
                "postgresql://me:p%40ss@[::1]:5433/m?sslmode=verify-full",
                Dialect::Postgres,
            ),
            (
                "postgres://localhost/m?host=/run/postgresql&user=me",
                Dialect::Postgres,
            ),
        ] {
            assert_eq!(Dialect::of(address).unwrap(), dialect, "{address}");
        }
        for address in [
            "",
            "control.db",
            "postgres:millstream",
            "mysql://localhost/m",
        ] {
            let error = Dialect::of(address).unwrap_err();
            assert!(matches!(error, Error::UnknownDialect), "{address}: {error}");
        }
    }

    #[test]
    fn a_postgres_address_with_unknown_parts_is_refused_without_showing_them() {
        for address in [
            // Passwords that are not percent-encoded.
            "postgres://me:12?hunter2@localhost/m",
            "postgres://me:12?user=hunter2&x@localhost/m",
            "postgres://me:hunter2/@localhost/m",
            "postgres://localhost/m?sslpassword=hunter2",
            "postgres://localhost/m?sslmode=hunter2",
            "postgres://localhost:hunter2/m",
        ] {
            let error = Dialect::of(address).unwrap_err();
            assert!(
                matches!(error, Error::MalformedAddress),
                "{address}: {error}"
            );
            assert!(
                !format!("{error} {error:?}").contains("hunter2"),
                "{address}"
            );
        }
    }

    #[test]
    fn in_postgres_every_text_column_is_ordered_by_its_bytes() {
        let sql =
            "CREATE TABLE t (a TEXT NOT NULL, b BIGINT, c TEXT);\nALTER TABLE t ADD COLUMN d TEXT";
        assert_eq!(Dialect::Sqlite.migration(sql), sql);
        assert_eq!(
            Dialect::Postgres.migration(sql),
            "CREATE TABLE t (a TEXT COLLATE \"C\" NOT NULL, b BIGINT, c TEXT COLLATE \"C\");\n\
             ALTER TABLE t ADD COLUMN d TEXT COLLATE \"C\""
        );
    }
}
