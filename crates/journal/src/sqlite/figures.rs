//! Figures in the tables: read, and read for those who sum them up.
//!
//! `minutes` has the minutes one by one, `hours` the sums of those up to a mark: what lies behind the
//! mark is added to the hours when they are read.

use model::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::failure::Fault;
use crate::figures::{Figures, MOST_STEPS, Scope, Step};

/// Of which project and lane, by their numbers; the lane 0 stands for the project as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Whose {
    pub(super) project: i64,
    pub(super) lane: i64,
}

impl Whose {
    /// The project as a whole.
    pub(super) const fn project(project: i64) -> Self {
        Self { project, lane: 0 }
    }
}

/// Up to where minutes have been summed up: the last row that was, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) minute: i64,
    pub(super) whose: Whose,
}

impl Mark {
    const KEYS: [&'static str; 3] = ["summed_minute", "summed_project", "summed_lane"];

    /// Behind everything of this minute.
    pub(super) const fn whole(minute: i64) -> Self {
        let whose = Whose {
            project: i64::MAX,
            lane: i64::MAX,
        };
        Self { minute, whose }
    }

    pub(super) fn load(connection: &Connection) -> Result<Self, Fault> {
        let mut query = connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
        let mut value = |key: &str| query.query_row([key], |row| row.get(0)).optional();
        let [minute, project, lane] = Self::KEYS;
        let minute = value(minute)?.unwrap_or(i64::MIN);
        let whose = Whose {
            project: value(project)?.unwrap_or(0),
            lane: value(lane)?.unwrap_or(0),
        };
        Ok(Self { minute, whose })
    }

    pub(super) fn store(self, connection: &Connection) -> Result<(), Fault> {
        let mut write = connection.prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?;
        let values = [self.minute, self.whose.project, self.whose.lane];
        for (key, value) in Self::KEYS.into_iter().zip(values) {
            write.execute(params![key, value])?;
        }
        Ok(())
    }
}

/// One row of a step's table.
pub(super) fn get(
    connection: &Connection,
    step: Step,
    start: i64,
    whose: Whose,
) -> Result<Option<Figures>, Fault> {
    let sql = match step {
        Step::Minute => {
            "SELECT figures FROM minutes WHERE minute = ?1 AND project = ?2 AND lane = ?3"
        }
        Step::Hour => "SELECT figures FROM hours WHERE hour = ?1 AND project = ?2 AND lane = ?3",
    };
    let kept: Option<Vec<u8>> = connection
        .prepare_cached(sql)?
        .query_row(params![start, whose.project, whose.lane], |row| row.get(0))
        .optional()?;
    kept.map(|bytes| parse(&bytes)).transpose()
}

/// Writes one row of a step's table, in place of what is there.
pub(super) fn put(
    connection: &Connection,
    step: Step,
    start: i64,
    whose: Whose,
    figures: &Figures,
) -> Result<(), Fault> {
    let sql = match step {
        Step::Minute => "INSERT OR REPLACE INTO minutes VALUES (?1, ?2, ?3, ?4)",
        Step::Hour => "INSERT OR REPLACE INTO hours VALUES (?1, ?2, ?3, ?4)",
    };
    connection.prepare_cached(sql)?.execute(params![
        start,
        whose.project,
        whose.lane,
        figures.to_bytes()
    ])?;
    Ok(())
}

pub(super) fn parse(bytes: &[u8]) -> Result<Figures, Fault> {
    Figures::from_bytes(bytes).ok_or_else(|| Fault::damaged("figures can't be read"))
}

/// See [`Journal::figures`](crate::Journal::figures).
pub(super) fn read(
    connection: &Connection,
    scope: Scope,
    step: Step,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<(Timestamp, Figures)>, Fault> {
    // What is read must be of one moment: minutes move into hours.
    let transaction = connection.unchecked_transaction()?;
    let Some(whose) = whose(&transaction, scope)? else {
        return Ok(Vec::new());
    };
    let unsummed = Unsummed::load(&transaction)?;
    let first = step.start(from).0;
    let starts = (0..MOST_STEPS as i64).map(|number| first.saturating_add(number * step.micros()));
    let mut found = Vec::new();
    for start in starts.take_while(|start| *start < until.0) {
        let figures = match step {
            Step::Minute => get(&transaction, step, start, whose)?,
            Step::Hour => unsummed.hour(&transaction, start, whose)?,
        };
        found.extend(figures.map(|figures| (Timestamp(start), figures)));
    }
    Ok(found)
}

/// The minutes that no hour has yet.
struct Unsummed {
    mark: Mark,
    /// The last minute that there is.
    newest: i64,
}

impl Unsummed {
    fn load(connection: &Connection) -> Result<Self, Fault> {
        let newest = connection
            .prepare_cached("SELECT max(minute) FROM minutes")?
            .query_row([], |row| row.get::<_, Option<i64>>(0))?;
        Ok(Self {
            mark: Mark::load(connection)?,
            newest: newest.unwrap_or(i64::MIN),
        })
    }

    /// An hour's sum: of the minutes up to the mark, and those behind it.
    fn hour(
        &self,
        connection: &Connection,
        start: i64,
        whose: Whose,
    ) -> Result<Option<Figures>, Fault> {
        let mut sum = get(connection, Step::Hour, start, whose)?;
        let end = (start + Step::Hour.micros()).min(self.newest.saturating_add(1));
        let mut minute = start.max(self.mark.minute);
        while minute < end {
            if (Mark { minute, whose }) > self.mark
                && let Some(figures) = get(connection, Step::Minute, minute, whose)?
            {
                sum.get_or_insert_default().add(&figures);
            }
            minute += Step::Minute.micros();
        }
        Ok(sum)
    }
}

fn whose(connection: &Connection, scope: Scope) -> Result<Option<Whose>, Fault> {
    let found = match scope {
        Scope::Project(project) => connection
            .prepare_cached("SELECT number FROM projects WHERE id = ?1")?
            .query_row([project.to_bytes()], |row| Ok(Whose::project(row.get(0)?))),
        Scope::Sync(sync) => connection
            .prepare_cached("SELECT project, number FROM lanes WHERE sync = ?1 AND dropped = 0")?
            .query_row([sync.to_bytes()], |row| {
                let (project, lane) = (row.get(0)?, row.get(1)?);
                Ok(Whose { project, lane })
            }),
    };
    Ok(found.optional()?)
}
