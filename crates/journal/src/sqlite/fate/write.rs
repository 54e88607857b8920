//! What settlements keep of single deliveries.

use model::Offset;
use rusqlite::{Connection, params};

use super::FatesOfLanes;
use crate::fate::{Attempt, Record, SAMPLES_KEPT, Sample};
use crate::sqlite::failure::Fault;

impl FatesOfLanes {
    /// Keeps what a settlement of this lane records; `base` was the lane's cursor before.
    pub(in crate::sqlite) fn keep(
        &mut self,
        connection: &Connection,
        lane: i64,
        base: Offset,
        record: &Record,
    ) -> Result<(), Fault> {
        if !record.delivered.is_empty() {
            self.pack(lane, base, &record.delivered);
        }
        let mut kept = 0;
        for attempt in &record.attempts {
            kept += keep_attempt(connection, lane, attempt)?;
        }
        if kept > 0 {
            let fate = self.lanes.entry(lane).or_default();
            fate.outcomes += kept;
            fate.changed = true;
        }
        for sample in &record.samples {
            keep_sample(connection, lane, sample)?;
        }
        Ok(())
    }
}

/// Says how many rows more there are now: the same settlement twice is kept once.
fn keep_attempt(connection: &Connection, lane: i64, attempt: &Attempt) -> Result<u64, Fault> {
    let kept = connection
        .prepare_cached(
            "INSERT OR IGNORE INTO outcomes VALUES
                (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            lane,
            attempt.offset.0 as i64,
            attempt.part as u8,
            attempt.at.0,
            attempt.number,
            attempt.what.code(),
            attempt.status,
            attempt.event_type,
            attempt.message,
            attempt.tries,
            attempt.split.queue_ms,
            attempt.split.render_us,
            attempt.split.connect_ms,
            attempt.split.wait_ms,
            attempt.split.took_ms,
        ])?;
    Ok(kept as u64)
}

fn keep_sample(connection: &Connection, lane: i64, sample: &Sample) -> Result<(), Fault> {
    let what = sample.what.code();
    let place = params![
        lane,
        what,
        sample.offset.0 as i64,
        sample.part as u8,
        sample.at.0,
        sample.number,
        &*sample.body
    ];
    let known = connection
        .prepare_cached(
            "SELECT 1 FROM samples WHERE lane = ?1 AND what = ?2 AND offset = ?3 AND part = ?4
             AND at = ?5 AND number = ?6",
        )?
        .exists(&place[..6])?;
    if known {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO samples (lane, what, offset, part, at, number, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(place)?;
    connection
        .prepare_cached(
            "DELETE FROM samples WHERE sequence IN (SELECT sequence FROM samples
                WHERE lane = ?1 AND what = ?2 ORDER BY sequence DESC LIMIT -1 OFFSET ?3)",
        )?
        .execute(params![lane, what, SAMPLES_KEPT as i64])?;
    Ok(())
}
