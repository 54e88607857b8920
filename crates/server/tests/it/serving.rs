//! `millstream serve`: files, health, metrics, protocols, ending.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::process::{Server, eventually, free_address, mode, request};

#[test]
fn the_first_start_makes_a_private_folder_and_token_and_later_ones_keep_them() {
    let server = Server::start("");
    let token_file = server.data().join("admin-token");
    assert_eq!((mode(&server.data()), mode(&token_file)), (0o700, 0o600));
    let token = fs::read_to_string(&token_file).unwrap();
    assert!(
        !server.log().contains(token.trim()),
        "the token must not be logged"
    );
    let (folder, ended_well) = server.terminate();
    assert!(ended_well);
    let server = Server::start_in(folder, "");
    assert_eq!(fs::read_to_string(&token_file).unwrap(), token);
    assert_eq!(server.json(&["project", "list"]), serde_json::json!([]));
}

#[test]
fn files_are_private_in_a_folder_that_others_may_enter_too() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let server = Server::start_in(folder, "");
    for file in [
        "control.db",
        "journal/journal.db",
        "secret.key",
        "admin-token",
    ] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    assert!(server.terminate().1);
}

#[test]
fn health_metrics_and_request_ids_are_there() {
    let server = Server::start("");
    assert_eq!(
        request(server.address, "GET", "/health/live", "")
            .unwrap()
            .0,
        200
    );
    let (status, body) = request(server.address, "GET", "/health/ready", "").unwrap();
    assert_eq!((status, body.contains("\"ready\":true")), (200, true));
    let (_, metrics) = request(server.address, "GET", "/metrics", "").unwrap();
    for name in [
        "millstream_journal_commits_total",
        "millstream_journal_refusing 0",
        "# TYPE millstream_journal_commit_seconds histogram",
        "millstream_journal_commit_events_bucket{le=\"+Inf\"}",
    ] {
        assert!(metrics.contains(name), "{name} is missing in\n{metrics}");
    }
    let (head, _) =
        crate::process::exchange(server.address, "GET", "/health/live", &[], "").unwrap();
    assert!(head.to_lowercase().contains("x-request-id: "), "{head}");
}

#[test]
fn with_a_control_address_the_public_one_takes_events_only() {
    let control = free_address();
    let server = Server::start(&format!("control.listen = \"{control}\""));
    for path in ["/metrics", "/receiver/", "/api/v1/me", "/sign-in"] {
        assert_eq!(
            request(server.address, "GET", path, "").unwrap().0,
            404,
            "{path}"
        );
        assert_ne!(request(control, "GET", path, "").unwrap().0, 404, "{path}");
    }
    assert_eq!(
        request(server.address, "POST", "/2/httpapi", "").unwrap().0,
        400
    );
    assert_eq!(request(control, "GET", "/health/live", "").unwrap().0, 200);
}

#[test]
fn what_no_route_takes_is_answered_with_a_reason() {
    let control = free_address();
    let server = Server::start(&format!("control.listen = \"{control}\""));
    for (address, method, path, status) in [
        (server.address, "GET", "/", 404),
        (server.address, "POST", "/3/nothing", 404),
        (server.address, "POST", "/health/live", 405),
        (server.address, "GET", "/2/httpapi", 405),
        (server.address, "POST", "/2/nothing", 404),
        (control, "GET", "/nothing", 404),
        (control, "POST", "/metrics", 405),
        (control, "POST", "/sign-in", 405),
        (control, "GET", "/api/v1/nothing", 404),
        (control, "PUT", "/api/v1/me", 405),
        (control, "PUT", "/receiver/in/box", 200),
    ] {
        let (found, body) = request(address, method, path, "").unwrap();
        assert_eq!(found, status, "{method} {path}: {body}");
        if status != 200 {
            let body: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
            let words = [&body["detail"], &body["error"]];
            assert!(
                words.iter().any(|text| text.is_string()),
                "{method} {path}: {body}"
            );
        }
    }
}

#[test]
fn a_control_request_that_takes_too_long_is_given_up_with_a_reason() {
    let server = Server::start("control.request_timeout = \"300ms\"");
    let path = "/receiver/api/box?after=0&wait_ms=10000";
    let (status, body) = request(server.address, "GET", path, "").unwrap();
    assert_eq!(
        (status, body.contains("took too long")),
        (408, true),
        "{body}"
    );
}

#[test]
fn a_client_that_sends_its_head_too_slowly_is_cut_off() {
    let server = Server::start("http.header_read_timeout = \"300ms\"");
    for beginning in ["", "P", "PRI * HT", "POST /2/httpapi HTTP/1.1\r\nhost:"] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream.write_all(beginning.as_bytes()).unwrap();
        // An answer or a reset may come; what counts is that the end comes.
        let mut rest = Vec::new();
        let end = stream.read_to_end(&mut rest).map_err(|error| error.kind());
        let cut_off = matches!(end, Ok(_) | Err(ErrorKind::ConnectionReset));
        assert!(cut_off, "{beginning:?}: {end:?}");
    }
}

#[test]
fn http_2_without_tls_is_understood() {
    let server = Server::start("");
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(50));
    stream
        .write_all(b"\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(head[3], 4, "the first frame is SETTINGS");
}

#[test]
fn events_that_wait_when_the_server_ends_are_delivered_after_the_next_start() {
    let server = Server::start("");
    let project = server.json(&["project", "create", "Shop"]);
    let api_key = project["project"]["api_key"].as_str().unwrap().to_owned();
    let destination = free_address();
    let url = format!("http://{destination}/");
    server.json(&[
        "sync",
        "create",
        "webhook",
        "--project",
        "Shop",
        "--url",
        &url,
        "--name",
        "Box",
        "--disabled",
    ]);
    server.json(&["sync", "enable", "Box"]);
    server.json(&["sync", "disable", "Box"]);
    let body = format!(
        r#"{{"api_key":"{api_key}","events":[{{"user_id":"user-1","event_type":"Bought"}}]}}"#
    );
    assert_eq!(
        request(server.address, "POST", "/2/httpapi", &body)
            .unwrap()
            .0,
        200
    );
    let (folder, ended_well) = server.terminate();
    assert!(ended_well);

    let listener = std::net::TcpListener::bind(destination).unwrap();
    let server = Server::start_in(folder, "");
    server.json(&["sync", "enable", "Box"]);
    let (mut stream, _) = listener.accept().unwrap();
    let mut head = [0; 4096];
    let length = stream.read(&mut head).unwrap();
    assert!(String::from_utf8_lossy(&head[..length]).contains("millstream-delivery-id: dlv_"));
    stream
        .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
        .unwrap();
    eventually("the delivery is counted", || {
        server.json(&["sync", "show", "Box"])["status"]["counts"]["delivered_first"] == 1
    });
}

#[test]
fn a_destination_that_hangs_holds_the_end_up_no_longer_than_the_deadline() {
    let server = Server::start("shutdown.deadline = \"4s\"");
    let project = server.json(&["project", "create", "Shop"]);
    let api_key = project["project"]["api_key"].as_str().unwrap();
    // Takes connections, and never answers.
    let destination = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", destination.local_addr().unwrap());
    server.json(&[
        "sync",
        "create",
        "webhook",
        "--project",
        "Shop",
        "--url",
        &url,
    ]);
    let event = r#"{"user_id":"user-1","event_type":"Bought"}"#;
    let body = format!(r#"{{"api_key":"{api_key}","events":[{event}]}}"#);
    request(server.address, "POST", "/2/httpapi", &body).unwrap();
    let _request = destination.accept().unwrap();
    let begun = std::time::Instant::now();
    let (_folder, ended_well) = server.terminate();
    let took = begun.elapsed();
    assert!(ended_well);
    let expected = Duration::from_millis(2500)..Duration::from_millis(4500);
    assert!(expected.contains(&took), "{took:?}");
}

#[test]
fn a_second_signal_ends_at_once() {
    let server = Server::start("");
    // A request that isn't finished holds the orderly end up.
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream
        .write_all(b"POST /receiver/in/box HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    server.signal("-TERM");
    std::thread::sleep(Duration::from_millis(300));
    let (_folder, ended_well) = server.terminate();
    assert!(!ended_well);
}
