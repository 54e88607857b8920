//! What is kept of deliveries goes by age, and by how much there is of a lane.

use model::{Offset, Timestamp};
use rusqlite::{Connection, params};

use super::FatesOfLanes;
use crate::sqlite::Config;
use crate::sqlite::failure::Fault;

/// What one step removes at most, of each kind.
const ROWS_PER_STEP: i64 = 1000;

impl FatesOfLanes {
    /// One step; says whether there may be more to do.
    pub(in crate::sqlite) fn retire(
        &mut self,
        connection: &Connection,
        config: &Config,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let oldest = (now - config.outcomes_max_age).0;
        let mut more = self.remove_old_outcomes(connection, oldest)?;
        more |= self.remove_excess_outcomes(connection, config.outcomes_max_per_lane)?;
        more |= self.remove_records(connection, config, oldest)?;
        for table in ["samples", "refused"] {
            // Sequences ascend with time.
            let sql = format!(
                "DELETE FROM {table} WHERE sequence IN
                    (SELECT sequence FROM {table} ORDER BY sequence LIMIT ?1) AND at < ?2"
            );
            let gone = connection
                .prepare_cached(&sql)?
                .execute(params![ROWS_PER_STEP, oldest])?;
            more |= gone as i64 == ROWS_PER_STEP;
        }
        Ok(more)
    }

    /// Removes what is known of an event's attempts in a lane; says of how many. That it was delivered at the
    /// first attempt says nothing of its user, and stays.
    pub(in crate::sqlite) fn erase(
        &mut self,
        connection: &Connection,
        lane: i64,
        offset: Offset,
    ) -> Result<u64, Fault> {
        let gone = connection
            .prepare_cached("DELETE FROM outcomes WHERE lane = ?1 AND offset = ?2")?
            .execute(params![lane, offset.0 as i64])?;
        if let Some(fate) = self.lanes.get_mut(&lane).filter(|_| gone > 0) {
            fate.outcomes = fate.outcomes.saturating_sub(gone as u64);
            fate.changed = true;
        }
        Ok(gone as u64)
    }

    /// Removes the samples of an event's attempts in a lane; says how many.
    pub(in crate::sqlite) fn erase_samples(
        connection: &Connection,
        lane: i64,
        offset: Offset,
    ) -> Result<u64, Fault> {
        let gone = connection
            .prepare_cached("DELETE FROM samples WHERE lane = ?1 AND offset = ?2")?
            .execute(params![lane, offset.0 as i64])?;
        Ok(gone as u64)
    }

    fn remove_old_outcomes(&mut self, connection: &Connection, oldest: i64) -> Result<bool, Fault> {
        let mut delete = connection.prepare_cached(
            "DELETE FROM outcomes WHERE sequence IN
                (SELECT sequence FROM outcomes ORDER BY sequence LIMIT ?1) AND at < ?2
             RETURNING lane",
        )?;
        let mut rows = delete.query(params![ROWS_PER_STEP, oldest])?;
        let mut gone = 0;
        while let Some(row) = rows.next()? {
            gone += 1;
            if let Some(fate) = self.lanes.get_mut(&row.get(0)?) {
                fate.outcomes = fate.outcomes.saturating_sub(1);
                fate.changed = true;
            }
        }
        Ok(gone == ROWS_PER_STEP)
    }

    /// Of too many attempts of a lane, those of its earliest events go.
    fn remove_excess_outcomes(&mut self, connection: &Connection, max: u64) -> Result<bool, Fault> {
        let mut delete = connection.prepare_cached(
            "DELETE FROM outcomes WHERE sequence IN
                (SELECT sequence FROM outcomes WHERE lane = ?1
                 ORDER BY lane, offset, part, at, number LIMIT ?2)",
        )?;
        let mut more = false;
        for (lane, fate) in &mut self.lanes {
            let excess = i64::try_from(fate.outcomes.saturating_sub(max)).unwrap_or(i64::MAX);
            if excess == 0 {
                continue;
            }
            let gone = delete.execute(params![lane, excess.min(ROWS_PER_STEP)])?;
            fate.outcomes = match gone {
                // The count was wrong: there are none.
                0 => 0,
                _ => fate.outcomes.saturating_sub(gone as u64),
            };
            fate.changed = true;
            more |= excess > ROWS_PER_STEP;
        }
        Ok(more)
    }

    /// Records of deliveries at the first attempt: of those of a time the oldest, and of lanes that
    /// have too many bytes.
    fn remove_records(
        &mut self,
        connection: &Connection,
        config: &Config,
        oldest: i64,
    ) -> Result<bool, Fault> {
        const RETURNING: &str = "RETURNING lane, sequence, last, length(body)";
        let mut old = connection.prepare_cached(&format!(
            "DELETE FROM packed WHERE sequence IN
                (SELECT sequence FROM packed ORDER BY sequence LIMIT ?1) AND newest < ?2 {RETURNING}"
        ))?;
        let gone = gone(old.query(params![ROWS_PER_STEP, oldest])?)?;
        let mut more = gone.len() as i64 == ROWS_PER_STEP;
        gone.iter().for_each(|record| self.lost(record));
        let mut first = connection.prepare_cached(&format!(
            "DELETE FROM packed WHERE sequence IN
                (SELECT sequence FROM packed WHERE lane = ?1 ORDER BY base LIMIT ?2) {RETURNING}"
        ))?;
        let over: Vec<i64> = self
            .lanes
            .iter()
            .filter(|(_, fate)| fate.packed > config.delivered_max_bytes)
            .map(|(lane, _)| *lane)
            .collect();
        for lane in over {
            // A record is of some kilobytes: a few at a time.
            let gone = super::retire::gone(first.query(params![lane, 16])?)?;
            gone.iter().for_each(|record| self.lost(record));
            if gone.is_empty()
                && let Some(fate) = self.lanes.get_mut(&lane)
            {
                (fate.packed, fate.changed) = (0, true);
            }
            more = true;
        }
        Ok(more)
    }

    fn lost(&mut self, record: &Gone) {
        self.close_before(record.lane, record.sequence);
        if let Some(fate) = self.lanes.get_mut(&record.lane) {
            fate.packed = fate.packed.saturating_sub(record.bytes);
            fate.forgotten = fate.forgotten.max(record.last.next());
            fate.changed = true;
        }
    }
}

/// A record that was removed.
struct Gone {
    lane: i64,
    sequence: i64,
    last: Offset,
    bytes: u64,
}

fn gone(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Gone>, Fault> {
    let mut gone = Vec::new();
    while let Some(row) = rows.next()? {
        gone.push(Gone {
            lane: row.get(0)?,
            sequence: row.get(1)?,
            last: Offset(row.get::<_, i64>(2)? as u64),
            bytes: row.get::<_, i64>(3)? as u64,
        });
    }
    Ok(gone)
}
