//! Fates in the tables, read.

use std::collections::BTreeMap;

use model::{Offset, Part, ProjectId, SyncId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::packed::unpack;
use crate::LaneOf;
use crate::fate::{
    Attempt, AttemptRow, Delivered, Fate, OutcomeKey, OutcomePage, Outcomes, SAMPLES_KEPT, Sample,
    SampleRow, Split, Standing, What,
};
use crate::sqlite::accounts;
use crate::sqlite::failure::Fault;
use crate::sqlite::family::{self, Member};
use crate::sqlite::offsets;
use crate::sqlite::reader::{ended_of, retries_of};
use crate::sqlite::turns;

/// Rows of one event that are read at most: ten attempts of two deliveries, and some of replays.
const MOST_OF_EVENT: i64 = 200;

/// Rows that one page looks at, at most, to find those with a status. They are looked at in an index.
const MOST_LOOKED_AT: usize = 50_000;

/// And of each of many lanes at least.
const FEWEST_LOOKED_AT: usize = 500;

const COLUMNS: &str =
    "sequence, offset, part, at, number, what, status, event_type, message, tries,
    queue, render, connect, wait, took, lane";

/// See [`Fates::fate`](crate::Fates::fate).
pub(in crate::sqlite) fn fate(
    connection: &Connection,
    sync: SyncId,
    offset: Offset,
) -> Result<Option<Fate>, Fault> {
    // All of it must be of one moment: what is pending may be delivered between two queries.
    let transaction = connection.unchecked_transaction()?;
    let Some(Member { number: lane, of }) = family::own(&transaction, sync)? else {
        return Ok(None);
    };
    let standing = standing(&transaction, lane, offset)?;
    let mut query = transaction.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outcomes WHERE lane = ?1 AND offset = ?2
         ORDER BY at, sequence LIMIT ?3"
    ))?;
    let mut rows = query.query(params![lane, offset.0 as i64, MOST_OF_EVENT])?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        attempts.push(attempt(row, of)?);
    }
    Ok(Some(Fate {
        standing,
        delivered: delivered(&transaction, lane, offset)?,
        attempts,
        pending: retries_of(&transaction, sync, lane, offset)?,
        in_order: turns::waiting(&transaction, lane, offset)?,
        ended: ended_of(&transaction, sync, lane, offset)?,
        let_go: accounts::let_go_of(&transaction, lane, offset)?,
    }))
}

fn standing(connection: &Connection, lane: i64, offset: Offset) -> Result<Standing, Fault> {
    let (cursor, ahead): (i64, Vec<u8>) = connection
        .prepare_cached("SELECT cursor, ahead FROM lanes WHERE number = ?1")?
        .query_row([lane], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let known: Option<(i64, bool, i64)> = connection
        .prepare_cached("SELECT since, born, forgotten FROM fates WHERE lane = ?1")?
        .query_row([lane], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let (since, born, forgotten) = known.unwrap_or((i64::MAX, false, 0));
    let place = offset.0 as i64;
    if place < since && born {
        return Ok(Standing::BeforeLane);
    }
    if place >= cursor {
        let ahead = offsets::unpack(Offset(cursor as u64), &ahead)
            .ok_or_else(|| Fault::damaged("a lane's position can't be read"))?;
        if ahead.binary_search(&offset).is_err() {
            let settled = ahead.partition_point(|settled| *settled < offset) as u64;
            return Ok(Standing::Ahead {
                events: (place - cursor) as u64 - settled,
            });
        }
    }
    Ok(match place < since || place < forgotten {
        true => Standing::Forgotten,
        false => Standing::Settled,
    })
}

/// Deliveries of an event at the first attempt.
///
/// In the order of records neither `base`, the lane's cursor before, nor `reach`, the highest offset so
/// far, ever goes back. An event is settled while the cursor is not behind it, and not before it has
/// been read: only records between the two can have it.
fn delivered(connection: &Connection, lane: i64, offset: Offset) -> Result<Vec<Delivered>, Fault> {
    let mut query = connection.prepare_cached(
        "SELECT reach, first, last, body FROM packed WHERE lane = ?1 AND base <= ?2
         ORDER BY base DESC, sequence DESC",
    )?;
    let place = offset.0 as i64;
    let mut rows = query.query(params![lane, place])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (reach, first, last): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if reach < place {
            break;
        }
        if (first..=last).contains(&place) {
            let body = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
            let all = unpack(body).ok_or_else(|| Fault::damaged("deliveries can't be read"))?;
            found.extend(all.into_iter().filter(|one| one.offset == offset));
        }
    }
    found.sort_by_key(|one| (one.at, one.part));
    found.dedup();
    Ok(found)
}

fn attempt(row: &Row<'_>, of: LaneOf) -> Result<AttemptRow, Fault> {
    let (part, what) = (Part::from_code(row.get(2)?), What::from_code(row.get(5)?));
    let (Some(part), Some(what)) = (part, what) else {
        return Err(Fault::damaged("an attempt can't be read"));
    };
    Ok(AttemptRow {
        sequence: row.get::<_, i64>(0)? as u64,
        of,
        attempt: Attempt {
            offset: Offset(row.get::<_, i64>(1)? as u64),
            part,
            at: Timestamp(row.get(3)?),
            number: row.get(4)?,
            what,
            status: row.get(6)?,
            event_type: row.get(7)?,
            message: row.get(8)?,
            tries: row.get(9)?,
            split: Split {
                queue_ms: row.get(10)?,
                render_us: row.get(11)?,
                connect_ms: row.get(12)?,
                wait_ms: row.get(13)?,
                took_ms: row.get(14)?,
            },
        },
    })
}

/// Where to look for attempts of events that carry something: in these logs, at these places.
pub(in crate::sqlite) type Places = BTreeMap<ProjectId, Vec<Offset>>;

/// The logs that a sync's lanes read, its own first.
pub(in crate::sqlite) fn logs(
    connection: &Connection,
    sync: SyncId,
) -> Result<Vec<ProjectId>, Fault> {
    let mut logs: Vec<ProjectId> = Vec::new();
    for lane in family::of(connection, sync)? {
        if !logs.contains(&lane.of.log) {
            logs.push(lane.of.log);
        }
    }
    Ok(logs)
}

/// See [`Fates::outcomes`](crate::Fates::outcomes); of events at these places, where some are given.
pub(in crate::sqlite) fn outcomes(
    connection: &Connection,
    sync: SyncId,
    wanted: &Outcomes,
    places: Option<&Places>,
) -> Result<OutcomePage, Fault> {
    let transaction = connection.unchecked_transaction()?;
    let lanes = family::of(&transaction, sync)?;
    let most_looked_at = (MOST_LOOKED_AT / lanes.len().max(1)).max(FEWEST_LOOKED_AT);
    let (mut keys, mut horizon) = (Vec::new(), None);
    for lane in &lanes {
        let (found, reached) = match places {
            Some(places) => match places.get(&lane.of.log) {
                Some(events) => (of_events(&transaction, lane.number, events, wanted)?, None),
                None => continue,
            },
            None => by_kind(&transaction, lane.number, wanted, most_looked_at)?,
        };
        keys.extend(found);
        horizon = horizon.max(reached);
        // No more than a page and one lane's are held at once.
        keys.sort_unstable_by(|one, other| other.cmp(one));
        keys.truncate(wanted.max + 1);
    }
    if let Some(horizon) = horizon {
        keys.retain(|key| *key >= horizon);
    }
    let more = keys.len() > wanted.max;
    keys.truncate(wanted.max);
    let next = match more {
        true => keys.last().copied(),
        false => horizon,
    };
    let mut query = transaction.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outcomes WHERE sequence = ?1"
    ))?;
    let mut rows = Vec::with_capacity(keys.len());
    for (_, sequence) in keys {
        let mut found = query.query([sequence as i64])?;
        let Some(row) = found.next()? else { continue };
        let number: i64 = row.get(15)?;
        if let Some(lane) = lanes.iter().find(|lane| lane.number == number) {
            rows.push(attempt(row, lane.of)?);
        }
    }
    Ok(OutcomePage {
        rows,
        next,
        partial: false,
    })
}

/// Keys of attempts of these events.
fn of_events(
    connection: &Connection,
    lane: i64,
    events: &[Offset],
    wanted: &Outcomes,
) -> Result<Vec<OutcomeKey>, Fault> {
    let mut query = connection.prepare_cached(
        "SELECT at, sequence, what, status, event_type FROM outcomes
         WHERE lane = ?1 AND offset = ?2 LIMIT ?3",
    )?;
    let mut keys = Vec::new();
    for event in events {
        let mut rows = query.query(params![lane, event.0 as i64, MOST_OF_EVENT])?;
        while let Some(row) = rows.next()? {
            let key = key(row)?;
            let what = What::from_code(row.get(2)?);
            let of_type = match &wanted.event_type {
                Some(wanted) => row.get_ref(4)?.as_str().ok() == Some(wanted.as_str()),
                None => true,
            };
            if is_within(key, wanted)
                && (wanted.whats.is_empty()
                    || what.is_some_and(|what| wanted.whats.contains(&what)))
                && (wanted.status.is_none() || wanted.status == row.get(3)?)
                && of_type
            {
                keys.push(key);
            }
        }
    }
    Ok(keys)
}

/// Keys of attempts, some of each kind that is wanted; with the place that the search has got to
/// where it was cut short: what lies behind it is left out.
///
/// Kinds are few and each is read in the order of an index that begins with it, so that however few
/// match, no more are looked at than are found, but for those with another status.
fn by_kind(
    connection: &Connection,
    lane: i64,
    wanted: &Outcomes,
    most_looked_at: usize,
) -> Result<(Vec<OutcomeKey>, Option<OutcomeKey>), Fault> {
    let sql = match wanted.event_type {
        None => {
            "SELECT at, sequence, status FROM outcomes
             WHERE lane = ?1 AND what = ?2 AND at >= ?3 AND at <= ?4 AND ?5 IS NULL
             ORDER BY at DESC, sequence DESC"
        }
        Some(_) => {
            "SELECT at, sequence, status FROM outcomes
             WHERE lane = ?1 AND event_type = ?5 AND what = ?2 AND at >= ?3 AND at <= ?4
             ORDER BY at DESC, sequence DESC"
        }
    };
    let mut query = connection.prepare_cached(sql)?;
    let all: Vec<What> = match wanted.whats.is_empty() {
        true => What::all().collect(),
        false => wanted.whats.clone(),
    };
    let from = wanted.from.map_or(i64::MIN, |from| from.0);
    let until = wanted.until.map_or(i64::MAX, |until| until.0);
    let until = wanted.before.map_or(until, |(at, _)| until.min(at.0));
    let (mut keys, mut horizon, mut looked_at) = (Vec::new(), None, 0);
    for what in &all {
        let of_type = wanted.event_type.as_deref();
        let mut rows = query.query(params![lane, what.code(), from, until, of_type])?;
        let mut found = 0;
        while let Some(row) = rows.next()? {
            let key = key(row)?;
            if !is_within(key, wanted) {
                continue;
            }
            looked_at += 1;
            if wanted.status.is_none() || wanted.status == row.get(2)? {
                keys.push(key);
                found += 1;
            }
            if found > wanted.max {
                break;
            }
            if looked_at > most_looked_at {
                horizon = horizon.max(Some(key));
                looked_at = 0;
                break;
            }
        }
    }
    Ok((keys, horizon))
}

fn key(row: &Row<'_>) -> Result<OutcomeKey, Fault> {
    Ok((Timestamp(row.get(0)?), row.get::<_, i64>(1)? as u64))
}

fn is_within(key: OutcomeKey, wanted: &Outcomes) -> bool {
    wanted.before.is_none_or(|before| key < before)
        && wanted.from.is_none_or(|from| key.0 >= from)
        && wanted.until.is_none_or(|until| key.0 < until)
}

/// See [`Fates::samples`](crate::Fates::samples); with a sequence, that one.
pub(in crate::sqlite) fn samples(
    connection: &Connection,
    sync: SyncId,
    what: Option<What>,
    sequence: Option<u64>,
) -> Result<Vec<SampleRow>, Fault> {
    // Bodies are large, and a list shows none.
    let mut query = connection.prepare_cached(
        "SELECT sequence, what, offset, part, at, number, iif(?3 IS NULL, '', body) FROM samples
         WHERE lane = ?1 AND (?2 IS NULL OR what = ?2) AND (?3 IS NULL OR sequence = ?3)
         ORDER BY sequence DESC",
    )?;
    let sequence = sequence.map(|sequence| sequence as i64);
    let mut found = Vec::new();
    for lane in family::of(connection, sync)? {
        let mut rows = query.query(params![lane.number, what.map(What::code), sequence])?;
        while let Some(row) = rows.next()? {
            found.push(sample_row(row, lane.of)?);
        }
    }
    found.sort_unstable_by_key(|row| std::cmp::Reverse(row.sequence));
    newest_of_each(&mut found);
    Ok(found)
}

/// Leaves as many samples of each kind as one lane keeps.
fn newest_of_each(rows: &mut Vec<SampleRow>) {
    let mut counted = BTreeMap::<What, usize>::new();
    rows.retain(|row| {
        let count = counted.entry(row.sample.what).or_default();
        *count += 1;
        *count <= SAMPLES_KEPT
    });
}

fn sample_row(row: &Row<'_>, of: LaneOf) -> Result<SampleRow, Fault> {
    let (part, what) = (Part::from_code(row.get(3)?), What::from_code(row.get(1)?));
    let (Some(part), Some(what)) = (part, what) else {
        return Err(Fault::damaged("a sample can't be read"));
    };
    let body: String = row.get(6)?;
    Ok(SampleRow {
        sequence: row.get::<_, i64>(0)? as u64,
        of,
        sample: Sample {
            offset: Offset(row.get::<_, i64>(2)? as u64),
            part,
            at: Timestamp(row.get(4)?),
            number: row.get(5)?,
            what,
            body: body.into(),
        },
    })
}
