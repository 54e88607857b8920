//! Replays: what of a sync is sent again, and whether it goes on.

use std::num::NonZeroU32;

use model::replay::{Imported, Replayed};
use model::{OrganisationId, ProjectId, ReplayId, SyncId, Timestamp};
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use crate::change::{Caller, Change, Entry};
use crate::{Cursor, Error, Page, Store, SyncRecord, project};

const COLUMNS: &str =
    "id, project_id, sync_id, what, per_minute, state, made_by, created_at, updated_at, result";

/// How many replays of a sync may be under way or paused.
const MOST_UNFINISHED: i64 = 20;

/// How many replays of a sync are kept; the oldest that have ended go first.
const KEPT: i64 = 500;

/// A replay as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayRecord {
    /// Identifies it.
    pub id: ReplayId,
    /// The sync's project.
    pub project: ProjectId,
    /// The sync.
    pub sync: SyncId,
    /// What is sent.
    pub what: Replayed,
    /// How many are begun per minute at most; `None`: as many as the sync sends.
    pub per_minute: Option<NonZeroU32>,
    /// Whether it goes on.
    pub state: ReplayGoal,
    /// Who made it: an e-mail address or a token's name, as it was then.
    pub made_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When its state was last changed.
    pub updated_at: Timestamp,
    /// What became of it in the end, as whoever carried it out said; `None` while that may change.
    pub result: Option<Value>,
}

/// What is to become of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayGoal {
    /// It goes on.
    Running,
    /// It stands still until somebody lets it go on.
    Paused,
    /// Somebody ended it.
    Cancelled,
    /// All was sent, or ended otherwise.
    Done,
}

impl ReplayGoal {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Done => "done",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        let all = [Self::Running, Self::Paused, Self::Cancelled, Self::Done];
        all.into_iter().find(|state| state.name() == name)
    }

    /// Whether it can't change any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Cancelled | Self::Done)
    }

    /// What the audit log calls getting there.
    fn action(self) -> &'static str {
        match self {
            Self::Running => "replay.resume",
            Self::Paused => "replay.pause",
            Self::Cancelled => "replay.cancel",
            Self::Done => "replay.finish",
        }
    }
}

impl Store {
    /// Makes a replay of a sync, which runs from then on.
    ///
    /// # Errors
    ///
    /// [`Error::NoSync`]; [`Error::TooManyReplays`].
    pub async fn create_replay(
        &self,
        project: ProjectId,
        sync: SyncId,
        what: Replayed,
        per_minute: Option<NonZeroU32>,
        by: &Caller,
    ) -> Result<ReplayRecord, Error> {
        let mut change = self.begin(by).await?;
        let (of, organisation) = self.replayed(&mut change, project, sync).await?;
        if let Some(made) = change.made_before().await? {
            drop(change);
            return self
                .replay(project, sync, made)
                .await
                .map_err(|error| match error {
                    Error::NoReplay(_) => Error::MadeIsGone,
                    other => other,
                });
        }
        make_room(change.connection(), sync).await?;
        let record = ReplayRecord {
            id: ReplayId::generate(change.random()),
            project,
            sync,
            what,
            per_minute,
            state: ReplayGoal::Running,
            made_by: by.actor.who(),
            created_at: change.now,
            updated_at: change.now,
            result: None,
        };
        let what = json!(record.what);
        sqlx::query(AssertSqlSafe(format!(
            "INSERT INTO replays ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, NULL)"
        )))
        .bind(record.id.to_string())
        .bind(project.to_string())
        .bind(sync.to_string())
        .bind(what.to_string())
        .bind(per_minute.map(|rate| i64::from(rate.get())))
        .bind(record.state.name())
        .bind(&record.made_by)
        .bind(record.created_at.0)
        .execute(change.connection())
        .await?;
        change.remember(&record.id).await?;
        let entry = Entry {
            after: Some(json!({"sync": sync, "what": what, "per_minute": per_minute})),
            ..entry("replay.create", organisation, record.id, &of)
        };
        change.commit(entry).await?;
        Ok(record)
    }

    /// The sync that a change is about, and whose it is.
    async fn replayed(
        &self,
        change: &mut Change<'_>,
        project: ProjectId,
        sync: SyncId,
    ) -> Result<(SyncRecord, OrganisationId), Error> {
        let of = self.find_sync(change.connection(), project, sync).await?;
        let project = project::find(change.connection(), project).await?;
        Ok((of, project.organisation))
    }

    /// A sync's replays, oldest first.
    pub async fn replays(
        &self,
        project: ProjectId,
        sync: SyncId,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<ReplayRecord>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM replays
             WHERE sync_id = $1 AND project_id = $2 AND (created_at, id) > ($3, $4)
             ORDER BY created_at, id LIMIT $5"
        )))
        .bind(sync.to_string())
        .bind(project.to_string())
        .bind(after.created_at.0)
        .bind(&after.id)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        page(&rows, limit)
    }

    /// All syncs' replays of which more may come, oldest first: to carry them out.
    pub async fn unsettled_replays(
        &self,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<ReplayRecord>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM replays WHERE result IS NULL AND (created_at, id) > ($1, $2)
             ORDER BY created_at, id LIMIT $3"
        )))
        .bind(after.created_at.0)
        .bind(&after.id)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        page(&rows, limit)
    }

    /// All syncs' imports, oldest first, whatever became of them.
    pub async fn imports(
        &self,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<ReplayRecord>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM replays
             WHERE what LIKE '{{\"import\"%' AND (created_at, id) > ($1, $2)
             ORDER BY created_at, id LIMIT $3"
        )))
        .bind(after.created_at.0)
        .bind(&after.id)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        page(&rows, limit)
    }

    /// A sync's replays of which more may come.
    pub async fn unsettled_replays_of(&self, sync: SyncId) -> Result<Vec<ReplayRecord>, Error> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM replays WHERE sync_id = $1 AND result IS NULL
             ORDER BY created_at, id LIMIT $2"
        )))
        .bind(sync.to_string())
        .bind(KEPT + MOST_UNFINISHED)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(record).collect()
    }

    /// One replay of a sync.
    pub async fn replay(
        &self,
        project: ProjectId,
        sync: SyncId,
        id: ReplayId,
    ) -> Result<ReplayRecord, Error> {
        let mut connection = self.pool.acquire().await?;
        find(&mut connection, project, sync, id).await
    }

    /// A replay of any sync; `None` when there is none, or none any more.
    pub async fn replay_by_id(&self, id: ReplayId) -> Result<Option<ReplayRecord>, Error> {
        let row = sqlx::query(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM replays WHERE id = $1"
        )))
        .bind(id.to_string())
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(record).transpose()
    }

    /// Lets a replay go on, pauses it, or ends it. Does nothing where it is so already.
    ///
    /// # Errors
    ///
    /// [`Error::NoReplay`]; [`Error::ReplayEnded`] when it has ended otherwise.
    pub async fn steer_replay(
        &self,
        project: ProjectId,
        sync: SyncId,
        id: ReplayId,
        state: ReplayGoal,
        by: &Caller,
    ) -> Result<ReplayRecord, Error> {
        let mut change = self.begin(by).await?;
        let (of, organisation) = self.replayed(&mut change, project, sync).await?;
        let before = find(change.connection(), project, sync, id).await?;
        if before.state == state {
            return Ok(before);
        }
        if before.state.is_final() {
            return Err(Error::ReplayEnded {
                state: before.state,
            });
        }
        let after = ReplayRecord {
            state,
            updated_at: change.now,
            ..before.clone()
        };
        write_state(change.connection(), &after, before.state).await?;
        let entry = Entry {
            before: Some(json!({"state": before.state.name()})),
            after: Some(json!({"state": state.name()})),
            ..entry(state.action(), organisation, id, &of)
        };
        change.commit(entry).await?;
        Ok(after)
    }

    /// Notes that all of an import has arrived. Does nothing where it has been noted.
    ///
    /// # Errors
    ///
    /// [`Error::NoReplay`]; [`Error::NoImport`] when it is none; [`Error::ReplayEnded`].
    pub async fn complete_import(
        &self,
        project: ProjectId,
        sync: SyncId,
        id: ReplayId,
        by: &Caller,
    ) -> Result<ReplayRecord, Error> {
        let mut change = self.begin(by).await?;
        let (of, organisation) = self.replayed(&mut change, project, sync).await?;
        let before = find(change.connection(), project, sync, id).await?;
        let Replayed::Import(import) = &before.what else {
            return Err(Error::NoImport(id));
        };
        if import.complete {
            return Ok(before);
        }
        if before.state.is_final() {
            return Err(Error::ReplayEnded {
                state: before.state,
            });
        }
        let what = Replayed::Import(Imported {
            complete: true,
            ..import.clone()
        });
        sqlx::query("UPDATE replays SET what = $2, updated_at = $3 WHERE id = $1")
            .bind(id.to_string())
            .bind(json!(what).to_string())
            .bind(change.now.0)
            .execute(change.connection())
            .await?;
        let after = ReplayRecord {
            what,
            updated_at: change.now,
            ..before
        };
        change
            .commit(entry("replay.complete", organisation, id, &of))
            .await?;
        Ok(after)
    }

    /// The import of this content to a sync, unless it was cancelled.
    pub async fn import_of(
        &self,
        project: ProjectId,
        sync: SyncId,
        digest: &str,
    ) -> Result<Option<ReplayRecord>, Error> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM replays
             WHERE sync_id = $1 AND project_id = $2 AND state <> 'cancelled'
             ORDER BY created_at, id LIMIT $3"
        )))
        .bind(sync.to_string())
        .bind(project.to_string())
        .bind(KEPT + MOST_UNFINISHED)
        .fetch_all(&self.pool)
        .await?;
        for row in &rows {
            let record = record(row)?;
            if matches!(&record.what, Replayed::Import(import) if import.digest == digest) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// Notes that a running replay has come to its end, though some of it is still kept.
    pub async fn finish_replay(&self, id: ReplayId) -> Result<(), Error> {
        sqlx::query(
            "UPDATE replays SET state = 'done', updated_at = $2
             WHERE id = $1 AND state = 'running'",
        )
        .bind(id.to_string())
        .bind(self.clock.now().0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Notes what became of a replay of which nothing more comes. One that was not cancelled is done.
    pub async fn settle_replay(&self, id: ReplayId, result: &Value) -> Result<(), Error> {
        sqlx::query(
            "UPDATE replays SET result = $2, updated_at = $3,
                state = CASE state WHEN 'cancelled' THEN state ELSE 'done' END
             WHERE id = $1 AND result IS NULL",
        )
        .bind(id.to_string())
        .bind(result.to_string())
        .bind(self.clock.now().0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// Forgets the replays of a sync that is deleted.
pub(crate) async fn forget_of_sync(
    connection: &mut AnyConnection,
    sync: SyncId,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM replays WHERE sync_id = $1")
        .bind(sync.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets the replays of a project that is deleted.
pub(crate) async fn forget_of_project(
    connection: &mut AnyConnection,
    project: ProjectId,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM replays WHERE project_id = $1")
        .bind(project.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Refuses when a sync has too many replays that have not ended; lets the oldest go that have.
async fn make_room(connection: &mut AnyConnection, sync: SyncId) -> Result<(), Error> {
    let unfinished: i64 = sqlx::query(
        "SELECT count(*) FROM replays WHERE sync_id = $1 AND state IN ('running', 'paused')",
    )
    .bind(sync.to_string())
    .fetch_one(&mut *connection)
    .await?
    .try_get(0)?;
    if unfinished >= MOST_UNFINISHED {
        return Err(Error::TooManyReplays {
            limit: MOST_UNFINISHED,
        });
    }
    sqlx::query(
        "DELETE FROM replays WHERE sync_id = $1 AND state IN ('cancelled', 'done') AND id NOT IN
            (SELECT id FROM replays WHERE sync_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2)",
    )
    .bind(sync.to_string())
    .bind(KEPT - 1)
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_state(
    connection: &mut AnyConnection,
    after: &ReplayRecord,
    before: ReplayGoal,
) -> Result<(), Error> {
    let written =
        sqlx::query("UPDATE replays SET state = $2, updated_at = $3 WHERE id = $1 AND state = $4")
            .bind(after.id.to_string())
            .bind(after.state.name())
            .bind(after.updated_at.0)
            .bind(before.name())
            .execute(connection)
            .await?;
    match written.rows_affected() {
        // It has come to its end at this moment.
        0 => Err(Error::ReplayEnded {
            state: ReplayGoal::Done,
        }),
        _ => Ok(()),
    }
}

async fn find(
    connection: &mut AnyConnection,
    project: ProjectId,
    sync: SyncId,
    id: ReplayId,
) -> Result<ReplayRecord, Error> {
    let row = sqlx::query(AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM replays WHERE id = $1 AND sync_id = $2 AND project_id = $3"
    )))
    .bind(id.to_string())
    .bind(sync.to_string())
    .bind(project.to_string())
    .fetch_optional(connection)
    .await?;
    row.map_or(Err(Error::NoReplay(id)), |row| record(&row))
}

fn page(rows: &[AnyRow], limit: u32) -> Result<Page<ReplayRecord>, Error> {
    let records = rows.iter().map(record).collect::<Result<_, _>>()?;
    Ok(Page::cut(records, limit, |last: &ReplayRecord| Cursor {
        created_at: last.created_at,
        id: last.id.to_string(),
    }))
}

fn record(row: &AnyRow) -> Result<ReplayRecord, Error> {
    let id: String = row.try_get("id")?;
    let corrupt = |what| Error::Corrupt {
        what,
        id: id.clone(),
    };
    let (project, sync): (String, String) = (row.try_get("project_id")?, row.try_get("sync_id")?);
    let (what, state): (String, String) = (row.try_get("what")?, row.try_get("state")?);
    let per_minute: Option<i64> = row.try_get("per_minute")?;
    let per_minute = per_minute.map(|rate| {
        let rate = u32::try_from(rate).ok().and_then(NonZeroU32::new);
        rate.ok_or_else(|| corrupt("the rate"))
    });
    let result: Option<String> = row.try_get("result")?;
    let result = result
        .map(|result| serde_json::from_str(&result).map_err(|_| corrupt("what became of it")));
    Ok(ReplayRecord {
        id: id.parse().map_err(|_| corrupt("the id"))?,
        project: project.parse().map_err(|_| corrupt("the project"))?,
        sync: sync.parse().map_err(|_| corrupt("the sync"))?,
        what: serde_json::from_str(&what).map_err(|_| corrupt("what is sent"))?,
        per_minute: per_minute.transpose()?,
        state: ReplayGoal::of_name(&state).ok_or_else(|| corrupt("the state"))?,
        made_by: row.try_get("made_by")?,
        created_at: Timestamp(row.try_get("created_at")?),
        updated_at: Timestamp(row.try_get("updated_at")?),
        result: result.transpose()?,
    })
}

fn entry(
    action: &'static str,
    organisation: OrganisationId,
    id: ReplayId,
    of: &SyncRecord,
) -> Entry {
    Entry {
        organisation: Some(organisation),
        action,
        target_id: id.to_string(),
        target_name: of.sync.name.clone(),
        before: None,
        after: None,
    }
}
