//! [`Fates`] of the journal on one machine.

use std::sync::Arc;

use async_trait::async_trait;
use model::{Event, Offset, ProjectId, SyncId};

use super::Sqlite;
use super::fate::{read, read_refused};
use super::person;
use crate::fate::{
    Fate, Fates, Found, Key, MOST_LOGS, MOST_OFFSETS, OutcomePage, Outcomes, Refused, RefusedRow,
    SampleRow, What,
};
use crate::{Journal, KnownUser, StorageError, Subject};

/// The most events behind the index that are looked at.
const TAIL: u64 = 20_000;

/// Events of the log that are looked at in one go.
const AT_ONCE: usize = 500;

/// How often the index is asked for more because events that it named are gone.
const TURNS: usize = 20;

#[async_trait]
impl Fates for Sqlite {
    async fn fate(&self, sync: SyncId, offset: Offset) -> Result<Option<Fate>, StorageError> {
        self.readers
            .run(move |connection| read::fate(connection, sync, offset))
            .await
    }

    async fn outcomes(&self, sync: SyncId, query: Outcomes) -> Result<OutcomePage, StorageError> {
        let Some(first) = query.keys.first().cloned() else {
            let read = move |connection: &_| read::outcomes(connection, sync, &query, None);
            return self.readers.run(read).await;
        };
        let logs = self
            .readers
            .run(move |connection| read::logs(connection, sync));
        let logs = logs.await?;
        let mut complete = logs.len() <= 1 + MOST_LOGS;
        let mut places = read::Places::new();
        for log in logs.into_iter().take(1 + MOST_LOGS) {
            let (events, all) = self.may_carry(log, &first).await?;
            complete &= all;
            places.insert(log, events);
        }
        let keys = query.keys.clone();
        let read = move |connection: &_| read::outcomes(connection, sync, &query, Some(&places));
        let mut page = self.readers.run(read).await?;
        page.partial = !complete;
        // Only those that are shown are worth a look at the events themselves.
        let rows = std::mem::take(&mut page.rows);
        for row in rows {
            let event = self.get(row.of.log, row.attempt.offset).await?;
            if event.is_some_and(|event| keys.iter().all(|key| key.matches(&event))) {
                page.rows.push(row);
            }
        }
        Ok(page)
    }

    async fn samples(
        &self,
        sync: SyncId,
        what: Option<What>,
    ) -> Result<Vec<SampleRow>, StorageError> {
        self.readers
            .run(move |connection| read::samples(connection, sync, what, None))
            .await
    }

    async fn sample(&self, sync: SyncId, sequence: u64) -> Result<Option<SampleRow>, StorageError> {
        let found = self
            .readers
            .run(move |connection| read::samples(connection, sync, None, Some(sequence)));
        Ok(found.await?.pop())
    }

    async fn find(
        &self,
        project: ProjectId,
        key: Key,
        before: Option<Offset>,
        max: usize,
    ) -> Result<Found, StorageError> {
        let head = self.shared.log(project).head();
        let before = before.map_or(head, |before| before.min(head));
        let indexed = self.indexed(project, &key, Offset(0), 0).await?.indexed;
        let (newest, complete) = self.behind_index(project, &key, indexed, before).await?;
        let mut found = Found {
            events: newest,
            complete,
            next: None,
        };
        let mut end = before.min(indexed);
        for _ in 0..TURNS {
            if found.events.len() > max {
                break;
            }
            let wanted = max + 1 - found.events.len();
            let offsets = self.indexed(project, &key, end, wanted).await?.offsets;
            for &offset in &offsets {
                // It may be gone, or be another one with the same hash.
                if let Some(event) = self.get(project, offset).await?
                    && key.matches(&event)
                {
                    found.events.push(event);
                }
            }
            match offsets.last() {
                Some(last) if offsets.len() == wanted => end = *last,
                _ => break,
            }
        }
        if found.events.len() > max {
            found.events.truncate(max);
            found.next = found.events.last().map(|event| event.offset);
        }
        Ok(found)
    }

    async fn note_refused(&self, project: ProjectId, refused: Refused) -> Result<(), StorageError> {
        self.request(move |group| group.note_refused(project, &refused).map(Ok))
            .await
    }

    async fn refused(&self, project: ProjectId) -> Result<Vec<RefusedRow>, StorageError> {
        self.readers
            .run(move |connection| read_refused(connection, project))
            .await
    }

    async fn user(
        &self,
        project: ProjectId,
        who: Subject,
    ) -> Result<Option<KnownUser>, StorageError> {
        self.readers
            .run(move |connection| person::read(connection, project, &who))
            .await
    }
}

impl Sqlite {
    /// What the index knows.
    async fn indexed(
        &self,
        project: ProjectId,
        key: &Key,
        before: Offset,
        max: usize,
    ) -> Result<super::lookup::Candidates, StorageError> {
        let number = self.shared.log(project).number();
        let (lookup, key) = (Arc::clone(&self.lookup), key.clone());
        let search = move || lookup.candidates(number, &key, before, max);
        let searching = tokio::task::spawn_blocking(search);
        let broken = |error| StorageError::Storage(format!("a search broke off: {error}"));
        searching.await.map_err(broken)
    }

    /// The newest events that may carry the key, and whether those are all.
    async fn may_carry(
        &self,
        project: ProjectId,
        key: &Key,
    ) -> Result<(Vec<Offset>, bool), StorageError> {
        let head = self.shared.log(project).head();
        let found = self.indexed(project, key, head, MOST_OFFSETS + 1).await?;
        let (newest, reached) = self.behind_index(project, key, found.indexed, head).await?;
        let of_index = found.offsets.into_iter();
        let of_index = of_index.filter(|offset| *offset < found.indexed);
        let newest = newest.into_iter().map(|event| event.offset);
        let mut all: Vec<_> = newest.chain(of_index).collect();
        let complete = reached && all.len() <= MOST_OFFSETS;
        all.truncate(MOST_OFFSETS);
        Ok((all, complete))
    }

    /// The events that carry the key and lie behind the index, newest first; and whether all that do
    /// were looked at.
    async fn behind_index(
        &self,
        project: ProjectId,
        key: &Key,
        indexed: Offset,
        before: Offset,
    ) -> Result<(Vec<Arc<Event>>, bool), StorageError> {
        let head = self.shared.log(project).head();
        let from = indexed.max(Offset(head.0.saturating_sub(TAIL)));
        let mut found = self.tail(project, key, from, before).await?;
        found.reverse();
        Ok((found, from <= indexed))
    }

    /// Events from `from` on and before `before` that carry the key, in order.
    async fn tail(
        &self,
        project: ProjectId,
        key: &Key,
        from: Offset,
        before: Offset,
    ) -> Result<Vec<Arc<Event>>, StorageError> {
        let (mut found, mut next) = (Vec::new(), from);
        while next < before {
            let events = self.read(project, next, AT_ONCE).await?;
            let Some(last) = events.last() else {
                break;
            };
            next = last.offset.next();
            let within = events.into_iter().filter(|event| event.offset < before);
            found.extend(within.filter(|event| key.matches(event)));
        }
        Ok(found)
    }
}
