//! What the writer keeps in memory of lanes' fates: how much each has, and the record that its next
//! deliveries are packed into.

use std::collections::HashMap;
use std::time::Duration;

use model::{Offset, Timestamp};
use rusqlite::{Connection, params};

use super::packed::Packer;
use crate::fate::Delivered;
use crate::sqlite::config::Config;
use crate::sqlite::failure::Fault;

/// A record that has got this long is left alone: what is appended to is written anew each time.
const RECORD_BYTES: usize = 2 << 10;

/// Neither does a record span more than this, so that it can go by age.
const RECORD_SPAN: Duration = Duration::from_secs(60 * 60);

/// All lanes': few enough to be kept in memory.
#[derive(Debug, Default)]
pub(in crate::sqlite) struct FatesOfLanes {
    pub(super) lanes: HashMap<i64, FateOfLane>,
    /// Whether what is delivered at the first attempt gets a record.
    records: bool,
}

#[derive(Debug, Default)]
pub(super) struct FateOfLane {
    /// From here on, what is delivered has a record.
    pub(super) since: Offset,
    /// Whether the lane began there.
    pub(super) born: bool,
    /// Before this, records have gone.
    pub(super) forgotten: Offset,
    /// Rows of attempts.
    pub(super) outcomes: u64,
    /// Bytes of records that are closed.
    pub(super) packed: u64,
    pub(super) changed: bool,
    /// The highest offset in any record.
    reach: Offset,
    open: Option<OpenRecord>,
}

/// The record that is appended to.
#[derive(Debug)]
struct OpenRecord {
    /// Its row, once it has one.
    sequence: Option<i64>,
    /// The lane's cursor before the first delivery in it was settled.
    base: Offset,
    reach: Offset,
    first: Offset,
    last: Offset,
    oldest: Timestamp,
    newest: Timestamp,
    packer: Packer,
    changed: bool,
}

impl FatesOfLanes {
    pub(in crate::sqlite) fn load(connection: &Connection, config: &Config) -> Result<Self, Fault> {
        let mut query = connection.prepare(
            "SELECT fates.lane, since, born, forgotten, outcomes, packed,
                (SELECT reach FROM packed WHERE packed.lane = fates.lane
                 ORDER BY base DESC, sequence DESC LIMIT 1)
             FROM fates JOIN lanes ON lanes.number = fates.lane WHERE dropped = 0",
        )?;
        let rows = query.query_map([], |row| {
            let fate = FateOfLane {
                since: Offset(row.get::<_, i64>(1)? as u64),
                born: row.get(2)?,
                forgotten: Offset(row.get::<_, i64>(3)? as u64),
                outcomes: row.get::<_, i64>(4)? as u64,
                packed: row.get::<_, i64>(5)? as u64,
                changed: false,
                reach: Offset(row.get::<_, Option<i64>>(6)?.unwrap_or(0) as u64),
                open: None,
            };
            Ok((row.get(0)?, fate))
        })?;
        Ok(Self {
            lanes: rows.collect::<Result<_, _>>()?,
            records: config.delivered_max_bytes > 0,
        })
    }

    /// A lane begins here.
    pub(in crate::sqlite) fn begin(
        &mut self,
        connection: &Connection,
        lane: i64,
        since: Offset,
    ) -> Result<(), Fault> {
        connection
            .prepare_cached("INSERT OR REPLACE INTO fates VALUES (?1, ?2, 1, 0, 0, 0)")?
            .execute(params![lane, since.0 as i64])?;
        let fate = FateOfLane {
            since,
            born: true,
            ..FateOfLane::default()
        };
        self.lanes.insert(lane, fate);
        Ok(())
    }

    pub(in crate::sqlite) fn forget(&mut self, lane: i64) {
        self.lanes.remove(&lane);
    }

    /// Deliveries were made at the first attempt; `base` was the lane's cursor before.
    pub(super) fn pack(&mut self, lane: i64, base: Offset, delivered: &[Delivered]) {
        let fate = self.lanes.entry(lane).or_default();
        if self.records {
            delivered.iter().for_each(|one| fate.pack(base, one));
        } else {
            // As if the records had gone already: nobody is to take these for filtered.
            let last = delivered.iter().map(|one| one.offset).max();
            fate.forgotten = fate.forgotten.max(last.unwrap_or_default().next());
            fate.changed = true;
        }
    }

    /// Writes what has changed, within the transaction.
    pub(in crate::sqlite) fn write(&mut self, connection: &Connection) -> Result<(), Fault> {
        for (&lane, fate) in &mut self.lanes {
            if let Some(open) = &mut fate.open
                && open.changed
            {
                open.write(connection, lane)?;
                if open.is_full() {
                    fate.packed += open.packer.bytes().len() as u64;
                    fate.changed = true;
                    fate.open = None;
                }
            }
            if fate.changed {
                connection
                    .prepare_cached("INSERT OR REPLACE INTO fates VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                    .execute(params![
                        lane,
                        fate.since.0 as i64,
                        fate.born,
                        fate.forgotten.0 as i64,
                        fate.outcomes as i64,
                        fate.packed as i64
                    ])?;
                fate.changed = false;
            }
        }
        Ok(())
    }

    /// Whether rows of this lane's open record would be written to a row that is gone: then it has none.
    pub(super) fn close_before(&mut self, lane: i64, sequence: i64) {
        if let Some(fate) = self.lanes.get_mut(&lane)
            && let Some(open) = &fate.open
            && open.sequence.is_some_and(|open| open <= sequence)
        {
            fate.open = None;
        }
    }
}

impl FateOfLane {
    fn pack(&mut self, base: Offset, one: &Delivered) {
        self.reach = self.reach.max(one.offset);
        let open = self.open.get_or_insert_with(|| OpenRecord {
            sequence: None,
            base,
            reach: self.reach,
            first: one.offset,
            last: one.offset,
            oldest: one.at,
            newest: one.at,
            packer: Packer::default(),
            changed: true,
        });
        open.reach = self.reach;
        open.first = open.first.min(one.offset);
        open.last = open.last.max(one.offset);
        open.newest = open.newest.max(one.at);
        open.packer.push(one);
        open.changed = true;
    }
}

impl OpenRecord {
    fn is_full(&self) -> bool {
        self.packer.bytes().len() >= RECORD_BYTES || self.newest.since(self.oldest) > RECORD_SPAN
    }

    fn write(&mut self, connection: &Connection, lane: i64) -> Result<(), Fault> {
        let values = params![
            self.sequence,
            self.reach.0 as i64,
            self.first.0 as i64,
            self.last.0 as i64,
            self.newest.0,
            self.packer.bytes(),
            lane,
            self.base.0 as i64,
        ];
        match self.sequence {
            Some(_) => {
                connection
                    .prepare_cached(
                        "UPDATE packed SET reach = ?2, first = ?3, last = ?4, newest = ?5, body = ?6
                         WHERE sequence = ?1 AND lane = ?7 AND base = ?8",
                    )?
                    .execute(values)?;
            }
            None => {
                connection
                    .prepare_cached(
                        "INSERT INTO packed (sequence, reach, first, last, newest, body, lane, base)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    )?
                    .execute(values)?;
                self.sequence = Some(connection.last_insert_rowid());
            }
        }
        self.changed = false;
        Ok(())
    }
}
