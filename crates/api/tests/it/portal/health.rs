//! How all syncs of a project do.

use millstream_api::portal::{Glance, Health};
use serde_json::{Value, json};

use super::World;
use super::world::id_in;

/// A sync that does so.
async fn sync(world: &World, syncs: &str, name: &str, health: Health, reason: Option<&str>) {
    let made = world.post(syncs, json!({"name": name})).await.is(201);
    let seen = Glance {
        sync: id_in(&format!("{syncs}/{}", made.at("/id"))),
        health,
        reason: reason.map(str::to_owned),
        failure: None,
        oldest_undelivered: None,
        last_success: None,
        last_failure: None,
        attempts: 0,
        failed: 0,
        expired: 0,
        pending: 0,
        backlog: 0,
    };
    world.lanes.notes().glances.push(seen);
}

fn names(health: &Value) -> Vec<&str> {
    let troubled = health["troubled"].as_array().unwrap().iter();
    troubled
        .map(|each| each["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn syncs_that_wait_for_somebody_are_told_worst_first() {
    let world = World::new().await;
    let syncs = world.syncs().await;
    let quotes = "discarded: the body template failed at line 3 column 7: no user ann@example.com";
    for (name, health, reason) in [
        ("Fine", Health::Healthy, None),
        ("Some fail", Health::Degraded, Some(quotes)),
        (
            "b fails",
            Health::Failing,
            Some("3 attempts in a row failed"),
        ),
        ("Off", Health::Paused, None),
        (
            "A fails",
            Health::Failing,
            Some("3 attempts in a row failed"),
        ),
        (
            "No journal",
            Health::Stalled,
            Some("its journal can't be read"),
        ),
        ("Wrong", Health::Misconfigured, Some("a value is required")),
        ("Fine, too", Health::Healthy, None),
    ] {
        sync(&world, &syncs, name, health, reason).await;
    }
    // Another project's is nobody's business here.
    let others = world.syncs().await;
    sync(&world, &others, "Another's", Health::Failing, None).await;

    let path = syncs.replace("/syncs", "/health");
    let told = world.get(&path).await.is(200).json();
    assert_eq!(
        names(&told),
        ["No journal", "Wrong", "A fails", "b fails", "Some fail"]
    );
    assert_eq!(
        told["counts"],
        json!({"healthy": 2, "degraded": 1, "failing": 2, "paused": 1, "misconfigured": 1, "stalled": 1})
    );
    assert_eq!(told["complete"], true);
    let wrong = &told["troubled"][1];
    assert_eq!(
        (&wrong["health"], &wrong["reason"]),
        (&json!("misconfigured"), &json!("a value is required"))
    );
    assert!(told.to_string().contains("ann@example.com"));

    let first = world.get(&format!("{path}?limit=2")).await.is(200).json();
    assert_eq!(names(&first), ["No journal", "Wrong"]);
    assert_eq!(first["counts"], told["counts"]);
    for wrong in ["limit=0", "limit=201", "other=1"] {
        let refused = world.get(&format!("{path}?{wrong}")).await;
        refused.problem(400, "malformed_query");
    }

    // What a reason quotes may be sensitive.
    let project = syncs.replace("/syncs", "");
    let marked = json!({"sensitive": {"user": ["email"]}});
    world.change(&project, marked).await.is(200);
    let told = world.get(&path).await.is(200);
    assert!(!told.text.contains("ann@example.com"), "{}", told.text);
    assert!(told.text.contains("line 3 column 7"), "{}", told.text);
}
