//! What is refused, where, and in which words.

use model::access::Role;
use serde_json::{Value, json};

use super::World;

#[tokio::test]
async fn what_a_sync_cannot_have_is_refused_with_its_place() {
    let world = World::new().await;
    let syncs = world.syncs().await;
    let header =
        |name: &str, value: &str| json!({"name": "n", "headers": [{"name": name, "value": value}]});
    let six: Vec<Value> = (0..6)
        .map(|i| json!({"name": format!("x-{i}"), "value": ""}))
        .collect();
    let cases = [
        (json!({}), "/name", "required"),
        (json!({"name": " "}), "/name", "give it a name"),
        (json!({"name": "a\nb"}), "/name", "control"),
        (json!({"name": "x".repeat(201)}), "/name", "at most 200"),
        (json!({"name": 7}), "/name", "expected a string"),
        (
            json!({"name": "n", "header": []}),
            "/header",
            "did you mean `headers`?",
        ),
        (
            json!({"name": "n", "events": {"tmplate": ""}}),
            "/events/tmplate",
            "did you mean `template`?",
        ),
        (
            json!({"name": "n", "xyzzy": 1}),
            "/xyzzy",
            "expected one of name, notes, definition, enabled, url",
        ),
        (
            json!({"name": "n", "url": "example.com"}),
            "/url",
            "absolute URL",
        ),
        (
            json!({"name": "n", "url": "ftp://example.com"}),
            "/url",
            "absolute URL",
        ),
        (
            json!({"name": "n", "url": "https://u:p@example.com"}),
            "/url",
            "Authorization",
        ),
        (
            json!({"name": "n", "url": "https://exa mple.com"}),
            "/url",
            "not a URL",
        ),
        (
            json!({"name": "n", "headers": six}),
            "/headers",
            "at most 5, not 6",
        ),
        (
            header("Host", "x"),
            "/headers/0/name",
            "belongs to the connection",
        ),
        (
            header("content-length", "1"),
            "/headers/0/name",
            "belongs to the connection",
        ),
        (
            header("Transfer-Encoding", "x"),
            "/headers/0/name",
            "belongs to the connection",
        ),
        (
            header("Millstream-Delivery-Id", "x"),
            "/headers/0/name",
            "are ours",
        ),
        (header("a b", "x"), "/headers/0/name", "not a header name"),
        (header("", "x"), "/headers/0/name", "not a header name"),
        (
            header("x", "a\r\nEvil: 1"),
            "/headers/0/value",
            "no line breaks",
        ),
        (header("x", "a\u{1}"), "/headers/0/value", "no line breaks"),
        (
            json!({"name": "n", "headers": [{"name": "x"}]}),
            "/headers/0/value",
            "required",
        ),
        (
            json!({"name": "n", "headers": [{"name": "x", "value": ""}, {"name": "X", "value": ""}]}),
            "/headers/1/name",
            "already there",
        ),
        (
            json!({"name": "n", "parameters": {"url": {"value": "x"}}}),
            "/parameters/url",
            "field of its own",
        ),
        (
            json!({"name": "n", "parameters": {"a-b": {"value": "x"}}}),
            "/parameters/a-b",
            "letters, digits",
        ),
        (
            json!({"name": "n", "parameters": {"a": {}}}),
            "/parameters/a/value",
            "required",
        ),
        (
            json!({"name": "n", "concurrency": 0}),
            "/concurrency",
            "from 1 to 1000",
        ),
        (
            json!({"name": "n", "requests_per_minute": 0}),
            "/requests_per_minute",
            "from 1 to 1000000",
        ),
        (
            json!({"name": "n", "wait_for_properties_seconds": 59}),
            "/wait_for_properties_seconds",
            "from 60 to 86400",
        ),
        (
            json!({"name": "n", "concurrency": -1}),
            "/concurrency",
            "expected u16",
        ),
        (
            json!({"name": "n", "user_agent": "mozilla"}),
            "/user_agent",
            "expected one of millstream, original",
        ),
        (
            json!({"name": "n", "events": {"select": {"types": [{"event_type": ""}]}}}),
            "/events/select/types/0/event_type",
            "give an event type",
        ),
        (
            json!({"name": "n", "events": {"select": {"types": [{"event_type": "a"}, {"event_type": "a"}]}}}),
            "/events/select/types/1/event_type",
            "already there",
        ),
        (
            json!({"name": "n", "events": {"template": "x".repeat(300 << 10)}}),
            "/events/template",
            "at most 262144 bytes",
        ),
    ];
    for (body, pointer, message) in cases {
        let answer = world.post(&syncs, body.clone()).await;
        let problem = answer.problem(422, "invalid_fields");
        let shown: String = body.to_string().chars().take(200).collect();
        assert_eq!(answer.pointers(), [pointer], "{shown}: {problem}");
        let said = problem["errors"][0]["message"].as_str().unwrap();
        assert!(said.contains(message), "{shown}: {said}");
    }
    assert_eq!(world.get(&syncs).await.json()["items"], json!([]));
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once() {
    let world = World::new().await;
    let syncs = world.syncs().await;
    let body = json!({"url": "x", "concurrency": 0, "headers": [{"name": "host", "value": "\n"}]});
    let answer = world.post(&syncs, body).await;
    answer.problem(422, "invalid_fields");
    let mut pointers = answer.pointers();
    pointers.sort();
    assert_eq!(
        pointers,
        [
            "/concurrency",
            "/headers/0/name",
            "/headers/0/value",
            "/name",
            "/url"
        ]
    );
}

#[tokio::test]
async fn what_is_legal_is_taken() {
    let world = World::new().await;
    let syncs = world.syncs().await;
    for url in [
        "http://localhost:9000/x",
        "https://example.com/${parameters.path}?q=1",
        "${parameters.base}/hook",
        "https://[2001:db8::1]:8443/",
        "<#if input.user_id??>https://a.example<#else>https://b.example</#if>",
    ] {
        let made = world
            .post(&syncs, json!({"name": "Größe 😀", "url": url}))
            .await;
        assert_eq!(made.status.as_u16(), 201, "{url}: {}", made.text);
        assert_eq!(made.json()["url"], url);
        assert_eq!(made.json()["name"], "Größe 😀");
    }
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused_with_their_place() {
    let world = World::new().await;
    let call = |content_type: &str, body: &str| {
        world
            .call("POST", &world.projects())
            .text(content_type, body)
            .send()
    };
    let broken = call("application/json", "{\n  \"name\": x}").await;
    let problem = broken.problem(400, "malformed_body");
    assert_eq!(problem["errors"][0]["line"], 2);
    assert_eq!(problem["errors"][0]["column"], 11);
    call("application/json", "")
        .await
        .problem(400, "malformed_body");
    call("application/json", &"[".repeat(1000))
        .await
        .problem(400, "malformed_body");
    call("text/plain", "{}")
        .await
        .problem(415, "unsupported_media_type");
    call("application/json; charset=utf-8", "[]")
        .await
        .problem(422, "invalid_fields");
    let long = format!("{{\"name\": \"{}\"}}", "x".repeat(2 << 20));
    call("application/json", &long)
        .await
        .problem(413, "body_too_large");
}

#[tokio::test]
async fn thresholds_of_a_project_are_whole_numbers() {
    let world = World::new().await;
    for (throttle, pointer) in [
        (json!({"http": -1, "batch": 1}), "/throttle/http"),
        (json!({"http": 1.5, "batch": 1}), "/throttle/http"),
        (json!({"http": 1}), "/throttle/batch"),
        (
            json!({"http": 1, "batch": 5_000_000_000u64}),
            "/throttle/batch",
        ),
        (json!({"http": 1, "bach": 5}), "/throttle/bach"),
    ] {
        let answer = world
            .post(
                &world.projects(),
                json!({"name": "p", "throttle": throttle}),
            )
            .await;
        answer.problem(422, "invalid_fields");
        assert_eq!(answer.pointers(), [pointer]);
    }
}

#[tokio::test]
async fn names_have_nothing_that_hides_or_reorders_what_is_read() {
    let world = World::new().await;
    let owner = world.person(Role::Owner).await;
    let syncs = world.syncs().await;
    let places = [
        ("POST", world.projects()),
        ("PATCH", world.of_organisation("")),
        ("POST", syncs),
        ("POST", world.of_organisation("/tokens")),
        ("PATCH", "/me".to_owned()),
    ];
    let send = async |method: &str, path: &str, name: &str| {
        let call = world.anonymous(method, path).cookie(&owner.cookie);
        let call = call.header("if-match", "*");
        call.json(json!({"name": name})).send().await
    };
    for (method, path) in &places {
        for strange in [
            "\u{202e}evil",
            "a\u{2066}b",
            "a\u{200b}b",
            "a\u{feff}",
            "a\u{ad}b",
            "a\u{e0041}",
            "a\u{2028}b",
            "a\u{2029}b",
            "a\u{85}b",
            "\u{3164}",
        ] {
            let refused = send(method, path, strange).await;
            refused.problem(422, "invalid_fields");
            assert_eq!(refused.pointers(), ["/name"], "{path} {strange:?}");
        }
        let taken = send(
            method,
            path,
            "\u{2003} M\u{fc}ller \u{5e9}\u{5dc} \u{1f600} ",
        )
        .await;
        assert!(taken.status.is_success(), "{}", taken.text);
        assert!(
            taken
                .text
                .contains("\"M\u{fc}ller \u{5e9}\u{5dc} \u{1f600}\""),
            "{}",
            taken.text
        );
    }
}
