//! Whose work goes first: what one organisation asks for holds up no other one, and ends with its caller.

use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use model::access::Role;
use serde_json::{Value, json};

use super::World;
use super::courier::HANGS;

/// How many linters of an organisation run and wait before more are refused.
const MOST: usize = 6;

/// A definition that is looked at for long.
fn long(name: &str) -> Value {
    let member = |n: usize| format!("\"p{n}\": \"${{input.event_properties.p{n}!}}\"");
    let members: Vec<String> = (0..900).map(member).collect();
    json!({
        "display_name": name,
        "about": {"summary": "Takes events."},
        "events": {"url": "https://example.com/x", "body": format!("{{{}}}", members.join(","))},
    })
}

fn short(name: &str) -> Value {
    json!({
        "display_name": name,
        "about": {"summary": "Takes events."},
        "events": {"url": "https://example.com/x", "body": "{\"a\": 1}"},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_organisations_linters_hold_up_no_other_and_end_with_their_callers() {
    let world = World::new().await;
    let ours = world.of_organisation("/definitions");
    let heavy = world.post(&ours, long("Long")).await.is(201).at("/id");
    let heavy = format!("{ours}/{heavy}");
    let others = world.another_organisation("Others").await;
    let other = world.person_in(others, Role::Owner).await;
    let theirs = format!("/organisations/{others}/definitions");
    let call = |path: String, body: Value| {
        let call = world.call("POST", &path).token(Some(&other.token));
        call.json(body).send()
    };
    let made = call(theirs.clone(), short("Short")).await.is(201).at("/id");
    let light = format!("{theirs}/{made}");

    let viewer = world.person(Role::Viewer).await;
    let lint = || {
        let call = world.call("POST", &format!("{heavy}/lint"));
        call.token(Some(&viewer.token)).json(json!({})).send()
    };
    {
        let mut linters = Box::pin(join_all((0..MOST).map(|_| lint())));
        let waited = tokio::time::timeout(Duration::from_millis(500), &mut linters).await;
        assert!(waited.is_err(), "they take long");
        // One more of the same organisation is refused; others look at theirs, and preview, meanwhile.
        let refused = lint().await;
        refused.problem(429, "too_much_work");
        assert_eq!(refused.header("retry-after"), "5");
        let at_once = async {
            for verb in ["preview", "lint"] {
                let shown = call(format!("{light}/{verb}"), json!({})).await;
                shown.is(200);
            }
            let own = world.post(&format!("{heavy}/preview"), json!({})).await;
            own.is(200);
        };
        tokio::select! {
            () = at_once => {}
            _ = &mut linters => panic!("others waited for the linters"),
        }
    }
    // Nobody waits for the linters any more. The clock stands still: no deadline ends them.
    let ended = tokio::time::timeout(Duration::from_secs(20), world.portal.finish()).await;
    assert!(ended.is_ok(), "they went on");
}

/// A destination that sends to this host.
fn sending_to(host: &str) -> Value {
    json!({
        "display_name": format!("To {host}"),
        "about": {"summary": "Takes events."},
        "events": {"url": format!("https://{host}/x"), "body": "{\"a\": 1}"},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_organisations_connection_tests_that_hang_hold_up_no_other() {
    let world = World::new().await;
    world.courier.noted().answer = Some((200, Vec::new()));
    let ours = world.of_organisation("/definitions");
    let hanging = world.post(&ours, sending_to(HANGS)).await.is(201).at("/id");
    let others = world.another_organisation("Others").await;
    let other = world.person_in(others, Role::Owner).await;
    let theirs = format!("/organisations/{others}/definitions");
    let call = |path: String, body: Value| {
        let call = world.call("POST", &path).token(Some(&other.token));
        call.json(body).send()
    };
    let made = call(theirs.clone(), sending_to("example.com")).await;
    let sound = format!("{theirs}/{}", made.is(201).at("/id"));

    let hang = async || {
        let path = format!("{ours}/{hanging}/test");
        world.post(&path, json!({})).await
    };
    let mut all: FuturesUnordered<_> = (0..8).map(|_| hang()).collect();
    // Two hang and two wait; of the same organisation nothing else does.
    for _ in 0..4 {
        let refused = all.next().await.expect("there are more");
        refused.problem(429, "too_much_work");
    }
    for _ in 0..3 {
        let tested = call(format!("{sound}/test"), json!({}));
        let tested = tokio::time::timeout(Duration::from_secs(10), tested).await;
        let tested = tested.expect("nobody else's is waited for");
        assert_eq!(tested.is(200).json()["verdict"], "delivered");
    }
}
