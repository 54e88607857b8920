//! The built-in receiver over HTTP.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::{Server, exchange, request};

fn page(server: &Server, path: &str) -> Value {
    let (status, body) = request(server.address, "GET", path, "").expect("an answer");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).expect("JSON")
}

#[test]
fn a_request_is_recorded_as_it_arrived_without_its_credentials() {
    let server = Server::start("");
    let headers = [
        ("Millstream-Delivery-Id", "dlv_1"),
        ("Millstream-Attempt", "2"),
        ("Authorization", "Bearer hunter2"),
        ("X-Tenant", "acme"),
    ];
    exchange(
        server.address,
        "PUT",
        "/receiver/in/box/below?x=1",
        &headers,
        r#"{"n":1.10}"#,
    )
    .unwrap();
    let page = page(&server, "/receiver/api/box");
    let recorded = &page["requests"][0];
    assert_eq!(recorded["method"], "PUT");
    assert_eq!(recorded["path"], "/receiver/in/box/below?x=1");
    assert_eq!(recorded["body"], r#"{"n":1.10}"#);
    assert_eq!(recorded["delivery_id"], "dlv_1");
    assert_eq!(recorded["attempt"], 2);
    assert!(recorded["received_at"].as_i64().unwrap() > 1_700_000_000_000);
    let shown = page.to_string();
    assert!(
        shown.contains("acme") && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[test]
fn an_answer_is_what_the_address_asks_for() {
    let server = Server::start("");
    let (head, _) = exchange(
        server.address,
        "POST",
        "/receiver/in/box?status=503&retry_after=7",
        &[],
        "{}",
    )
    .unwrap();
    assert!(
        head.starts_with("HTTP/1.1 503") && head.to_lowercase().contains("retry-after: 7"),
        "{head}"
    );
    let began = Instant::now();
    let (status, _) = request(
        server.address,
        "POST",
        "/receiver/in/box?delay_ms=300",
        "{}",
    )
    .unwrap();
    assert_eq!(status, 200);
    assert!(began.elapsed() >= Duration::from_millis(300));
    for wrong in [
        "/receiver/in/box?status=99",
        "/receiver/in/box?status=x",
        "/receiver/in/b%20x",
    ] {
        assert_eq!(
            request(server.address, "POST", wrong, "{}").unwrap().0,
            400,
            "{wrong}"
        );
    }
    assert_eq!(page(&server, "/receiver/api/box")["counts"]["refused"], 1);
}

#[test]
fn a_question_with_a_wait_is_answered_when_something_arrives() {
    let server = Server::start("");
    request(server.address, "POST", "/receiver/in/box", "1").unwrap();
    let address = server.address;
    let asked = std::thread::spawn(move || {
        request(
            address,
            "GET",
            "/receiver/api/box?after=1&wait_ms=20000",
            "",
        )
        .unwrap()
        .1
    });
    std::thread::sleep(Duration::from_millis(200));
    assert!(!asked.is_finished());
    request(address, "POST", "/receiver/in/box", "2").unwrap();
    let answer: Value = serde_json::from_str(&asked.join().unwrap()).unwrap();
    assert_eq!(answer["requests"][0]["body"], "2");
}

#[test]
fn a_cleared_inbox_is_empty_and_a_body_that_is_too_long_is_refused() {
    let server = Server::start("receiver.body_max_bytes = 10");
    assert_eq!(
        request(server.address, "POST", "/receiver/in/box", &"x".repeat(11))
            .unwrap()
            .0,
        413
    );
    assert_eq!(
        request(server.address, "POST", "/receiver/in/box", "short")
            .unwrap()
            .0,
        200
    );
    assert_eq!(page(&server, "/receiver/api/box")["counts"]["requests"], 1);
    assert_eq!(
        request(server.address, "DELETE", "/receiver/api/box", "")
            .unwrap()
            .0,
        204
    );
    assert_eq!(
        request(server.address, "DELETE", "/receiver/api/box", "")
            .unwrap()
            .0,
        404
    );
    assert_eq!(page(&server, "/receiver/api/box")["counts"]["requests"], 0);
}

#[test]
fn the_page_loads_nothing_from_elsewhere_and_has_no_inline_script() {
    let server = Server::start("");
    let (head, html) = exchange(server.address, "GET", "/receiver/", &[], "").unwrap();
    let head = head.to_lowercase();
    assert!(
        head.contains("content-security-policy: default-src 'none'; script-src 'self'"),
        "{head}"
    );
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("onclick"));
    for asset in [
        "/receiver/page.js",
        "/receiver/page.css",
        "/receiver/icon.svg",
    ] {
        assert!(html.contains(asset) || asset.ends_with("svg"));
        assert_eq!(
            request(server.address, "GET", asset, "").unwrap().0,
            200,
            "{asset}"
        );
    }
}
