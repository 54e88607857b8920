//! The tables: a row for each project, and one for each type of events, for users and for each type of
//! groups.

use std::collections::HashMap;

use model::{Offset, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::received::{LostTypes, Owner, Scope, Scopes};
use crate::sqlite::failure::Fault;

/// The tables that version 6 brought.
pub(in crate::sqlite) const CREATE_RECEIVED: &str = "
CREATE TABLE received (
    project    INTEGER PRIMARY KEY,
    next       INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    erasures   INTEGER NOT NULL,
    properties INTEGER NOT NULL,
    lost       TEXT NOT NULL
) STRICT;

CREATE TABLE received_scopes (
    number     INTEGER PRIMARY KEY,
    project    INTEGER NOT NULL,
    owner      INTEGER NOT NULL,
    name       TEXT NOT NULL,
    most       INTEGER NOT NULL,
    properties INTEGER NOT NULL,
    oldest     INTEGER NOT NULL,
    body       TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX received_scopes_name ON received_scopes (project, owner, name);
CREATE INDEX received_scopes_oldest ON received_scopes (oldest);
";

/// What a project's row says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::sqlite) struct Base {
    /// The position behind the events that are counted.
    pub(in crate::sqlite) next: Offset,
    /// Changes with each change.
    pub(super) version: i64,
    /// Changes when events were erased.
    pub(in crate::sqlite) erasures: i64,
    /// Properties of all scopes.
    pub(super) properties: i64,
    pub(super) lost: LostTypes,
}

/// A scope with its row.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) number: i64,
    pub(super) project: i64,
    pub(super) owner: Owner,
    pub(super) name: String,
    pub(super) scope: Scope,
}

/// A scope as its row will be.
#[derive(Debug)]
pub(super) struct NewRow {
    /// `None` for one that is new.
    pub(super) number: Option<i64>,
    pub(super) owner: Owner,
    pub(super) name: String,
    /// The most events that there can have been.
    pub(super) most: i64,
    pub(super) properties: i64,
    pub(super) oldest: Timestamp,
    pub(super) body: String,
}

const COLUMNS: &str = "number, project, owner, name, body";

/// A project's row; one that has none has received nothing.
pub(in crate::sqlite) fn base(connection: &Connection, project: i64) -> Result<Base, Fault> {
    let row = connection
        .prepare_cached(
            "SELECT next, version, erasures, properties, lost FROM received WHERE project = ?1",
        )?
        .query_row([project], |row| {
            let base = Base {
                next: Offset(row.get::<_, i64>(0)? as u64),
                version: row.get(1)?,
                erasures: row.get(2)?,
                properties: row.get(3)?,
                lost: LostTypes::default(),
            };
            Ok((base, row.get::<_, String>(4)?))
        })
        .optional()?;
    let Some((base, lost)) = row else {
        return Ok(Base::default());
    };
    let lost = serde_json::from_str(&lost).map_err(|_| unreadable())?;
    Ok(Base { lost, ..base })
}

pub(super) fn put_base(connection: &Connection, project: i64, base: &Base) -> Result<(), Fault> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO received VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![
            project,
            base.next.0 as i64,
            base.version,
            base.erasures,
            base.properties,
            as_json(&base.lost),
        ])?;
    Ok(())
}

/// One scope.
pub(super) fn scope(
    connection: &Connection,
    project: i64,
    owner: Owner,
    name: &str,
) -> Result<Option<Stored>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM received_scopes WHERE project = ?1 AND owner = ?2 AND name = ?3"
    );
    let mut query = connection.prepare_cached(&sql)?;
    let mut rows = query.query(params![project, owner.code(), name])?;
    rows.next()?.map(stored).transpose()
}

/// All scopes of a project.
pub(super) fn scopes(connection: &Connection, project: i64) -> Result<Vec<Stored>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM received_scopes WHERE project = ?1");
    let mut query = connection.prepare_cached(&sql)?;
    let mut rows = query.query([project])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(stored(row)?);
    }
    Ok(found)
}

/// Some scopes that have something from before a time, of one project or of all.
pub(super) fn older(
    connection: &Connection,
    project: Option<i64>,
    oldest: Timestamp,
    most: i64,
) -> Result<Vec<Stored>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM received_scopes {} ORDER BY oldest LIMIT ?3",
        match project {
            // By the index of projects: without the `+`, all that is old would be looked at.
            Some(_) => "WHERE project = ?1 AND +oldest < ?2",
            None => "WHERE ?1 IS NULL AND oldest < ?2",
        }
    );
    let mut query = connection.prepare_cached(&sql)?;
    let mut rows = query.query(params![project, oldest.0, most])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(stored(row)?);
    }
    Ok(found)
}

/// All scopes of an owner.
pub(super) fn of_owner(
    connection: &Connection,
    project: i64,
    owner: Owner,
) -> Result<Vec<Stored>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM received_scopes WHERE project = ?1 AND owner = ?2");
    let mut query = connection.prepare_cached(&sql)?;
    let mut rows = query.query(params![project, owner.code()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(stored(row)?);
    }
    Ok(found)
}

/// The most events that there can have been of each scope of an owner, by its row and name.
pub(super) fn ranks(
    connection: &Connection,
    project: i64,
    owner: Owner,
) -> Result<Vec<(i64, String, u64)>, Fault> {
    let mut query = connection.prepare_cached(
        "SELECT number, name, most FROM received_scopes WHERE project = ?1 AND owner = ?2",
    )?;
    let rows = query.query_map(params![project, owner.code()], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)? as u64))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn stored(row: &Row<'_>) -> Result<Stored, Fault> {
    let body = row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?;
    let (Some(owner), Ok(scope)) = (Owner::from_code(row.get(2)?), serde_json::from_str(body))
    else {
        return Err(unreadable());
    };
    Ok(Stored {
        number: row.get(0)?,
        project: row.get(1)?,
        owner,
        name: row.get(3)?,
        scope,
    })
}

impl NewRow {
    pub(super) fn new(number: Option<i64>, owner: Owner, name: String, scope: &Scope) -> Self {
        Self {
            number,
            owner,
            name,
            most: scope.most().total() as i64,
            properties: scope.properties() as i64,
            oldest: scope.oldest(),
            body: as_json(scope),
        }
    }

    pub(super) fn put(&self, connection: &Connection, project: i64) -> Result<(), Fault> {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO received_scopes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                self.number,
                project,
                self.owner.code(),
                self.name,
                self.most,
                self.properties,
                self.oldest.0,
                self.body,
            ])?;
        Ok(())
    }
}

pub(super) fn delete(connection: &Connection, number: i64) -> Result<(), Fault> {
    connection
        .prepare_cached("DELETE FROM received_scopes WHERE number = ?1")?
        .execute([number])?;
    Ok(())
}

/// All of a project's scopes, to be shown or added to.
pub(super) fn load(connection: &Connection, project: i64, base: &Base) -> Result<Scopes, Fault> {
    let stored = scopes(connection, project)?.into_iter();
    let scopes: HashMap<_, _> = stored
        .map(|each| ((each.owner, each.name), each.scope))
        .collect();
    Ok(Scopes {
        scopes,
        lost: base.lost.clone(),
    })
}

fn unreadable() -> Fault {
    Fault::damaged("what was received can't be read")
}

fn as_json<T: serde::Serialize>(value: &T) -> String {
    // Names, texts and numbers always have a JSON form.
    serde_json::to_string(value).unwrap_or_default()
}
