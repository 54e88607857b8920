//! Databases of former versions, brought up to date.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::accounts::CREATE_ACCOUNTS;
use super::failure::Fault;
use super::family::CREATE_BOUNDED_LANES_OF_SYNCS;
use super::fate;
use super::figures::{Whose, put};
use super::losses::CREATE_LOSSES;
use super::received::CREATE_RECEIVED;
use super::schema;
use super::writer::{ADD_GIVEN_TO_RETRIES, CREATE_IMPORTS, counts_from};
use crate::figures::{Figures, Step};

/// Makes a database of this version one of ours, whole or not at all. Programs of former versions
/// could not read what is written from then on.
pub(super) fn upgrade(connection: &Connection, version: i64) -> Result<(), Fault> {
    let transaction = connection.unchecked_transaction()?;
    if version < 3 {
        transaction.execute_batch(schema::CREATE_FIGURES)?;
        move_counts(&transaction)?;
        transaction.execute_batch("DROP TABLE lane_minutes")?;
    }
    if version < 4 {
        transaction.execute_batch(schema::CREATE_REPLAYS)?;
        transaction.execute_batch(fate::CREATE_FATES)?;
        transaction.execute_batch(fate::FILL_FATES)?;
        transaction.execute_batch(schema::CREATE_ERASURES)?;
        transaction.execute_batch(schema::CREATE_HOLDS)?;
    }
    if version < 5 {
        transaction.execute_batch(schema::CREATE_DEVICES_OF_USERS)?;
    }
    if version < 6 {
        transaction.execute_batch(schema::CREATE_TURNS)?;
        transaction.execute_batch(CREATE_RECEIVED)?;
        transaction.execute_batch(CREATE_IMPORTS)?;
    }
    if version < 7 {
        transaction.execute_batch(CREATE_BOUNDED_LANES_OF_SYNCS)?;
        transaction.execute_batch(ADD_GIVEN_TO_RETRIES)?;
        transaction.execute_batch(CREATE_ACCOUNTS)?;
    }
    if version < 8 {
        transaction.execute_batch(CREATE_LOSSES)?;
        transaction.execute_batch(schema::FORGET_ANSWERS)?;
    }
    transaction.pragma_update(None, "user_version", schema::VERSION)?;
    transaction.commit()?;
    Ok(())
}

/// Makes figures of the counts by the minute, also the projects'.
fn move_counts(connection: &Connection) -> Result<(), Fault> {
    let mut query = connection.prepare(
        "SELECT minute, project, lane, lane_minutes.filtered, lane_minutes.delivered_first,
            lane_minutes.delivered_retry, lane_minutes.discarded, lane_minutes.expired,
            lane_minutes.failed_attempts
         FROM lane_minutes JOIN lanes ON lanes.number = lane_minutes.lane WHERE dropped = 0
         ORDER BY minute",
    )?;
    let mut rows = query.query([])?;
    let (mut minute, mut projects) = (i64::MIN, BTreeMap::<i64, Figures>::new());
    while let Some(row) = rows.next()? {
        let (start, project, lane) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let figures = Figures {
            counts: counts_from(row, 3)?,
            ..Figures::default()
        };
        put(
            connection,
            Step::Minute,
            start,
            Whose { project, lane },
            &figures,
        )?;
        if start > minute {
            write_projects(connection, minute, &mut projects)?;
            minute = start;
        }
        projects.entry(project).or_default().add(&figures);
    }
    write_projects(connection, minute, &mut projects)
}

fn write_projects(
    connection: &Connection,
    minute: i64,
    projects: &mut BTreeMap<i64, Figures>,
) -> Result<(), Fault> {
    while let Some((project, figures)) = projects.pop_first() {
        put(
            connection,
            Step::Minute,
            minute,
            Whose::project(project),
            &figures,
        )?;
    }
    Ok(())
}
