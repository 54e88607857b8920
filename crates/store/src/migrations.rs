//! The schema's history. Forward only; a released file is never changed.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, SqlSafeStr};

use crate::Error;
use crate::dialect::Dialect;

/// Version, description and text of each step, ascending.
const STEPS: &[(i64, &str, &str)] = &[
    (
        1,
        "control plane",
        include_str!("../migrations/0001_control_plane.sql"),
    ),
    (
        2,
        "people and access",
        include_str!("../migrations/0002_people_and_access.sql"),
    ),
    (3, "mail", include_str!("../migrations/0003_mail.sql")),
    (
        4,
        "identities",
        include_str!("../migrations/0004_identities.sql"),
    ),
    (
        5,
        "token warnings",
        include_str!("../migrations/0005_token_warnings.sql"),
    ),
    (6, "sealed", include_str!("../migrations/0006_sealed.sql")),
    (
        7,
        "accounts",
        include_str!("../migrations/0007_accounts.sql"),
    ),
    (
        8,
        "letters and tokens",
        include_str!("../migrations/0008_letters_and_tokens.sql"),
    ),
    (
        9,
        "definitions",
        include_str!("../migrations/0009_definitions.sql"),
    ),
    (
        10,
        "sync versions",
        include_str!("../migrations/0010_sync_versions.sql"),
    ),
    (
        11,
        "reviews and logos",
        include_str!("../migrations/0011_reviews_and_logos.sql"),
    ),
    (
        12,
        "whose tokens",
        include_str!("../migrations/0012_whose_tokens.sql"),
    ),
    (
        13,
        "versions of people",
        include_str!("../migrations/0013_versions_of_people.sql"),
    ),
    (
        14,
        "outlines",
        include_str!("../migrations/0014_outlines.sql"),
    ),
    (
        16,
        "sessions that end",
        include_str!("../migrations/0016_sessions_that_end.sql"),
    ),
    (17, "alerts", include_str!("../migrations/0017_alerts.sql")),
    (
        18,
        "privacy",
        include_str!("../migrations/0018_privacy.sql"),
    ),
    (
        19,
        "replays",
        include_str!("../migrations/0019_replays.sql"),
    ),
    (
        20,
        "names alike",
        include_str!("../migrations/0020_names_alike.sql"),
    ),
];

/// The newest step.
pub(crate) const LATEST: i64 = STEPS[STEPS.len() - 1].0;

/// Brings the schema up to date, each step in a transaction. Refuses one that is ahead of us. Of
/// several nodes that start at once, one does it and the others wait.
///
/// On a connection of its own: what the migrator locks is free again when it ends, however it ends.
pub(crate) async fn run(dialect: Dialect, url: &str, timeout: Duration) -> Result<(), Error> {
    let mut connection = tokio::time::timeout(timeout, AnyConnection::connect(url))
        .await
        .map_err(|_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))??;
    dialect.prepare_migration(&mut connection).await?;
    let outcome = migrator(dialect).run(&mut connection).await;
    connection.close().await?;
    match outcome {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(found)) => Err(Error::NewerSchema {
            found,
            known: LATEST,
        }),
        Err(error) => Err(Error::Migration(error)),
    }
}

fn migrator(dialect: Dialect) -> Migrator {
    let steps = STEPS.iter().map(|&(version, description, sql)| {
        // Both the text and what the dialect makes of it are ours.
        let sql = AssertSqlSafe(dialect.migration(sql).into_owned()).into_sql_str();
        let kind = MigrationType::Simple;
        Migration::new(version, description.into(), kind, sql, false)
    });
    Migrator::with_migrations(steps.collect())
}
