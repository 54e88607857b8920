//! What a project received lately: exact, as long as its events are, and without those that were erased.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use model::{ErasureId, Timestamp};

use super::support::*;
use super::{Backend, Bounds};
use crate::received::{Received, ReceivedProperty, ReceivedScope, TYPES};
use crate::{EraseRequest, IncomingEvent, Journal, Keep, Subject};

/// An event of a user and a type, with properties of its own.
fn told(user: &str, event_type: &str, own: &str) -> IncomingEvent {
    let fields =
        format!(r#"{{"user_id":"{user}","event_type":"{event_type}","event_properties":{{{own}}}"#);
    IncomingEvent {
        fields: fields.into_bytes(),
        ..event(user, "")
    }
}

/// What was received, once all of it is counted.
async fn received(journal: &Arc<dyn Journal>, now: Timestamp) -> Received {
    for _ in 0..500 {
        let received = journal.received(project(1), now).await.unwrap();
        if received.behind == 0 {
            return received;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it doesn't catch up");
}

fn scope<'r>(scopes: &'r [ReceivedScope], name: &str) -> &'r ReceivedScope {
    scopes.iter().find(|each| each.name == name).unwrap()
}

fn property<'r>(scope: &'r ReceivedScope, name: &str) -> &'r ReceivedProperty {
    let mut properties = scope.properties.iter();
    properties.find(|each| each.name == name).unwrap()
}

fn values(property: &ReceivedProperty) -> Vec<&str> {
    let examples = property.examples.iter();
    let mut values: Vec<_> = examples.map(|each| each.value.as_str()).collect();
    values.sort_unstable();
    values
}

pub async fn what_was_received_is_counted_exactly_through_crashes(backend: &impl Backend) {
    let mut journal = backend.open(Bounds::default()).await;
    let joined = IncomingEvent {
        groups: groups(&[("org", &["acme", "bolt"])]),
        group_update: update(r#"{"$set":{"size":3}}"#),
        ..identify("ann", "", r#"{"$set":{"plan":"pro","age":30}}"#)
    };
    accept(&journal, project(1), vec![joined]).await;
    for round in 0..3_u64 {
        for part in 0..10 {
            let events = (0..100_u64).map(|n| match n % 4 {
                0 => told("ann", "bought", &format!(r#""price":{},"ok":true"#, n % 3)),
                1 => told("bob", "bought", r#""price":"free""#),
                _ => told("bob", &format!("type {}", part % 3), r#""nothing":null"#),
            });
            accept(&journal, project(1), events.collect()).await;
        }
        // Another project's are none of it.
        accept(&journal, project(2), vec![told("eve", "other", "")]).await;
        if round == 1 {
            backend.gathered(&journal, project(1)).await;
        }
        journal = backend.crash(journal).await;
        let received = received(&journal, NOW).await;
        let times = round + 1;
        assert_eq!(received.events, 1000 * times + 1);
        assert!(!received.is_cut());
        let bought = scope(&received.types, "bought");
        assert_eq!(bought.seen.events, 500 * times);
        let price = property(bought, "price");
        assert_eq!(price.seen.events, 500 * times);
        let kinds: HashMap<_, _> = price.kinds.iter().copied().collect();
        assert_eq!(
            kinds,
            HashMap::from([("number", 250 * times), ("string", 250 * times)])
        );
        assert_eq!(values(price), ["\"free\"", "0", "1", "2"]);
        assert_eq!(property(bought, "ok").seen.events, 250 * times);
        assert_eq!((price.seen.first, price.seen.last), (NOW, NOW));
        let others: u64 = (0..3)
            .map(|n| scope(&received.types, &format!("type {n}")))
            .inspect(|each| assert!(each.properties.is_empty()))
            .map(|each| each.seen.events)
            .sum();
        assert_eq!(others, 500 * times);
        let plan = property(&received.users, "plan");
        assert_eq!(
            (plan.seen.events, values(plan)),
            (250 * times + 1, vec!["\"pro\""])
        );
        let org = scope(&received.groups, "org");
        assert_eq!(property(org, "size").kinds, [("number", org.seen.events)]);
        assert!(received.types.iter().all(|each| each.name != "other"));
    }
}

pub async fn what_is_too_old_is_left_out(backend: &impl Backend) {
    let bounds = Bounds {
        retention_age: 3 * DAY,
        ..Bounds::default()
    };
    let journal = backend.open(bounds).await;
    let mut old = batch(
        project(1),
        vec![
            told("ann", "old", r#""x":"old value""#),
            told("ann", "both", r#""x":"old value","gone":1"#),
        ],
    );
    old.received_at = NOW - 2 * DAY;
    journal.accept(old).await.unwrap();
    accept(
        &journal,
        project(1),
        vec![told("ann", "both", r#""x":"new value""#)],
    )
    .await;
    let all = received(&journal, NOW).await;
    assert_eq!((all.types.len(), all.events), (2, 3));
    let both = scope(&all.types, "both");
    assert_eq!((both.seen.first, both.seen.last), (NOW - 2 * DAY, NOW));

    let later = NOW + 2 * DAY;
    for retired in [false, true] {
        if retired {
            backend.gathered(&journal, project(1)).await;
            journal.retire(later).await.unwrap();
        }
        let left = received(&journal, later).await;
        assert_eq!((left.types.len(), left.events), (1, 1), "{retired}");
        let both = scope(&left.types, "both");
        assert_eq!(both.properties.len(), 1);
        assert_eq!(values(property(both, "x")), ["\"new value\""]);
    }
    // It is not only left out: it is gone, for whoever looks with an earlier time, too.
    let gone = received(&journal, NOW).await;
    assert_eq!((gone.types.len(), gone.events), (1, 1));
    assert_eq!(scope(&gone.types, "both").properties.len(), 1);
    let nothing = received(&journal, later + 3 * DAY).await;
    assert_eq!((nothing.types.len(), nothing.events), (0, 0));
}

pub async fn a_project_that_keeps_less_shows_less(backend: &impl Backend) {
    let journal = backend.open(Bounds::default()).await;
    let mut old = batch(project(1), vec![told("ann", "old", r#""x":1"#)]);
    old.received_at = NOW - 3 * DAY;
    journal.accept(old).await.unwrap();
    accept(&journal, project(1), vec![told("ann", "new", "")]).await;
    assert_eq!(received(&journal, NOW).await.types.len(), 2);
    backend.gathered(&journal, project(1)).await;
    let keep = Keep {
        events: Some(2 * DAY),
        ended: None,
    };
    journal.keep(HashMap::from([(project(1), keep)]));
    for _ in 0..2 {
        let shown = received(&journal, NOW).await;
        let names: Vec<_> = shown.types.iter().map(|each| each.name.as_str()).collect();
        assert_eq!((names, shown.events), (vec!["new"], 1));
        journal.retire(NOW).await.unwrap();
    }
    // Once it is gone, it doesn't come back with a longer time.
    journal.keep(HashMap::new());
    assert_eq!(received(&journal, NOW).await.types.len(), 1);
}

pub async fn nothing_that_erased_events_brought_is_left(backend: &impl Backend) {
    let bounds = Bounds {
        retention_age: 30 * DAY,
        retention_bytes: 1,
        ..Bounds::default()
    };
    let mut journal = backend.open(bounds).await;
    let hers = |n: u64| {
        told(
            "ann",
            ["only hers", "both"][n as usize % 2],
            r#""x":"ann","hers":1"#,
        )
    };
    let his = || told("bob", "both", r#""x":"bob""#);
    let mail = r#"{"$set":{"mail":"ann@example.com"}}"#;
    accept(&journal, project(1), vec![identify("ann", "", mail)]).await;
    // Of these nothing is left but what was counted, before she is erased.
    accept(
        &journal,
        project(1),
        vec![told("ann", "gone", r#""x":"ann too""#)],
    )
    .await;
    backend.gathered(&journal, project(1)).await;
    assert!(journal.retire(NOW).await.unwrap().events > 0);
    for part in 0..40 {
        let events = (0..50_u64).flat_map(|n| [hers(n), his()]);
        accept(&journal, project(1), events.collect()).await;
        if part == 30 {
            backend.gathered(&journal, project(1)).await;
        }
    }
    assert_eq!(received(&journal, NOW).await.events, 4002);
    let request = EraseRequest {
        id: ErasureId::from_bytes([4; 16]),
        project: project(1),
        subject: Subject::UserId("ann".into()),
        at: NOW,
    };
    journal.erase(request).await.unwrap();
    while journal.go_on_erasing(NOW).await.unwrap().finished.is_none() {}
    for _ in 0..2 {
        let left = received(&journal, NOW).await;
        let both = scope(&left.types, "both");
        assert_eq!(both.seen.events, 2000);
        assert!(both.properties.iter().all(|each| each.name != "hers"));
        let x = property(both, "x");
        assert_eq!((x.seen.events, values(x)), (2000, vec!["\"bob\""]));
        assert!(left.types.iter().all(|each| each.name != "only hers"));
        assert!(!format!("{left:?}").contains("ann@example.com"));
        assert!(!format!("{left:?}").contains("ann too"));
        backend.gathered(&journal, project(1)).await;
        journal = backend.crash(journal).await;
    }
}

pub async fn more_types_than_there_is_room_for_are_said_to_be_missing(backend: &impl Backend) {
    let journal = backend.open(Bounds::default()).await;
    for part in 0..5 {
        let mut events: Vec<_> = (0..300)
            .map(|n| told("ann", &format!("rare {part} {n}"), ""))
            .collect();
        events.extend((0..50).map(|_| told("ann", "often", r#""x":1"#)));
        accept(&journal, project(1), events).await;
        backend.gathered(&journal, project(1)).await;
    }
    let received = received(&journal, NOW).await;
    assert_eq!(received.events, 5 * 350);
    assert_eq!(received.types.len(), TYPES);
    assert!(received.is_cut());
    let often = &received.types[0];
    assert_eq!((often.name.as_str(), often.seen.events), ("often", 250));
    assert!(
        (1..10).contains(&received.uncounted_types),
        "{}",
        received.uncounted_types
    );
}

pub async fn a_newcomer_that_is_frequent_gets_a_place(backend: &impl Backend) {
    let mut journal = backend.open(Bounds::default()).await;
    let former = (0..TYPES).map(|n| format!("former {n}"));
    for event_type in former {
        let events = (0..6).map(|_| told("ann", &event_type, ""));
        accept(&journal, project(1), events.collect()).await;
    }
    backend.gathered(&journal, project(1)).await;
    // A few at a time: each time it would be the least frequent of all.
    for round in 0..40 {
        let events = (0..5).map(|_| told("ann", "newcomer", r#""x":1"#));
        accept(&journal, project(1), events.collect()).await;
        backend.gathered(&journal, project(1)).await;
        if round % 16 == 7 {
            journal = backend.crash(journal).await;
        }
    }
    let received = received(&journal, NOW).await;
    let newcomer = &received.types[0];
    assert_eq!(newcomer.name, "newcomer");
    // One that took a place counts from then on, and says what it may lack: no less than it does.
    let seen = newcomer.seen;
    assert!(
        seen.events <= 200 && seen.events + seen.uncounted >= 200,
        "{seen:?}"
    );
    assert!((1..=6).contains(&seen.uncounted), "{seen:?}");
    // So may its properties, those that it has no more included.
    let x = property(newcomer, "x").seen;
    assert_eq!((x.events, x.uncounted), (seen.events, seen.uncounted));
    assert_eq!(newcomer.uncounted_properties, seen.uncounted);
    // It took the place of one.
    assert_eq!((received.types.len(), received.uncounted_types), (TYPES, 6));
}

pub async fn groups_are_those_of_events_with_or_without_properties(backend: &impl Backend) {
    let journal = backend.open(Bounds::default()).await;
    let of = |event: IncomingEvent, kind: &str, names: &[&str]| IncomingEvent {
        groups: groups(&[(kind, names)]),
        ..event
    };
    let described = IncomingEvent {
        group_update: update(r#"{"$set":{"plan":"pro"}}"#),
        ..of(event("", ""), "org", &["acme"])
    };
    accept(&journal, project(1), vec![described]).await;
    // Only one of these organisations has properties.
    let events = (0..20).map(|n| of(told("ann", "seen", ""), "org", &[["acme", "bolt"][n % 2]]));
    accept(&journal, project(1), events.collect()).await;
    let events = (0..3).map(|_| of(told("bob", "seen", ""), "team", &["red", "blue"]));
    accept(&journal, project(1), events.collect()).await;
    for _ in 0..2 {
        let received = received(&journal, NOW).await;
        let org = scope(&received.groups, "org");
        assert_eq!((org.seen.events, received.events), (21, 24));
        assert_eq!(property(org, "plan").seen.events, 11);
        let team = scope(&received.groups, "team");
        assert_eq!((team.seen.events, team.properties.len()), (3, 0));
        backend.gathered(&journal, project(1)).await;
    }
}
