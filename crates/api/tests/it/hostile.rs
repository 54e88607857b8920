//! Input made to hurt: the right status, nothing stored, and no time or memory lost on it.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use futures_util::{StreamExt, stream};

use super::http::gzipped;
use super::support::{Api, KEY, event_with, upload_of};

async fn refused(path: &str, body: impl Into<Body>) -> (StatusCode, String) {
    let api = Api::new();
    let answer = api.post(path, body).await;
    assert!(api.journal.events().is_empty(), "{}", answer.text);
    (answer.status, answer.error())
}

#[tokio::test]
async fn malformed_bodies_are_400() {
    let valid = upload_of(&[&event_with("")]);
    let mut bodies: Vec<Vec<u8>> = vec![
        b"\xff\xfe\x00".to_vec(),
        valid.replace("click", "cl\u{1}ick").into_bytes(),
        valid.replace('"', "'").into_bytes(),
        format!("{valid},").into_bytes(),
        valid.replace("click", r"\ud83d\u12").into_bytes(),
        b"[".repeat(1_000_000),
        br#"{"a":"#.repeat(100_000),
    ];
    let mut invalid_utf8 = valid.clone().into_bytes();
    let at = valid.find("click").unwrap();
    invalid_utf8[at] = 0xc3;
    bodies.push(invalid_utf8);
    bodies.extend((1..valid.len()).map(|end| valid.as_bytes()[..end].to_vec()));
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        let answer = refused("/2/httpapi", body).await;
        let expected = (
            StatusCode::BAD_REQUEST,
            "Invalid JSON request body".to_owned(),
        );
        assert_eq!(answer, expected, "{shown}");
    }
}

#[tokio::test]
async fn deep_values_and_too_many_of_them_are_400() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(41), "}".repeat(41));
    let many: Vec<String> = (0..20_000).map(|i| format!(r#""k{i}":1"#)).collect();
    let many = format!("{{{}}}", many.join(","));
    for value in [&deep, &many] {
        for field in [
            "event_properties",
            "user_properties",
            "group_properties",
            "unknown",
        ] {
            let event = event_with(&format!(r#""{field}":{value}"#));
            let (status, error) = refused("/2/httpapi", upload_of(&[&event])).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{field}");
            assert_eq!(error, "Invalid field values on some events");
        }
    }
    let updates: Vec<String> = (0..1001).map(|i| format!(r#""k{i}":1"#)).collect();
    let update = format!(r#""user_properties":{{"$set":{{{}}}}}"#, updates.join(","));
    let (status, _) = refused("/2/httpapi", upload_of(&[&event_with(&update)])).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_million_properties_are_400() {
    let properties: Vec<String> = (0..1_000_000).map(|i| format!(r#""{i:x}":{i}"#)).collect();
    let event = event_with(&format!(
        r#""event_properties":{{{}}}"#,
        properties.join(",")
    ));
    let (status, error) = refused("/batch", upload_of(&[&event])).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(error, "Invalid JSON request body");
}

#[tokio::test]
async fn numbers_keep_their_text_and_those_beyond_a_double_are_refused() {
    let api = Api::new();
    let digits = "9".repeat(300);
    let kept = event_with(&format!(
        r#""event_properties":{{"n":{digits},"e":1.50e-300}}"#
    ));
    assert_eq!(
        api.post("/2/httpapi", upload_of(&[&kept])).await.status,
        StatusCode::OK
    );
    let fields = String::from_utf8(api.journal.events()[0].fields.clone()).unwrap();
    assert!(fields.contains(&digits) && fields.contains("1.50e-300"));
    let huge = "9".repeat(5000);
    for wrong in [
        format!(r#""time":{digits}"#),
        format!(r#""session_id":{digits}"#),
        format!(r#""event_id":{digits}"#),
        format!(r#""price":{huge}"#),
        format!(r#""location_lat":{huge}"#),
        format!(r#""event_properties":{{"n":{huge}}}"#),
        r#""event_properties":{"n":1e999999999}"#.to_owned(),
        r#""user_properties":{"n":[1e-999999999]}"#.to_owned(),
    ] {
        let (status, _) = refused("/2/httpapi", upload_of(&[&event_with(&wrong)])).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong:.40}");
    }
}

#[tokio::test]
async fn gzip_bombs_are_413_and_not_inflated() {
    let bomb = gzipped(&vec![b' '; 200 << 20]);
    assert!(bomb.len() < 1 << 20);
    let nested = gzipped(&bomb);
    for (path, body, status) in [
        ("/2/httpapi", bomb.clone(), 413),
        ("/batch", bomb, 413),
        ("/batch", nested, 400),
    ] {
        let api = Api::new();
        let request = Request::post(path).header("content-encoding", "gzip");
        let answer = api.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(api.journal.events().is_empty());
    }
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_is_taken() {
    let api = Api::new();
    let bytes = upload_of(&[&event_with("")]).into_bytes();
    let pieces = bytes
        .into_iter()
        .map(|b| Ok::<_, Infallible>(Bytes::from(vec![b])));
    let answer = api
        .post("/2/httpapi", Body::from_stream(stream::iter(pieces)))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(api.journal.events().len(), 1);
}

#[tokio::test]
async fn a_body_that_stops_coming_is_408() {
    let api = Api::new();
    let begun = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{\"api_key\":"))]);
    let body = Body::from_stream(begun.chain(stream::pending()));
    let (answer, ()) = tokio::join!(
        api.post("/2/httpapi", body),
        api.advance(Duration::from_secs(10))
    );
    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(answer.json()["code"], 408);
}

#[tokio::test]
async fn a_body_that_drips_for_too_long_is_408() {
    let api = Api::new();
    let clock = std::sync::Arc::clone(&api.clock);
    let drops = stream::unfold(clock, |clock| async move {
        clock.advance(Duration::from_secs(9));
        Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), clock))
    });
    // Each piece comes in time, but there is no end of them.
    let answer = api.post("/2/httpapi", Body::from_stream(drops)).await;
    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_taken() {
    let api = Api::new();
    let pieces = [
        Ok(Bytes::from(upload_of(&[&event_with("")]))),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ];
    let answer = api
        .post("/2/httpapi", Body::from_stream(stream::iter(pieces)))
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(api.journal.events().is_empty());
}

#[tokio::test]
async fn an_endless_body_is_413() {
    let endless = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from(vec![b' '; 10_000])));
    let (status, error) = refused("/2/httpapi", Body::from_stream(endless)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(error, "Payload too large");
}

#[tokio::test]
async fn repeated_members_are_not_streamed_twice() {
    let api = Api::new();
    let event = r#"{"event_type":"a","user_id":"user-1","event_type":"b","city":"x","city":"y",
        "$insert_id":"mine","insert_id":"i-1","data":{"data":1},"uuid":"forged","app":"forged"}"#;
    assert_eq!(
        api.post("/2/httpapi", upload_of(&[event])).await.status,
        StatusCode::OK
    );
    let shape = super::support::streamed(&api.journal.events()[0]);
    assert_eq!(
        (&shape["event_type"], &shape["city"]),
        (&"b".into(), &"y".into())
    );
    assert_eq!(shape["$insert_id"], "i-1");
    assert_ne!(shape["uuid"], "forged");
    assert_eq!(shape["data"]["uuid"], "forged");
}

#[tokio::test]
async fn neither_keys_nor_bodies_come_back_in_answers() {
    let api = Api::new();
    for body in [
        format!(r#"{{"api_key":"{KEY}","events":[{{"secret-text" 1}}]}}"#),
        format!(r#"{{"api_key":"{KEY}","events":[{{"event_type":"secret-text","time":"x"}}]}}"#),
    ] {
        let answer = api.post("/2/httpapi", body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(!answer.text.contains("secret-text") && !answer.text.contains(KEY));
    }
}
