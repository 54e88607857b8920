//! A sync that was switched off goes on as it is told.

use std::collections::HashMap;
use std::time::Duration;

use http::Method;
use millstream_e2e::{Control, Destination, Setup, eventually, settings, track};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_held_is_sent_dropped_or_chosen_from() {
    let setup = Setup::new();
    let mut server = setup.start().await;
    let project = Control::of(&server).create_project("held").await;
    let destination = Destination::start().await;
    let control = Control::of(&server);
    let sync = control
        .create_sync(&project, "held", settings(&destination.url()))
        .await;
    control.disable(&sync).await;
    let send = async |control: &Control, numbers: std::ops::Range<u64>| {
        let event = |number: u64| {
            let user = format!("user-{}", number % 5);
            track(&user, "Tick", json!({"number": number}))
        };
        let events: Vec<Value> = numbers.map(event).collect();
        control.ingest(&project).send(&events).await;
    };
    send(&control, 0..100).await;
    let status = control.status(&sync).await;
    assert_eq!(
        (&status["health"], &status["backlog"]),
        (&json!("paused"), &json!(100))
    );
    assert!(status["held"]["bytes"].as_u64() > Some(1000), "{status}");
    assert_eq!(status["held"]["max_age_seconds"], 7 * 24 * 3600);

    // It says first how much would be dropped, and drops nothing; a kill changes nothing of that.
    let resume = format!("{sync}/resume");
    let drop = json!({"backlog": "drop"});
    let refused = control.call(Method::POST, &resume, Some(&drop)).await;
    assert_eq!(refused.status, 409, "{refused:?}");
    server.kill();
    server = setup.start().await;
    let control = Control::of(&server);
    let newest = json!({"backlog": "newest_per_user"});
    control.granted(Method::POST, &resume, Some(&newest)).await;
    eventually(
        "the held ones are settled",
        Duration::from_secs(20),
        async || control.status(&sync).await["backlog"] == 0,
    )
    .await;
    let mut newest: HashMap<u64, u64> = HashMap::new();
    for request in destination.received().iter() {
        let number = request.json()["event_properties"]["number"]
            .as_u64()
            .expect("a number");
        assert_eq!(newest.insert(number % 5, number), None, "one of each user");
    }
    let expected: HashMap<u64, u64> = (95..100).map(|number| (number % 5, number)).collect();
    assert_eq!(newest, expected);
    assert_eq!(control.status(&sync).await["held"]["superseded"], 95);

    control.disable(&sync).await;
    send(&control, 100..150).await;
    let drop = json!({"backlog": "drop", "confirm": 50});
    control.granted(Method::POST, &resume, Some(&drop)).await;
    send(&control, 150..160).await;
    destination.wait_for(15, Duration::from_secs(20)).await;
    let status = control.status(&sync).await;
    assert_eq!(
        (&status["held"]["dropped_events"], &status["draining"]),
        (&json!(50), &Value::Null)
    );
}
