//! `/identify` and `/groupidentify`.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use model::EventKind;
use serde_json::json;

use super::support::{Answer, Api, KEY, NOW, streamed, user_after};

const USER: &str = r#"{"user_id":"user-1","user_properties":{"$set":{"a":"1 & 2"}},"groups":{"org":"acme"},
    "app_version":"3","country":"Sweden","language":"sv","paying":"true","start_version":"1","platform":"iOS"}"#;

const GROUP: &str =
    r#"{"group_type":"org","group_value":["acme","b"],"group_properties":{"$set":{"size":3}}}"#;

fn encoded(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}

fn form(identification: &str) -> String {
    format!("api_key={KEY}&identification={}", encoded(identification))
}

/// Sends an identification in every way there is; the answers and the journals must be alike.
async fn every_way(path: &str, identification: &str) -> Vec<(Answer, Api)> {
    let quoted = json!({"api_key": KEY, "identification": identification}).to_string();
    let json = format!(r#"{{"api_key":"{KEY}","identification":{identification}}}"#);
    let requests = [
        Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form(identification))),
        Request::get(format!("{path}?{}", form(identification))).body(Body::empty()),
        Request::post(path)
            .header("content-type", "application/json")
            .body(Body::from(json)),
        Request::post(path).body(Body::from(quoted)),
    ];
    let mut outcomes = Vec::new();
    for request in requests {
        let api = Api::new();
        outcomes.push((api.send(request.unwrap()).await, api));
    }
    outcomes
}

#[tokio::test]
async fn a_user_is_identified_by_form_query_and_json() {
    for identification in [USER.to_owned(), format!("[{USER}]")] {
        for (answer, api) in every_way("/identify", &identification).await {
            assert_eq!(
                (answer.status, answer.text.as_str()),
                (StatusCode::OK, "success")
            );
            let events = api.journal.events();
            assert_eq!(events.len(), 1);
            let event = &events[0];
            assert_eq!(event.kind, EventKind::Identify);
            assert_eq!(user_after(event), r#"{"a":"1 & 2"}"#);
            assert_eq!(event.groups, [("org".to_owned(), vec!["acme".to_owned()])]);
            assert_eq!((event.paying, event.version.as_deref()), (true, Some("1")));
            assert_eq!(event.event_time.millis(), NOW);
            let shape = streamed(event);
            for (field, value) in [
                ("event_type", "$identify"),
                ("user_id", "user-1"),
                ("country", "Sweden"),
                ("language", "Swedish"),
                ("version_name", "3"),
                ("platform", "iOS"),
            ] {
                assert_eq!(shape[field], value, "{field}");
            }
        }
    }
}

#[tokio::test]
async fn a_group_is_identified_by_form_query_and_json() {
    for (answer, api) in every_way("/groupidentify", GROUP).await {
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (StatusCode::OK, "success")
        );
        let events = api.journal.events();
        assert_eq!(events[0].kind, EventKind::GroupIdentify);
        let names = vec!["acme".to_owned(), "b".to_owned()];
        assert_eq!(events[0].groups, [("org".to_owned(), names)]);
        assert!(!events[0].group_update.is_empty() && events[0].user_update.is_empty());
        assert_eq!((&events[0].user_id, &events[0].device_id), (&None, &None));
        let shape = streamed(&events[0]);
        assert_eq!(shape["event_type"], "$groupidentify");
        assert_eq!(shape.get("data"), None);
    }
}

#[tokio::test]
async fn wrong_identifications_are_named_by_index() {
    for (path, identification, member, fields) in [
        (
            "/identify",
            r#"{"user_properties":{}}"#,
            "missing",
            json!({"user_id": [0], "device_id": [0]}),
        ),
        (
            "/identify",
            r#"{"user_id":"none"}"#,
            "invalid",
            json!({"user_id": [0]}),
        ),
        (
            "/identify",
            r#"[{"user_id":"user-1"},{"user_id":"user-1","user_properties":{"$set":1}}]"#,
            "invalid",
            json!({"user_properties": [1]}),
        ),
        (
            "/groupidentify",
            r#"{"group_value":"a","group_properties":{}}"#,
            "missing",
            json!({"group_type": [0]}),
        ),
        (
            "/groupidentify",
            r#"{"group_type":"a","group_properties":{}}"#,
            "missing",
            json!({"group_value": [0]}),
        ),
        (
            "/groupidentify",
            r#"{"group_type":"a","group_value":"b"}"#,
            "missing",
            json!({"group_properties": [0]}),
        ),
        (
            "/groupidentify",
            r#"{"group_type":1,"group_value":{},"group_properties":{}}"#,
            "invalid",
            json!({"group_type": [0], "group_value": [0]}),
        ),
    ] {
        for (answer, api) in every_way(path, identification).await {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{identification}");
            let found = &answer.json()[format!("events_with_{member}_fields")];
            assert_eq!(found, &fields, "{identification}");
            assert!(api.journal.events().is_empty());
        }
    }
}

#[tokio::test]
async fn wrong_requests_are_refused_as_a_whole() {
    let api = Api::new();
    let too_many = format!("[{}]", vec![r#"{"user_id":"user-1"}"#; 1025].join(","));
    for (body, status, error) in [
        (String::new(), 400, "Missing request body"),
        (
            "identification={}".into(),
            400,
            "Request missing required field",
        ),
        (
            format!("api_key={KEY}"),
            400,
            "Request missing required field",
        ),
        (
            format!("api_key=x&identification={USER}"),
            400,
            "Invalid API key",
        ),
        (
            format!("api_key={KEY}&identification=nonsense"),
            400,
            "Invalid JSON request body",
        ),
        (
            format!("api_key={KEY}&identification=%FF"),
            400,
            "Invalid JSON request body",
        ),
        (
            format!("api_key={KEY}&identification=[7]"),
            400,
            "Invalid event JSON",
        ),
        (form(&too_many), 413, "Payload too large"),
    ] {
        let answer = api.post("/identify", body.clone()).await;
        let shown = body.chars().take(80).collect::<String>();
        assert_eq!(
            (answer.status.as_u16(), answer.error().as_str()),
            (status, error),
            "{shown}"
        );
    }
    let no_query = Request::get("/identify").body(Body::empty()).unwrap();
    assert_eq!(api.send(no_query).await.error(), "Missing request body");
    assert!(api.journal.events().is_empty());
}
