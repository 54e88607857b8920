//! Samples of requests that were refused.

use rusqlite::{Connection, params};

use crate::fate::{REFUSED_KEPT, Refused, RefusedRow};
use crate::sqlite::failure::Fault;
use model::{ProjectId, Timestamp};

/// Keeps one of a project (by its number), and the newest others.
pub(in crate::sqlite) fn note(
    connection: &Connection,
    project: i64,
    refused: &Refused,
) -> Result<(), Fault> {
    // Strings always have a JSON form.
    let insert_ids = serde_json::to_string(&refused.insert_ids).unwrap_or_default();
    connection
        .prepare_cached("INSERT INTO refused VALUES (NULL, ?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
            project,
            refused.at.0,
            refused.reason,
            insert_ids,
            refused.body
        ])?;
    connection
        .prepare_cached(
            "DELETE FROM refused WHERE sequence IN (SELECT sequence FROM refused
                WHERE project = ?1 ORDER BY sequence DESC LIMIT -1 OFFSET ?2)",
        )?
        .execute(params![project, REFUSED_KEPT as i64])?;
    Ok(())
}

/// A project's, newest first.
pub(in crate::sqlite) fn read(
    connection: &Connection,
    project: ProjectId,
) -> Result<Vec<RefusedRow>, Fault> {
    let mut query = connection.prepare_cached(
        "SELECT sequence, at, reason, insert_ids, body FROM refused
         WHERE project = (SELECT number FROM projects WHERE id = ?1) ORDER BY sequence DESC",
    )?;
    let mut rows = query.query([project.to_bytes()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let insert_ids = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
        let insert_ids = serde_json::from_str(insert_ids)
            .map_err(|_| Fault::damaged("a sample of a refused request can't be read"))?;
        found.push(RefusedRow {
            sequence: row.get::<_, i64>(0)? as u64,
            refused: Refused {
                at: Timestamp(row.get(1)?),
                reason: row.get(2)?,
                insert_ids,
                body: row.get(4)?,
            },
        });
    }
    Ok(found)
}
