//! What a lane is told to have settled, lost and owed, so that its figures add up.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use model::{Offset, Part, Timestamp};
use rusqlite::{Connection, params};

use super::{Lane, Lanes, Tally};
use crate::Settlement;
use crate::figures::Figures;
use crate::hold::{Forgone, LetGo, LetGoWhy, Standing};
use crate::sqlite::accounts::{self, InHand};
use crate::sqlite::failure::Fault;
use crate::sqlite::figures::Whose;
use crate::sqlite::{holds, offsets};
use crate::turn::Turn;

/// What a lane has told of itself.
#[derive(Debug, Clone, Default)]
pub(in crate::sqlite::writer) struct Account {
    /// The cursor that it told last, wherever retention has taken it since.
    told: Offset,
    /// How many events that it told to be settled behind that, which are counted as received.
    ahead: u64,
    /// It has read all before this.
    read: Offset,
    /// What retention took while it had it in its hands: it may settle it still.
    held: Option<InHand>,
}

/// What a lane owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sqlite::writer) struct Owing {
    pub(in crate::sqlite::writer) project: i64,
    pub(in crate::sqlite::writer) lane: i64,
    /// Of a lane that ends: for whom it counts, too.
    owner: Option<Whose>,
    owed: Owed,
}

impl Owing {
    /// The same lane, when it owes nothing.
    pub(super) fn nothing(self) -> Self {
        let owed = Owed::default();
        Self { owed, ..self }
    }

    /// The lane with whose figures those of this one count, and its project.
    fn head(self) -> Whose {
        self.owner.unwrap_or(Whose {
            project: self.project,
            lane: self.lane,
        })
    }
}

/// How much is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::sqlite::writer) struct Owed {
    /// Retries.
    pub(in crate::sqlite::writer) pending: u64,
    /// Deliveries that wait in the order of their users without a retry.
    pub(in crate::sqlite::writer) waiting: u64,
}

impl Owed {
    fn change(&mut self, before: Self, after: Self) {
        self.pending = (self.pending + after.pending).saturating_sub(before.pending);
        self.waiting = (self.waiting + after.waiting).saturating_sub(before.waiting);
    }
}

/// Retries that a settlement touches: whether each was booked before, and is now.
pub(super) type Touched = HashMap<(Offset, Part), (bool, bool)>;

/// What a lane loses of a part of the log.
#[derive(Debug, Default)]
pub(in crate::sqlite::writer) struct Skipped {
    /// Events that it has lost: it had not read them.
    pub(in crate::sqlite::writer) lost: Range<Offset>,
    /// How many of those were not settled.
    pub(in crate::sqlite::writer) events: u64,
}

impl Lane {
    pub(in crate::sqlite::writer) fn owing(&self) -> Owing {
        Owing {
            project: self.project,
            lane: self.number,
            owner: self.owner,
            owed: Owed {
                pending: self.pending,
                waiting: self.waiting,
            },
        }
    }

    /// The number of the lane with which it goes: its own, where it goes with none.
    pub(in crate::sqlite::writer) fn head(&self) -> i64 {
        self.owner.map_or(self.number, |owner| owner.lane)
    }

    /// The lane is where it is: nobody has read what is behind.
    pub(super) fn begin_account(&mut self) -> Result<(), Fault> {
        self.account = Account {
            told: self.cursor,
            ahead: self.position()?.ahead.len() as u64,
            read: self.cursor,
            held: self.account.held.take(),
        };
        Ok(())
    }

    /// As a crash left it.
    pub(super) fn load_account(&mut self, connection: &Connection) -> Result<(), Fault> {
        self.begin_account()?;
        self.account.held = accounts::in_hand(connection, self.number)?;
        Ok(())
    }

    /// How many events a settlement settles; from then on they are known to be.
    pub(super) fn settles(
        &mut self,
        connection: &Connection,
        settlement: &Settlement,
    ) -> Result<u64, Fault> {
        let account = &mut self.account;
        let ahead = settlement.ahead.len() as u64;
        let settled = (settlement.details.received + ahead).saturating_sub(account.ahead);
        account.told = settlement.cursor;
        account.ahead = ahead;
        account.read = account.read.max(settlement.read).max(settlement.cursor);
        let Some(held) = &mut account.held else {
            return Ok(settled);
        };
        held.events.start = held.events.start.max(settlement.cursor);
        if held.events.is_empty() {
            account.held = None;
        } else {
            let all = held.events.end.0 - held.events.start.0;
            let within = settlement.ahead.iter();
            let within = within.filter(|offset| held.events.contains(offset)).count();
            held.left = all.saturating_sub(within as u64);
        }
        accounts::set_in_hand(connection, self.number, self.account.held.as_ref())?;
        Ok(settled)
    }

    /// Which of some events it had not settled yet, by what it told.
    pub(super) fn unsettled(&self) -> Result<impl Fn(Offset) -> bool + use<>, Fault> {
        let (told, ahead) = (self.account.told, self.position()?.ahead);
        Ok(move |offset| offset >= told && ahead.binary_search(&offset).is_err())
    }

    /// Moves the lane past a part of the log that is about to go, and says what it loses with it: not what
    /// it has in its hands.
    pub(in crate::sqlite::writer) fn skip_to(
        &mut self,
        connection: &Connection,
        end: Offset,
        now: Timestamp,
    ) -> Result<Skipped, Fault> {
        let ahead = self.position()?.ahead;
        let runs = self.standing == Standing::Shut;
        let from = match runs {
            true => self.account.read.clamp(self.cursor, end),
            false => self.cursor,
        };
        let settled = |events: &Range<Offset>| {
            let within = ahead.iter().filter(|offset| events.contains(offset));
            within.count() as u64
        };
        let (in_hand, lost) = (self.cursor..from, from..end);
        let settled_of_lost = settled(&lost);
        let events = (lost.end.0 - lost.start.0) - settled_of_lost;
        let left = (in_hand.end.0 - in_hand.start.0) - settled(&in_hand);
        if left > 0 || (self.account.held.is_some() && !in_hand.is_empty()) {
            // Chunk by chunk, what it has in its hands grows.
            let before = self.account.held.take();
            let (start, already) =
                before.map_or((in_hand.start, 0), |held| (held.events.start, held.left));
            let held = InHand {
                events: start..in_hand.end,
                left: already + left,
                at: now,
            };
            accounts::set_in_hand(connection, self.number, Some(&held))?;
            self.account.held = Some(held);
        }
        let still_ahead = &ahead[ahead.partition_point(|offset| *offset < end)..];
        self.cursor = end;
        self.skipped_to = end;
        self.ahead = offsets::pack(end, still_ahead);
        match runs {
            // It never tells of these again.
            true => self.account.ahead = self.account.ahead.saturating_sub(settled_of_lost),
            false => self.begin_account()?,
        }
        self.changed = true;
        Ok(Skipped { lost, events })
    }

    /// A new run of the lane, or none: what it had in its hands is lost. Says how much that was, and when
    /// it was taken from the log.
    pub(super) fn lose_in_hand(
        &mut self,
        connection: &Connection,
    ) -> Result<Option<(u64, Timestamp)>, Fault> {
        let Some(InHand { events, left, at }) = self.account.held.take() else {
            return Ok(None);
        };
        accounts::set_in_hand(connection, self.number, None)?;
        let forgone = Forgone {
            events: left,
            retries: 0,
        };
        holds::add_lost(connection, (self.number, self.head()), forgone, at)?;
        let part = LetGo {
            why: LetGoWhy::Lost,
            events,
            owed: false,
            at,
            by: None,
        };
        accounts::let_go(connection, self.number, &part)?;
        Ok(Some((left, at)))
    }

    /// Notes what a settlement has done to the deliveries that wait in order without a retry. `added` and
    /// `removed`: places in the order, and whether they were not there before, or were.
    pub(super) fn wait_in_order(
        &mut self,
        connection: &Connection,
        touched: &Touched,
        added: &[(Turn, bool)],
        removed: &[(Turn, bool)],
    ) -> Result<(), Fault> {
        for (turn, is_new) in added {
            let (was_booked, is_booked) = self.booked(connection, touched, turn, !is_new)?;
            let (before, after) = (!is_new && !was_booked, !is_booked);
            self.waiting = (self.waiting + u64::from(after)).saturating_sub(before.into());
        }
        for (turn, was_there) in removed {
            let (was_booked, _) = self.booked(connection, touched, turn, *was_there)?;
            let waited = *was_there && !was_booked;
            self.waiting = self.waiting.saturating_sub(waited.into());
        }
        Ok(())
    }

    /// Whether a retry of the delivery was booked before a settlement, and is now. What is new in the order
    /// and was not touched has none.
    fn booked(
        &self,
        connection: &Connection,
        touched: &Touched,
        turn: &Turn,
        look: bool,
    ) -> Result<(bool, bool), Fault> {
        if let Some(known) = touched.get(&(turn.offset, turn.part)) {
            return Ok(*known);
        }
        let is_booked = look && has_retry(connection, self.number, turn.offset, turn.part)?;
        Ok((is_booked, is_booked))
    }
}

impl Lanes {
    /// Counts something for a lane, for the sync that it goes with and for the project, with what each owes
    /// then.
    pub(in crate::sqlite::writer) fn count(
        &self,
        connection: &Connection,
        tally: &mut Tally,
        at: Timestamp,
        of: Owing,
        count: impl Fn(&mut Figures),
    ) -> Result<(), Fault> {
        let own = Whose {
            project: of.project,
            lane: of.lane,
        };
        // A sync's own lane owes what the bounded ones that go with it do, too.
        let owed = match of.owner {
            Some(_) => of.owed,
            None => self.owed_with(of.lane),
        };
        tally.add(connection, at, own, |figures| {
            count(figures);
            (figures.pending, figures.waiting) = (owed.pending, owed.waiting);
        })?;
        self.count_for_others(connection, tally, at, of, count)
    }

    /// Counts something for those only for whom a lane counts beside itself.
    pub(super) fn count_for_others(
        &self,
        connection: &Connection,
        tally: &mut Tally,
        at: Timestamp,
        of: Owing,
        count: impl Fn(&mut Figures),
    ) -> Result<(), Fault> {
        if let Some(owner) = of.owner {
            let owed = self.owed_with(owner.lane);
            tally.add(connection, at, owner, |figures| {
                count(figures);
                (figures.pending, figures.waiting) = (owed.pending, owed.waiting);
            })?;
        }
        let project = of.head().project;
        let owed = self.owed_of(project);
        tally.add(connection, at, Whose::project(project), |figures| {
            // What a project receives is counted once, however many lanes move past it.
            let received = figures.details.received;
            count(figures);
            figures.details.received = received;
            (figures.pending, figures.waiting) = (owed.pending, owed.waiting);
        })
    }

    /// What a project's lanes owe.
    pub(in crate::sqlite::writer) fn owed_of(&self, project: i64) -> Owed {
        self.owed.get(&project).copied().unwrap_or_default()
    }

    /// What a lane owes, and the bounded ones that go with it.
    fn owed_with(&self, lane: i64) -> Owed {
        self.owed_with.get(&lane).copied().unwrap_or_default()
    }

    /// What the lane with this number owes.
    pub(in crate::sqlite::writer) fn owing(&self, number: i64) -> Option<Owing> {
        let sync = self.by_number.get(&number)?;
        Some(self.by_sync.get(sync)?.owing())
    }

    /// What a lane owes has changed from that to this.
    pub(in crate::sqlite::writer) fn owes(&mut self, before: Owing, after: Owing) {
        let head = before.head();
        let of_project = self.owed.entry(head.project).or_default();
        of_project.change(before.owed, after.owed);
        let of_head = self.owed_with.entry(head.lane).or_default();
        of_head.change(before.owed, after.owed);
    }

    /// A lane is no more.
    pub(super) fn owes_nothing(&mut self, before: Owing) {
        self.owes(before, before.nothing());
    }

    /// Counts what a lane had in its hands when it was stopped for good or by a crash: it is lost.
    pub(super) fn count_lost_in_hand(
        &self,
        connection: &Connection,
        tally: &mut Tally,
        of: Owing,
        lost: Option<(u64, Timestamp)>,
    ) -> Result<(), Fault> {
        let Some((events, at)) = lost else {
            return Ok(());
        };
        self.count(connection, tally, at, of, |figures| {
            figures.details.received += events;
            figures.balance.lost += events;
        })
    }
}

/// How many of some deliveries are still owed.
pub(super) fn owed_among(
    connection: &Connection,
    lane: i64,
    deliveries: &[(Offset, Part)],
) -> Result<u64, Fault> {
    let mut turn = connection
        .prepare_cached("SELECT 1 FROM turns WHERE lane = ?1 AND offset = ?2 AND part = ?3")?;
    let mut owed = 0;
    for &(offset, part) in deliveries.iter().collect::<BTreeSet<_>>() {
        let place = params![lane, offset.0 as i64, part as u8];
        owed += u64::from(has_retry(connection, lane, offset, part)? || turn.exists(place)?);
    }
    Ok(owed)
}

fn has_retry(
    connection: &Connection,
    lane: i64,
    offset: Offset,
    part: Part,
) -> Result<bool, Fault> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM retries WHERE lane = ?1 AND offset = ?2 AND part = ?3")?
        .exists(params![lane, offset.0 as i64, part as u8])?)
}

/// From where to where events lie of which a lane owes deliveries; empty where it owes none.
pub(super) fn owed_range(connection: &Connection, lane: i64) -> Result<Range<Offset>, Fault> {
    let (first, last): (Option<i64>, Option<i64>) = connection
        .prepare_cached(
            "SELECT min(first), max(last) FROM (
                SELECT (SELECT min(offset) FROM retries WHERE lane = ?1) AS first,
                    (SELECT max(offset) FROM retries WHERE lane = ?1) AS last
                UNION ALL SELECT (SELECT min(offset) FROM turns WHERE lane = ?1),
                    (SELECT max(offset) FROM turns WHERE lane = ?1))",
        )?
        .query_row([lane], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(match (first, last) {
        (Some(first), Some(last)) => Offset(first as u64)..Offset(last as u64).next(),
        _ => Offset(0)..Offset(0),
    })
}
