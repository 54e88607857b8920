//! The second request of an attempt, where an answer asks for it.

use std::time::Duration;

use millstream_stream::Config;
use model::definition::{Definition, FollowUp, Meaning, Method, ResponseRule};

use crate::support::{Answer, World};

/// The webhook, which puts what is there already to another place.
fn definition() -> Definition {
    let mut definition = Definition::webhook();
    let events = definition.events.as_mut().unwrap();
    events.responses = vec![ResponseRule {
        status: vec![serde_json::from_value(409.into()).unwrap()],
        failed_item: None,
        body: Vec::new(),
        means: Meaning::FollowUp,
        message: String::new(),
    }];
    events.follow_up = Some(FollowUp {
        method: Method::Put,
        url: "https://example.com/again".into(),
        body: None,
        responses: Vec::new(),
    });
    definition
}

#[tokio::test]
async fn follow_ups_of_many_keep_the_rate_together_with_first_requests() {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/first");
    sync.settings.requests_per_minute = Some(60);
    world.destination.answers("/first", [Answer::Status(409)]);
    world.streams.apply(&sync, &definition()).await.unwrap();
    world.send("tick", 0..60).await;
    let mut all = world.until_arrived("/again", 60).await;
    all.extend(world.destination.arrived("/first"));
    let mut times: Vec<_> = all.iter().map(|one| one.at).collect();
    times.sort_unstable();
    let took = times[times.len() - 1].since(times[0]);
    assert!(
        took >= Duration::from_secs(118),
        "{took:?} for 120 requests"
    );
}
