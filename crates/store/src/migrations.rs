//! The schema's history. Forward only; a released file is never changed.

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyPool, SqlSafeStr};

use crate::Error;

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
];

/// Brings the schema up to date, each step in a transaction. Refuses one that is ahead of us.
pub(crate) async fn run(pool: &AnyPool) -> Result<(), Error> {
    let steps = STEPS.iter().map(|&(version, description, sql)| {
        let (sql, kind) = (sql.into_sql_str(), MigrationType::Simple);
        Migration::new(version, description.into(), kind, sql, false)
    });
    let migrator = Migrator::with_migrations(steps.collect());
    match migrator.run(pool).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(found)) => Err(Error::NewerSchema {
            found,
            known: STEPS.last().map_or(0, |&(version, ..)| version),
        }),
        Err(error) => Err(Error::Migration(error)),
    }
}
