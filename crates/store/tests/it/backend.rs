//! The databases that the suite runs on.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use millstream_store::{Config, Error, Store};
use model::random::System;
use model::time::{ManualClock, SystemClock};
use tempfile::TempDir;
use test_postgres::Database;

/// An empty database of its own for one test.
pub(crate) struct Backend {
    folder: TempDir,
    pub(crate) config: Config,
    /// Of PostgreSQL; SQLite's is a file in the folder.
    database: Option<Database>,
}

impl Backend {
    /// SQLite, in a file.
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::in_folder(folder.path());
        config.connections = NonZeroU32::new(3).unwrap();
        Self {
            folder,
            config,
            database: None,
        }
    }

    /// PostgreSQL, on the server that the tests share.
    pub(crate) fn postgres() -> Self {
        Self::on(Database::shared(env!("CARGO_TARGET_TMPDIR")))
    }

    /// A database of PostgreSQL.
    pub(crate) fn on(database: Database) -> Self {
        let mut backend = Self::sqlite();
        backend.config.database = database.address();
        backend.database = Some(database);
        backend
    }

    pub(crate) async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    pub(crate) async fn try_open(&self) -> Result<Store, Error> {
        Store::open(&self.config, Arc::new(SystemClock), Arc::new(System)).await
    }

    /// The one text that a query finds.
    pub(crate) async fn ask(&self, sql: &'static str) -> String {
        use sqlx::{Connection, Row};
        let mut connection = sqlx::AnyConnection::connect(&self.config.database)
            .await
            .unwrap();
        let row = sqlx::query(sql).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        row.get(0)
    }

    /// How the database would carry a query out, in its own words.
    pub(crate) async fn plan(&self, query: &str) -> String {
        use sqlx::{Connection, Row};
        let mut connection = sqlx::AnyConnection::connect(&self.config.database)
            .await
            .unwrap();
        let (explain, column) = match self.database {
            Some(_) => ("EXPLAIN", 0),
            None => ("EXPLAIN QUERY PLAN", 3),
        };
        let sql = sqlx::AssertSqlSafe(format!("{explain} {query}"));
        let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let steps = rows.iter().map(|row| row.get::<String, _>(column));
        steps.collect::<Vec<_>>().join("\n")
    }

    /// The database's server, where it is PostgreSQL.
    pub(crate) fn server(&self) -> &test_postgres::Server {
        self.database.as_ref().unwrap().server()
    }

    /// Runs a statement that no caller of the store could.
    pub(crate) async fn execute(&self, sql: &'static str) {
        use sqlx::Connection;
        let mut connection = sqlx::AnyConnection::connect(&self.config.database)
            .await
            .unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Whether the database, or any file of the installation but the key file, holds the text.
    pub(crate) fn files_hold(&self, text: &str) -> bool {
        if self
            .database
            .as_ref()
            .is_some_and(|database| database.dump().contains(text))
        {
            return true;
        }
        files(self.folder.path())
            .into_iter()
            .filter(|path| *path != self.config.key_file)
            .any(|path| {
                let bytes = std::fs::read(path).unwrap();
                bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes())
            })
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

impl Backend {
    /// Opens it with a clock that the test moves.
    pub(crate) async fn open_at(&self, clock: &Arc<ManualClock>) -> Store {
        let opened = Store::open(&self.config, clock.clone(), Arc::new(System));
        opened.await.unwrap()
    }

    /// Runs a statement that a test has put together.
    pub(crate) async fn run(&self, sql: String) {
        use sqlx::Connection;
        let mut connection = sqlx::AnyConnection::connect(&self.config.database)
            .await
            .unwrap();
        let sql = sqlx::AssertSqlSafe(sql);
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}
