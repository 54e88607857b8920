//! Tails: what comes, what is skipped, how many there may be, and when they end.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use model::access::Role;
use model::outcome::Category;
use model::tail::{Ending, Outcome, Told};
use model::{DeliveryId, Offset, Part, ProjectId, SyncId, Timestamp};
use serde_json::{Value, json};
use store::Caller;

use super::World;
use super::call::Call;
use super::events::event;
use super::world::id_in;

/// A tail that is read message by message.
struct Tail {
    body: Body,
    text: String,
}

/// Id, kind and data.
type Message = (Option<u64>, String, Value);

impl Tail {
    async fn open(call: Call<'_>) -> Self {
        let response = call.open().await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body = response.into_body();
        let text = String::new();
        Self { body, text }
    }

    /// The next message or comment as it is; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let part = self.body.frame().await?.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&part).unwrap());
        }
    }

    /// The next message, whatever signs of life come before it.
    async fn next(&mut self) -> Message {
        let mut block = self.block().await.expect("it goes on");
        while block.starts_with(':') {
            block = self.block().await.expect("it goes on");
        }
        let field = |name: &str| {
            let start = format!("{name}: ");
            block.lines().find_map(|line| line.strip_prefix(&start))
        };
        let data = field("data").unwrap_or_else(|| panic!("no message: {block}"));
        (
            field("id").map(|id| id.parse().unwrap()),
            field("event").unwrap().to_owned(),
            serde_json::from_str(data).unwrap(),
        )
    }

    /// What comes after some time without news.
    async fn after(&mut self, world: &World, time: Duration) -> Option<String> {
        let advance = async {
            // So that it waits when the time comes.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            world.clock.advance(time);
        };
        tokio::join!(self.block(), advance).0
    }
}

fn order(project: &str, offset: u64, user: &str) -> Arc<model::Event> {
    let text = format!(
        r#"{{"event_type":"Order","user_id":"{user}","device_id":"d-{offset}","note":"Grüße {offset}"}}"#
    );
    event(project, offset, text)
}

async fn with_project() -> (World, String, String) {
    let world = World::new().await;
    let project = world.project().await;
    let path = format!("/projects/{project}/tail/events");
    (world, project, path)
}

#[tokio::test]
async fn events_come_as_the_list_shows_them_and_a_reader_goes_on_where_it_was() {
    let (world, project, path) = with_project().await;
    world.lanes.notes().accept(order(&project, 0, "ann"));
    let mut tail = Tail::open(world.call("GET", &path)).await;
    let begin = tail.block().await.unwrap();
    assert_eq!(
        begin,
        "retry: 3000\nid: 0\nevent: begin\ndata: {\"next\":1}"
    );
    for offset in 1..4 {
        world.lanes.notes().accept(order(&project, offset, "ann"));
    }
    let (id, kind, data) = tail.next().await;
    assert_eq!((id, kind.as_str()), (Some(1), "event"));
    let list = world
        .get(&format!("/projects/{project}/events?before=2&limit=1"))
        .await;
    assert_eq!(data, list.json()["items"][0]);
    drop(tail);
    for again in [
        world.call("GET", &path).header("last-event-id", "1"),
        world.call("GET", &format!("{path}?after=1")),
    ] {
        let mut tail = Tail::open(again).await;
        assert_eq!(tail.next().await.2, json!({"next": 2}));
        assert_eq!(tail.next().await.0, Some(2));
        assert_eq!(tail.next().await.0, Some(3));
    }
    // A position that is none yet is no reason to wait for it.
    let ahead = world.call("GET", &path).header("last-event-id", "99");
    assert_eq!(Tail::open(ahead).await.next().await.2, json!({"next": 4}));
}

#[tokio::test]
async fn only_what_is_chosen_comes() {
    let (world, project, path) = with_project().await;
    let other = world.project().await;
    let visit = r#"{"event_type":"Visit","user_id":"ann","device_id":"d-1"}"#;
    {
        let mut notes = world.lanes.notes();
        notes.accept(order(&project, 0, "ann"));
        notes.accept(event(&project, 1, visit.into()));
        notes.accept(order(&project, 2, "bob"));
        notes.accept(order(&project, 3, "ann"));
        notes.accept(order(&other, 4, "ann"));
    }
    for (query, expected) in [
        ("event_type=Order&user_id=ann", vec![3]),
        ("event_type=Visit&event_type=Order", vec![1, 2, 3]),
        ("device_id=d-1", vec![1]),
        ("text=GR%C3%9C%C3%9FE%202", vec![2]),
        ("text=2026", vec![]),
    ] {
        let mut tail = Tail::open(world.call("GET", &format!("{path}?after=0&{query}"))).await;
        tail.next().await;
        for offset in &expected {
            assert_eq!(tail.next().await.0, Some(*offset), "{query}");
        }
        let more = tail.after(&world, Duration::from_secs(15)).await;
        assert_eq!(more.as_deref(), Some(": still here"), "{query}");
    }
}

#[tokio::test]
async fn who_can_not_keep_up_is_told_how_much_was_skipped() {
    let (world, project, path) = with_project().await;
    let mut tail = Tail::open(world.call("GET", &path)).await;
    assert_eq!(
        tail.next().await,
        (None, "begin".into(), json!({"next": 0}))
    );
    for offset in 0..10_001 {
        world.lanes.notes().accept(order(&project, offset, "ann"));
    }
    let skipped = (Some(5_000), "skipped".into(), json!({"count": 5_001}));
    assert_eq!(tail.next().await, skipped);
    assert_eq!(tail.next().await.0, Some(5_001));
    // Retention may take events before they were read.
    world.lanes.notes().events.drain(..9_000);
    let mut last = 5_001;
    while last < 9_000 {
        let (id, kind, data) = tail.next().await;
        if kind == "skipped" {
            assert_eq!(data["count"], id.unwrap() - last);
        }
        last = id.unwrap();
    }
}

#[tokio::test]
async fn a_tail_ends_with_what_let_its_reader_in() {
    let (world, project, path) = with_project().await;
    let ended = |reason: &str| format!("event: ended\ndata: {{\"reason\":\"{reason}\"}}");
    let check = Duration::from_secs(5);
    // A session that ends, a role that is another, a token that is revoked.
    for case in 0..3 {
        let ann = world.person(Role::Member).await;
        let call = world.anonymous("GET", &path);
        let call = match case {
            2 => call.token(Some(&ann.token)),
            _ => call.cookie(&ann.cookie),
        };
        let mut tail = Tail::open(call).await;
        tail.next().await;
        world.clock.advance(check);
        world.lanes.notes().accept(order(&project, case, "ann"));
        assert_eq!(tail.next().await.0, Some(case), "the right is still there");
        let by = Caller::system();
        match case {
            0 => world.store.end_all_sessions(ann.id, &by).await.unwrap(),
            1 => {
                let path = world.of_organisation(&format!("/members/{}", ann.id));
                world.change(&path, json!({"role": "viewer"})).await.is(200);
            }
            _ => {
                let id = ann.token.split('_').nth(1).unwrap();
                world.store.delete_token(id, &by).await.map(drop).unwrap();
            }
        }
        let last = tail.after(&world, check).await;
        assert_eq!(last, Some(ended("access_ended")), "{case}");
        assert_eq!(tail.block().await, None);
    }
    let mut tail = Tail::open(world.call("GET", &path)).await;
    tail.next().await;
    let gone = world
        .call("DELETE", &format!("/projects/{project}"))
        .header("if-match", "*");
    gone.send().await.is(204);
    assert_eq!(tail.after(&world, check).await, Some(ended("gone")));
}

#[tokio::test]
async fn an_unused_session_ends_its_tails_too() {
    let (world, _, path) = with_project().await;
    let ann = world.person(Role::Member).await;
    let mut tail = Tail::open(world.anonymous("GET", &path).cookie(&ann.cookie)).await;
    tail.next().await;
    let idle = millstream_api::auth::Config::default().session_idle;
    let last = tail.after(&world, idle).await.unwrap();
    assert!(last.contains("access_ended"), "{last}");
}

#[tokio::test]
async fn tails_end_when_the_server_does() {
    let (world, _, path) = with_project().await;
    let mut tail = Tail::open(world.call("GET", &path)).await;
    tail.next().await;
    world.portal.finish().await;
    assert_eq!(tail.next().await.2, json!({"reason": "server_ending"}));
    assert_eq!(tail.block().await, None);
}

#[tokio::test]
async fn one_has_ten_tails_at_once_and_gets_a_place_back() {
    let (world, _, path) = with_project().await;
    let (ann, bob) = (
        world.person(Role::Viewer).await,
        world.person(Role::Viewer).await,
    );
    let open = |cookie: &str| Tail::open(world.anonymous("GET", &path).cookie(cookie));
    let mut tails = Vec::new();
    for _ in 0..10 {
        tails.push(open(&ann.cookie).await);
    }
    // With a token it is the same person.
    for more in [
        world.anonymous("GET", &path).cookie(&ann.cookie),
        world.anonymous("GET", &path).token(Some(&ann.token)),
    ] {
        more.send().await.problem(429, "too_many_tails");
    }
    tails.push(open(&bob.cookie).await);
    tails.remove(0);
    tails.push(open(&ann.cookie).await);
}

#[tokio::test]
async fn there_are_so_many_tails_in_all() {
    let (world, _, path) = with_project().await;
    let mut tails = Vec::new();
    for _ in 0..20 {
        let ann = world.person(Role::Viewer).await;
        for _ in 0..10 {
            tails.push(Tail::open(world.anonymous("GET", &path).cookie(&ann.cookie)).await);
        }
    }
    world.get(&path).await.problem(429, "too_many_tails");
    tails.pop();
    world.get(&path).await.is(200);
}

fn outcome(project: ProjectId, sync: SyncId, offset: u64, ending: Ending) -> Told {
    let (part, offset) = (Part::Event, Offset(offset));
    Told::Outcome(Arc::new(Outcome {
        sync,
        at: Timestamp(1_767_225_600_000_000),
        offset,
        part,
        delivery: DeliveryId::of(project, offset, sync, part),
        attempt: 1,
        ending,
        event_type: "Order".into(),
        user_id: Some("ann".into()),
        device_id: None,
        status: Some(503),
        category: Some(Category::ServerError),
        message: Some("it is down".into()),
        took: Some(Duration::from_millis(12)),
    }))
}

#[tokio::test]
async fn outcomes_come_of_a_project_or_of_one_sync() {
    let world = World::new().await;
    let path = world
        .sync(json!({"name": "hook", "url": "https://example.com"}))
        .await;
    let project: ProjectId = path.split('/').nth(2).unwrap().parse().unwrap();
    let (sync, other) = (id_in(&path), "sync_00000000000000000000000000".parse());
    let other = other.unwrap();
    world.lanes.notes().told = vec![
        outcome(project, other, 0, Ending::Delivered),
        outcome(project, sync, 1, Ending::Failed),
        Told::Skipped(17),
        outcome(project, sync, 2, Ending::Discarded),
    ];
    let mut tail = Tail::open(world.call("GET", &format!("{path}/tail"))).await;
    assert_eq!(
        tail.next().await,
        (None, "begin".into(), json!({"next": null}))
    );
    let delivery = DeliveryId::of(project, Offset(1), sync, Part::Event);
    let expected = json!({
        "at": "2026-01-01T00:00:00.000Z", "sync": sync.to_string(), "outcome": "failed", "offset": 1,
        "part": "event", "delivery_id": delivery.to_string(), "attempt": 1, "event_type": "Order",
        "user_id": "ann", "device_id": null, "status": 503, "category": "server_error",
        "message": "it is down", "ms": 12,
    });
    assert_eq!(tail.next().await, (None, "outcome".into(), expected));
    assert_eq!(
        tail.next().await,
        (None, "skipped".into(), json!({"count": 17}))
    );
    assert_eq!(tail.next().await.2["offset"], 2);

    let of_project = format!("/projects/{project}/tail/outcomes");
    for (query, offsets) in [
        ("", vec![0, 1, 2]),
        ("?outcome=delivered&outcome=discarded", vec![0, 2]),
        ("?event_type=Other", vec![]),
        ("?user_id=ann&event_type=Order&outcome=failed", vec![1]),
    ] {
        let mut tail = Tail::open(world.call("GET", &format!("{of_project}{query}"))).await;
        tail.next().await;
        let mut seen = Vec::new();
        while seen.len() < offsets.len() {
            let (_, kind, data) = tail.next().await;
            if kind == "outcome" {
                seen.push(data["offset"].as_u64().unwrap());
            }
        }
        assert_eq!(seen, offsets, "{query}");
        if !offsets.contains(&2) {
            // Of the others nothing comes, but maybe that some were skipped.
            let more = tail.after(&world, Duration::from_secs(15)).await.unwrap();
            assert!(!more.contains("event: outcome"), "{query}: {more}");
        }
    }
}

#[tokio::test]
async fn a_choice_that_can_not_be_is_refused() {
    let (world, project, path) = with_project().await;
    let outcomes = format!("/projects/{project}/tail/outcomes");
    let long = "x".repeat(1025);
    let types = "event_type=x&".repeat(51);
    for (path, query, named) in [
        (&path, "user_id=a&user_id=b", "user_id: given twice"),
        (&path, "after=first", "after: not a whole number"),
        (&path, "text=", "text: empty"),
        (&path, &format!("text={long}"), "text: at most 1024 bytes"),
        (&path, types.as_str(), "event_type: at most 50 types"),
        (&path, "outcome=failed", "unknown field `outcome`"),
        (&outcomes, "text=a", "unknown field `text`"),
        (&outcomes, "outcome=lost", "outcome: one of delivered"),
    ] {
        let refused = world.get(&format!("{path}?{query}")).await;
        let problem = refused.problem(400, "malformed_query");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(named), "{detail}");
    }
    let refused = world.call("GET", &path).header("last-event-id", "x");
    refused.send().await.problem(400, "malformed_header");
}

#[tokio::test]
async fn sensitive_values_are_neither_told_nor_found() {
    let (world, project, path) = with_project().await;
    let card = |offset| {
        let text = r#"{"event_type":"Order","event_properties":{"card":"4111-1111","price":2}}"#;
        event(&project, offset, text.into())
    };
    world.lanes.notes().accept(card(0));
    let mut tail = Tail::open(world.call("GET", &path)).await;
    let mut looking = Tail::open(world.call("GET", &format!("{path}?text=4111"))).await;
    tail.next().await;
    looking.next().await;
    world.lanes.notes().accept(card(1));
    assert_eq!(looking.next().await.0, Some(1));
    let properties = |message: Message| message.2["event"]["event_properties"].clone();
    let shown = json!({"card": "4111-1111", "price": 2});
    assert_eq!(properties(tail.next().await), shown);
    // What is sensitive from now on isn't shown by tails that are open, a moment later.
    let sensitive = json!({"sensitive": {"event": ["card"]}});
    let path = format!("/projects/{project}");
    world.change(&path, sensitive).await.is(200);
    for tail in [&mut tail, &mut looking] {
        let beat = tail.after(&world, Duration::from_secs(15)).await;
        assert_eq!(beat.as_deref(), Some(": still here"));
    }
    world.lanes.notes().accept(card(2));
    let message = tail.next().await;
    assert_eq!(message.2["masked"], true);
    assert_eq!(
        properties(message),
        json!({"card": "[sensitive]", "price": 2})
    );
    let found = looking.after(&world, Duration::from_secs(15)).await;
    assert_eq!(
        found.as_deref(),
        Some(": still here"),
        "nobody finds it by looking for it"
    );

    let id: ProjectId = project.parse().unwrap();
    let sync = "sync_00000000000000000000000000".parse().unwrap();
    let Told::Outcome(told) = outcome(id, sync, 2, Ending::Discarded) else {
        unreachable!("it is one");
    };
    let mut told = Outcome::clone(&told);
    told.message = Some("no card 4111-1111 is known".into());
    world.lanes.notes().told = vec![Told::Outcome(Arc::new(told))];
    let path = format!("/projects/{project}/tail/outcomes");
    let mut tail = Tail::open(world.call("GET", &path)).await;
    tail.next().await;
    let said = tail.next().await.2["message"].clone();
    assert!(!said.to_string().contains("4111"), "{said}");
}
