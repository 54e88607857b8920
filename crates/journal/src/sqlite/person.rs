//! Reading what is kept of a user.

use model::{ProjectId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::failure::Fault;
use crate::Subject;
use crate::person::{KnownUser, MOST_DEVICES};

const COLUMNS: &str = "users.amplitude_id, users.user_id, users.created_at, users.start_version,
    users.paying, users.groups, users.properties";

/// `None` when the project knows nobody of whom this is said.
pub(super) fn read(
    connection: &Connection,
    project: ProjectId,
    who: &Subject,
) -> Result<Option<KnownUser>, Fault> {
    let number: Option<i64> = connection
        .prepare_cached("SELECT number FROM projects WHERE id = ?1")?
        .query_row([project.to_bytes()], |row| row.get(0))
        .optional()?;
    let Some(number) = number else {
        return Ok(None);
    };
    let found = match who {
        Subject::UserId(user_id) => {
            let sql =
                format!("SELECT {COLUMNS} FROM users WHERE users.project = ?1 AND user_id = ?2");
            connection
                .prepare_cached(&sql)?
                .query_row(params![number, user_id], user)
                .optional()?
        }
        Subject::DeviceId(device_id) => {
            let sql = format!(
                "SELECT {COLUMNS} FROM devices JOIN users USING (amplitude_id)
                 WHERE devices.project = ?1 AND device_id = ?2"
            );
            connection
                .prepare_cached(&sql)?
                .query_row(params![number, device_id], user)
                .optional()?
        }
        Subject::AmplitudeId(amplitude_id) => {
            let sql = format!(
                "SELECT {COLUMNS} FROM users WHERE users.project = ?1 AND amplitude_id = ?2"
            );
            connection
                .prepare_cached(&sql)?
                .query_row(params![number, amplitude_id], user)
                .optional()?
        }
    };
    let Some(user) = found else {
        return Ok(None);
    };
    let mut user = user?;
    user.devices = devices(connection, number, user.amplitude_id)?;
    user.more_devices = user.devices.len() > MOST_DEVICES;
    user.devices.truncate(MOST_DEVICES);
    Ok(Some(user))
}

fn user(row: &Row<'_>) -> rusqlite::Result<Result<KnownUser, Fault>> {
    let amplitude_id = row.get(0)?;
    let groups: String = row.get(5)?;
    let Ok(groups) = serde_json::from_str(&groups) else {
        return Ok(Err(Fault::damaged(format!(
            "the groups of the user with amplitude_id {amplitude_id} can't be read"
        ))));
    };
    Ok(Ok(KnownUser {
        amplitude_id,
        user_id: row.get(1)?,
        created_at: Timestamp(row.get(2)?),
        start_version: row.get(3)?,
        paying: row.get(4)?,
        groups,
        properties: row.get(6)?,
        devices: Vec::new(),
        more_devices: false,
    }))
}

/// One more than are told, where there are more.
fn devices(connection: &Connection, project: i64, amplitude_id: i64) -> Result<Vec<String>, Fault> {
    let mut query = connection.prepare_cached(
        "SELECT device_id FROM devices WHERE amplitude_id = ?1 AND project = ?2
         ORDER BY device_id LIMIT ?3",
    )?;
    let most = MOST_DEVICES as i64 + 1;
    let rows = query.query_map(params![amplitude_id, project, most], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
