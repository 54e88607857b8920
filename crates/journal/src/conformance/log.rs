//! Appending and reading.

use std::sync::Arc;

use model::{EventKind, Offset};
use tokio::task::JoinSet;

use super::support::*;
use super::{Backend, Bounds};
use crate::{AcceptError, Accepted, IncomingEvent, Journal, StorageError, newest};

pub async fn offsets_are_dense_in_each_project_and_survive_a_crash(backend: &dyn Backend) {
    let mut journal = backend.open(Bounds::default()).await;
    for round in 0..3u64 {
        for (number, size) in [(1, 3), (2, 2)] {
            let events = (0..size).map(|_| event("someone", "")).collect();
            let accepted = accept(&journal, project(number), events).await;
            let head = Offset((round + 1) * size);
            let appended = size as usize;
            assert_eq!(
                accepted,
                Accepted {
                    appended,
                    duplicates: 0,
                    head
                }
            );
        }
        journal = backend.crash(journal).await;
        assert_eq!(*journal.head(project(1)).borrow(), Offset((round + 1) * 3));
    }
    assert_eq!(
        offsets(&journal, project(1)).await,
        (0..9).collect::<Vec<_>>()
    );
    assert_eq!(
        offsets(&journal, project(2)).await,
        (0..6).collect::<Vec<_>>()
    );
    assert!(offsets(&journal, project(3)).await.is_empty());
}

pub async fn events_come_back_as_they_were_taken(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let group_identify = IncomingEvent {
        kind: EventKind::GroupIdentify,
        fields: r#"{"name":"Ünïcödé \" \\ 1.10"#.as_bytes().to_vec(),
        ..event("", "")
    };
    let group_identify = IncomingEvent {
        fields: [&group_identify.fields[..], b"\""].concat(),
        ..group_identify
    };
    let events = vec![group_identify, identify("someone", "", r#"{"a":1}"#)];
    accept(&journal, project(1), events).await;
    let journal = backend.crash(journal).await;
    let read = journal.read(project(1), Offset(0), 10).await.unwrap();
    assert_eq!(
        read[0].text(),
        r#"{"name":"Ünïcödé \" \\ 1.10"}"#.as_bytes()
    );
    let kinds = [EventKind::GroupIdentify, EventKind::Identify];
    for (number, event) in read.iter().enumerate() {
        assert_eq!((event.project, event.received_at), (project(1), NOW));
        assert_eq!(
            (event.offset, event.kind),
            (Offset(number as u64), kinds[number])
        );
        assert!(event.root().unwrap().as_object().is_some());
    }
    assert_eq!(
        journal
            .get(project(1), Offset(1))
            .await
            .unwrap()
            .unwrap()
            .text(),
        read[1].text()
    );
    assert!(journal.get(project(1), Offset(2)).await.unwrap().is_none());
}

pub async fn the_newest_are_found_from_the_end(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    accept(&journal, project(1), (0..9).map(numbered).collect()).await;
    accept(&journal, project(2), vec![numbered(99)]).await;
    let newest = async |before: Option<u64>, max| {
        let found = newest(journal.as_ref(), project(1), before.map(Offset), max).await;
        let events = found.unwrap().into_iter();
        events.map(|event| event.offset.0).collect::<Vec<_>>()
    };
    assert_eq!(newest(None, 3).await, [8, 7, 6]);
    assert_eq!(newest(Some(6), 3).await, [5, 4, 3]);
    assert_eq!(newest(Some(2), 3).await, [1, 0]);
    assert_eq!(newest(Some(100), 1).await, [8]);
    assert!(newest(Some(0), 3).await.is_empty());
}

pub async fn readers_of_the_same_place_share_events(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    accept(
        &journal,
        project(1),
        vec![event("someone", ""), event("someone", "")],
    )
    .await;
    let first = journal.read(project(1), Offset(0), 2).await.unwrap();
    let second = journal.read(project(1), Offset(1), 2).await.unwrap();
    assert!(Arc::ptr_eq(&first[1], &second[0]));
}

pub async fn the_head_is_announced_when_events_are_durable(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let mut head = journal.head(project(1));
    assert_eq!(*head.borrow_and_update(), Offset(0));
    assert!(
        journal
            .read(project(1), Offset(0), 1)
            .await
            .unwrap()
            .is_empty()
    );
    let accepting = accept(&journal, project(1), vec![event("someone", "")]);
    let (_, changed) = tokio::join!(accepting, head.changed());
    changed.unwrap();
    assert_eq!(*head.borrow_and_update(), Offset(1));
    assert_eq!(
        journal.read(project(1), Offset(0), 9).await.unwrap().len(),
        1
    );
    assert!(
        journal
            .read(project(1), Offset(1), 9)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn concurrent_batches_are_whole_and_in_their_callers_order(backend: &dyn Backend) {
    const CALLERS: usize = 8;
    const BATCHES: usize = 20;
    const SIZE: usize = 5;
    let journal = backend.open(Bounds::default()).await;
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let journal = Arc::clone(&journal);
        callers.spawn(async move {
            for number in 0..BATCHES {
                let first = (caller * BATCHES + number) * SIZE;
                let events = (first..first + SIZE).map(numbered).collect();
                let accepted = accept(&journal, project(1), events).await;
                assert_eq!(accepted.appended, SIZE);
            }
        });
    }
    callers.join_all().await;
    let journal = backend.crash(journal).await;
    let numbers: Vec<usize> = texts(&journal, project(1), 0)
        .await
        .iter()
        .map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap())
        .map(|event| event["n"].as_u64().unwrap() as usize)
        .collect();
    assert_eq!(numbers.len(), CALLERS * BATCHES * SIZE);
    let mut next: Vec<usize> = (0..CALLERS).map(|caller| caller * BATCHES * SIZE).collect();
    for batch in numbers.chunks(SIZE) {
        let expected = &mut next[batch[0] / (BATCHES * SIZE)];
        assert_eq!(batch, (*expected..*expected + SIZE).collect::<Vec<_>>());
        *expected += SIZE;
    }
}

pub async fn a_large_batch_is_read_back_whole(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let padding = "x".repeat(1000);
    let large = |number| IncomingEvent {
        fields: format!(r#"{{"n":{number},"padding":"{padding}""#).into_bytes(),
        ..event("", "device")
    };
    accept(&journal, project(1), (0..2000).map(large).collect()).await;
    whole(&journal).await;
    whole(&backend.crash(journal).await).await;
}

async fn whole(journal: &Arc<dyn Journal>) {
    let texts = texts(journal, project(1), 0).await;
    assert_eq!(texts.len(), 2000);
    for (number, text) in texts.iter().enumerate() {
        assert!(text.starts_with(&format!(r#"{{"n":{number},"padding":"x"#)));
    }
}

pub async fn a_closed_journal_refuses_work(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    accept(&journal, project(1), vec![event("someone", "")]).await;
    journal.close().await;
    let refused = journal
        .accept(batch(project(1), vec![event("someone", "")]))
        .await;
    assert_eq!(refused, Err(AcceptError::Closed));
    let refused = journal.open_lane(project(1), sync(1)).await;
    assert_eq!(refused, Err(StorageError::Closed));
    let journal = backend.crash(journal).await;
    assert_eq!(offsets(&journal, project(1)).await, [0]);
}
