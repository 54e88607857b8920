//! Signing in on the command line, and which server and token commands take.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::home::{ANN, Home, PASSWORD};
use crate::process::{Server, exchange, mode, text};

#[test]
fn who_signs_in_gets_a_profile_that_commands_use_until_she_signs_out() {
    let (home, server) = Home::with_ann();
    assert_eq!(mode(&home.profiles()), 0o600);
    let me = home.json(&["whoami"]);
    assert_eq!(
        (&me["server"], &me["credential"]),
        (&json!(server.url()), &json!("profile default"))
    );
    assert!(
        me["permissions"]
            .as_array()
            .unwrap()
            .contains(&json!("installation:write"))
    );
    home.json(&["project", "create", "Shop"]);
    assert_eq!(server.json(&["project", "list"])[0]["name"], "Shop");

    let shown = home.json(&["profile", "show"]);
    assert_eq!(
        (&shown["person"], &shown["in_use"]),
        (&json!(ANN), &json!(true))
    );
    assert!(shown["expires_at"].is_string());
    let stored = fs::read_to_string(home.profiles()).unwrap();
    let token = stored
        .split('"')
        .find(|part| part.starts_with("mst_"))
        .unwrap()
        .to_owned();
    let listed = home.shown(&["profile", "list"]) + &home.shown(&["profile", "show"]);
    assert!(
        listed.contains("default") && !listed.contains(&token),
        "{listed}"
    );

    let tokens = home.json(&["token", "list"]);
    let names: Vec<_> = tokens
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert!(
        names
            .iter()
            .any(|name| name.starts_with("ann@example.com on ")),
        "{names:?}"
    );
    home.shown(&["logout"]);
    assert!(
        !fs::read_to_string(home.profiles())
            .unwrap()
            .contains("mst_")
    );
    assert_eq!(home.refused(&["project", "list"]).0, 2);
    let revoked = home.run(
        &["whoami", "--server", &server.url(), "--token", &token],
        "",
    );
    assert_eq!(revoked.status.code(), Some(1));
    assert_eq!(home.refused(&["logout"]).0, 2);
}

#[test]
fn a_wrong_password_leaves_no_profile() {
    let server = Server::with_administrator(ANN, PASSWORD);
    let home = Home::new();
    let login = ["login", "--server", &server.url(), "--email", ANN];
    let output = home.run(&login, "not the password\n");
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error.contains("the e-mail address or the password is wrong"),
        "{error}"
    );
    assert!(!home.profiles().exists());
    let nobody = home.run(&login, "");
    assert_eq!(nobody.status.code(), Some(2), "{}", text(&nobody.stderr));
}

#[test]
fn the_password_can_come_from_a_file_and_the_address_from_standard_input() {
    let server = Server::with_administrator(ANN, PASSWORD);
    let home = Home::new();
    let file = server.folder.path().join("password");
    let login = ["login", "--server", &server.url(), "--password-file"];
    let login = [&login[..], &[file.to_str().unwrap()]].concat();
    let output = home.run(&login, "Ann@Example.com\n");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(home.json(&["profile", "show"])["person"], ANN);
    let missing = home.run(
        &["login", "--email", ANN, "--password-file", "/nonexistent"],
        "",
    );
    assert_eq!(missing.status.code(), Some(2));
}

#[test]
fn signing_in_again_revokes_the_token_of_before() {
    let (home, server) = Home::with_ann();
    let own = |home: &Home| {
        let tokens = home.json(&["token", "list"]);
        let tokens = tokens.as_array().unwrap().iter();
        tokens
            .filter(|one| {
                one["name"]
                    .as_str()
                    .unwrap()
                    .starts_with("ann@example.com on ")
            })
            .count()
    };
    assert_eq!(own(&home), 1);
    home.login(&server, ANN, &[]);
    assert_eq!(own(&home), 1);
    home.login(&server, ANN, &["--profile", "second"]);
    assert_eq!(own(&home), 2);
    assert_eq!(home.json(&["profile", "show"])["profile"], "second");
    home.json(&["profile", "use", "default"]);
    assert_eq!(home.json(&["whoami"])["credential"], "profile default");
    assert_eq!(
        home.json(&["whoami", "--profile", "second"])["credential"],
        "profile second"
    );
    assert_eq!(home.refused(&["profile", "use", "third"]).0, 2);
}

#[test]
fn a_token_with_scopes_may_do_no_more_and_can_still_be_revoked() {
    let server = Server::with_administrator(ANN, PASSWORD);
    let home = Home::new();
    home.login(
        &server,
        ANN,
        &["--scope", "projects:read", "--expires", "never"],
    );
    assert_eq!(home.json(&["profile", "show"])["expires_at"], Value::Null);
    assert_eq!(home.json(&["project", "list"]), json!([]));
    let (code, error) = home.refused(&["project", "create", "Shop"]);
    assert_eq!(code, 1);
    assert!(error.contains("projects:write"), "{error}");
    home.shown(&["logout"]);
}

/// A request with a session's cookie; its JSON.
fn with_session(server: &Server, cookie: &str, method: &str, path: &str, body: &Value) -> Value {
    let body = body.to_string();
    let (head, answer) =
        exchange(server.address, method, path, &[("cookie", cookie)], &body).unwrap();
    assert!(head.starts_with("HTTP/1.1 2"), "{head}\n{answer}");
    serde_json::from_str(&answer).unwrap_or_default()
}

/// Gives Ann a second factor; what makes its codes.
fn set_second_factor(server: &Server) -> totp_rs::Totp {
    let sign_in = json!({"email": ANN, "password": PASSWORD}).to_string();
    let (head, _) = exchange(server.address, "POST", "/api/v1/session", &[], &sign_in).unwrap();
    let cookie = head
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = cookie.unwrap().split(';').next().unwrap();
    let offer = "/api/v1/me/second-factor/offer";
    let offer = with_session(server, cookie, "POST", offer, &json!({}));
    let secret = offer["secret"].as_str().unwrap();
    let totp = totp_rs::Builder::new()
        .with_secret(totp_rs::Secret::try_from_base32(secret).unwrap())
        .with_account_name("-".to_owned())
        .build()
        .unwrap();
    let choice = json!({"secret": secret, "code": code(&totp, 0), "password": PASSWORD});
    with_session(server, cookie, "PUT", "/api/v1/me/second-factor", &choice);
    totp
}

/// The code in so many seconds.
fn code(totp: &totp_rs::Totp, ahead: u64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    totp.generate(now + ahead).to_string()
}

#[test]
fn where_there_is_a_second_factor_its_code_is_asked_for() {
    let server = Server::with_administrator(ANN, PASSWORD);
    let totp = set_second_factor(&server);
    let home = Home::new();
    let url = server.url();
    let login = ["login", "--server", &url, "--email", ANN];
    let output = home.run(&login, &format!("{PASSWORD}\n"));
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let output = home.run(&login, &format!("{PASSWORD}\nwrong\n"));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    // The code of now was used up when the factor was set.
    let input = format!("{PASSWORD}\n{}\n", code(&totp, 30));
    let output = home.run(&login, &input);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(
        home.json(&["whoami"])["organisation"]["name"],
        "My organisation"
    );
}

/// Answers one request with 404; what it was.
fn listen_once(listener: TcpListener) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 8192];
        let length = stream.read(&mut head).unwrap();
        stream
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .unwrap();
        String::from_utf8_lossy(&head[..length]).into_owned()
    })
}

#[test]
fn a_profiles_token_is_sent_to_no_other_server() {
    let (home, _server) = Home::with_ann();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = format!("http://{}", listener.local_addr().unwrap());
    for arguments in [
        &["project", "list", "--server", &elsewhere][..],
        &[
            "project",
            "list",
            "--server",
            &elsewhere,
            "--profile",
            "default",
        ],
    ] {
        let (code, error) = home.refused(arguments);
        assert_eq!(code, 2, "{error}");
    }
    let variables = [("MILLSTREAM_URL", elsewhere.as_str())];
    let output = home.run_with(&["whoami"], &variables, "");
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));

    // With a token of its own it is asked, and with that one.
    let variables = [
        ("MILLSTREAM_URL", elsewhere.as_str()),
        ("MILLSTREAM_TOKEN", "mst_of_elsewhere"),
    ];
    let heard = listen_once(listener);
    let output = home.run_with(&["whoami"], &variables, "");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let heard = heard.join().unwrap().to_lowercase();
    assert!(
        heard.contains("authorization: bearer mst_of_elsewhere\r\n"),
        "{heard}"
    );

    // A profile that is named goes before the environment.
    let output = home.run_with(
        &["whoami", "--profile", "default", "--json"],
        &variables,
        "",
    );
    let me: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(me["credential"], "profile default");
}

#[test]
fn a_revoked_token_is_said_so_with_the_way_to_another() {
    let (home, server) = Home::with_ann();
    let id = home.json(&["profile", "show"])["token"]["id"].clone();
    server.json(&["token", "revoke", id.as_str().unwrap()]);
    let (code, error) = home.refused(&["project", "list"]);
    assert_eq!(code, 1);
    assert!(
        error.contains("millstream login --profile default"),
        "{error}"
    );
    home.shown(&["logout"]);
}

#[test]
fn a_server_that_is_gone_keeps_the_profile_unless_it_is_forced_out() {
    let (home, server) = Home::with_ann();
    drop(server);
    let (code, error) = home.refused(&["logout"]);
    assert_eq!(code, 1);
    assert!(error.contains("--force"), "{error}");
    assert_eq!(home.json(&["profile", "list"]).as_array().unwrap().len(), 1);
    home.shown(&["logout", "--force"]);
    assert_eq!(home.json(&["profile", "list"]), json!([]));
}
