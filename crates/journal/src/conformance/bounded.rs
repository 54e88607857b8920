//! Lanes that go with another one: what they do is the other one's, too.

use model::outcome::Category;
use model::{Offset, Part};

use super::support::*;
use super::{Backend, Bounds};
use crate::fate::{Attempt, Key, Outcomes, Record, Sample, Split, What};
use crate::figures::{Details, Scope, Step};
use crate::{Counts, ImportLog, IncomingEvent, LaneOf, Retry, Settlement};

const EXPIRED: What = What::Expired(Category::ServerError);

fn expired(offset: u64, body: &str) -> Record {
    let attempt = Attempt {
        offset: Offset(offset),
        part: Part::Event,
        at: NOW,
        number: 10,
        what: EXPIRED,
        status: Some(503),
        event_type: "tick".into(),
        message: String::new(),
        tries: 1,
        split: Split::default(),
    };
    let sample = Sample {
        offset: Offset(offset),
        part: Part::Event,
        at: NOW,
        number: 10,
        what: EXPIRED,
        body: body.into(),
    };
    Record {
        attempts: vec![attempt],
        samples: vec![sample],
        ..Record::default()
    }
}

/// A delivery failed for the last time, and a retry is booked.
fn failing(offset: u64, body: &str) -> Settlement {
    Settlement {
        book: vec![retry(offset, 500)],
        ended: vec![ended(offset, NOW)],
        record: expired(offset, body),
        counts: Counts {
            expired: 1,
            failed_attempts: 1,
            ..Counts::default()
        },
        details: Details {
            received: 1,
            requests: 1,
            failures: [((Category::ServerError, Some(503)), 1)].into(),
            ..Details::default()
        },
        ..settled(offset + 1)
    }
}

pub async fn what_bounded_lanes_do_counts_for_their_sync(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let (own, past, import) = (sync(1), sync(8), sync(9));
    journal.open_lane(project(1), own).await.unwrap();
    let log = ImportLog {
        log: project(9),
        owner: project(1),
        whose: own,
        over: false,
    };
    journal.own_imports(vec![log]).await.unwrap();
    let events = vec![event("ann", "phone"), event("cid", "phone 2")];
    accept(&journal, project(1), events).await;
    let line = IncomingEvent {
        user_id: None,
        device_id: None,
        fields: br#"{"event_type":"tick","user_id":"bob""#.to_vec(),
        ..event("", "")
    };
    accept(&journal, project(9), vec![event("ann", "phone"), line]).await;
    for (log, lane) in [(project(1), past), (project(9), import)] {
        let range = Offset(0)..Offset(2);
        let opened = journal.open_bounded_lane(log, lane, own, range);
        opened.await.unwrap();
    }
    journal.settle(past, failing(0, "past")).await.unwrap();
    journal.settle(import, failing(1, "import")).await.unwrap();
    let journal = backend.crash(journal).await;

    let of = |lane, log| LaneOf { lane, log };
    let (of_past, of_import) = (of(past, project(1)), of(import, project(9)));
    let lanes = journal.bounded_lanes(own).await.unwrap();
    assert_eq!(lanes, [of_import, of_past], "the newest first");
    assert!(journal.bounded_lanes(past).await.unwrap().is_empty());
    let rows = journal.ended(own, None, 10).await.unwrap();
    let whose: Vec<_> = rows.iter().map(|row| row.of).collect();
    assert_eq!(whose, [of_import, of_past]);
    let before = Some(rows[0].sequence);
    let rows = journal.ended(own, before, 10).await.unwrap();
    assert_eq!((rows.len(), rows[0].of), (1, of_past));
    assert_eq!(journal.ended(past, None, 10).await.unwrap().len(), 1);
    let stats = journal.lane_stats(own).await.unwrap().unwrap();
    assert_eq!((stats.ended, stats.ended_of_bounded), (0, 2));
    let stats = journal.lane_stats(past).await.unwrap().unwrap();
    assert_eq!((stats.ended, stats.noted), (1, 1));

    let all = Outcomes {
        max: 10,
        ..Outcomes::default()
    };
    let page = journal.outcomes(own, all.clone()).await.unwrap();
    let whose: Vec<_> = page.rows.iter().map(|row| row.of).collect();
    assert_eq!(whose, [of_import, of_past]);
    let of_bob = Outcomes {
        keys: vec![Key::User("bob".into())],
        ..all.clone()
    };
    let page = journal.outcomes(own, of_bob).await.unwrap();
    let whose: Vec<_> = page.rows.iter().map(|row| row.of).collect();
    assert_eq!(whose, [of_import], "found in the import's log");
    let samples = journal.samples(own, Some(EXPIRED)).await.unwrap();
    let whose: Vec<_> = samples.iter().map(|row| row.of).collect();
    assert_eq!(whose, [of_import, of_past]);
    let sample = journal.sample(own, samples[0].sequence).await.unwrap();
    assert_eq!(&*sample.unwrap().sample.body, "import");

    for scope in [Scope::Sync(own), Scope::Project(project(1))] {
        let steps = journal.figures(scope, Step::Minute, NOW, NOW + HOUR);
        let steps = steps.await.unwrap();
        let (_, figures) = &steps[0];
        let failures: u64 = figures.details.failures.values().sum();
        let counted = (figures.counts.expired, failures, figures.pending);
        assert_eq!(counted, (2, 2, 2), "{scope:?}");
    }
    // What is given up of the one is no longer pending with the other; what failed stays.
    let forgone = journal.drop_backlog(import, said()).await.unwrap();
    assert_eq!((forgone.events, forgone.retries), (0, 1));
    assert_eq!(journal.ended(import, None, 10).await.unwrap().len(), 1);
    journal.settle(past, failing(1, "later")).await.unwrap();
    let steps = journal.figures(Scope::Project(project(1)), Step::Minute, NOW, NOW + HOUR);
    assert_eq!(steps.await.unwrap()[0].1.pending, 2);
    journal.drop_lane(own, NOW).await.unwrap();
    assert!(journal.bounded_lanes(own).await.unwrap().is_empty());
}

pub async fn what_retries_were_given_is_kept_with_them(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    accept(&journal, project(1), vec![event("ann", "phone")]).await;
    let given = Retry {
        given: Some(r#"{"mail":"ann@example.com"}"#.into()),
        ..retry(0, 500)
    };
    let other = Retry {
        part: Part::User,
        ..retry(0, 500)
    };
    let settlement = Settlement {
        book: vec![given.clone(), other],
        ..settled(1)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    let journal = backend.crash(journal).await;
    let of = async |part| journal.given(sync(1), Offset(0), part).await.unwrap();
    assert_eq!(of(Part::Event).await, given.given);
    assert_eq!(of(Part::User).await, None);
    let pending = journal.retries(sync(1), None, 10).await.unwrap();
    assert_eq!(pending[0], given);
    let finish = vec![(Offset(0), Part::Event)];
    let settlement = Settlement {
        finish,
        ..settled(1)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    assert_eq!(
        journal
            .given(sync(1), Offset(0), Part::Event)
            .await
            .unwrap(),
        None
    );
}
