//! The lanes: where each is, and what it has booked.

mod account;
pub(super) mod replay;

use std::collections::HashMap;

use model::{Offset, ProjectId, SyncId, Timestamp};
use rusqlite::{Connection, params};

pub(super) use account::Owing;
use account::{Account, Owed, Touched, owed_among, owed_range};

use super::erasure::Erased;
use super::projects::Projects;
use super::tally::Tally;
use crate::hold::{Forgone, LetGo, LetGoWhy, Said, Standing};
use crate::sqlite::accounts;
use crate::sqlite::failure::Fault;
use crate::sqlite::fate::FatesOfLanes;
use crate::sqlite::figures::Whose;
use crate::sqlite::holds;
use crate::sqlite::offsets;
use crate::sqlite::turns;
use crate::{Counts, DroppedLane, Ended, LanePosition, Retry, Settlement, StorageError};

/// How many retries are dropped in one step.
const RETRIES_PER_STEP: i64 = 5000;

/// Of version 7: what a retry's event was given when its first attempt was made.
pub(in crate::sqlite) const ADD_GIVEN_TO_RETRIES: &str = "
ALTER TABLE retries ADD COLUMN given TEXT;
";

/// All lanes: few enough to be kept in memory.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    by_sync: HashMap<SyncId, Lane>,
    /// Whose each lane is, by its number.
    by_number: HashMap<i64, SyncId>,
    last_number: i64,
    /// The highest sequence in `ended` so far. None is given twice as long as a replay may ask what ended
    /// before it was made.
    last_ended: i64,
    /// What is owed by all of a project's lanes, by its number; by those of its imports, too.
    owed: HashMap<i64, Owed>,
    /// What is owed by a lane and the bounded ones that go with it, by the lane's number.
    owed_with: HashMap<i64, Owed>,
    /// Replayed deliveries that are not over, by the lane's number.
    replaying: HashMap<i64, u64>,
    /// Whether rows of dropped lanes may still be there.
    pub(super) dropped_left: bool,
}

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) number: i64,
    /// The project's number.
    pub(super) project: i64,
    pub(super) cursor: Offset,
    /// See [`offsets`].
    pub(super) ahead: Vec<u8>,
    pub(super) standing: Standing,
    /// Retention has moved the cursor at least to here while the lane ran.
    pub(super) skipped_to: Offset,
    pub(super) pending: u64,
    pub(super) ended: u64,
    /// Deliveries in the order of their users.
    pub(super) turns: u64,
    /// Those of them that have no retry.
    pub(super) waiting: u64,
    account: Account,
    pub(super) total: Counts,
    /// Where the lane ends, if it does.
    pub(super) until: Option<Offset>,
    /// Of a lane that ends: the sync with whose lane it goes.
    whose: Option<SyncId>,
    /// And for whom it counts: that sync's lane.
    owner: Option<Whose>,
    pub(super) changed: bool,
}

impl Lane {
    /// Whether it has still to read some of a chunk that lies here.
    pub(super) fn needs(&self, first: Offset, end: Offset) -> bool {
        self.cursor < end && self.until.is_none_or(|until| first < until)
    }

    fn position(&self) -> Result<LanePosition, Fault> {
        let ahead = offsets::unpack(self.cursor, &self.ahead);
        Ok(LanePosition {
            cursor: self.cursor,
            ahead: ahead.ok_or_else(|| Fault::damaged("a lane's position can't be read"))?,
            pending: self.pending,
            standing: self.standing,
        })
    }
}

impl Lanes {
    pub(super) fn load(connection: &Connection) -> Result<Self, Fault> {
        let last_number = "SELECT COALESCE(max(number), 0), COALESCE(max(dropped), 0) FROM lanes";
        let (last_number, dropped_left) =
            connection.query_row(last_number, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut query = connection.prepare(
            "SELECT sync, number, project, cursor, ahead, paused, pending, ended, filtered,
                delivered_first, delivered_retry, discarded, expired, failed_attempts, until, whose
             FROM lanes LEFT JOIN bounded_lanes ON bounded_lanes.lane = number WHERE dropped = 0",
        )?;
        let rows = query.query_map([], |row| {
            let lane = Lane {
                number: row.get(1)?,
                project: row.get(2)?,
                cursor: Offset(row.get::<_, i64>(3)? as u64),
                ahead: row.get(4)?,
                standing: Standing::from_code(row.get(5)?).unwrap_or_default(),
                skipped_to: Offset(0),
                pending: row.get::<_, i64>(6)? as u64,
                ended: row.get::<_, i64>(7)? as u64,
                turns: 0,
                waiting: 0,
                account: Account::default(),
                total: counts_from(row, 8)?,
                until: row
                    .get::<_, Option<i64>>(14)?
                    .map(|until| Offset(until as u64)),
                whose: row.get::<_, Option<[u8; 16]>>(15)?.map(SyncId::from_bytes),
                owner: None,
                changed: false,
            };
            Ok((SyncId::from_bytes(row.get(0)?), lane))
        })?;
        let mut by_sync: HashMap<_, Lane> = rows.collect::<Result<_, _>>()?;
        let turns = turns::counts(connection)?;
        for lane in by_sync.values_mut() {
            lane.turns = turns.get(&lane.number).copied().unwrap_or(0);
            if lane.turns > 0 {
                (lane.waiting, _) = turns::tally(connection, lane.number)?;
            }
            lane.load_account(connection)?;
        }
        let number = |(sync, lane): (&SyncId, &Lane)| (lane.number, *sync);
        let mut lanes = Self {
            by_number: by_sync.iter().map(number).collect(),
            by_sync,
            last_number,
            last_ended: replay::last_ended(connection)?,
            owed: HashMap::new(),
            owed_with: HashMap::new(),
            replaying: replay::count(connection)?,
            dropped_left,
        };
        let all: Vec<_> = lanes.by_sync.keys().copied().collect();
        for sync in all {
            lanes.own(sync);
        }
        let owing: Vec<_> = lanes.by_sync.values().map(Lane::owing).collect();
        for owing in owing {
            lanes.owes(owing.nothing(), owing);
        }
        Ok(lanes)
    }

    /// Notes for whom a lane counts, if it is a bounded one.
    fn own(&mut self, sync: SyncId) {
        let whose = self.by_sync.get(&sync).and_then(|lane| lane.whose);
        let owner = whose.and_then(|whose| self.by_sync.get(&whose));
        let owner = owner.map(|owner| Whose {
            project: owner.project,
            lane: owner.number,
        });
        if let Some(lane) = self.by_sync.get_mut(&sync) {
            lane.owner = owner;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Lane> {
        self.by_sync.values()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Lane> {
        self.by_sync.values_mut()
    }

    /// The lane's position; a new lane starts at the project's head. Whoever ran it before no longer does.
    pub(super) fn open(
        &mut self,
        connection: &Connection,
        tally: &mut Tally,
        projects: &mut Projects,
        fates: &mut FatesOfLanes,
        project: ProjectId,
        sync: SyncId,
    ) -> Result<LanePosition, Fault> {
        if let Some(lane) = self.by_sync.get_mut(&sync) {
            let lost = lane.lose_in_hand(connection)?;
            lane.begin_account()?;
            let (position, owing) = (lane.position()?, lane.owing());
            self.count_lost_in_hand(connection, tally, owing, lost)?;
            return Ok(position);
        }
        let project = projects.get_or_create(connection, project)?;
        let (number, head) = (project.number, project.next);
        self.make(connection, fates, (number, sync), head, None)
    }

    /// Makes a lane of the project with this number.
    fn make(
        &mut self,
        connection: &Connection,
        fates: &mut FatesOfLanes,
        (project, sync): (i64, SyncId),
        cursor: Offset,
        bound: Option<(SyncId, Offset)>,
    ) -> Result<LanePosition, Fault> {
        let mut lane = Lane {
            number: self.last_number + 1,
            project,
            cursor,
            until: bound.map(|(_, until)| until),
            whose: bound.map(|(whose, _)| whose),
            owner: None,
            ahead: Vec::new(),
            standing: Standing::Running,
            skipped_to: Offset(0),
            pending: 0,
            ended: 0,
            turns: 0,
            waiting: 0,
            account: Account::default(),
            total: Counts::default(),
            changed: true,
        };
        lane.begin_account()?;
        connection
            .prepare_cached(
                "INSERT INTO lanes VALUES (?1, ?2, ?3, 0, x'', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
            )?
            .execute(params![lane.number, sync.to_bytes(), lane.project])?;
        if let Some((whose, until)) = bound {
            let (start, until) = (cursor.0 as i64, until.0 as i64);
            connection
                .prepare_cached("INSERT INTO bounded_lanes VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![lane.number, whose.to_bytes(), start, until])?;
        }
        self.last_number = lane.number;
        fates.begin(connection, lane.number, lane.cursor)?;
        let position = lane.position()?;
        self.by_number.insert(lane.number, sync);
        self.by_sync.insert(sync, lane);
        self.own(sync);
        Ok(position)
    }

    /// What stands for the sync's lane in the tables, and its cursor.
    pub(super) fn place(&self, sync: SyncId) -> Option<(i64, Offset)> {
        let lane = self.by_sync.get(&sync)?;
        Some((lane.number, lane.cursor))
    }

    pub(super) fn set_standing(
        &mut self,
        sync: SyncId,
        standing: Standing,
    ) -> Result<(), StorageError> {
        let lane = self.by_sync.get_mut(&sync);
        let lane = lane.ok_or(StorageError::UnknownLane(sync))?;
        lane.standing = standing;
        lane.changed = true;
        Ok(())
    }

    /// Moves a lane to the head and removes some of its retries; says whether there may be more.
    pub(super) fn drop_backlog(
        &mut self,
        connection: &Connection,
        tally: &mut Tally,
        projects: &mut Projects,
        sync: SyncId,
        said: &Said,
    ) -> Result<Result<(Forgone, bool), StorageError>, Fault> {
        let Some(lane) = self.by_sync.get_mut(&sync) else {
            return Ok(Err(StorageError::UnknownLane(sync)));
        };
        let (before, lost) = (lane.owing(), lane.lose_in_hand(connection)?);
        let is_bounded = lane.until.is_some();
        let head = projects
            .by_number(lane.project)
            .map_or(lane.cursor, |(_, project)| project.next);
        let head = lane.until.map_or(head, |until| until.min(head));
        let ahead = lane.position()?.ahead.len() as u64;
        let unread = head.0.saturating_sub(lane.cursor.0).saturating_sub(ahead);
        let owed = owed_range(connection, lane.number)?;
        for (events, owed) in [(lane.cursor..head, false), (owed, true)] {
            let part = LetGo {
                why: LetGoWhy::Dropped,
                events,
                owed,
                at: said.at,
                by: Some(said.by.clone()),
            };
            accounts::let_go(connection, lane.number, &part)?;
        }
        // Those that wait for their turn were read, but no attempt was made.
        let (_, waiting) = turns::clear(connection, lane.number, Offset(0), Offset(u64::MAX))?;
        (lane.turns, lane.waiting) = (0, 0);
        let gone = connection
            .prepare_cached(
                "DELETE FROM retries WHERE rowid IN
                    (SELECT rowid FROM retries WHERE lane = ?1 LIMIT ?2)",
            )?
            .execute(params![lane.number, RETRIES_PER_STEP])? as u64;
        // A bounded lane may begin behind the head.
        lane.cursor = lane.cursor.max(head);
        lane.ahead = Vec::new();
        lane.pending = lane.pending.saturating_sub(gone);
        lane.changed = true;
        lane.begin_account()?;
        let after = lane.owing();
        let forgone = Forgone {
            events: unread + waiting,
            retries: gone,
        };
        let more = gone == RETRIES_PER_STEP as u64;
        self.owes(before, after);
        self.count_lost_in_hand(connection, tally, after, lost)?;
        if !forgone.is_empty() {
            holds::add_dropped(connection, after.lane, forgone)?;
            // What a lane that ends has not read has been through others.
            let unread = if is_bounded { 0 } else { unread };
            self.count(connection, tally, said.at, after, |figures| {
                figures.details.received += unread;
                figures.balance.dropped += unread + waiting + forgone.retries;
            })?;
        }
        if !more {
            let all = Offset(0)..Offset(i64::MAX as u64);
            self.forget_replayed(connection, after.lane, all, replay::Gone::Unsent)?;
        }
        Ok(Ok((forgone, more)))
    }

    /// Records what became of a lane's events; says how many retries are pending then.
    pub(super) fn settle(
        &mut self,
        connection: &Connection,
        tally: &mut Tally,
        fates: &mut FatesOfLanes,
        erased: &Erased,
        sync: SyncId,
        given: &Settlement,
    ) -> Result<Result<u64, StorageError>, Fault> {
        let Some(lane) = self.by_sync.get_mut(&sync) else {
            return Ok(Err(StorageError::UnknownLane(sync)));
        };
        let before = lane.owing();
        let mut balance = given.balance;
        balance.lost += owed_among(connection, lane.number, &given.gone)?;
        let left = erased.left_of(connection, lane.project, given, lane.unsettled()?)?;
        balance.erased += left.erased;
        balance.again += left.again;
        let settlement = &*left.settlement;
        lane.write_settled(connection, &mut self.last_ended, settlement)?;
        if let Some(outstanding) = self.replaying.get_mut(&lane.number) {
            let over = replay::over(connection, lane.number, settlement)?;
            *outstanding = outstanding.saturating_sub(over);
        }
        fates.keep(connection, lane.number, lane.cursor, &settlement.record)?;
        let received = lane.settles(connection, settlement)?;
        // What retention took from a lane that stood still is behind it, also where the lane, which held
        // the oldest in its hands, doesn't know yet.
        lane.cursor = settlement.cursor.max(lane.skipped_to);
        let first = settlement.ahead.partition_point(|at| *at < lane.cursor);
        lane.ahead = offsets::pack(lane.cursor, &settlement.ahead[first..]);
        holds::add_superseded(connection, lane.number, balance.superseded)?;
        accounts::add_erased(connection, lane.number, balance.erased)?;
        lane.total.add(&settlement.counts);
        lane.changed = true;
        let (after, pending) = (lane.owing(), lane.pending);
        self.owes(before, after);
        let counts_nothing = settlement.counts.is_empty() && settlement.details.is_empty();
        if counts_nothing && balance.is_empty() && received == 0 && before == after {
            return Ok(Ok(pending));
        }
        self.count(connection, tally, settlement.at, after, |figures| {
            let received = figures.details.received + received;
            figures.counts.add(&settlement.counts);
            figures.details.add(&settlement.details);
            figures.details.received = received;
            figures.balance.add(&balance);
        })?;
        Ok(Ok(pending))
    }

    /// Forgets a lane, and those that go with it. Their rows go little by little, see `retention`.
    pub(super) fn drop(
        &mut self,
        connection: &Connection,
        tally: &mut Tally,
        projects: &mut Projects,
        fates: &mut FatesOfLanes,
        (sync, at): (SyncId, Timestamp),
    ) -> Result<Result<DroppedLane, StorageError>, Fault> {
        let goes = |(id, lane): (&SyncId, &Lane)| (lane.whose == Some(sync)).then_some(*id);
        let bounded: Vec<_> = self.by_sync.iter().filter_map(goes).collect();
        for lane in bounded {
            self.drop_one(connection, tally, projects, fates, (lane, at))?
                .ok();
        }
        self.drop_one(connection, tally, projects, fates, (sync, at))
    }

    fn drop_one(
        &mut self,
        connection: &Connection,
        tally: &mut Tally,
        projects: &mut Projects,
        fates: &mut FatesOfLanes,
        (sync, at): (SyncId, Timestamp),
    ) -> Result<Result<DroppedLane, StorageError>, Fault> {
        let Some(mut lane) = self.by_sync.remove(&sync) else {
            return Ok(Err(StorageError::UnknownLane(sync)));
        };
        self.by_number.remove(&lane.number);
        connection.execute(
            "UPDATE lanes SET dropped = 1 WHERE number = ?1",
            [lane.number],
        )?;
        let (in_order, _) = turns::tally(connection, lane.number)?;
        let lost = lane.lose_in_hand(connection)?.map_or(0, |(lost, _)| lost);
        let owing = lane.owing();
        self.owes_nothing(owing);
        self.owed_with.remove(&lane.number);
        self.replaying.remove(&lane.number);
        fates.forget(lane.number);
        self.dropped_left = true;
        let ahead = lane.position()?.ahead.len() as u64;
        let head = projects
            .by_number(lane.project)
            .map(|(_, project)| project.next);
        let end = lane.until.or(head).unwrap_or_default();
        let behind = end.0.saturating_sub(lane.cursor.0);
        let backlog = behind.saturating_sub(ahead);
        // What a lane that ends has not read has been through others.
        let unread = if lane.until.is_none() { backlog } else { 0 };
        let dropped = lane.pending + in_order + unread;
        if dropped + lost > 0 {
            self.count_for_others(connection, tally, at, owing.nothing(), |figures| {
                figures.balance.dropped += dropped;
                figures.balance.lost += lost;
            })?;
        }
        Ok(Ok(DroppedLane {
            pending: lane.pending,
            backlog,
            in_order,
            ended: lane.ended,
        }))
    }

    /// Writes what has changed, each lane once, within the transaction.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), Fault> {
        let mut update = connection.prepare_cached(
            "UPDATE lanes SET cursor = ?2, ahead = ?3, paused = ?4, pending = ?5, ended = ?6,
                filtered = ?7, delivered_first = ?8, delivered_retry = ?9, discarded = ?10,
                expired = ?11, failed_attempts = ?12
             WHERE number = ?1",
        )?;
        for lane in self.by_sync.values_mut().filter(|lane| lane.changed) {
            let total = lane.total;
            update.execute(params![
                lane.number,
                lane.cursor.0 as i64,
                lane.ahead,
                lane.standing.code(),
                lane.pending as i64,
                lane.ended as i64,
                total.filtered as i64,
                total.delivered_first as i64,
                total.delivered_retry as i64,
                total.discarded as i64,
                total.expired as i64,
                total.failed_attempts as i64,
            ])?;
            lane.changed = false;
        }
        Ok(())
    }
}

impl Lane {
    /// Writes what a settlement says of single deliveries.
    fn write_settled(
        &mut self,
        connection: &Connection,
        last_ended: &mut i64,
        settlement: &Settlement,
    ) -> Result<(), Fault> {
        let mut touched = Touched::new();
        for retry in &settlement.book {
            let more = book(connection, self.number, retry)?;
            self.pending += more;
            touched.insert((retry.offset, retry.part), (more == 0, true));
        }
        let mut finish = connection
            .prepare_cached("DELETE FROM retries WHERE lane = ?1 AND offset = ?2 AND part = ?3")?;
        for (offset, part) in &settlement.finish {
            let gone = finish.execute(params![self.number, offset.0 as i64, *part as u8])?;
            self.pending = self.pending.saturating_sub(gone as u64);
            let known = touched.entry((*offset, *part)).or_insert((gone > 0, false));
            known.1 = false;
        }
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for turn in &settlement.turns {
            let more = turns::add(connection, self.number, turn)?;
            self.turns += more;
            added.push((*turn, more > 0));
        }
        for turn in &settlement.turns_over {
            let gone = turns::remove(connection, self.number, turn)?;
            self.turns = self.turns.saturating_sub(gone);
            removed.push((*turn, gone > 0));
        }
        self.wait_in_order(connection, &touched, &added, &removed)?;
        for ended in &settlement.ended {
            self.ended += end(connection, last_ended, self.number, ended)?;
        }
        Ok(())
    }
}

/// Books a retry in place of an earlier one; says how many more there are now.
fn book(connection: &Connection, lane: i64, retry: &Retry) -> Result<u64, Fault> {
    // A failure is made of plain strings and numbers: it always has a JSON form.
    let failure = serde_json::to_string(&retry.failure).unwrap_or_default();
    let row = params![
        lane,
        retry.offset.0 as i64,
        retry.part as u8,
        retry.due_at.0,
        retry.attempts,
        failure,
        retry.given.as_deref()
    ];
    let replaced = connection
        .prepare_cached(
            "UPDATE retries SET due_at = ?4, attempts = ?5, failure = ?6, given = ?7
             WHERE lane = ?1 AND offset = ?2 AND part = ?3",
        )?
        .execute(row)?;
    if replaced > 0 {
        return Ok(0);
    }
    connection
        .prepare_cached("INSERT INTO retries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(row)?;
    Ok(1)
}

/// Keeps an ended delivery; says how many more there are now. The same one twice is kept once; one
/// that ended before (and was sent again) moves to the end of the list.
fn end(connection: &Connection, last: &mut i64, lane: i64, ended: &Ended) -> Result<u64, Fault> {
    let place = params![lane, ended.offset.0 as i64, ended.part as u8, ended.at.0];
    let known = connection
        .prepare_cached(
            "SELECT 1 FROM ended WHERE lane = ?1 AND offset = ?2 AND part = ?3 AND at = ?4",
        )?
        .exists(place)?;
    if known {
        return Ok(0);
    }
    let replaced = connection
        .prepare_cached("DELETE FROM ended WHERE lane = ?1 AND offset = ?2 AND part = ?3")?
        .execute(&place[..3])?;
    let why = serde_json::to_string(&ended.why).unwrap_or_default();
    *last += 1;
    connection
        .prepare_cached("INSERT INTO ended VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![
            *last,
            lane,
            ended.offset.0 as i64,
            ended.part as u8,
            ended.at.0,
            ended.attempts,
            why
        ])?;
    Ok(1 - replaced as u64)
}

/// Counts from six columns that start at `first`.
pub(in crate::sqlite) fn counts_from(
    row: &rusqlite::Row<'_>,
    first: usize,
) -> rusqlite::Result<Counts> {
    let count = |column: usize| row.get::<_, i64>(first + column).map(|count| count as u64);
    Ok(Counts {
        filtered: count(0)?,
        delivered_first: count(1)?,
        delivered_retry: count(2)?,
        discarded: count(3)?,
        expired: count(4)?,
        failed_attempts: count(5)?,
    })
}
