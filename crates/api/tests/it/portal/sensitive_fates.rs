//! What became of deliveries shows no sensitive value either, from the moment on that it is marked.

use journal::fate::{Record, Refused, Sample, SampleBody, SampleRequest, SampleResponse, What};
use journal::{Batch, Ended, EndedWhy, Fates as _, IncomingEvent, Journal as _, Retry, Settlement};
use model::outcome::{Category, Discarded, Failure};
use model::{Offset, Part};
use serde_json::{Value, json};

use super::fates::{FAILED, Shop, event};

/// What must not be seen.
const VALUES: [&str; 2] = ["4111-2222", "High Street 9"];

fn fields(number: u64) -> String {
    format!(
        r#"{{"event_type":"type {}","$insert_id":"insert {number}","event_properties":{{"price":1.10,"card":"{}","address":{{"street":"{}"}},"consent":true}}"#,
        number % 2,
        VALUES[0],
        VALUES[1],
    )
}

/// A sync, and four events that have values.
async fn stage(settings: Value) -> Shop {
    let shop = Shop::new(settings).await;
    let events = (0..4).map(|number| IncomingEvent {
        fields: fields(number).into_bytes(),
        ..event(number)
    });
    let batch = Batch {
        project: shop.project_id(),
        received_at: shop.world.now(),
        events: events.collect(),
    };
    let journal = shop.world.lanes.journal();
    journal.accept(batch).await.unwrap();
    let events = journal.read(shop.project_id(), Offset(0), 4).await.unwrap();
    assert_eq!(events.len(), 4);
    shop.world.lanes.notes().events = events;
    shop
}

async fn mark(shop: &Shop, sensitive: Value) {
    let project = format!("/projects/{}", shop.project);
    let marked = shop.world.change(&project, json!({"sensitive": sensitive}));
    marked.await.is(200);
}

fn marked() -> Value {
    json!({"event": ["card", "address", "consent"]})
}

/// A text that is shown before the properties are marked, and after.
async fn before_and_after(shop: &Shop, path: &str) -> (String, Value) {
    let before = shop.world.get(path).await.is(200).text;
    mark(shop, marked()).await;
    let after = shop.world.get(path).await.is(200);
    for value in VALUES {
        assert!(!after.text.contains(value), "{value}: {}", after.text);
    }
    let shown = (before, after.json());
    mark(shop, json!({})).await;
    assert_eq!(
        shop.world.get(path).await.text,
        shown.0,
        "nothing is stored"
    );
    shown
}

fn failure() -> Failure {
    Failure {
        category: Category::Rejected,
        status: Some(200),
        message: format!("example.com answered 200 OK: no card {}", VALUES[0]),
        response: String::new(),
    }
}

fn template() -> Discarded {
    Discarded::Template {
        place: "body".into(),
        message: format!("can't convert {:?} to a number", VALUES[1]),
        line: 3,
        column: 9,
    }
}

#[tokio::test]
async fn samples_show_no_sensitive_value_in_any_of_their_parts() {
    let shop = stage(json!({"name": "Hook"})).await;
    let header = |value: &str| vec![("x-card".to_owned(), value.to_owned())];
    let body = |event: Option<String>| SampleBody {
        event,
        received_at: shop.world.now().0,
        request: Some(SampleRequest {
            method: "POST".into(),
            url: "https://example.com/High%20Street%209".into(),
            headers: header(VALUES[0]),
            body: format!(r#"{{"card":"{}","street":"{}"}}"#, VALUES[0], VALUES[1]),
            body_bytes: 9,
        }),
        message: failure().message,
        response: Some(SampleResponse {
            status: 422,
            headers: header(VALUES[0]),
            body: format!("no street {}", VALUES[1]),
        }),
        ..SampleBody::default()
    };
    let sample = |offset, body: SampleBody| Sample {
        offset: Offset(offset),
        part: Part::Event,
        at: shop.world.now(),
        number: 1,
        what: FAILED,
        body: body.to_json().into(),
    };
    let whole = fields(0) + "}";
    let record = Record {
        // The event of the second one was too large to be kept with it.
        samples: vec![sample(0, body(Some(whole))), sample(1, body(None))],
        ..Record::default()
    };
    shop.settle(Settlement {
        cursor: Offset(2),
        record,
        ..Settlement::default()
    })
    .await;
    let minute = std::time::Duration::from_secs(60);
    let step = (shop.world.now() - minute, super::figures::figures());
    shop.world.lanes.notes().figures = vec![step];
    let failures = shop.get(&format!("{}/failures", shop.sync)).await;
    let samples = failures["failed"][0]["samples"].as_array().unwrap();
    let path = |place: usize| format!("{}/samples/{}", shop.sync, samples[place]["id"]);

    let (before, shown) = before_and_after(&shop, &path(1)).await;
    assert!(before.contains(VALUES[0]) && before.contains("High%20Street%209"));
    let request = &shown["request"];
    assert_eq!(request["url"], "https://example.com/[sensitive]");
    assert_eq!(request["headers"][0]["value"], "[sensitive]");
    assert_eq!(
        request["body"],
        r#"{"card":"[sensitive]","street":"[sensitive]"}"#
    );
    assert_eq!(
        shown["message"],
        "example.com answered 200 OK: no card [sensitive]"
    );
    assert_eq!(shown["response"]["headers"][0]["value"], "[sensitive]");
    assert_eq!(shown["response"]["body"], "no street [sensitive]");
    let own = &shown["event"]["event_properties"];
    let own = ["card", "address", "consent"].map(|name| own[name].clone());
    assert_eq!(
        json!(own),
        json!(["[sensitive]", {"street": "[sensitive]"}, false])
    );

    let (_, by_journal) = before_and_after(&shop, &path(0)).await;
    assert_eq!(by_journal["event"], Value::Null);
    assert_eq!(by_journal["response"]["body"], "no street [sensitive]");
    // What was made of an event that is gone isn't shown; of one that the sample has itself, it is.
    shop.world.lanes.notes().events.clear();
    let (_, gone) = before_and_after(&shop, &path(0)).await;
    for at in [
        "/message",
        "/request/url",
        "/request/body",
        "/response/body",
    ] {
        assert_eq!(gone.pointer(at).unwrap(), "[sensitive]", "{at}");
    }
    let told = ["category", "offset"].map(|name| gone[name].clone());
    assert_eq!(json!(told), json!(["server_error", 1]));
    let (_, kept) = before_and_after(&shop, &path(1)).await;
    assert_eq!(kept, shown);
}

#[tokio::test]
async fn attempts_and_deliveries_show_no_sensitive_value() {
    let shop = stage(json!({"name": "Hook"})).await;
    let now = shop.world.now();
    let mut quoting = shop.attempt(2, 1, What::Discarded("template"));
    quoting.message = template().to_string();
    let ended = |offset, why| Ended {
        offset: Offset(offset),
        part: Part::Event,
        at: now,
        attempts: 1,
        why,
    };
    let record = Record {
        attempts: vec![shop.attempt(1, 1, FAILED), quoting],
        ..Record::default()
    };
    shop.settle(Settlement {
        cursor: Offset(4),
        book: vec![Retry {
            offset: Offset(1),
            part: Part::Event,
            attempts: 1,
            due_at: now + std::time::Duration::from_secs(60),
            failure: failure(),
            given: None,
        }],
        ended: vec![
            ended(2, EndedWhy::Discarded(template())),
            ended(3, EndedWhy::Expired(failure())),
        ],
        record,
        ..Settlement::default()
    })
    .await;
    let quoted = "can't convert \"[sensitive]\" to a number";
    let outcomes = format!("{}/outcomes", shop.sync);
    let (before, attempts) = before_and_after(&shop, &outcomes).await;
    assert!(before.contains(VALUES[1]));
    let message = |shown: &Value, at: &str| shown.pointer(at).unwrap().as_str().unwrap().to_owned();
    let told = message(&attempts, "/items/0/message");
    assert!(told.contains(quoted), "{told}");
    let of = |offset: u64| format!("{}/deliveries/{offset}", shop.sync);
    let failed = "/deliveries/0/last_failure/message";
    for (offset, at, wanted) in [
        (1, failed, "answered 200 OK: no card [sensitive]"),
        (2, "/deliveries/0/message", quoted),
        (2, "/deliveries/0/attempts/0/message", quoted),
        (3, failed, "answered 200 OK: no card [sensitive]"),
    ] {
        let (_, shown) = before_and_after(&shop, &of(offset)).await;
        let told = message(&shown, at);
        assert!(told.contains(wanted), "{offset}: {told}");
    }
    // The events are gone: nothing that was made of them is shown.
    shop.world.lanes.notes().events.clear();
    let (_, attempts) = before_and_after(&shop, &outcomes).await;
    assert_eq!(attempts["items"][0]["message"], "[sensitive]");
    let status = "the destination answered 503 Service Unavailable";
    assert_eq!(attempts["items"][1]["message"], status);
    let (_, shown) = before_and_after(&shop, &of(3)).await;
    assert_eq!(message(&shown, failed), "[sensitive]");
}

#[tokio::test]
async fn why_shows_no_sensitive_value() {
    let test = |name: &str, operator: &str, value: Value| {
        let property = json!({"scope": "event", "name": name});
        json!({"test": {"property": property, "operator": operator, "values": [value]}})
    };
    // The first would not hold for the masked event: it is not what filtered the real one.
    let of_card = json!({"all": [test("card", "starts_with", json!("4111")), test("card", "is", json!("none"))]});
    let select = json!({"types": [
        {"event_type": "type 0", "condition": of_card},
        {"event_type": "type 1", "condition": test("card", "is_not", json!(VALUES[0]))},
    ]});
    let settings =
        json!({"name": "Choosy", "url": "https://example.com", "events": {"select": select}});
    let shop = stage(settings).await;
    let retry = Retry {
        offset: Offset(2),
        part: Part::Event,
        attempts: 1,
        due_at: shop.world.now(),
        failure: failure(),
        given: None,
    };
    let ended = Ended {
        offset: Offset(3),
        part: Part::Event,
        at: shop.world.now(),
        attempts: 1,
        why: EndedWhy::Discarded(template()),
    };
    shop.settle(Settlement {
        cursor: Offset(4),
        book: vec![retry],
        ended: vec![ended],
        ..Settlement::default()
    })
    .await;
    for (id, wanted) in [
        (0, r#"must be "none", but it is "[sensitive]""#),
        (1, r#"must not be "[sensitive]", but it is "[sensitive]""#),
        (2, "answered 200 OK: no card [sensitive]"),
        (3, "can't convert \"[sensitive]\" to a number"),
    ] {
        let path = format!("/projects/{}/why?id=insert%20{id}", shop.project);
        let (before, shown) = before_and_after(&shop, &path).await;
        assert!(
            VALUES.iter().any(|value| before.contains(value)),
            "{before}"
        );
        let verdict = &shown["events"][0]["syncs"][0]["verdicts"][0];
        let summary = verdict["summary"].as_str().unwrap();
        assert!(summary.contains(wanted), "{summary}");
    }
}

#[tokio::test]
async fn bodies_of_refused_requests_are_not_shown_where_something_is_sensitive() {
    let shop = stage(json!({"name": "Hook"})).await;
    let about = json!({"path": "/2/httpapi", "status": 400, "events": 1, "bytes": 99,
        "answer": {"code": 400}, "beginning": format!(r#"{{"card":"{}"#, VALUES[0])});
    let refused = Refused {
        at: shop.world.now(),
        reason: "invalid_fields".into(),
        insert_ids: vec!["lost".into()],
        body: about.to_string(),
    };
    let journal = shop.world.lanes.journal();
    let noted = journal.note_refused(shop.project_id(), refused).await;
    noted.unwrap();
    for (path, at) in [("refused", "/items/0"), ("why?id=lost", "/refused/0")] {
        let path = format!("/projects/{}/{path}", shop.project);
        let (before, shown) = before_and_after(&shop, &path).await;
        assert!(before.contains(VALUES[0]));
        let shown = shown.pointer(at).unwrap();
        let told = ["beginning", "events", "reason"].map(|name| shown[name].clone());
        assert_eq!(json!(told), json!([null, 1, "invalid_fields"]));
    }
}

/// Where a sync has events wait for properties of their users, they are sent with values that they don't
/// show themselves.
#[tokio::test]
async fn what_is_known_of_a_user_by_now_is_not_quoted_either() {
    const MAIL: &str = "ann@example.com";
    let shop = stage(json!({"name": "Hook"})).await;
    let text = shop.world.lanes.notes().events[0].text().clone();
    let event: Value = serde_json::from_slice(&text).unwrap();
    let user = event["amplitude_id"].as_u64().unwrap();
    let known = format!(r#"{{"mail":"{MAIL}"}}"#).into_bytes();
    let key = (shop.project_id(), user);
    shop.world.lanes.notes().user_properties.insert(key, known);
    let failure = Failure {
        message: format!("example.com answered 400: {MAIL} is nobody"),
        ..failure()
    };
    let retry = Retry {
        offset: Offset(0),
        part: Part::Event,
        attempts: 1,
        due_at: shop.world.now(),
        failure,
        given: None,
    };
    shop.world.lanes.notes().retries = vec![retry.clone()];
    let settlement = Settlement {
        cursor: Offset(4),
        book: vec![retry],
        ..Settlement::default()
    };
    shop.settle(settlement).await;
    let why = format!("/projects/{}/why?id=insert%200", shop.project);
    for path in [format!("{}/retries", shop.sync), why] {
        mark(&shop, json!({})).await;
        let shown = shop.world.get(&path).await.is(200);
        assert!(shown.text.contains(MAIL), "{path}: {}", shown.text);
        mark(&shop, json!({"user": ["mail"]})).await;
        let shown = shop.world.get(&path).await.is(200);
        assert!(!shown.text.contains(MAIL), "{path}: {}", shown.text);
        assert!(
            shown.text.contains("[sensitive] is nobody"),
            "{}",
            shown.text
        );
    }
}
