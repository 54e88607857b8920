//! The commands that speak to a server, against the real one.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use crate::process::{Server, eventually, millstream, request, run, text};

#[test]
fn a_project_is_made_listed_shown_and_deleted() {
    let server = Server::start("");
    let made = server.json(&["project", "create", "Shop"]);
    assert_eq!(made["project"]["name"], "Shop");
    assert!(made["secret_key"].as_str().unwrap().len() >= 32);
    let id = made["project"]["id"].as_str().unwrap();
    assert_eq!(server.json(&["project", "list"])[0]["id"], id);
    assert_eq!(server.json(&["project", "show", "Shop"])["id"], id);
    assert_eq!(server.json(&["project", "show", id])["name"], "Shop");
    server.json(&["project", "delete", "Shop"]);
    let gone = server.command(&["project", "show", id]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(text(&gone.stderr).contains(id));
}

#[test]
fn a_webhook_sync_delivers_by_its_template_and_can_be_paused_and_deleted() {
    let server = Server::start("");
    let project = server.json(&["project", "create", "Shop"]);
    let api_key = project["project"]["api_key"].as_str().unwrap();
    let template = server.folder.path().join("body.ftl");
    fs::write(
        &template,
        r#"{"what": "${input.event_type}", "who": "${input.user_id}"}"#,
    )
    .unwrap();
    let url = format!("http://{}/receiver/in/box", server.address);
    let sync = server.json(&[
        "sync",
        "create",
        "webhook",
        "--project",
        "Shop",
        "--url",
        &url,
        "--name",
        "Box",
        "--header",
        "X-Tenant: acme",
        "--event",
        "Bought",
        "--template",
        template.to_str().unwrap(),
    ]);
    assert_eq!(
        (&sync["name"], &sync["enabled"]),
        (&"Box".into(), &true.into())
    );

    let event = |event_type: &str| format!(r#"{{"user_id":"user-1","event_type":"{event_type}"}}"#);
    let body = format!(
        r#"{{"api_key":"{api_key}","events":[{},{}]}}"#,
        event("Looked"),
        event("Bought")
    );
    let (status, answer) = request(server.address, "POST", "/2/httpapi", &body).unwrap();
    assert_eq!(status, 200, "{answer}");
    let inbox = || {
        request(server.address, "GET", "/receiver/api/box", "")
            .unwrap()
            .1
    };
    eventually("the selected event arrives", || inbox().contains("Bought"));
    let page: serde_json::Value = serde_json::from_str(&inbox()).unwrap();
    assert_eq!(page["counts"]["requests"], 1);
    assert_eq!(
        page["requests"][0]["body"],
        r#"{"what": "Bought", "who": "user-1"}"#
    );
    assert!(page["requests"][0]["headers"].to_string().contains("acme"));

    eventually("the delivery is counted", || {
        let shown = server.json(&["sync", "show", "Box"]);
        shown["status"]["counts"]["delivered_first"] == 1
            && shown["status"]["counts"]["filtered"] == 1
    });
    assert_eq!(
        server.json(&["sync", "list", "--project", "Shop"])[0]["id"],
        sync["id"]
    );
    assert_eq!(server.json(&["sync", "disable", "Box"])["enabled"], false);
    assert_eq!(server.json(&["sync", "enable", "Box"])["enabled"], true);
    assert_eq!(
        server.json(&["sync", "retries", "Box"]),
        serde_json::json!([])
    );
    assert_eq!(
        server.json(&["sync", "ended", "Box"]),
        serde_json::json!([])
    );
    server.json(&["sync", "delete", "Box"]);
    assert_eq!(server.json(&["sync", "list"]), serde_json::json!([]));
}

#[test]
fn a_delivery_that_fails_is_listed_with_its_reason_and_its_sync_needs_a_confirmation_to_go() {
    let server = Server::start("tries.max = 1");
    let project = server.json(&["project", "create", "Shop"]);
    let api_key = project["project"]["api_key"].as_str().unwrap();
    let url = format!("http://{}/receiver/in/box?status=418", server.address);
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
    ]);
    let body = format!(
        r#"{{"api_key":"{api_key}","events":[{{"user_id":"user-1","event_type":"Bought"}}]}}"#
    );
    assert_eq!(
        request(server.address, "POST", "/2/httpapi", &body)
            .unwrap()
            .0,
        200
    );
    eventually("the retry is booked", || {
        server.json(&["sync", "retries", "Box"])[0]["failure"]["status"] == 418
    });
    let refused = server.command(&["sync", "delete", "Box"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("`--confirm 1`"),
        "{}",
        text(&refused.stderr)
    );
    server.json(&["sync", "delete", "Box", "--confirm", "1"]);
}

#[test]
fn a_template_that_cant_be_used_is_refused_with_its_place() {
    let server = Server::start("");
    server.json(&["project", "create", "Shop"]);
    let template = server.folder.path().join("body.ftl");
    fs::write(&template, "{\n  \"a\": ${input.\n}").unwrap();
    let template = template.to_str().unwrap();
    let create = [
        "sync",
        "create",
        "webhook",
        "--project",
        "Shop",
        "--url",
        "https://example.com",
        "--template",
        template,
    ];
    let refused = server.command(&create);
    let error = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        error.contains("template") && error.contains("line "),
        "{error}"
    );
}

#[test]
fn figures_are_shown_of_a_sync_and_of_its_project() {
    let server = Server::start("");
    let project = server.json(&["project", "create", "Shop"]);
    let api_key = project["project"]["api_key"].as_str().unwrap();
    let url = format!("http://{}/receiver/in/box", server.address);
    let create = ["sync", "create", "webhook", "--project", "Shop"];
    server.json(&[&create[..], &["--url", &url, "--name", "Box"]].concat());
    let body = format!(
        r#"{{"api_key":"{api_key}","events":[{{"user_id":"user-1","event_type":"Bought"}}]}}"#
    );
    let (status, answer) = request(server.address, "POST", "/2/httpapi", &body).unwrap();
    assert_eq!(status, 200, "{answer}");
    eventually("the delivery is counted", || {
        server.json(&["sync", "figures", "Box"])["totals"]["delivered_first"] == 1
    });
    let shown = server.json(&["project", "figures", "Shop", "--since", "2d"]);
    assert_eq!(
        (&shown["step"], &shown["totals"]["received"]),
        (&"hour".into(), &1.into())
    );
    let shown = server.command(&["sync", "figures", "Box", "--since", "1h"]);
    let shown = text(&shown.stdout);
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[0].starts_with("AT "), "{shown}");
    assert!(
        lines[0].contains("DELIVERED") && lines[0].ends_with("P99"),
        "{shown}"
    );
    assert!(lines.last().unwrap().starts_with("in all "), "{shown}");
    // A time before the server's reach is the server's to refuse.
    let from = ["sync", "figures", "Box", "--from", "2020-01-31T12:00:00Z"];
    let refused = server.command(&from);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("90 days"));
}

#[test]
fn times_and_ids_of_replays_that_are_none_are_wrong_command_lines() {
    for (wrong, told) in [
        (
            &["replay", "events", "Box", "--from", "yesterday"][..],
            "2026-01-31T12:00:00Z",
        ),
        (
            &["replay", "failed", "Box", "--until", "2026-13-01"],
            "2026-01-31T12:00:00Z",
        ),
        (
            &["sync", "figures", "Box", "--from", "now"],
            "2026-01-31T12:00:00Z",
        ),
        (
            &["replay", "show", "Box", "rpl_xx"],
            "`millstream replay list Box`",
        ),
        (
            &["replay", "cancel", "Box", "7"],
            "`millstream replay list Box`",
        ),
    ] {
        let output = run(wrong);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {error}");
        assert!(error.contains(told), "{wrong:?}: {error}");
    }
}

#[test]
fn a_wrong_command_line_ends_with_2_and_a_server_that_isnt_there_with_1() {
    for wrong in [
        &["nonsense"][..],
        &["project", "create"],
        &["demo", "--rate", "0"],
    ] {
        assert_eq!(run(wrong).status.code(), Some(2), "{wrong:?}");
    }
    let list = |url: &str| {
        millstream()
            .args(["project", "list", "--server", url, "--token", "mst_x"])
            .output()
            .unwrap()
    };
    let refused = list("http://127.0.0.1:1");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("is the server running?"));
    assert_eq!(list("nonsense").status.code(), Some(2));
}

#[test]
fn the_local_token_is_used_for_a_server_on_this_machine_and_for_no_other() {
    let server = Server::start("");
    let list = |url: &str, data: &std::path::Path| {
        millstream()
            .args(["project", "list", "--json"])
            .env("MILLSTREAM_URL", url)
            .env("MILLSTREAM_DATA_DIR", data)
            .output()
            .unwrap()
    };
    let local = format!("http://{}", server.address);
    let listed = list(&local, &server.data());
    assert!(listed.status.success(), "{}", text(&listed.stderr));

    let nowhere = list(&local, &server.folder.path().join("nowhere"));
    let error = text(&nowhere.stderr);
    assert_eq!(nowhere.status.code(), Some(2));
    for way in [
        "MILLSTREAM_TOKEN",
        "--token",
        "--config",
        "MILLSTREAM_DATA_DIR",
        "nowhere",
    ] {
        assert!(error.contains(way), "{way} is missing in {error}");
    }

    // An address for documentation (RFC 5737): nobody is there.
    let other = list("http://192.0.2.1:1", &server.data());
    let error = text(&other.stderr);
    assert_eq!(other.status.code(), Some(2), "{error}");
    assert!(error.contains("MILLSTREAM_TOKEN"), "{error}");
}

#[test]
fn a_project_with_syncs_is_deleted_only_by_force() {
    let server = Server::start("");
    server.json(&["project", "create", "Shop"]);
    let url = format!("http://{}/receiver/in/box", server.address);
    let create = [
        "sync",
        "create",
        "webhook",
        "--project",
        "Shop",
        "--url",
        &url,
    ];
    server.json(&create);
    let refused = server.command(&["project", "delete", "Shop"]);
    let error = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        error.contains("`--force`") && !error.contains("?force"),
        "{error}"
    );
    server.json(&["project", "delete", "Shop", "--force"]);
}

#[test]
fn a_wrong_token_is_refused() {
    let server = Server::start("");
    let url = format!("http://{}", server.address);
    let output = millstream()
        .args(["project", "list", "--server", &url, "--token", "mst_wrong"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!text(&output.stderr).contains("mst_wrong"));
}

#[test]
fn a_url_that_the_egress_guard_blocks_is_refused_when_the_sync_is_enabled() {
    let server = Server::start("");
    server.json(&["project", "create", "Shop"]);
    let create = |url: &str, more: &[&str]| {
        let command = [
            "sync",
            "create",
            "webhook",
            "--project",
            "Shop",
            "--url",
            url,
            "--name",
            url,
        ];
        server.command(&[&command[..], more].concat())
    };
    for url in [
        "http://10.0.0.1/hook",
        "http://[fd00::1]:8080/",
        "http://169.254.169.254/${input.user_id}",
    ] {
        let refused = create(url, &[]);
        let error = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{url}: {error}");
        assert!(
            error.contains("/url") && error.contains("egress.allow"),
            "{error}"
        );
    }
    let draft = "http://10.0.0.1/later";
    assert!(create(draft, &["--disabled"]).status.success());
    assert!(!server.command(&["sync", "enable", draft]).status.success());
    for url in [
        "http://name.invalid/hook",
        "http://127.0.0.1:1/",
        "http://${input.city}/hook",
    ] {
        let taken = create(url, &[]);
        assert!(taken.status.success(), "{url}: {}", text(&taken.stderr));
    }
}

#[test]
fn a_sync_that_only_discards_says_so() {
    let server = Server::start("");
    let project = server.json(&["project", "create", "Shop"]);
    let api_key = project["project"]["api_key"].as_str().unwrap();
    let template = server.folder.path().join("body.ftl");
    fs::write(&template, "{\"nick\": \"${input.user_properties.nick}\"}").unwrap();
    let url = format!("http://{}/receiver/in/box", server.address);
    let template = template.to_str().unwrap();
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
        "--template",
        template,
    ]);
    let send = |properties: &str, count: usize| {
        // Of one user it would be too much at once.
        let event = |user: usize| {
            format!(
                r#"{{"user_id":"user-{user}","event_type":"A","user_properties":{properties}}}"#
            )
        };
        let events: Vec<String> = (0..count).map(event).collect();
        let events = events.join(",");
        let body = format!(r#"{{"api_key":"{api_key}","events":[{events}]}}"#);
        assert_eq!(
            request(server.address, "POST", "/2/httpapi", &body)
                .unwrap()
                .0,
            200
        );
    };
    send("{}", 1);
    eventually("the sync is degraded", || {
        server.json(&["sync", "show", "Box"])["status"]["health"] == "degraded"
    });
    let shown = text(&server.command(&["sync", "show", "Box"]).stdout);
    assert!(
        shown.contains("degraded since ")
            && shown.contains(": discarded: ")
            && shown.contains("nick"),
        "{shown}"
    );
    // So many in a row are more than luck.
    send(r#"{"nick":"Ann"}"#, 1000);
    eventually("the sync is healthy again", || {
        server.json(&["sync", "show", "Box"])["status"]["health"] == "healthy"
    });
}

/// The lines of a request's head.
fn head_of(stream: &mut std::net::TcpStream) -> String {
    let mut head = [0; 8192];
    let length = stream.read(&mut head).unwrap();
    String::from_utf8_lossy(&head[..length]).to_lowercase()
}

#[test]
fn a_creation_whose_answer_is_lost_is_sent_again_under_the_same_key() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let first = head_of(&mut stream);
        drop(stream);
        let (mut stream, _) = listener.accept().unwrap();
        let second = head_of(&mut stream);
        let answer = "HTTP/1.1 201 Created\r\ncontent-length: 15\r\n\r\n{\"name\":\"Acme\"}";
        stream.write_all(answer.as_bytes()).unwrap();
        (first, second)
    });
    let create = ["organisation", "create", "Acme", "--json"];
    let server = ["--server", &url, "--token", "mst_x"];
    let output = run(&[create, server].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let (first, second) = asked.join().unwrap();
    let key = |head: &str| {
        let line = head
            .lines()
            .find(|line| line.starts_with("idempotency-key: "));
        line.unwrap_or_else(|| panic!("no key in {head}"))
            .to_owned()
    };
    assert_eq!(key(&first), key(&second));
}

#[test]
fn what_happened_to_an_event_is_told_in_words() {
    let server = Server::start("");
    let project = server.json(&["project", "create", "Shop"]);
    let api_key = project["project"]["api_key"].as_str().unwrap();
    let url = format!("http://{}/receiver/in/box", server.address);
    let sync = [
        "sync",
        "create",
        "webhook",
        "--project",
        "Shop",
        "--name",
        "Box",
    ];
    server.json(&[&sync[..], &["--url", &url, "--template", "/dev/null"]].concat());
    let send = |event: &str| {
        let body = format!(r#"{{"api_key":"{api_key}","events":[{event}]}}"#);
        request(server.address, "POST", "/2/httpapi", &body)
            .unwrap()
            .0
    };
    assert_eq!(
        send(
            r#"{"user_id":"user-1","device_id":"5a1f-77","event_type":"Bought","insert_id":"one","event_id":7}"#
        ),
        200
    );
    assert_eq!(
        send(r#"{"user_id":"user-1","event_type":"Bought","insert_id":"two","time":[]}"#),
        400
    );
    let said = |arguments: &[&str]| {
        let output = server.command(arguments);
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    eventually("it is settled", || {
        !said(&["why", "one"]).1.contains("the sync")
    });
    let (code, out, _) = said(&["why", "one"]);
    assert_eq!(code, Some(0));
    assert!(
        out.contains("Shop: Bought of user-1, received at "),
        "{out}"
    );
    // An empty body is not JSON: no request was made, and so no attempt.
    assert!(
        out.contains("Box: discarded at") && out.contains("    no request at 20"),
        "{out}"
    );
    assert!(!out.contains("attempt 1"), "{out}");
    let (code, out, _) = said(&["why", "two"]);
    assert_eq!(code, Some(0));
    assert!(
        out.contains("refused at") && out.contains("400 invalid_fields: event 0: time"),
        "{out}"
    );
    let (code, _, error) = said(&["why", "three"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("no such event is known"), "{error}");
    assert_eq!(said(&["why"]).0, Some(2));

    let outcomes = server.json(&["sync", "outcomes", "Box", "--outcome", "discarded"]);
    assert_eq!(outcomes[0]["category"], "invalid_json");
    for (option, its, other) in [
        ("--event-id", "7", "-8"),
        ("--device", "5a1f-77", "5a1f-78"),
    ] {
        let found = |of: &str| server.json(&["sync", "outcomes", "Box", option, of]);
        assert_eq!(found(its), outcomes, "{option}");
        assert_eq!(found(other), serde_json::json!([]), "{option}");
    }
    let (_, out, _) = said(&["sync", "outcomes", "Box", "--since", "1h"]);
    assert!(
        out.contains("OUTCOME") && out.contains("invalid_json"),
        "{out}"
    );
    let failures = server.json(&["sync", "failures", "Box"]);
    let sample = failures["discarded"][0]["samples"][0]["id"].to_string();
    let (_, out, _) = said(&["sync", "failures", "Box", "--since", "2d"]);
    assert!(out.contains("discarded  invalid_json  1"), "{out}");
    let (_, out, _) = said(&["sync", "sample", "Box", &sample]);
    assert!(
        out.contains("The event:") && out.contains("Bought"),
        "{out}"
    );
    let refused = server.json(&["project", "refused", "Shop"]);
    assert_eq!(refused[0]["reason"], "invalid_fields");
}
