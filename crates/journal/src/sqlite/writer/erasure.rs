//! Erasing a user: what the writer does of it. See [`erasing`](crate::sqlite::erasing) for the rest.
//!
//! Whatever keeps something of single events beside the log has a line in [`OF_EVENTS`], and is asked for
//! each event that is erased, in the transaction that erases it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use bytes::Bytes;
use model::{Offset, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::group::Group;
use super::lanes::replay::Gone;
use super::retention::Step;
use super::state::State;
use crate::sqlite::accounts;
use crate::sqlite::chunk::{self, Chunk};
use crate::sqlite::erasing::{Hit, Job, Looked, MOST_DEVICES, OVERWRITTEN, Person};
use crate::sqlite::failure::Fault;
use crate::sqlite::fate::FatesOfLanes;
use crate::sqlite::received;
use crate::sqlite::turns;
use crate::{EraseRequest, ErasureState, Settlement, Subject};

/// Takes what is kept of an event; says how much that was.
type Forget = fn(&mut Group<'_>, project: i64, offset: Offset) -> Result<u64, Fault>;

/// What is kept of events, by the name under which an erasure counts it.
const OF_EVENTS: &[(&str, Forget)] = &[
    // Those that wait for a property are told by their places.
    ("awaiting_property", forget_awaiting),
    ("turns", forget_turns),
    ("retries", forget_retries),
    ("ended", forget_ended),
    ("attempts", forget_attempts),
    ("samples", forget_samples),
];

/// Under which an erasure counts events that it could not look at.
const UNREADABLE: &str = "unreadable";

/// What became of a chunk that was to be written anew.
enum Rewritten {
    /// As it was.
    Yes(Chunk),
    /// Retention was faster.
    Gone,
    /// It can't be read, with so many events that were to be erased.
    Damaged { events: u64 },
}

/// How much free space one step overwrites, in pages; and what is left of a page for content that a row
/// has no room for.
const PAGES: i64 = 512;
const PAGE_CONTENT: i64 = 8192 - 4;

/// Content that stays in a row itself, so that all other pages are filled to their ends.
const OWN_CONTENT: i64 = 1500;

/// Events that were erased, by project: what was under way when they were may not bring anything of them
/// back.
#[derive(Debug, Default)]
pub(super) struct Erased {
    projects: HashSet<i64>,
}

impl Erased {
    pub(super) fn load(connection: &Connection) -> Result<Self, Fault> {
        let mut query = connection.prepare("SELECT DISTINCT project FROM erased")?;
        let projects = query.query_map([], |row| row.get(0))?;
        Ok(Self {
            projects: projects.collect::<Result<_, _>>()?,
        })
    }

    /// Whether an event was erased.
    pub(super) fn has(
        &self,
        connection: &Connection,
        project: i64,
        offset: Offset,
    ) -> Result<bool, Fault> {
        if !self.projects.contains(&project) {
            return Ok(false);
        }
        Ok(connection
            .prepare_cached("SELECT 1 FROM erased WHERE project = ?1 AND offset = ?2")?
            .exists(params![project, offset.0 as i64])?)
    }

    /// A settlement without what it would keep of erased events: an attempt that was under way when its
    /// event was erased is the last one. `unsettled`: whether the lane settles an event with this one.
    pub(super) fn left_of<'s>(
        &self,
        connection: &Connection,
        project: i64,
        settlement: &'s Settlement,
        unsettled: impl Fn(Offset) -> bool,
    ) -> Result<Left<'s>, Fault> {
        if !self.projects.contains(&project) {
            return Ok(Left {
                settlement: Cow::Borrowed(settlement),
                erased: 0,
                again: 0,
            });
        }
        let has = |offset| self.has(connection, project, offset);
        let (erased, again) = count_erased(settlement, has, unsettled)?;
        let mut left = settlement.clone();
        left.book.clear();
        left.ended.clear();
        for retry in &settlement.book {
            if !self.has(connection, project, retry.offset)? {
                left.book.push(retry.clone());
            }
        }
        for ended in &settlement.ended {
            if !self.has(connection, project, ended.offset)? {
                left.ended.push(ended.clone());
            }
        }
        let kept = |offset| self.has(connection, project, offset).map(|erased| !erased);
        left.turns = retained(left.turns, |turn| kept(turn.offset))?;
        left.record.attempts = retained(left.record.attempts, |one| kept(one.offset))?;
        left.record.samples = retained(left.record.samples, |one| kept(one.offset))?;
        Ok(Left {
            settlement: Cow::Owned(left),
            erased,
            again,
        })
    }

    /// Events from `first` on before `end` are no longer kept.
    pub(super) fn retire(
        &self,
        connection: &Connection,
        project: i64,
        first: Offset,
        end: Offset,
    ) -> Result<(), Fault> {
        if self.projects.contains(&project) {
            connection
                .prepare_cached(
                    "DELETE FROM erased WHERE project = ?1 AND offset >= ?2 AND offset < ?3",
                )?
                .execute(params![project, first.0 as i64, end.0 as i64])?;
        }
        Ok(())
    }
}

/// What is left of a settlement.
pub(super) struct Left<'s> {
    pub(super) settlement: Cow<'s, Settlement>,
    /// How many deliveries are erased by it.
    pub(super) erased: u64,
    /// How many had been counted as erased, and were made all the same.
    pub(super) again: u64,
}

/// How many deliveries of erased events end here as erased ones, and how many the erasure counted that
/// were under way, and are counted once more by what that came to.
///
/// What was owed when its event was erased, the erasure has found and counted. What had not been settled
/// until now, it could not know.
fn count_erased(
    settlement: &Settlement,
    has: impl Fn(Offset) -> Result<bool, Fault>,
    unsettled: impl Fn(Offset) -> bool,
) -> Result<(u64, u64), Fault> {
    let booked = settlement.book.iter().map(|one| (one.offset, one.part));
    let in_order = settlement.turns.iter().map(|one| (one.offset, one.part));
    let goes_on: BTreeSet<_> = booked.chain(in_order).collect();
    let mut erased = 0;
    let uncounted: BTreeSet<_> = settlement.erased.iter().copied().collect();
    for (offset, _) in goes_on.union(&uncounted) {
        erased += u64::from(unsettled(*offset) && has(*offset)?);
    }
    let over = settlement.turns_over.iter();
    let over = over.map(|one| (one.offset, one.part));
    let over: BTreeSet<_> = over.chain(settlement.finish.iter().copied()).collect();
    let uncounted: BTreeSet<_> = uncounted
        .into_iter()
        .chain(settlement.gone.iter().copied())
        .collect();
    let mut again = 0;
    for one in &over {
        let came_to_something = !goes_on.contains(one) && !uncounted.contains(one);
        again += u64::from(came_to_something && !unsettled(one.0) && has(one.0)?);
    }
    Ok((erased, again))
}

impl Group<'_> {
    /// See [`Journal::erase`](crate::Journal::erase).
    pub(in crate::sqlite) fn begin_erasure(&mut self, request: &EraseRequest) -> Result<(), Fault> {
        let known = self
            .connection
            .prepare_cached("SELECT 1 FROM erasures WHERE id = ?1")?
            .exists([request.id.to_bytes()])?;
        if known {
            return Ok(());
        }
        // What this commit has learnt of users so far is part of what goes.
        self.state.users.write(self.connection)?;
        let project = self
            .state
            .projects
            .get_or_create(self.connection, request.project)?;
        let (number, until) = (project.number, project.next);
        let person = self.look_up(number, &request.subject)?;
        let mut users = 0;
        for amplitude_id in &person.amplitude_ids {
            users += self
                .connection
                .prepare_cached("DELETE FROM users WHERE amplitude_id = ?1 AND project = ?2")?
                .execute(params![amplitude_id, number])?;
        }
        self.state
            .users
            .forget(number, &person.user_ids, &person.amplitude_ids);
        // Samples of refused requests are texts of whoever sent them: all of the project's go.
        let refused = self
            .connection
            .prepare_cached("DELETE FROM refused WHERE project = ?1")?
            .execute([number])?;
        let found = BTreeMap::from([("users", users), ("refused", refused)]);
        self.connection
            .prepare_cached(
                "INSERT INTO erasures VALUES (NULL, ?1, ?2, ?3, 0, ?4, '', 0, ?5, ?6, NULL)",
            )?
            .execute(params![
                request.id.to_bytes(),
                number,
                request.at.0,
                as_json(&person),
                until.0 as i64,
                as_json(&found),
            ])?;
        let erasure = self.connection.last_insert_rowid();
        self.begin_erasing_imports(erasure, number)
    }

    /// Events of the project's imports are looked up as well, up to where their logs end now.
    fn begin_erasing_imports(&mut self, erasure: i64, owner: i64) -> Result<(), Fault> {
        let State {
            imports, projects, ..
        } = &mut *self.state;
        for log in imports.of(owner) {
            let until = projects.by_number(log).map(|(_, log)| log.next);
            self.connection
                .prepare_cached("INSERT INTO erasing_imports VALUES (?1, ?2, 0, ?3)")?
                .execute(params![erasure, log, until.unwrap_or_default().0 as i64])?;
        }
        Ok(())
    }

    /// By what the user is known: an id leads to the others.
    fn look_up(&self, project: i64, subject: &Subject) -> Result<Person, Fault> {
        let mut person = Person::default();
        let amplitude_id = match subject {
            Subject::UserId(id) => {
                person.user_ids.push(id.clone());
                self.connection
                    .prepare_cached(
                        "SELECT amplitude_id FROM users WHERE project = ?1 AND user_id = ?2",
                    )?
                    .query_row(params![project, id], |row| row.get(0))
                    .optional()?
            }
            Subject::DeviceId(id) => {
                person.devices.push(id.clone());
                self.connection
                    .prepare_cached(
                        "SELECT amplitude_id FROM devices WHERE project = ?1 AND device_id = ?2",
                    )?
                    .query_row(params![project, id], |row| row.get(0))
                    .optional()?
            }
            Subject::AmplitudeId(id) => Some(*id),
        };
        let Some(amplitude_id) = amplitude_id else {
            return Ok(person);
        };
        let user_id: Option<Option<String>> = self
            .connection
            .prepare_cached("SELECT user_id FROM users WHERE project = ?1 AND amplitude_id = ?2")?
            .query_row(params![project, amplitude_id], |row| row.get(0))
            .optional()?;
        if let Some(user_id) = user_id.flatten()
            && !person.user_ids.contains(&user_id)
        {
            person.user_ids.push(user_id);
        }
        person.amplitude_ids.push(amplitude_id);
        Ok(person)
    }

    /// Erases devices, unless they have come to belong to somebody else. Without a `place` to go on from
    /// all have been looked at.
    pub(in crate::sqlite) fn erase_devices(
        &mut self,
        job: &Job,
        devices: &[String],
        place: Option<&str>,
    ) -> Result<(), Fault> {
        let mut person = job.person.clone();
        let mut erased = 0;
        for device in devices {
            for amplitude_id in &person.amplitude_ids {
                erased += self
                    .connection
                    .prepare_cached(
                        "DELETE FROM devices
                         WHERE project = ?1 AND device_id = ?2 AND amplitude_id = ?3",
                    )?
                    .execute(params![job.project, device, amplitude_id])?;
            }
            if person.devices.len() < MOST_DEVICES && !person.devices.contains(device) {
                person.devices.push(device.clone());
            }
        }
        self.count(job.number, &BTreeMap::from([("devices", erased as u64)]))?;
        let state = match place {
            Some(_) => ErasureState::Devices,
            None => ErasureState::Events,
        };
        self.connection
            .prepare_cached(
                "UPDATE erasures SET subject = ?2, place = ?3, state = ?4 WHERE number = ?1",
            )?
            .execute(params![
                job.number,
                as_json(&person),
                place.unwrap_or_default(),
                state as u8
            ])?;
        Ok(())
    }

    /// Erases events that were found, and what is kept of them.
    pub(in crate::sqlite) fn erase_events(
        &mut self,
        job: &Job,
        looked: &Looked,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let owing: Vec<_> = self.lanes_of(job.log).map(|lane| lane.owing()).collect();
        let mut owed = BTreeMap::new();
        let mut found: BTreeMap<&str, u64> = BTreeMap::new();
        if looked.unreadable > 0 {
            found.insert(UNREADABLE, looked.unreadable);
        }
        let mut events = Vec::new();
        for hit in &looked.hits {
            let chunk = match self.rewrite_chunk(job.log, hit)? {
                Rewritten::Yes(chunk) => chunk,
                Rewritten::Gone => continue,
                Rewritten::Damaged { events } => {
                    *found.entry(UNREADABLE).or_default() += events;
                    continue;
                }
            };
            let erased = chunk.events().iter();
            let erased = erased.filter(|event| hit.offsets.contains(&event.offset));
            events.extend(erased.cloned());
            *found.entry("events").or_default() += hit.offsets.len() as u64;
            for offset in &hit.offsets {
                self.connection
                    .prepare_cached("INSERT OR IGNORE INTO erased VALUES (?1, ?2)")?
                    .execute(params![job.log, offset.0 as i64])?;
                self.count_owed(job.log, *offset, &mut owed)?;
                for (kind, forget) in OF_EVENTS {
                    *found.entry(*kind).or_default() += forget(self, job.log, *offset)?;
                }
            }
            self.state.erased.projects.insert(job.log);
        }
        if !events.is_empty() {
            let events = events.iter().map(|event| &**event);
            received::forget(self.connection, job.log, events)?;
        }
        for before in owing {
            let count = owed.get(&before.lane).copied().unwrap_or(0);
            self.count_owed_erased(before, count, now)?;
        }
        self.count(job.number, &found)?;
        let end = looked.end.min(job.until).0 as i64;
        match job.is_import() {
            false => self
                .connection
                .prepare_cached("UPDATE erasures SET looked_at = ?2 WHERE number = ?1")?
                .execute(params![job.number, end])?,
            true => self
                .connection
                .prepare_cached(
                    "UPDATE erasing_imports SET looked_at = ?3 WHERE erasure = ?1 AND log = ?2",
                )?
                .execute(params![job.number, job.log, end])?,
        };
        if looked.end < job.until {
            return Ok(());
        }
        received::forget_gone(self.connection, job.log)?;
        let left = self
            .connection
            .prepare_cached(
                "SELECT 1 FROM erasing_imports WHERE erasure = ?1 AND looked_at < until",
            )?
            .exists([job.number])?;
        match left {
            true => Ok(()),
            false => self.forget_whom(job.number),
        }
    }

    fn lanes_of(&self, project: i64) -> impl Iterator<Item = &super::lanes::Lane> {
        let lanes = self.state.lanes.iter();
        lanes.filter(move |lane| lane.project == project)
    }

    /// Counts what lanes owe of an event that is about to be erased.
    fn count_owed(
        &mut self,
        project: i64,
        offset: Offset,
        owed: &mut BTreeMap<i64, u64>,
    ) -> Result<(), Fault> {
        let of_project = |lane: &&mut super::lanes::Lane| lane.project == project;
        for lane in self.state.lanes.iter_mut().filter(of_project) {
            if lane.pending + lane.turns == 0 {
                continue;
            }
            let (all, waiting): (i64, i64) = self
                .connection
                .prepare_cached(
                    "WITH booked AS (SELECT part FROM retries WHERE lane = ?1 AND offset = ?2),
                        placed AS (SELECT part FROM turns WHERE lane = ?1 AND offset = ?2)
                     SELECT (SELECT count(*) FROM (SELECT part FROM booked UNION SELECT part FROM placed)),
                        (SELECT count(*) FROM placed WHERE part NOT IN (SELECT part FROM booked))",
                )?
                .query_row(params![lane.number, offset.0 as i64], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            lane.waiting = lane.waiting.saturating_sub(waiting as u64);
            *owed.entry(lane.number).or_default() += all as u64;
        }
        Ok(())
    }

    /// Counts what a lane owed and was erased, and what it owes now.
    fn count_owed_erased(
        &mut self,
        before: super::lanes::Owing,
        count: u64,
        now: Timestamp,
    ) -> Result<(), Fault> {
        // Of most lanes it is none, and looking for one goes through all.
        if count == 0 {
            return Ok(());
        }
        let State { lanes, tally, .. } = &mut *self.state;
        let Some(after) = lanes.owing(before.lane) else {
            return Ok(());
        };
        accounts::add_erased(self.connection, before.lane, count)?;
        lanes.owes(before, after);
        lanes.count(self.connection, tally, now, after, |figures| {
            figures.balance.erased += count;
        })
    }

    /// All events have been looked at: nobody has to know any more who it was.
    fn forget_whom(&mut self, number: i64) -> Result<(), Fault> {
        self.connection
            .prepare_cached(
                "UPDATE erasures SET subject = NULL, place = '', state = ?2,
                    looked_at = looked_at + imports.events, until = until + imports.events
                 FROM (SELECT COALESCE(sum(until), 0) AS events FROM erasing_imports
                    WHERE erasure = ?1) AS imports
                 WHERE number = ?1",
            )?
            .execute(params![number, ErasureState::Files as u8])?;
        self.connection
            .prepare_cached("DELETE FROM erasing_imports WHERE erasure = ?1")?
            .execute([number])?;
        Ok(())
    }

    /// Writes a chunk anew, without the texts of some events.
    fn rewrite_chunk(&mut self, project: i64, hit: &Hit) -> Result<Rewritten, Fault> {
        let row = self
            .connection
            .prepare_cached(
                "SELECT sequence, count, body FROM chunks WHERE project = ?1 AND first = ?2",
            )?
            .query_row(params![project, hit.first.0 as i64], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, Vec<u8>>(2)?,
                ))
            })
            .optional()?;
        let Some((sequence, count, body)) = row else {
            return Ok(Rewritten::Gone);
        };
        let Some((id, kept)) = self.state.projects.by_number(project) else {
            return Ok(Rewritten::Gone);
        };
        let before = body.len() as u64;
        let chunk = Chunk::read(id, hit.first, count as u64, Bytes::from(body));
        let rewritten =
            chunk.and_then(|chunk| Some((chunk::without(&chunk, &hit.offsets)?, chunk)));
        let Some((body, chunk)) = rewritten else {
            let events = hit.offsets.len() as u64;
            return Ok(Rewritten::Damaged { events });
        };
        let after = body.len() as u64;
        kept.remove(before.saturating_sub(after));
        self.connection
            .prepare_cached("UPDATE chunks SET bytes = ?2, body = ?3 WHERE sequence = ?1")?
            .execute(params![sequence, after as i64, body])?;
        self.effects.removed.push((id, hit.first));
        Ok(Rewritten::Yes(chunk))
    }

    /// Adds to what an erasure has found.
    fn count(&self, number: i64, more: &BTreeMap<&str, u64>) -> Result<(), Fault> {
        let found: String = self
            .connection
            .prepare_cached("SELECT found FROM erasures WHERE number = ?1")?
            .query_row([number], |row| row.get(0))?;
        let mut found: BTreeMap<String, u64> =
            serde_json::from_str(&found).map_err(|_| Fault::damaged("an erasure can't be read"))?;
        for (kind, count) in more {
            *found.entry((*kind).to_owned()).or_default() += count;
        }
        self.connection
            .prepare_cached("UPDATE erasures SET found = ?2 WHERE number = ?1")?
            .execute(params![number, as_json(&found)])?;
        Ok(())
    }

    /// Overwrites what free pages still hold: gives them to a row of zeros, a bounded number at a time,
    /// and takes the rows away when there are no others left. Then the erasure's row says so.
    pub(in crate::sqlite) fn overwrite_free_space(&mut self, number: i64) -> Result<(), Fault> {
        // Lanes that were dropped weren't asked for what they have of the user: their rows go first.
        let mut step = Step::default();
        self.remove_dropped_lanes(&mut step)?;
        if step.more {
            return Ok(());
        }
        let free: i64 = self
            .connection
            .query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
        let (rows, done): (i64, i64) = self
            .connection
            .prepare_cached("SELECT count(*), COALESCE(max(done), 0) FROM zeros")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if done == 0 {
            // A few more than there are: the list of them goes, too.
            let pages = free.min(PAGES) + 2;
            self.connection
                .prepare_cached("INSERT INTO zeros VALUES (NULL, ?1, zeroblob(?2))")?
                .execute(params![
                    i64::from(free <= PAGES),
                    pages * PAGE_CONTENT + OWN_CONTENT
                ])?;
            return Ok(());
        }
        // The last one goes last: it says that the others may go.
        self.connection
            .prepare_cached(
                "DELETE FROM zeros WHERE number IN
                    (SELECT number FROM zeros ORDER BY done, number LIMIT 8)",
            )?
            .execute([])?;
        if rows <= 8 {
            self.connection
                .prepare_cached("UPDATE erasures SET place = ?2 WHERE number = ?1")?
                .execute(params![number, OVERWRITTEN])?;
        }
        Ok(())
    }

    /// Nothing is left.
    pub(in crate::sqlite) fn finish_erasure(
        &mut self,
        number: i64,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.connection
            .prepare_cached("UPDATE erasures SET state = ?2, done_at = ?3 WHERE number = ?1")?
            .execute(params![number, ErasureState::Done as u8, now.0])?;
        Ok(())
    }
}

/// Takes the event's deliveries that wait for a property of its user from all lanes.
fn forget_awaiting(group: &mut Group<'_>, project: i64, offset: Offset) -> Result<u64, Fault> {
    forget_pending(
        group,
        (project, offset),
        "DELETE FROM retries WHERE lane = ?1 AND offset = ?2 AND attempts = 0
            AND EXISTS (SELECT 1 FROM turns WHERE turns.lane = ?1 AND turns.offset = ?2
                AND turns.part = retries.part)",
    )
}

/// Takes the event's pending retries from all lanes.
fn forget_retries(group: &mut Group<'_>, project: i64, offset: Offset) -> Result<u64, Fault> {
    let delete = "DELETE FROM retries WHERE lane = ?1 AND offset = ?2";
    forget_pending(group, (project, offset), delete)
}

/// Takes what `delete` says of the event's pending retries from all lanes.
fn forget_pending(
    group: &mut Group<'_>,
    (project, offset): (i64, Offset),
    delete: &'static str,
) -> Result<u64, Fault> {
    let (mut gone, mut touched) = (0, Vec::new());
    for lane in group.state.lanes.iter_mut() {
        if lane.project != project || lane.pending == 0 {
            continue;
        }
        let rows = group
            .connection
            .prepare_cached(delete)?
            .execute(params![lane.number, offset.0 as i64])? as u64;
        lane.pending = lane.pending.saturating_sub(rows);
        lane.changed |= rows > 0;
        gone += rows;
        touched.extend((rows > 0).then_some(lane.number));
    }
    let lanes = &mut group.state.lanes;
    for lane in touched {
        let events = offset..offset.next();
        lanes.forget_replayed(group.connection, lane, events, Gone::Erased)?;
    }
    Ok(gone)
}

/// Takes the event's deliveries out of the order of their user, in all lanes.
fn forget_turns(group: &mut Group<'_>, project: i64, offset: Offset) -> Result<u64, Fault> {
    let mut gone = 0;
    for lane in group.state.lanes.iter_mut() {
        if lane.project != project || lane.turns == 0 {
            continue;
        }
        let (rows, _) = turns::clear(group.connection, lane.number, offset, offset.next())?;
        lane.turns = lane.turns.saturating_sub(rows);
        gone += rows;
    }
    Ok(gone)
}

/// Takes the event's ended deliveries from all lanes.
fn forget_ended(group: &mut Group<'_>, project: i64, offset: Offset) -> Result<u64, Fault> {
    let mut gone = 0;
    for lane in group.state.lanes.iter_mut() {
        if lane.project != project || lane.ended == 0 {
            continue;
        }
        let rows = group
            .connection
            .prepare_cached("DELETE FROM ended WHERE lane = ?1 AND offset = ?2")?
            .execute(params![lane.number, offset.0 as i64])? as u64;
        lane.ended = lane.ended.saturating_sub(rows);
        lane.changed |= rows > 0;
        gone += rows;
    }
    Ok(gone)
}

/// Takes what is known of the event's attempts from all lanes.
fn forget_attempts(group: &mut Group<'_>, project: i64, offset: Offset) -> Result<u64, Fault> {
    let State { lanes, fates, .. } = &mut *group.state;
    let of_project = lanes.iter().filter(|lane| lane.project == project);
    let mut gone = 0;
    for lane in of_project {
        gone += fates.erase(group.connection, lane.number, offset)?;
    }
    Ok(gone)
}

/// Takes the samples of the event's attempts from all lanes.
fn forget_samples(group: &mut Group<'_>, project: i64, offset: Offset) -> Result<u64, Fault> {
    let lanes = group.state.lanes.iter();
    let mut gone = 0;
    for lane in lanes.filter(|lane| lane.project == project) {
        gone += FatesOfLanes::erase_samples(group.connection, lane.number, offset)?;
    }
    Ok(gone)
}

/// Those that `keep` says are kept.
fn retained<T>(
    all: Vec<T>,
    mut keep: impl FnMut(&T) -> Result<bool, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut kept = Vec::with_capacity(all.len());
    for one in all {
        if keep(&one)? {
            kept.push(one);
        }
    }
    Ok(kept)
}

fn as_json<T: serde::Serialize>(value: &T) -> String {
    // Maps and lists of texts and numbers always have a JSON form.
    serde_json::to_string(value).unwrap_or_default()
}
