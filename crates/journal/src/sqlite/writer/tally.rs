//! Figures of the minutes under way: added to in memory, written with what they count.

use hashlink::LruCache;
use rusqlite::{Connection, params};

use crate::figures::{Figures, MINUTES_KEPT, Step};
use crate::sqlite::Config;
use crate::sqlite::failure::Fault;
use crate::sqlite::figures::{Mark, Whose, get, parse, put};
use model::Timestamp;

/// Minutes that are summed up in one step.
const ROWS_PER_STEP: i64 = 500;

/// How long after its end a minute is summed up: what is counted for it later counts for the next.
const GRACE: i64 = Step::Minute.micros();

/// How much longer than promised minutes are kept: whoever asks for the last four hours gets them.
const MARGIN: i64 = 10 * Step::Minute.micros();

/// The figures that have been added to lately.
#[derive(Debug)]
pub(super) struct Tally {
    open: LruCache<(i64, Whose), Figures>,
    /// Those that the tables don't have yet.
    changed: Vec<(i64, Whose)>,
    /// Up to where minutes have been summed up by the hour.
    mark: Mark,
}

impl Tally {
    pub(super) fn load(connection: &Connection) -> Result<Self, Fault> {
        Ok(Self {
            open: LruCache::new_unbounded(),
            changed: Vec::new(),
            mark: Mark::load(connection)?,
        })
    }

    /// Lets something be added to the figures of the minute that `at` lies in; to those of the next
    /// one that isn't summed up yet, when it is too late for that.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        at: Timestamp,
        whose: Whose,
        add: impl FnOnce(&mut Figures),
    ) -> Result<(), Fault> {
        let next = self.mark.minute.saturating_add(Step::Minute.micros());
        let place = (Step::Minute.start(at).0.max(next), whose);
        if !self.open.contains_key(&place) {
            let kept = get(connection, Step::Minute, place.0, whose)?;
            self.open.insert(place, kept.unwrap_or_default());
        }
        if let Some(figures) = self.open.get_mut(&place) {
            add(figures);
            self.changed.push(place);
        }
        Ok(())
    }

    /// Writes what has changed, each once, within the transaction.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), Fault> {
        self.changed.sort_unstable();
        self.changed.dedup();
        for (minute, whose) in self.changed.drain(..) {
            if let Some(figures) = self.open.peek(&(minute, whose)) {
                put(connection, Step::Minute, minute, whose, figures)?;
            }
        }
        Ok(())
    }

    /// Forgets those that were added to least lately beyond the bound. Everything must be written.
    pub(super) fn trim(&mut self, config: &Config) {
        while self.open.len() > config.figures_cache_entries {
            self.open.remove_lru();
        }
    }

    /// Sums minutes that are over up by the hour, some of them; says whether there may be more.
    pub(super) fn sum_up(
        &mut self,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let over = Step::Minute.start(Timestamp(now.0 - GRACE)).0 - Step::Minute.micros();
        // What this transaction has counted is not in the tables yet.
        self.write(connection)?;
        let mut query = connection.prepare_cached(
            "SELECT minute, project, lane, figures FROM minutes
             WHERE (minute, project, lane) > (?1, ?2, ?3) AND minute <= ?4
             ORDER BY minute, project, lane LIMIT ?5",
        )?;
        let Mark { minute, whose } = self.mark;
        let from = params![minute, whose.project, whose.lane, over, ROWS_PER_STEP];
        let mut rows = query.query(from)?;
        let mut found = 0;
        while let Some(row) = rows.next()? {
            let minute = row.get(0)?;
            let whose = Whose {
                project: row.get(1)?,
                lane: row.get(2)?,
            };
            let figures = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
            let hour = Step::Hour.start(Timestamp(minute)).0;
            let mut sum = get(connection, Step::Hour, hour, whose)?.unwrap_or_default();
            sum.add(&parse(figures)?);
            put(connection, Step::Hour, hour, whose, &sum)?;
            self.open.remove(&(minute, whose));
            self.mark = Mark { minute, whose };
            found += 1;
        }
        let more = found == ROWS_PER_STEP;
        if found > 0 {
            // No further than there is something: a clock that runs ahead for a while does no harm.
            self.mark = match more {
                true => self.mark,
                false => Mark::whole(self.mark.minute),
            };
            self.mark.store(connection)?;
        }
        Ok(more)
    }

    /// Removes figures that are too old, some of them; says whether there may be more.
    pub(super) fn retire(
        &self,
        connection: &Connection,
        config: &Config,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        // Only minutes that have been summed up may go.
        let minutes = (now - MINUTES_KEPT).0 - MARGIN;
        let minutes = minutes.min(self.mark.minute);
        let hours = (now - config.figures_max_age).0;
        let mut more = false;
        for (sql, oldest) in [
            (
                "DELETE FROM minutes WHERE (minute, project, lane) IN
                    (SELECT minute, project, lane FROM minutes WHERE minute < ?1
                     ORDER BY minute, project, lane LIMIT ?2)",
                minutes,
            ),
            (
                "DELETE FROM hours WHERE (hour, project, lane) IN
                    (SELECT hour, project, lane FROM hours WHERE hour < ?1
                     ORDER BY hour, project, lane LIMIT ?2)",
                hours,
            ),
        ] {
            let gone = connection
                .prepare_cached(sql)?
                .execute(params![oldest, ROWS_PER_STEP])?;
            more |= gone as i64 == ROWS_PER_STEP;
        }
        Ok(more)
    }
}
