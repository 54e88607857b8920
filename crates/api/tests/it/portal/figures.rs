//! Figures over time, and the summary of deliveries for programs with a project's keys.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use journal::Counts;
use journal::figures::{Balance, Details, Figures, Scope, Step};
use model::Timestamp;
use model::outcome::Category;
use serde_json::{Value, json};

use super::World;
use super::call::Answer;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn figures() -> Figures {
    let mut details = Details {
        received: 100,
        requests: 120,
        discarded: [("template", 3), ("over_limit", 1)].into(),
        failures: [
            ((Category::Dns, None), 2),
            ((Category::ServerError, Some(503)), 30),
        ]
        .into(),
        ..Details::default()
    };
    (1..=88).for_each(|tenths| details.latency.record(f64::from(tenths) / 10.0));
    Figures {
        balance: Balance {
            second: 31,
            again: 32,
            dropped: 33,
            superseded: 34,
            lost: 35,
            erased: 36,
        },
        waiting: 37,
        counts: Counts {
            filtered: 5,
            delivered_first: 80,
            delivered_retry: 8,
            discarded: 4,
            expired: 3,
            failed_attempts: 32,
        },
        details,
        duplicates: 6,
        pending: 7,
    }
}

/// A world in which something was counted in each of the last steps.
async fn counted(step: Step, steps: u64) -> World {
    let world = World::new().await;
    let micros = step.micros() as u64;
    // In the middle of a step, whenever it is.
    let into_step = world.now().0.rem_euclid(step.micros()) as u64;
    let middle = Duration::from_micros(micros + micros / 2 - into_step);
    world.clock.advance(middle);
    let now = step.start(world.now());
    let ago = |number| now - Duration::from_micros(micros * number);
    world.lanes.notes().figures = (0..steps).rev().map(|n| (ago(n), figures())).collect();
    world
}

pub(super) fn text(at: Timestamp) -> String {
    at.to_string().replacen(' ', "T", 1) + "Z"
}

#[tokio::test]
async fn a_syncs_figures_are_told_step_by_step_and_in_all() {
    let world = counted(Step::Minute, 90).await;
    let sync = world.sync(json!({"name": "Figures"})).await;
    let told = world.get(&format!("{sync}/figures")).await.json();
    assert_eq!(told["step"], "minute");
    // An hour, and the minute under way.
    assert_eq!(told["series"].as_array().unwrap().len(), 61);
    let first = &told["series"][0];
    assert_eq!(first["at"], told["from"]);
    for (name, expected) in [
        ("received", json!(100)),
        ("duplicates", Value::Null),
        ("filtered", json!(5)),
        ("delivered_first", json!(80)),
        ("delivered_retry", json!(8)),
        ("discarded", json!(4)),
        (
            "discarded_by_reason",
            json!({"over_limit": 1, "template": 3}),
        ),
        ("expired", json!(3)),
        ("failed_attempts", json!(32)),
        (
            "failures",
            json!([{"category": "dns", "status": null, "count": 2},
                {"category": "server_error", "status": 503, "count": 30}]),
        ),
        ("pending", json!(7)),
        ("requests", json!(120)),
        ("requests_per_second", json!(2.0)),
    ] {
        assert_eq!(first[name], expected, "{name}");
    }
    let p95 = told["totals"]["latency_seconds"]["p95"].as_f64().unwrap();
    assert!((8.2..8.5).contains(&p95), "{p95}");
    assert_eq!(told["totals"]["delivered_first"], 61 * 80);
    assert_eq!(told["totals"]["pending"], 7);
}

#[tokio::test]
async fn a_projects_figures_are_its_own() {
    let world = counted(Step::Hour, 30).await;
    let project = world.project().await;
    let told = world
        .get(&format!("/projects/{project}/figures?step=hour"))
        .await;
    assert_eq!(told.json()["series"].as_array().unwrap().len(), 25);
    assert_eq!(told.json()["totals"]["duplicates"], 25 * 6);
    let asked = world.lanes.notes().asked_figures[0];
    let expected = (Scope::Project(project.parse().unwrap()), Step::Hour);
    assert_eq!((asked.0, asked.1), expected);
}

#[tokio::test]
async fn a_range_that_has_no_figures_is_refused() {
    let world = World::new().await;
    let sync = world.sync(json!({"name": "Ranges"})).await;
    let now = world.now();
    let at = |ago: Duration| text(now - ago);
    let ask = async |query: String| world.get(&format!("{sync}/figures?{query}")).await;
    for (query, named) in [
        (format!("from={}", at(HOUR * 5)), "from"),
        (format!("step=hour&from={}", at(DAY * 91)), "from"),
        (format!("from={}&until={}", at(HOUR), at(HOUR)), "from"),
        (format!("from={}", text(now + HOUR)), "from"),
        ("from=yesterday".into(), "from"),
        ("until=tomorrow".into(), "until"),
        ("step=day".into(), "step"),
        ("limit=3".into(), "limit"),
    ] {
        let answer = ask(query.clone()).await;
        answer.problem(400, "malformed_query");
        assert!(answer.text.contains(named), "{query}: {}", answer.text);
    }
    for query in [
        format!("from={}", at(HOUR * 4)),
        format!("step=hour&from={}", at(DAY * 90)),
    ] {
        assert_eq!(ask(query).await.status, 200);
    }
    let (_, step, from, until) = *world.lanes.notes().asked_figures.last().unwrap();
    let steps = (until.0 - from.0) / step.micros() + 1;
    assert!(steps as usize <= journal::figures::MOST_STEPS);
}

const SUMMARY: &str = "/api/2/event-streaming/delivery-metrics-summary";

/// A project with its keys and a sync.
struct Keys {
    api_key: String,
    secret_key: String,
    sync: String,
}

async fn keys(world: &World, name: &str) -> Keys {
    let made = world.post(&world.projects(), json!({"name": name})).await;
    let syncs = format!("/projects/{}/syncs", made.at("/project/id"));
    let sync = world.post(&syncs, json!({"name": "Summed"})).await;
    Keys {
        api_key: made.at("/project/api_key"),
        secret_key: made.at("/secret_key"),
        sync: sync.at("/id"),
    }
}

async fn ask(world: &World, user: &str, password: &str, query: &str) -> Answer {
    let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
    let call = world
        .outside("GET", &format!("{SUMMARY}?{query}"))
        .from("192.0.2.7");
    call.header("authorization", &format!("Basic {credentials}"))
        .send()
        .await
}

#[tokio::test]
async fn the_summary_is_what_amplitudes_is() {
    let world = counted(Step::Minute, 30).await;
    let keys = keys(&world, "summary").await;
    let query = format!("sync_id={}&time_period=TEN_MINUTES", keys.sync);
    let answer = ask(&world, &keys.api_key, &keys.secret_key, &query).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let end = Step::Minute.start(world.now()) + MINUTE;
    let mut told = answer.json();
    let latency = told["latencyInSeconds"].take().as_f64().unwrap();
    assert!((8.2..8.5).contains(&latency), "{latency}");
    let expected = json!({
        "timePeriod": "TEN_MINUTES",
        "eventsDelivered": 880,
        "eventsNotDelivered": 70,
        "deliveryRate": 880.0 / 950.0,
        "latencyInSeconds": null,
        "timePeriodStart": format!("{}000", end - MINUTE * 10),
        "timePeriodEnd": format!("{end}000"),
        "successOnFirstAttempt": 800,
        "successAfterRetry": 80,
        "eventsExpired": 30,
        "eventsDiscarded": 40,
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn the_summary_is_for_those_with_the_projects_keys() {
    let world = World::new().await;
    let (ours, theirs) = (keys(&world, "ours").await, keys(&world, "theirs").await);
    let query = |sync: &str| format!("sync_id={sync}&time_period=ONE_DAY");
    let of_ours = query(&ours.sync);
    for (user, password) in [
        (&*ours.api_key, "wrong"),
        ("wrong", &*ours.secret_key),
        (&*theirs.api_key, &*ours.secret_key),
        (&*ours.secret_key, &*ours.api_key),
        ("", ""),
    ] {
        let refused = ask(&world, user, password, &of_ours).await;
        assert_eq!(refused.status, 401, "{user}: {}", refused.text);
        assert_eq!(refused.json()["code"], 401);
        assert!(
            refused.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Basic")
        );
    }
    let path = format!("{SUMMARY}?{of_ours}");
    for authorization in ["Bearer x", "Basic", "Basic !", "Basic YQ=="] {
        let call = world
            .outside("GET", &path)
            .header("authorization", authorization);
        assert_eq!(call.send().await.status, 401, "{authorization}");
    }
    let installation = world.outside("GET", &path).token(Some(&world.token));
    assert_eq!(installation.send().await.status, 401);
    assert_eq!(world.outside("GET", &path).send().await.status, 401);
    // Another project's sync, and one that nobody has.
    let nobodys = model::SyncId::from_bytes([7; 16]).to_string();
    for sync in [&theirs.sync, &nobodys] {
        let refused = ask(&world, &ours.api_key, &ours.secret_key, &query(sync)).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
    }
    let allowed = ask(&world, &ours.api_key, &ours.secret_key, &of_ours).await;
    assert_eq!(allowed.status, 200);
}

#[tokio::test]
async fn guessing_keys_is_slowed_down_and_bad_queries_are_named() {
    let world = World::new().await;
    let keys = keys(&world, "guessed").await;
    for query in ["", "time_period=ONE_DAY", "sync_id=x&time_period=ONE_DAY"] {
        let refused = ask(&world, &keys.api_key, &keys.secret_key, query).await;
        assert_eq!(refused.status, 400);
        assert!(
            refused.json()["error"]
                .as_str()
                .unwrap()
                .contains("sync_id")
        );
    }
    let old = text(world.now() - DAY * 91);
    let query = format!(
        "sync_id={}&time_period=CUSTOM&start={old}&end={}",
        keys.sync,
        text(world.now())
    );
    let refused = ask(&world, &keys.api_key, &keys.secret_key, &query).await;
    assert_eq!(refused.status, 400);
    let mut last = 401;
    for _ in 0..1000 {
        let refused = ask(&world, &keys.api_key, "guess", "").await;
        last = refused.status.as_u16();
        if last == 429 {
            assert!(refused.headers.contains_key("retry-after"));
            break;
        }
    }
    assert_eq!(last, 429);
}
