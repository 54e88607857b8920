//! What is kept of single deliveries, and events looked up by what they carry.

use std::sync::Arc;
use std::time::Duration;

use model::outcome::Category;
use model::{Offset, Part, Timestamp};

use super::support::*;
use super::{Backend, Bounds};
use crate::fate::{
    Attempt, Delivered, Key, OutcomeKey, Outcomes, REFUSED_KEPT, Record, Refused, SAMPLES_KEPT,
    Sample, Split, Standing, What,
};
use crate::{Batch, IncomingEvent, Journal, Settlement};

fn delivered(offset: u64, millis: u64) -> Delivered {
    Delivered {
        offset: Offset(offset),
        part: if offset % 5 == 3 {
            Part::User
        } else {
            Part::Event
        },
        at: NOW + Duration::from_millis(millis),
        status: if offset.is_multiple_of(4) { 204 } else { 200 },
        took_ms: (offset % 300) as u32,
    }
}

fn attempt(offset: u64, number: u8, what: What, at: Timestamp) -> Attempt {
    Attempt {
        offset: Offset(offset),
        part: Part::Event,
        at,
        number,
        what,
        status: match what {
            What::Failed(Category::ServerError) => Some(500 + (offset % 3) as u16),
            _ => None,
        },
        event_type: format!("type {}", offset % 3),
        message: "no connection".into(),
        tries: 3,
        split: Split {
            queue_ms: 7,
            render_us: 30,
            connect_ms: (number == 1).then_some(4),
            wait_ms: Some(12),
            took_ms: 250,
        },
    }
}

fn recording(cursor: u64, record: Record) -> Settlement {
    Settlement {
        record,
        ..settled(cursor)
    }
}

async fn with_lane(backend: &dyn Backend, events: usize) -> Arc<dyn Journal> {
    with_bounds(backend, Bounds::default(), events).await
}

async fn with_bounds(backend: &dyn Backend, bounds: Bounds, events: usize) -> Arc<dyn Journal> {
    let journal = backend.open(bounds).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    let events = (0..events).map(numbered).collect();
    accept(&journal, project(1), events).await;
    journal
}

async fn standing(journal: &Arc<dyn Journal>, offset: u64) -> Standing {
    let fate = journal.fate(sync(1), Offset(offset)).await.unwrap();
    fate.unwrap().standing
}

pub async fn first_deliveries_are_known_through_crashes(backend: &dyn Backend) {
    const EVENTS: u64 = 3000;
    let mut journal = with_lane(backend, EVENTS as usize).await;
    // Every seventh is filtered. Others are over out of order, some long after their neighbours.
    let is_sent = |offset: u64| !offset.is_multiple_of(7);
    let (mut late, mut cursor) = (Vec::new(), 0);
    for from in (0..EVENTS).step_by(100) {
        let (now, later): (Vec<_>, Vec<_>) = (from..from + 100)
            .rev()
            .filter(|&offset| is_sent(offset))
            .partition(|offset| offset % 97 != 5);
        let mut record: Vec<_> = now
            .iter()
            .map(|&offset| delivered(offset, offset))
            .collect();
        if from % 400 == 300 {
            record.extend(late.drain(..).map(|offset| delivered(offset, from)));
            cursor = from;
        }
        late.extend(later);
        let ahead = (cursor..from + 100).filter(|offset| !late.contains(offset));
        let settlement = Settlement {
            ahead: ahead
                .filter(|&offset| offset > cursor)
                .map(Offset)
                .collect(),
            record: Record {
                delivered: record,
                ..Record::default()
            },
            ..settled(cursor)
        };
        journal.settle(sync(1), settlement.clone()).await.unwrap();
        if from % 1000 == 900 {
            journal = backend.crash(journal).await;
            journal.settle(sync(1), settlement).await.unwrap();
        }
    }
    let last = Record {
        delivered: late.iter().map(|&offset| delivered(offset, 9999)).collect(),
        ..Record::default()
    };
    journal
        .settle(sync(1), recording(EVENTS, last))
        .await
        .unwrap();
    let journal = backend.crash(journal).await;
    for offset in 0..EVENTS {
        let fate = journal
            .fate(sync(1), Offset(offset))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(fate.standing, Standing::Settled);
        let found: Vec<_> = fate
            .delivered
            .iter()
            .map(|one| (one.part, one.status, one.took_ms))
            .collect();
        let wanted = delivered(offset, 0);
        let wanted = (wanted.part, wanted.status, wanted.took_ms);
        match is_sent(offset) {
            true => assert_eq!(found, [wanted], "{offset}"),
            false => assert!(found.is_empty(), "{offset}"),
        }
        let on_time = |one: &Delivered| one.at == NOW + Duration::from_millis(offset);
        if offset % 97 != 5 {
            assert!(fate.delivered.iter().all(on_time));
        }
    }
    assert_eq!(journal.fate(sync(9), Offset(0)).await.unwrap(), None);
}

pub async fn an_events_standing_is_known(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    accept(&journal, project(1), (0..5).map(numbered).collect()).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    accept(&journal, project(1), (5..20).map(numbered).collect()).await;
    let settlement = Settlement {
        ahead: vec![Offset(12), Offset(14)],
        ..settled(10)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    let journal = backend.crash(journal).await;
    for (offset, wanted) in [
        (4, Standing::BeforeLane),
        (5, Standing::Settled),
        (9, Standing::Settled),
        (10, Standing::Ahead { events: 0 }),
        (12, Standing::Settled),
        (13, Standing::Ahead { events: 2 }),
        (14, Standing::Settled),
        (19, Standing::Ahead { events: 7 }),
    ] {
        assert_eq!(standing(&journal, offset).await, wanted, "{offset}");
    }
}

pub async fn attempts_are_kept_once_and_told_in_order(backend: &dyn Backend) {
    let journal = with_lane(backend, 10).await;
    let failed = What::Failed(Category::ServerError);
    let attempts = [
        attempt(3, 1, failed, NOW),
        attempt(3, 2, failed, NOW + HOUR),
        attempt(4, 1, What::Discarded("template"), NOW),
        attempt(3, 3, What::Delivered, NOW + 2 * HOUR),
    ];
    let first = Settlement {
        book: vec![retry(3, 70)],
        ..recording(
            10,
            Record {
                attempts: attempts[..2].to_vec(),
                ..Record::default()
            },
        )
    };
    journal.settle(sync(1), first.clone()).await.unwrap();
    let journal = backend.crash(journal).await;
    journal.settle(sync(1), first).await.unwrap();
    let fate = journal.fate(sync(1), Offset(3)).await.unwrap().unwrap();
    let kept: Vec<_> = fate.attempts.iter().map(|row| &row.attempt).collect();
    assert_eq!(kept, [&attempts[0], &attempts[1]]);
    assert_eq!(fate.pending, [retry(3, 70)]);
    let second = Settlement {
        finish: vec![(Offset(3), Part::Event)],
        ended: vec![ended(4, NOW)],
        ..recording(
            10,
            Record {
                attempts: attempts[2..].to_vec(),
                ..Record::default()
            },
        )
    };
    journal.settle(sync(1), second).await.unwrap();
    let fate = journal.fate(sync(1), Offset(3)).await.unwrap().unwrap();
    assert_eq!((fate.attempts.len(), fate.pending.len()), (3, 0));
    let fate = journal.fate(sync(1), Offset(4)).await.unwrap().unwrap();
    assert_eq!(fate.attempts[0].attempt, attempts[2]);
    assert_eq!(fate.ended, [ended(4, NOW)]);
    let all = Outcomes {
        max: 10,
        ..Outcomes::default()
    };
    let page = journal.outcomes(sync(1), all).await.unwrap();
    let numbers: Vec<_> = page
        .rows
        .iter()
        .map(|row| (row.attempt.offset.0, row.attempt.number))
        .collect();
    assert_eq!(numbers[..2], [(3, 3), (3, 2)]);
    assert_eq!((numbers.len(), page.next), (4, None));
}

/// All pages of a search.
async fn pages(journal: &Arc<dyn Journal>, query: &Outcomes) -> Vec<Attempt> {
    let (mut found, mut before): (Vec<Attempt>, Option<OutcomeKey>) = (Vec::new(), None);
    loop {
        let query = Outcomes {
            before,
            ..query.clone()
        };
        let page = journal.outcomes(sync(1), query.clone()).await.unwrap();
        assert!(page.rows.len() <= query.max);
        found.extend(page.rows.into_iter().map(|row| row.attempt));
        assert!(page.next.is_none() || page.next != before, "it goes on");
        before = page.next;
        if before.is_none() {
            return found;
        }
    }
}

pub async fn attempts_are_found_by_what_they_are(backend: &dyn Backend) {
    const EVENTS: u64 = 240;
    let journal = backend.open(Bounds::default()).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    let events = (0..EVENTS as usize).map(carrying).collect();
    accept(&journal, project(1), events).await;
    let whats: Vec<What> = What::all().collect();
    let attempts: Vec<Attempt> = (0..EVENTS)
        .map(|offset| {
            let what = match offset % 2 {
                0 => What::Failed(Category::ServerError),
                _ => whats[offset as usize % whats.len()],
            };
            // Several at one time.
            attempt(offset, 1, what, NOW + Duration::from_secs(offset / 4))
        })
        .collect();
    for some in attempts.chunks(50) {
        let record = Record {
            attempts: some.to_vec(),
            ..Record::default()
        };
        journal
            .settle(sync(1), recording(EVENTS, record))
            .await
            .unwrap();
    }
    let journal = backend.crash(journal).await;
    let at = |seconds| Some(NOW + Duration::from_secs(seconds));
    let failed = What::Failed(Category::ServerError);
    let queries = [
        Outcomes::default(),
        Outcomes {
            whats: vec![failed],
            ..Outcomes::default()
        },
        Outcomes {
            whats: vec![What::Delivered, What::Discarded("template")],
            event_type: Some("type 1".into()),
            ..Outcomes::default()
        },
        Outcomes {
            status: Some(501),
            ..Outcomes::default()
        },
        Outcomes {
            event_type: Some("type 2".into()),
            from: at(10),
            until: at(30),
            ..Outcomes::default()
        },
        Outcomes {
            whats: vec![failed],
            keys: vec![Key::User("user 1".into()), Key::Device("device 3".into())],
            from: at(3),
            ..Outcomes::default()
        },
        Outcomes {
            keys: vec![Key::InsertId("insert 77".into())],
            ..Outcomes::default()
        },
        Outcomes {
            event_type: Some("type 9".into()),
            ..Outcomes::default()
        },
    ];
    for query in queries {
        let is_wanted = |one: &&Attempt| {
            (query.whats.is_empty() || query.whats.contains(&one.what))
                && query.status.is_none_or(|status| one.status == Some(status))
                && query
                    .event_type
                    .as_ref()
                    .is_none_or(|wanted| one.event_type == *wanted)
                && query.keys.iter().all(|key| match key {
                    Key::User(_) => one.offset.0 % 3 == 1,
                    Key::Device(_) => one.offset.0 % 7 == 3,
                    _ => one.offset.0 == 77,
                })
                && query.from.is_none_or(|from| one.at >= from)
                && query.until.is_none_or(|until| one.at < until)
        };
        let mut wanted: Vec<_> = attempts.iter().filter(is_wanted).cloned().collect();
        wanted.sort_by_key(|one| std::cmp::Reverse((one.at, one.offset)));
        for max in [1, 7, 1000] {
            let query = Outcomes {
                max,
                ..query.clone()
            };
            assert_eq!(pages(&journal, &query).await, wanted, "{query:?}");
        }
    }
}

pub async fn what_is_kept_of_deliveries_goes_by_age_and_number(backend: &dyn Backend) {
    let bounds = Bounds {
        outcomes_max_age: HOUR,
        outcomes_max_per_lane: 30,
        ..Bounds::default()
    };
    let journal = with_bounds(backend, bounds, 100).await;
    let failed = What::Failed(Category::Dns);
    let old = Record {
        delivered: (0..10).map(|offset| delivered(offset, 0)).collect(),
        attempts: (10..20)
            .map(|offset| attempt(offset, 1, failed, NOW))
            .collect(),
        samples: vec![sample(10, failed, NOW)],
    };
    journal.settle(sync(1), recording(20, old)).await.unwrap();
    let journal = backend.crash(journal).await;
    let later = NOW + 2 * HOUR;
    let new = Record {
        delivered: vec![Delivered {
            at: later,
            ..delivered(20, 0)
        }],
        attempts: (30..80)
            .map(|offset| attempt(offset, 1, failed, later))
            .collect(),
        samples: vec![sample(30, failed, later)],
    };
    journal.settle(sync(1), recording(80, new)).await.unwrap();
    journal.retire(later).await.unwrap();
    let journal = backend.crash(journal).await;
    let all = Outcomes {
        max: 1000,
        ..Outcomes::default()
    };
    let left = pages(&journal, &all).await;
    let left: Vec<_> = left.iter().rev().map(|one| one.offset.0).collect();
    assert_eq!(
        left,
        (50..80).collect::<Vec<_>>(),
        "the earliest events' went"
    );
    let samples = journal.samples(sync(1), None).await.unwrap();
    assert_eq!(samples.len(), 1);
    assert_eq!(samples[0].sample.offset, Offset(30));
    assert_eq!(standing(&journal, 3).await, Standing::Forgotten);
    assert_eq!(standing(&journal, 9).await, Standing::Forgotten);
    assert_eq!(standing(&journal, 10).await, Standing::Settled);
    let fate = journal.fate(sync(1), Offset(20)).await.unwrap().unwrap();
    assert_eq!(
        (fate.standing, fate.delivered.len()),
        (Standing::Settled, 1)
    );
    journal.drop_lane(sync(1), NOW).await.unwrap();
    journal.retire(later).await.unwrap();
    let all = Outcomes {
        max: 10,
        ..Outcomes::default()
    };
    assert!(
        journal
            .outcomes(sync(1), all)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    assert!(journal.samples(sync(1), None).await.unwrap().is_empty());
    // The sync's next lane has nothing of the one before.
    journal.open_lane(project(1), sync(1)).await.unwrap();
    assert_eq!(standing(&journal, 60).await, Standing::BeforeLane);
}

fn sample(offset: u64, what: What, at: Timestamp) -> Sample {
    Sample {
        offset: Offset(offset),
        part: Part::User,
        at,
        number: 2,
        what,
        body: format!(r#"{{"of":{offset}}}"#).into(),
    }
}

pub async fn samples_are_the_newest_of_their_kind(backend: &dyn Backend) {
    let journal = with_lane(backend, 50).await;
    let (dns, server) = (
        What::Failed(Category::Dns),
        What::Expired(Category::ServerError),
    );
    let samples = (0..40).map(|offset| match offset % 10 {
        0 => sample(offset, server, NOW),
        _ => sample(offset, dns, NOW),
    });
    let samples: Vec<_> = samples.collect();
    let settlement = recording(
        40,
        Record {
            samples: samples.clone(),
            ..Record::default()
        },
    );
    journal.settle(sync(1), settlement.clone()).await.unwrap();
    let journal = backend.crash(journal).await;
    let last = Record {
        samples: samples[39..].to_vec(),
        ..Record::default()
    };
    journal.settle(sync(1), recording(40, last)).await.unwrap();
    let of = async |what| -> Vec<u64> {
        let found = journal.samples(sync(1), what).await.unwrap();
        found.iter().map(|row| row.sample.offset.0).collect()
    };
    assert_eq!(SAMPLES_KEPT, 5);
    assert_eq!(of(Some(dns)).await, [39, 38, 37, 36, 35], "and none twice");
    assert_eq!(of(Some(server)).await, [30, 20, 10, 0]);
    assert_eq!(of(None).await.len(), 9);
    let listed = journal.samples(sync(1), Some(dns)).await.unwrap();
    let one = journal.sample(sync(1), listed[0].sequence).await.unwrap();
    assert_eq!(one.unwrap().sample, samples[39]);
    assert_eq!(journal.sample(sync(1), 999_999).await.unwrap(), None);
    assert_eq!(
        journal.sample(sync(2), listed[0].sequence).await.unwrap(),
        None
    );
}

/// An event that carries all that events are found by.
fn carrying(number: usize) -> IncomingEvent {
    let (user, device) = (
        format!("user {}", number % 3),
        format!("device {}", number % 7),
    );
    let fields = format!(
        r#"{{"user_id":"{user}","device_id":"{device}","$insert_id":"insert {number}","event_id":{}"#,
        number % 11
    );
    IncomingEvent {
        fields: fields.into_bytes(),
        ..event(&user, &device)
    }
}

async fn found(journal: &Arc<dyn Journal>, number: u8, key: &Key, page: usize) -> Vec<u64> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let found = journal
            .find(project(number), key.clone(), before, page)
            .await
            .unwrap();
        assert!(found.complete && found.events.len() <= page);
        assert!(found.events.iter().all(|event| key.matches(event)));
        all.extend(found.events.iter().map(|event| event.offset.0));
        before = found.next;
        if before.is_none() {
            return all;
        }
    }
}

pub async fn events_are_found_by_what_they_carry(backend: &dyn Backend) {
    const EVENTS: usize = 700;
    let mut journal = backend.open(Bounds::default()).await;
    for part in 0..7 {
        let events: Vec<_> = (part * 100..part * 100 + 100).map(carrying).collect();
        accept(&journal, project(1), events.clone()).await;
        accept(&journal, project(2), events[..10].to_vec()).await;
        if part % 3 == 2 {
            // However far an index may be by now.
            tokio::time::sleep(Duration::from_millis(250)).await;
            journal = backend.crash(journal).await;
        }
    }
    // Before, while and after whatever follows the log catches up.
    for _ in 0..3 {
        for number in [0, 1, 350, EVENTS - 1] {
            let key = Key::InsertId(format!("insert {number}"));
            assert_eq!(found(&journal, 1, &key, 5).await, [number as u64]);
        }
        let every = |step: usize, first: usize| -> Vec<u64> {
            let all = (first..EVENTS).step_by(step).map(|number| number as u64);
            all.rev().collect()
        };
        assert_eq!(
            found(&journal, 1, &Key::User("user 2".into()), 100).await,
            every(3, 2)
        );
        assert_eq!(
            found(&journal, 1, &Key::Device("device 6".into()), 9).await,
            every(7, 6)
        );
        assert_eq!(
            found(&journal, 1, &Key::EventId(10), 63).await,
            every(11, 10)
        );
        assert_eq!(
            found(&journal, 2, &Key::User("user 0".into()), 100)
                .await
                .len(),
            24
        );
        assert!(
            found(&journal, 1, &Key::User("user".into()), 9)
                .await
                .is_empty()
        );
        assert!(
            found(&journal, 1, &Key::InsertId("user 2".into()), 9)
                .await
                .is_empty()
        );
        assert!(
            found(&journal, 3, &Key::User("user 2".into()), 9)
                .await
                .is_empty()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

pub async fn events_that_are_gone_are_not_found(backend: &dyn Backend) {
    let bounds = Bounds {
        retention_age: HOUR,
        ..Bounds::default()
    };
    let journal = backend.open(bounds).await;
    let old = (0..100).map(carrying).collect();
    accept(&journal, project(1), old).await;
    let new = Batch {
        project: project(1),
        received_at: NOW + 3 * HOUR,
        events: (100..200).map(carrying).collect(),
    };
    journal.accept(new).await.unwrap();
    tokio::time::sleep(Duration::from_millis(250)).await;
    journal.retire(NOW + 3 * HOUR).await.unwrap();
    let key = Key::InsertId("insert 50".into());
    assert!(found(&journal, 1, &key, 5).await.is_empty());
    let user = found(&journal, 1, &Key::User("user 1".into()), 7).await;
    assert_eq!((user.len(), user.last()), (34, Some(&100)));
}

pub async fn refused_requests_are_kept_by_project(backend: &dyn Backend) {
    let bounds = Bounds {
        outcomes_max_age: HOUR,
        ..Bounds::default()
    };
    let journal = backend.open(bounds).await;
    let refused = |number: usize, at| Refused {
        at,
        reason: "invalid_fields".into(),
        insert_ids: vec![format!("insert {number}"), "other".into()],
        body: format!(r#"{{"number":{number}}}"#),
    };
    for number in 0..REFUSED_KEPT + 10 {
        journal
            .note_refused(project(1), refused(number, NOW))
            .await
            .unwrap();
    }
    journal
        .note_refused(project(2), refused(1, NOW + HOUR))
        .await
        .unwrap();
    let journal = backend.crash(journal).await;
    let kept = journal.refused(project(1)).await.unwrap();
    assert_eq!(kept.len(), REFUSED_KEPT);
    assert_eq!(kept[0].refused, refused(REFUSED_KEPT + 9, NOW));
    assert!(
        kept.windows(2)
            .all(|rows| rows[0].sequence > rows[1].sequence)
    );
    journal
        .retire(NOW + HOUR + Duration::from_secs(1))
        .await
        .unwrap();
    assert!(journal.refused(project(1)).await.unwrap().is_empty());
    assert_eq!(journal.refused(project(2)).await.unwrap().len(), 1);
    assert!(journal.refused(project(3)).await.unwrap().is_empty());
}
