//! The wire: paths, answers, encodings, throttling.

use futures_util::{StreamExt as _, stream};
use std::io::Write;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use flate2::Compression;
use flate2::write::GzEncoder;
use journal::AcceptError;
use millstream_api::ingest::{Config, ProjectIngest};
use serde_json::json;

use super::support::{Api, KEY, NOW, OneProject, event_with, streamed, upload_of};

pub(crate) fn gzipped(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn events(count: usize) -> String {
    let event = event_with("");
    upload_of(&vec![event.as_str(); count])
}

#[tokio::test]
async fn accepted_events_are_in_the_journal_when_200_is_answered() {
    let api = Api::new();
    for path in ["/2/httpapi", "/batch"] {
        let body = events(2);
        let bytes = body.len();
        let answer = api.post(path, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let expected = json!({"code": 200, "events_ingested": 2, "payload_size_bytes": bytes,
            "server_upload_time": NOW});
        assert_eq!(answer.json(), expected);
    }
    let kept = api.journal.events();
    assert_eq!(kept.len(), 4);
    assert_eq!(streamed(&kept[3])["event_type"], json!("click"));
}

#[tokio::test]
async fn any_content_type_is_taken_as_json() {
    let api = Api::new();
    for content_type in ["application/json; charset=UTF-8", "text/plain", "*/*", ""] {
        let request = Request::post("/2/httpapi").header("content-type", content_type);
        let answer = api.send(request.body(Body::from(events(1))).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{content_type}");
    }
    let bare = Request::post("/2/httpapi")
        .body(Body::from(events(1)))
        .unwrap();
    assert_eq!(api.send(bare).await.status, StatusCode::OK);
}

#[tokio::test]
async fn encoded_bodies_are_decoded_and_unknown_encodings_refused() {
    let api = Api::new();
    let plain = events(3);
    for (encoding, body, status) in [
        ("gzip", gzipped(plain.as_bytes()), 200),
        ("GZIP", gzipped(plain.as_bytes()), 200),
        ("x-gzip", gzipped(plain.as_bytes()), 200),
        ("identity", plain.clone().into_bytes(), 200),
        ("gzip", plain.clone().into_bytes(), 400),
        ("gzip", gzipped(plain.as_bytes())[..40].to_vec(), 400),
        ("gzip", Vec::new(), 400),
        ("br", gzipped(plain.as_bytes()), 415),
        ("gzip, gzip", gzipped(plain.as_bytes()), 415),
    ] {
        let request = Request::post("/batch").header("content-encoding", encoding);
        let answer = api.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{encoding}: {}",
            answer.text
        );
        if status == 200 {
            assert_eq!(answer.json()["payload_size_bytes"], json!(plain.len()));
        }
    }
    assert_eq!(api.journal.events().len(), 12);
}

#[tokio::test]
async fn a_refused_request_leaves_nothing_behind() {
    let api = Api::new();
    let body = upload_of(&[&event_with(""), &event_with(r#""time":"x""#)]);
    let answer = api.post("/2/httpapi", body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.error(), "Invalid field values on some events");
    let found = answer.json();
    assert_eq!(found["events_with_invalid_fields"], json!({"time": [1]}));
    assert_eq!(found["events_with_missing_fields"], json!({}));
    assert_eq!(found.get("missing_field"), None);
    assert!(api.journal.events().is_empty());
}

#[tokio::test]
async fn a_wrong_key_is_told_from_nothing_else() {
    let api = Api::new();
    let mut answers = Vec::new();
    for key in ["ffffffffffffffffffffffffffffffff", "short", ""] {
        for events in [r#"[{"event_type":"e","user_id":"user-1"}]"#, "[{}]", "7"] {
            let body = format!(r#"{{"api_key":"{key}","events":{events}}}"#);
            answers.push(api.post("/2/httpapi", body).await.text);
        }
    }
    answers.dedup();
    assert_eq!(answers, [r#"{"code":400,"error":"Invalid API key"}"#]);
}

#[tokio::test]
async fn too_many_events_and_too_large_bodies_are_413() {
    let mut project = OneProject::new();
    (project.0.httpapi_eps, project.0.batch_eps) = (0, 0);
    let api = Api::with(Config::default(), project);
    for path in ["/2/httpapi", "/batch"] {
        assert_eq!(api.post(path, events(2000)).await.status, StatusCode::OK);
        let answer = api.post(path, events(2001)).await;
        assert_eq!(answer.text, r#"{"code":413,"error":"Payload too large"}"#);
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
    let kept = api.journal.events().len();
    for (path, limit) in [("/2/httpapi", 1 << 20), ("/batch", 20 << 20)] {
        let body = events(1);
        let padding = limit - body.len();
        let padded = |padding: usize| format!("{}{}", " ".repeat(padding), events(1));
        assert_eq!(
            api.post(path, padded(padding)).await.status,
            StatusCode::OK,
            "{path}"
        );
        assert_eq!(
            api.post(path, padded(padding + 1)).await.status.as_u16(),
            413,
            "{path}"
        );
        let announced = Request::post(path).header("content-length", limit + 1);
        let answer = api.send(announced.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), 413);
    }
    assert_eq!(api.journal.events().len(), kept + 2);
}

#[tokio::test]
async fn a_device_over_its_rate_is_throttled_and_others_are_not() {
    let api = Api::new();
    let upload = |id: &str, count: usize| {
        let event = format!(r#"{{"event_type":"e","device_id":"{id}"}}"#);
        upload_of(&vec![event.as_str(); count])
    };
    // 30 a second, averaged over 30 seconds.
    assert_eq!(
        api.post("/2/httpapi", upload("device-1", 900))
            .await
            .status
            .as_u16(),
        200
    );
    let mixed = upload_of(&[
        r#"{"event_type":"e","device_id":"device-2"}"#,
        r#"{"event_type":"e","device_id":"device-1","user_id":"user-1"}"#,
    ]);
    let answer = api.post("/2/httpapi", mixed.clone()).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let expected = json!({"code": 429, "error": "Too many requests for some devices and users",
        "eps_threshold": 30, "throttled_devices": {"device-1": 31}, "throttled_users": {},
        "throttled_events": [1]});
    assert_eq!(answer.json(), expected);
    assert_eq!(
        api.journal.events().len(),
        900,
        "the whole request is refused"
    );
    assert_eq!(
        api.post("/2/httpapi", upload("device-2", 900))
            .await
            .status
            .as_u16(),
        200
    );
    // `/batch` allows more, and counts on its own.
    assert_eq!(
        api.post("/batch", upload("device-1", 2000))
            .await
            .status
            .as_u16(),
        200
    );
    api.clock.advance(Duration::from_secs(60));
    assert_eq!(api.post("/2/httpapi", mixed).await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_threshold_of_zero_allows_everything() {
    let project = ProjectIngest {
        httpapi_eps: 0,
        ..OneProject::new().0
    };
    let api = Api::with(Config::default(), OneProject(project));
    for _ in 0..3 {
        assert_eq!(
            api.post("/2/httpapi", events(2000)).await.status.as_u16(),
            200
        );
    }
}

#[tokio::test]
async fn a_journal_that_cannot_take_events_makes_503_with_retry_after() {
    let api = Api::new();
    for (error, seconds) in [
        (AcceptError::Busy, "1"),
        (AcceptError::DiskFull, "30"),
        (AcceptError::BacklogFull { limit_bytes: 1 }, "30"),
        (AcceptError::Closed, "5"),
    ] {
        *api.journal.refusing.lock().unwrap() = Some(error);
        for path in ["/2/httpapi", "/batch"] {
            let answer = api.post(path, events(1)).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.headers["retry-after"], seconds);
            assert_eq!(answer.json()["code"], json!(503));
        }
    }
    assert!(api.journal.events().is_empty());
}

#[tokio::test]
async fn bodies_beyond_the_memory_set_aside_for_them_are_put_off() {
    let config = Config {
        buffered_body_bytes: 256 << 10,
        ..Config::default()
    };
    let api = Api::with(config, OneProject::new());
    let large = format!("{}{}", " ".repeat(300 << 10), events(1));
    let answer = api.post("/2/httpapi", large).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers["retry-after"], "1");
    // What the refused one held is free again.
    for _ in 0..5 {
        let fits = format!("{}{}", " ".repeat(150 << 10), events(1));
        assert_eq!(api.post("/2/httpapi", fits).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn silent_uploads_leave_room_for_others() {
    let config = Config {
        buffered_body_bytes: 256 << 10,
        ..Config::default()
    };
    let api = Api::with(config, OneProject::new());
    let silent = (0..100).map(|_| {
        let begun = futures_util::stream::iter([Ok::<_, std::io::Error>("{")]);
        let body = Body::from_stream(begun.chain(futures_util::stream::pending()));
        let request = Request::post("/2/httpapi").header("content-length", "900000");
        api.send(request.body(body).unwrap())
    });
    let honest = async {
        tokio::task::yield_now().await;
        api.post("/2/httpapi", events(1)).await
    };
    tokio::select! {
        biased;
        _ = futures_util::future::join_all(silent) => panic!("a silent upload was answered"),
        answer = honest => assert_eq!(answer.status, StatusCode::OK),
    }
}

#[tokio::test]
async fn browsers_of_any_origin_may_upload() {
    let api = Api::new();
    for path in ["/2/httpapi", "/batch", "/identify", "/groupidentify"] {
        let preflight = Request::options(path)
            .header("origin", "https://shop.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type");
        let answer = api.send(preflight.body(Body::empty()).unwrap()).await;
        assert!(answer.status.is_success());
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        assert_eq!(answer.headers["access-control-allow-headers"], "*");
        let methods = answer.headers["access-control-allow-methods"]
            .to_str()
            .unwrap();
        assert!(methods.contains("POST"), "{methods}");
    }
    let refused = Request::post("/2/httpapi").header("origin", "https://shop.example");
    let answer = api.send(refused.body(Body::from("{")).unwrap()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn other_methods_and_paths_are_refused() {
    let api = Api::new();
    for (method, path, status) in [
        ("GET", "/2/httpapi", 405),
        ("PUT", "/batch", 405),
        ("DELETE", "/identify", 405),
        ("POST", "/2/httpapi/more", 404),
        ("POST", "/2/other", 404),
        ("POST", "/batch/x", 404),
        ("GET", "/identify/x", 404),
    ] {
        let request = Request::builder().method(method).uri(path);
        let answer = api.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        assert_eq!(answer.error(), "Invalid request path");
    }
}

#[tokio::test]
async fn an_upload_larger_than_what_is_read_at_once_is_taken_whole() {
    let api = Api::new();
    let padding = format!(r#""event_properties":{{"text":"{}"}}"#, "x".repeat(900));
    let event = event_with(&padding);
    let body = upload_of(&vec![event.as_str(); 2000]);
    assert!(body.len() > 1_500_000);
    assert_eq!(api.post("/batch", body).await.status, StatusCode::OK);
    assert_eq!(api.journal.events().len(), 2000);
}

#[tokio::test]
async fn refused_requests_are_sampled_without_their_key() {
    let api = Api::new();
    let send = async |body: String| api.post("/2/httpapi", body).await.status.as_u16();
    for number in 0..10 {
        let events = format!(
            r#"[{{"user_id":"user-1","event_type":"x","time":[],"insert_id":"id-{number}"}}]"#
        );
        let body = format!(r#"{{"api_key":"{KEY}","events":{events}}}"#);
        assert_eq!(send(body).await, 400);
    }
    assert_eq!(
        send(format!(r#"{{"api_key":"{KEY}","events":["#)).await,
        400
    );
    assert_eq!(
        send(r#"{"api_key":"ffffffffffffffffffffffffffffffff","events":[]}"#.into()).await,
        400
    );
    assert_eq!(send("nonsense".into()).await, 400);
    let refused = api.journal.refused.lock().unwrap();
    let reasons: Vec<_> = refused.iter().map(|(_, one)| one.reason.as_str()).collect();
    // A few of each reason, and none of those of whom nobody knows whose they are.
    assert_eq!(
        reasons,
        [
            "invalid_fields",
            "invalid_fields",
            "invalid_fields",
            "invalid_json"
        ]
    );
    let (_, first) = &refused[0];
    assert_eq!(first.insert_ids, ["id-0"]);
    assert!(
        first.body.contains("[api key]") && first.body.contains("/2/httpapi"),
        "{}",
        first.body
    );
    assert!(refused.iter().all(|(_, one)| !one.body.contains(KEY)));
}

#[tokio::test]
async fn bodies_that_do_not_come_in_whole_are_sampled_by_their_beginning() {
    let api = Api::new();
    let begun =
        format!(r#"{{"api_key":"{KEY}","events":[{{"insert_id":"id-7","event_type":"x"}},"#);
    let large = format!("{begun}{}", " ".repeat(2 << 20));
    let send = async |body: Body, gzip: bool| {
        let request = Request::post("/2/httpapi");
        let request = match gzip {
            true => request.header("content-encoding", "gzip"),
            false => request,
        };
        api.send(request.body(body).unwrap()).await.status.as_u16()
    };
    assert_eq!(send(Body::from(large.clone()), false).await, 413);
    assert_eq!(send(Body::from(gzipped(large.as_bytes())), true).await, 413);
    let breaks_off = stream::iter([
        Ok(Bytes::from(begun.clone())),
        Err(std::io::Error::other("gone")),
    ]);
    assert_eq!(send(Body::from_stream(breaks_off), false).await, 400);
    // Of one that says nothing nobody knows whose it is.
    let silent = stream::iter([Err::<Bytes, _>(std::io::Error::other("gone"))]);
    assert_eq!(send(Body::from_stream(silent), false).await, 400);
    let refused = api.journal.refused.lock().unwrap();
    let reasons: Vec<_> = refused.iter().map(|(_, one)| one.reason.as_str()).collect();
    assert_eq!(reasons, ["too_large", "too_large", "incomplete"]);
    for (_, one) in refused.iter() {
        assert_eq!(one.insert_ids, ["id-7"]);
        assert!(one.body.contains("[api key]") && !one.body.contains(KEY));
    }
}
