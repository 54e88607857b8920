//! The newest events of a project, looked up backwards.

use std::sync::Arc;

use model::{Event, Offset, ProjectId};

use crate::{Journal, StorageError};

/// Up to `max` events before `before` (absent: the project's newest), newest first; fewer only when
/// there are no more.
pub async fn newest(
    journal: &dyn Journal,
    project: ProjectId,
    before: Option<Offset>,
    max: usize,
) -> Result<Vec<Arc<Event>>, StorageError> {
    let head = *journal.head(project).borrow();
    let end = before.map_or(head, |before| before.min(head));
    backwards(|from, max| journal.read(project, from, max), end, max).await
}

/// The same by what [`Journal::read`] does.
async fn backwards<F>(
    read: impl Fn(Offset, usize) -> F,
    mut end: Offset,
    max: usize,
) -> Result<Vec<Arc<Event>>, StorageError>
where
    F: Future<Output = Result<Vec<Arc<Event>>, StorageError>>,
{
    let mut newest = Vec::new();
    while newest.len() < max {
        let wanted = (max - newest.len()) as u64;
        let start = Offset(end.0.saturating_sub(wanted));
        let found = between(&read, start, end).await?;
        if !found.is_empty() {
            newest.extend(found.into_iter().rev());
            end = start;
            continue;
        }
        // Offsets are dense but for what retention removed and what a restore left out.
        match behind_last(&read, start).await? {
            Some(behind) => end = behind,
            None => break,
        }
    }
    Ok(newest)
}

/// All events from `start` on before `end`, in order.
async fn between<F>(
    read: &impl Fn(Offset, usize) -> F,
    start: Offset,
    end: Offset,
) -> Result<Vec<Arc<Event>>, StorageError>
where
    F: Future<Output = Result<Vec<Arc<Event>>, StorageError>>,
{
    let (mut events, mut next) = (Vec::new(), start);
    while next < end {
        let room = usize::try_from(end.0 - next.0).unwrap_or(usize::MAX);
        let page = read(next, room).await?;
        let before = events.len();
        events.extend(page.into_iter().take_while(|event| event.offset < end));
        match events[before..].last() {
            Some(last) => next = last.offset.next(),
            None => break,
        }
    }
    Ok(events)
}

/// The position behind the last event before `end`; `None` when there is none.
async fn behind_last<F>(
    read: &impl Fn(Offset, usize) -> F,
    end: Offset,
) -> Result<Option<Offset>, StorageError>
where
    F: Future<Output = Result<Vec<Arc<Event>>, StorageError>>,
{
    let any_from = async |from: u64| -> Result<bool, StorageError> {
        let next = read(Offset(from), 1).await?;
        Ok(next.first().is_some_and(|event| event.offset < end))
    };
    if end.0 == 0 || !any_from(0).await? {
        return Ok(None);
    }
    // One lies at or behind `low`, none at or behind `high`.
    let (mut low, mut high) = (0, end.0);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match any_from(middle).await? {
            true => low = middle,
            false => high = middle,
        }
    }
    Ok(Some(Offset(high)))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use bytes::Bytes;
    use model::{EventKind, Timestamp};

    use super::*;

    /// The offsets that are found, and how many reads it took, where these are there.
    async fn found(there: &[u64], end: u64, max: usize) -> (Vec<u64>, usize) {
        let reads = Cell::new(0);
        let read = |from: Offset, max: usize| {
            reads.set(reads.get() + 1);
            let behind = there.iter().filter(|&&offset| offset >= from.0);
            // As a journal that reads a few at a time.
            let events = behind.take(max.min(3)).map(|&offset| {
                let project = ProjectId::from_bytes([1; 16]);
                let text = Bytes::from_static(b"{}");
                let kind = EventKind::Track;
                Arc::new(Event::new(
                    project,
                    Offset(offset),
                    kind,
                    Timestamp(0),
                    text,
                ))
            });
            let events = events.collect();
            async { Ok(events) }
        };
        let found = backwards(read, Offset(end), max).await.unwrap();
        let offsets = found.iter().map(|event| event.offset.0).collect();
        (offsets, reads.get())
    }

    #[tokio::test]
    async fn the_newest_come_first_and_only_those_before_the_end() {
        let all: Vec<u64> = (0..10).collect();
        assert_eq!(found(&all, 10, 4).await.0, [9, 8, 7, 6]);
        assert_eq!(found(&all, 5, 4).await.0, [4, 3, 2, 1]);
        assert_eq!(found(&all, 2, 4).await.0, [1, 0]);
        assert!(found(&all, 0, 4).await.0.is_empty());
        assert!(found(&[], 10, 4).await.0.is_empty());
    }

    #[tokio::test]
    async fn what_is_gone_is_passed_over_in_few_reads() {
        const FAR: u64 = 1 << 42;
        // Retention removed the first ones; a restore left billions of numbers out.
        let there = [5, 6, 7, FAR, FAR + 1];
        let (offsets, reads) = found(&there, FAR + 2, 10).await;
        assert_eq!(offsets, [FAR + 1, FAR, 7, 6, 5]);
        assert!(reads < 100, "{reads}");
        assert_eq!(found(&there, FAR, 2).await.0, [7, 6]);
        assert_eq!(found(&there, 6, 2).await.0, [5]);
        assert!(found(&there, 5, 2).await.0.is_empty());
    }
}
