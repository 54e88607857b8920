//! What became of deliveries, as the control API tells it: on a real journal.

use std::time::Duration;

use journal::fate::{
    Attempt, Delivered, Record, Refused, Sample, SampleBody, SampleRequest, SampleResponse, Split,
    What,
};
use journal::hold::{Drain, Said};
use journal::turn::Turn;
use journal::{Batch, Ended, EndedWhy, Fates as _, IncomingEvent, Journal as _, Retry, Settlement};
use model::outcome::{Category, Discarded, Failure};
use model::user::PropertyUpdate;
use model::{EventKind, Offset, Part, ProjectId, SyncId, Timestamp};
use serde_json::{Value, json};

use super::World;

pub(super) const FAILED: What = What::Failed(Category::ServerError);

/// A project's sync with a lane, and events.
pub(super) struct Shop {
    pub(super) world: World,
    pub(super) project: String,
    pub(super) sync: String,
    id: SyncId,
}

pub(super) fn event(number: u64) -> IncomingEvent {
    let fields = format!(
        r#"{{"event_type":"type {}","user_id":"user {}","$insert_id":"insert {number}","event_id":{number},"event_properties":{{"price":1.10,"plan":"free"}}"#,
        number % 2,
        number % 3
    );
    IncomingEvent {
        kind: EventKind::Track,
        user_id: Some(format!("user {}", number % 3)),
        device_id: None,
        insert_id: None,
        event_time: Timestamp(0),
        user_update: PropertyUpdate::none(),
        own_user_properties: None,
        groups: Vec::new(),
        group_update: PropertyUpdate::none(),
        paying: false,
        version: None,
        fields: fields.into_bytes(),
    }
}

impl Shop {
    pub(super) async fn new(settings: Value) -> Self {
        let world = World::new().await;
        let sync = world.sync(settings).await;
        let mut parts = sync.rsplit('/');
        let id: SyncId = parts.next().unwrap().parse().unwrap();
        let project = parts.nth(1).unwrap().to_owned();
        let shop = Self {
            world,
            project,
            sync,
            id,
        };
        let journal = shop.world.lanes.journal();
        journal.open_lane(shop.project_id(), id).await.unwrap();
        shop
    }

    pub(super) fn project_id(&self) -> ProjectId {
        self.project.parse().unwrap()
    }

    pub(super) async fn accept(&self, numbers: std::ops::Range<u64>) {
        let batch = Batch {
            project: self.project_id(),
            received_at: self.world.now(),
            events: numbers.map(event).collect(),
        };
        self.world.lanes.journal().accept(batch).await.unwrap();
    }

    pub(super) async fn settle(&self, settlement: Settlement) {
        let journal = self.world.lanes.journal();
        journal.settle(self.id, settlement).await.unwrap();
    }

    pub(super) fn attempt(&self, offset: u64, number: u8, what: What) -> Attempt {
        Attempt {
            offset: Offset(offset),
            part: Part::Event,
            at: self.world.now() + Duration::from_secs(offset * 10 + u64::from(number)),
            number,
            what,
            status: match what {
                What::Discarded(_) => None,
                What::Delivered => Some(201),
                _ => Some(503),
            },
            event_type: format!("type {}", offset % 2),
            message: "the body template failed".into(),
            tries: 3,
            split: Split {
                queue_ms: 1,
                render_us: 20,
                connect_ms: Some(3),
                wait_ms: Some(40),
                took_ms: 500,
            },
        }
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        self.world.get(path).await.json()
    }
}

fn failure() -> Failure {
    Failure {
        category: Category::ServerError,
        status: Some(503),
        message: "example.com answered 503".into(),
        response: String::new(),
    }
}

fn offsets(page: &Value) -> Vec<u64> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["offset"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn attempts_are_searched_and_paged() {
    let shop = Shop::new(json!({"name": "Hook"})).await;
    shop.accept(0..12).await;
    let mut attempts: Vec<_> = (0..10)
        .map(|offset| shop.attempt(offset, 1, FAILED))
        .collect();
    attempts.push(shop.attempt(10, 1, What::Discarded("template")));
    attempts.push(shop.attempt(9, 2, What::Delivered));
    let record = Record {
        attempts,
        ..Record::default()
    };
    shop.settle(Settlement {
        cursor: Offset(12),
        record,
        ..Settlement::default()
    })
    .await;
    let list = format!("{}/outcomes", shop.sync);
    let all = shop.get(&list).await;
    assert_eq!(offsets(&all), [10, 9, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(
        (&all["next"], &all["complete"]),
        (&Value::Null, &json!(true))
    );
    let first = &all["items"][0];
    assert_eq!(
        (&first["outcome"], &first["category"]),
        (&json!("discarded"), &json!("template"))
    );
    assert_eq!(
        (&first["message"], &first["status"]),
        (&json!("the body template failed"), &Value::Null)
    );
    let second = &all["items"][1];
    assert_eq!(
        (&second["outcome"], &second["status"], &second["attempt"]),
        (&json!("delivered"), &json!(201), &json!(2))
    );
    assert_eq!(second["timing"]["wait_ms"], 40);
    for (query, wanted) in [
        ("outcome=failed&event_type=type%201", vec![9, 7, 5, 3, 1]),
        ("category=template", vec![10]),
        ("status=201", vec![9]),
        ("user=user%202&outcome=failed", vec![8, 5, 2]),
        ("insert_id=insert%209", vec![9, 9]),
        ("insert_id=insert%209&user=user%201", vec![]),
        ("event_id=4", vec![4]),
        ("user=nobody", vec![]),
    ] {
        let found = shop.get(&format!("{list}?{query}")).await;
        assert_eq!(offsets(&found), wanted, "{query}");
    }
    let page = shop.get(&format!("{list}?limit=5")).await;
    assert_eq!(offsets(&page), [10, 9, 9, 8, 7]);
    let next = page["next"].as_str().unwrap();
    let page = shop.get(&format!("{list}?limit=5&cursor={next}")).await;
    assert_eq!(offsets(&page), [6, 5, 4, 3, 2]);
    let until = super::figures::text(shop.world.now() + Duration::from_secs(31));
    let page = shop.get(&format!("{list}?until={until}")).await;
    assert_eq!(offsets(&page), [2, 1, 0]);
    for (query, said) in [
        ("category=nonsense", "one of"),
        ("outcome=discarded&category=dns", "none such"),
        ("cursor=x", "cursor"),
        ("from=yesterday", "from"),
        ("limit=0", "limit"),
    ] {
        let refused = shop.world.get(&format!("{list}?{query}")).await;
        let problem = refused.problem(400, "malformed_query");
        assert!(problem.to_string().contains(said), "{query}: {problem}");
    }
}

#[tokio::test]
async fn an_events_deliveries_are_shown_with_their_attempts() {
    let shop = Shop::new(json!({"name": "Hook"})).await;
    shop.accept(0..6).await;
    let now = shop.world.now();
    let first = Delivered {
        offset: Offset(0),
        part: Part::Event,
        at: now,
        status: 204,
        took_ms: 17,
    };
    let retry = Retry {
        offset: Offset(1),
        part: Part::Event,
        attempts: 1,
        due_at: now + Duration::from_secs(60),
        failure: failure(),
        given: None,
    };
    let ended = |offset, why| Ended {
        offset: Offset(offset),
        part: Part::Event,
        at: now,
        attempts: 10,
        why,
    };
    let missing = Discarded::MissingMapping {
        field: "id".into(),
        waited_seconds: None,
        no_room: None,
    };
    let record = Record {
        delivered: vec![first],
        attempts: vec![
            shop.attempt(1, 1, FAILED),
            shop.attempt(2, 10, What::Expired(Category::ServerError)),
            shop.attempt(3, 1, What::Discarded("missing_mapping")),
        ],
        ..Record::default()
    };
    shop.settle(Settlement {
        cursor: Offset(5),
        book: vec![retry],
        ended: vec![
            ended(2, EndedWhy::Expired(failure())),
            ended(3, EndedWhy::Discarded(missing)),
        ],
        record,
        ..Settlement::default()
    })
    .await;
    let of = async |offset: u64| {
        shop.get(&format!("{}/deliveries/{offset}", shop.sync))
            .await
    };
    let delivered = of(0).await;
    assert_eq!(delivered["standing"], "settled");
    let delivery = &delivered["deliveries"][0];
    let told = ["state", "attempt", "status", "took_ms"].map(|name| delivery[name].clone());
    assert_eq!(json!(told), json!(["delivered", 1, 204, 17]));
    assert!(
        delivery["delivery_id"]
            .as_str()
            .unwrap()
            .starts_with("dlv_")
    );
    let pending = &of(1).await["deliveries"][0];
    assert_eq!(
        (&pending["state"], &pending["attempts_made"]),
        (&json!("pending"), &json!(1))
    );
    assert_eq!(pending["attempts"][0]["outcome"], "failed");
    assert_eq!(of(2).await["deliveries"][0]["state"], "expired");
    let discarded = &of(3).await["deliveries"][0];
    assert_eq!(
        (&discarded["state"], &discarded["reason"]),
        (&json!("discarded"), &json!("missing_mapping"))
    );
    assert_eq!(of(4).await["deliveries"], json!([]));
    let ahead = of(5).await;
    assert_eq!(
        (&ahead["standing"], &ahead["events_before"]),
        (&json!("ahead"), &json!(0))
    );
}

#[tokio::test]
async fn what_waits_for_its_users_turn_is_not_called_left_out() {
    let shop = Shop::new(json!({"name": "Hook", "order": "per_user"})).await;
    shop.accept(0..4).await;
    let turn = |offset| Turn {
        user: 7,
        offset: Offset(offset),
        part: Part::Event,
    };
    let retry = Retry {
        offset: Offset(0),
        part: Part::Event,
        attempts: 1,
        due_at: shop.world.now() + Duration::from_secs(60),
        failure: failure(),
        given: None,
    };
    shop.settle(Settlement {
        cursor: Offset(4),
        book: vec![retry],
        turns: vec![turn(0), turn(3)],
        ..Settlement::default()
    })
    .await;
    let state = async |offset: u64| {
        let delivery = format!("{}/deliveries/{offset}", shop.sync);
        let delivery = shop.get(&delivery).await["deliveries"][0].take();
        let why = format!("/projects/{}/why?id={offset}", shop.project);
        let why = shop.get(&why).await["events"][0]["syncs"][0]["verdicts"][0].take();
        json!([delivery["state"], why["state"], why["summary"]])
    };
    let first = state(0).await;
    assert_eq!(
        (&first[0], &first[1]),
        (&json!("pending"), &json!("pending"))
    );
    let summary = "waits for an earlier delivery of its user; the sync is paused";
    let behind = json!(["waiting_in_order", "waiting", summary]);
    assert_eq!(state(3).await, behind);
    shop.settle(Settlement {
        cursor: Offset(4),
        turns_over: vec![turn(3)],
        ..Settlement::default()
    })
    .await;
    let over = shop.get(&format!("{}/deliveries/3", shop.sync)).await;
    assert_eq!(over["deliveries"], json!([]));
}

#[tokio::test]
async fn what_a_sync_let_go_is_told_with_who_said_so_and_when() {
    let shop = Shop::new(json!({"name": "Hook", "url": "https://example.com"})).await;
    let journal = shop.world.lanes.journal();
    let said = |by: &str| Said {
        at: shop.world.now(),
        by: by.to_owned(),
    };
    shop.accept(0..6).await;
    let retry = Retry {
        offset: Offset(1),
        part: Part::Event,
        attempts: 1,
        due_at: shop.world.now() + Duration::from_secs(60),
        failure: failure(),
        given: None,
    };
    let record = Record {
        attempts: vec![shop.attempt(1, 1, FAILED)],
        ..Record::default()
    };
    // The first was superseded, the second is owed, the others are held.
    let newest = Drain {
        until: Offset(1),
        newest_only: true,
        requests_per_minute: None,
    };
    let ann = Some(said("ann@example.com"));
    journal.set_drain(shop.id, Some(newest), ann).await.unwrap();
    shop.settle(Settlement {
        cursor: Offset(2),
        book: vec![retry],
        record,
        ..Settlement::default()
    })
    .await;
    shop.world.clock.advance(Duration::from_secs(60));
    let bob = said("bob@example.com");
    journal.drop_backlog(shop.id, bob).await.unwrap();
    let why = async |id: u64| {
        let path = format!("/projects/{}/why?id={id}", shop.project);
        shop.get(&path).await["events"][0]["syncs"][0]["verdicts"][0].take()
    };
    for (event, state, by) in [
        (0, "superseded", "ann@example.com"),
        (1, "dropped", "bob@example.com"),
        (5, "dropped", "bob@example.com"),
    ] {
        let told = why(event).await;
        assert_eq!(
            (&told["state"], &told["let_go"]["by"]),
            (&json!(state), &json!(by)),
            "{told}"
        );
        let (summary, at) = (told["summary"].as_str().unwrap(), &told["let_go"]["at"]);
        assert!(
            summary.contains(by) && summary.contains(at.as_str().unwrap()),
            "{summary}"
        );
        assert_eq!(told["filtered"], Value::Null);
    }
    // What the sync would not send was not dropped either.
    let nothing = json!({"events": {"select": {"types": [{"event_type": "another"}]}}});
    shop.world.change(&shop.sync, nothing).await.is(200);
    assert_eq!(why(5).await["state"], "filtered");
}

#[tokio::test]
async fn failures_are_grouped_and_sampled() {
    let shop = Shop::new(json!({"name": "Hook"})).await;
    shop.accept(0..1).await;
    let body = SampleBody {
        event: Some(r#"{"price":1.10}"#.into()),
        received_at: shop.world.now().0,
        request: Some(SampleRequest {
            method: "POST".into(),
            url: "https://example.com/".into(),
            headers: vec![("authorization".into(), "[secret]".into())],
            body: "{}".into(),
            body_bytes: 2,
        }),
        message: "example.com answered 503".into(),
        response: Some(SampleResponse {
            status: 503,
            headers: Vec::new(),
            body: "busy".into(),
        }),
        split: Split::default(),
    };
    let sample = Sample {
        offset: Offset(0),
        part: Part::Event,
        at: shop.world.now(),
        number: 1,
        what: FAILED,
        body: body.to_json().into(),
    };
    let record = Record {
        samples: vec![sample],
        ..Record::default()
    };
    shop.settle(Settlement {
        cursor: Offset(1),
        record,
        ..Settlement::default()
    })
    .await;
    let before = shop.world.now() - Duration::from_secs(60);
    shop.world.lanes.notes().figures = vec![(before, super::figures::figures())];
    let failures = shop.get(&format!("{}/failures", shop.sync)).await;
    let failed = &failures["failed"];
    assert_eq!(failed[0]["category"], "server_error");
    assert_eq!(
        failed[0]["by_status"],
        json!([{"status": 503, "count": 30}])
    );
    assert_eq!(
        (&failed[1]["category"], &failed[1]["count"]),
        (&json!("dns"), &json!(2))
    );
    assert_eq!(failed[0]["series"][0]["count"], 30);
    assert_eq!(failures["discarded"][0]["category"], "template");
    let id = &failed[0]["samples"][0]["id"];
    let answer = shop.world.get(&format!("{}/samples/{id}", shop.sync)).await;
    let text = &answer.text;
    assert!(text.contains(r#""event":{"price":1.10}"#), "{text}");
    let shown = answer.json();
    assert_eq!(shown["request"]["headers"][0]["value"], "[secret]");
    assert_eq!(
        (&shown["response"]["body"], &shown["category"]),
        (&json!("busy"), &json!("server_error"))
    );
    let missing = shop.world.get(&format!("{}/samples/999", shop.sync)).await;
    missing.problem(404, "not_found");
    // Another sync of the project doesn't have it.
    let syncs = format!("/projects/{}/syncs", shop.project);
    let other = shop
        .world
        .post(&syncs, json!({"name": "Other"}))
        .await
        .at("/id");
    let elsewhere = shop
        .world
        .get(&format!("{syncs}/{other}/samples/{id}"))
        .await;
    elsewhere.problem(404, "not_found");
}

#[tokio::test]
async fn why_says_what_became_of_an_event_on_every_sync() {
    let condition = json!({"types": [{"event_type": "type 0", "condition":
        {"test": {"property": {"scope": "event", "name": "plan"}, "operator": "is", "values": ["paid"]}}}]});
    let shop = Shop::new(
        json!({"name": "Choosy", "url": "https://example.com", "events": {"select": condition}}),
    )
    .await;
    shop.accept(0..4).await;
    let first = Delivered {
        offset: Offset(3),
        part: Part::Event,
        at: shop.world.now(),
        status: 200,
        took_ms: 12,
    };
    let record = Record {
        delivered: vec![first],
        ..Record::default()
    };
    shop.settle(Settlement {
        cursor: Offset(2),
        ahead: vec![Offset(3)],
        record,
        ..Settlement::default()
    })
    .await;
    let why = async |query: &str| {
        shop.get(&format!("/projects/{}/why?{query}", shop.project))
            .await
    };
    let one = async |query: &str| -> Value {
        why(query).await["events"][0]["syncs"][0]["verdicts"][0].take()
    };
    let filtered = one("id=insert%200").await;
    assert_eq!(
        (&filtered["state"], &filtered["filtered"]["reason"]),
        (&json!("filtered"), &json!("condition"))
    );
    assert!(
        filtered["summary"].as_str().unwrap().contains("\"free\""),
        "{filtered}"
    );
    assert_eq!(
        one("id=1").await["filtered"]["reason"],
        "event_type",
        "by event id"
    );
    let waiting = one("id=insert%202").await;
    assert_eq!(
        (&waiting["state"], &waiting["events_before"]),
        (&json!("waiting"), &json!(0))
    );
    let delivered = one("id=insert%203").await;
    assert_eq!(delivered["state"], "delivered");
    assert!(
        delivered["summary"]
            .as_str()
            .unwrap()
            .contains("in 12 ms, status 200"),
        "{delivered}"
    );
    let of_user = why("user=user%200").await;
    let found = of_user["events"].as_array().unwrap().iter();
    let found: Vec<_> = found
        .map(|event| event["insert_id"].as_str().unwrap())
        .collect();
    assert_eq!(found, ["insert 3", "insert 0"]);
    assert_eq!(why("id=nothing").await["events"], json!([]));
    let page = why("user=user%200&limit=1").await;
    let next = page["next"].as_str().unwrap();
    let page = why(&format!("user=user%200&limit=1&cursor={next}")).await;
    assert_eq!(page["events"][0]["insert_id"], "insert 0");
    // Settings that are changed now are newer than the event.
    shop.world.clock.advance(Duration::from_secs(60));
    let everything = json!({"events": {"select": {"all": {}}}});
    shop.world.change(&shop.sync, everything).await.is(200);
    let filtered = one("id=insert%200").await;
    assert_eq!(filtered["filtered"]["reason"], "other_settings");
    assert_eq!(filtered["settings_are_newer"], true);
    // Or the sync dropped it with what it held.
    shop.world.lanes.notes().stats.losses.dropped.events = 1;
    let filtered = one("id=insert%200").await;
    assert_eq!(filtered["filtered"]["reason"], "left_out");
    for query in ["", "id=a&user=b", "id=a&limit=21", "id=a&cursor=x"] {
        let path = format!("/projects/{}/why?{query}", shop.project);
        shop.world.get(&path).await.problem(400, "malformed_query");
    }
}

#[tokio::test]
async fn refused_requests_are_listed_and_found() {
    let shop = Shop::new(json!({"name": "Hook"})).await;
    let about = json!({"path": "/2/httpapi", "status": 400, "events": 2, "bytes": 99,
        "answer": {"code": 400, "error": "Invalid field values on some events"},
        "beginning": "{\"api_key\":\"[api key]\""});
    let refused = Refused {
        at: shop.world.now(),
        reason: "invalid_fields".into(),
        insert_ids: vec!["lost".into()],
        body: about.to_string(),
    };
    let journal = shop.world.lanes.journal();
    journal
        .note_refused(shop.project_id(), refused)
        .await
        .unwrap();
    let list = shop
        .get(&format!("/projects/{}/refused", shop.project))
        .await;
    let item = &list["items"][0];
    for name in ["path", "status", "events", "bytes", "answer", "beginning"] {
        assert_eq!(item[name], about[name], "{name}");
    }
    assert_eq!(item["reason"], "invalid_fields");
    let why = async |id: &str| {
        shop.get(&format!("/projects/{}/why?id={id}", shop.project))
            .await
    };
    assert_eq!(why("lost").await["refused"][0]["reason"], "invalid_fields");
    assert_eq!(why("found").await["refused"], json!([]));
}
