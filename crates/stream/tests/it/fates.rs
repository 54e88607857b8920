//! What is told of single deliveries.

use std::time::Duration;

use journal::fate::{Fate, Outcomes, SampleBody, Standing, What};
use journal::{EndedWhy, Fates as _};
use millstream_stream::Config;
use model::Clock as _;
use model::definition::Header;
use model::filter::{SelectedType, Selection};
use model::outcome::Category;
use model::sync::Sync;
use model::{Offset, Part};
use pipeline::preview::Secrets;

use crate::support::{Answer, World};

async fn fate(world: &World, sync: &Sync, offset: u64) -> Fate {
    let fate = world.journal.fate(sync.id, Offset(offset)).await.unwrap();
    fate.unwrap()
}

fn whats(fate: &Fate) -> Vec<(u8, What)> {
    let attempts = fate.attempts.iter();
    attempts
        .map(|row| (row.attempt.number, row.attempt.what))
        .collect()
}

const FAILED: What = What::Failed(Category::ServerError);

#[tokio::test]
async fn what_was_delivered_is_told_from_what_was_filtered() {
    let mut world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/some");
    let only = SelectedType {
        event_type: "wanted".into(),
        condition: None,
    };
    sync.settings.events.select = Selection::Types(vec![only]);
    world.apply(&sync).await;
    for n in 0..40 {
        let event_type = if n % 3 == 0 { "wanted" } else { "other" };
        world.send(event_type, n..n + 1).await;
    }
    world.until_settled(&sync).await;
    world.restart(std::slice::from_ref(&sync)).await;
    world.send("wanted", 40..41).await;
    world.until_arrived("/some", 15).await;
    world.until_settled(&sync).await;
    // The lane settles a moment after it has nothing left.
    world
        .until("settling", |world| {
            world.streams.view(sync.id).unwrap().counts.delivered_first >= 1
        })
        .await;
    for offset in 0..41 {
        let fate = fate(&world, &sync, offset).await;
        let sent = offset % 3 == 0 || offset == 40;
        assert_eq!(fate.delivered.len(), usize::from(sent), "{offset}");
        assert!(fate.attempts.is_empty() && fate.pending.is_empty());
        if sent {
            assert_eq!(
                (fate.delivered[0].status, fate.delivered[0].part),
                (200, Part::Event)
            );
        }
    }
}

#[tokio::test]
async fn every_attempt_of_a_delivery_is_told() {
    let mut world = World::new(Config::default()).await;
    let sync = world.sync(1, "/flaky");
    // An attempt makes three tries.
    world.destination.answers(
        "/flaky",
        vec![Answer::Status(503); 6]
            .into_iter()
            .chain([Answer::Status(202)]),
    );
    world.apply(&sync).await;
    world.send("tick", 0..1).await;
    world.until_arrived("/flaky", 3).await;
    world
        .until_before_retry("booking", |world| {
            world.streams.view(sync.id).unwrap().pending == 1
        })
        .await;
    let one = fate(&world, &sync, 0).await;
    assert_eq!(
        (one.standing, whats(&one)),
        (Standing::Settled, vec![(1, FAILED)])
    );
    assert_eq!((one.pending.len(), one.pending[0].attempts), (1, 1));
    let first = &one.attempts[0].attempt;
    assert_eq!(
        (first.status, first.tries, &*first.event_type),
        (Some(503), 3, "tick")
    );
    assert!(first.split.took_ms > 0, "tries wait for one another");
    world.restart(std::slice::from_ref(&sync)).await;
    world.until_arrived("/flaky", 7).await;
    world
        .until("delivery", |world| {
            world.streams.view(sync.id).unwrap().counts.delivered_retry == 1
        })
        .await;
    let one = fate(&world, &sync, 0).await;
    assert_eq!(
        whats(&one),
        [(1, FAILED), (2, FAILED), (3, What::Delivered)]
    );
    let taken = &one.attempts[2].attempt;
    assert_eq!(taken.status, Some(202));
    assert!(taken.split.wait_ms.is_some(), "its time is split up too");
    assert!(one.pending.is_empty() && one.delivered.is_empty() && one.ended.is_empty());
    let failed = Outcomes {
        whats: vec![FAILED],
        event_type: Some("tick".into()),
        max: 10,
        ..Outcomes::default()
    };
    let found = world.journal.outcomes(sync.id, failed).await.unwrap();
    assert_eq!(found.rows.len(), 2);
}

#[tokio::test]
async fn what_ends_without_success_is_told_with_its_reason() {
    let world = World::new(Config::default()).await;
    let expiring = world.sync(1, "/down");
    world.destination.answers("/down", [Answer::Status(500)]);
    let mut broken = world.sync(2, "/broken");
    broken.settings.events.template = Some("{\"x\": ${input.nothing.at_all}}".into());
    world.apply(&expiring).await;
    world.apply(&broken).await;
    world.send("tick", 0..1).await;
    world
        .until("expiry", |world| {
            world.streams.view(expiring.id).unwrap().counts.expired == 1
                && world.streams.view(broken.id).unwrap().counts.discarded == 1
        })
        .await;
    let expired = fate(&world, &expiring, 0).await;
    assert_eq!(expired.attempts.len(), 10);
    assert_eq!(
        whats(&expired)[9],
        (10, What::Expired(Category::ServerError))
    );
    assert!(matches!(expired.ended[0].why, EndedWhy::Expired(_)));
    let discarded = fate(&world, &broken, 0).await;
    assert_eq!(whats(&discarded), [(1, What::Discarded("template"))]);
    assert!(discarded.attempts[0].attempt.message.contains("line 1"));
    let samples = world.journal.samples(broken.id, None).await.unwrap();
    let sample = world
        .journal
        .sample(broken.id, samples[0].sequence)
        .await
        .unwrap();
    let body = SampleBody::from_json(&sample.unwrap().sample.body).unwrap();
    assert!(body.message.contains("nothing") && body.request.is_none());
    assert!(body.event.unwrap().contains(r#""event_type":"tick""#));
}

#[tokio::test]
async fn samples_show_everything_but_secrets_and_are_few() {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/shy");
    let header = |name: &str, value: &str| Header {
        name: name.into(),
        value: value.into(),
    };
    sync.settings.headers = vec![header("X-Key", "tip-top-secret"), header("X-Open", "plain")];
    world.destination.answers("/shy", [Answer::Status(403)]);
    let secrets = Secrets {
        headers: ["x-key".to_owned()].into(),
        ..Secrets::default()
    };
    let definition = model::definition::Definition::webhook();
    world
        .streams
        .apply_masking(&sync, &definition, secrets)
        .await
        .unwrap();
    world.send("tick", 0..500).await;
    world
        .until_before_retry("failure of all", |world| {
            world.streams.view(sync.id).unwrap().pending == 500
        })
        .await;
    let samples = world.journal.samples(sync.id, None).await.unwrap();
    assert!((1..=2).contains(&samples.len()), "{}", samples.len());
    assert_eq!(samples[0].sample.what, What::Failed(Category::Unauthorized));
    let sample = world
        .journal
        .sample(sync.id, samples[0].sequence)
        .await
        .unwrap();
    let json = &sample.unwrap().sample.body;
    assert!(!json.contains("tip-top-secret"), "{json}");
    let body = SampleBody::from_json(json).unwrap();
    let request = body.request.unwrap();
    assert_eq!(
        (&*request.method, &*request.url),
        ("POST", "https://example.com/shy")
    );
    let value = |name: &str| {
        let header = request
            .headers
            .iter()
            .find(|header| header.0.eq_ignore_ascii_case(name));
        header.map(|header| header.1.as_str())
    };
    assert_eq!(
        (value("x-key"), value("x-open")),
        (Some("[secret]"), Some("plain"))
    );
    assert!(request.body.contains(r#""event_type":"tick""#));
    assert!(request.body_bytes > 0);
    let response = body.response.unwrap();
    assert_eq!((response.status, &*response.body), (403, "answer"));
    let after = world.clock.now() + Duration::from_secs(60);
    let all = Outcomes {
        until: Some(after),
        max: 1000,
        ..Outcomes::default()
    };
    let page = world.journal.outcomes(sync.id, all).await.unwrap();
    assert_eq!(
        (page.rows.len(), page.next),
        (500, None),
        "and every attempt has its row"
    );
}
