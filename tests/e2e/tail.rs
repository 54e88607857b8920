//! Events and outcomes, followed as they happen: by the command and by what browsers use.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use http::Method;
use millstream_e2e::{Control, Destination, Flow, Reply, Server, Setup, settings, track};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

/// `millstream tail …`, whose lines are read one by one.
struct Tail {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Tail {
    fn start(setup: &Setup, server: &Server, arguments: &[&str]) -> Self {
        let mut child = Command::new(setup.binary())
            .arg("tail")
            .args(arguments)
            .args(["--server", server.base(), "--json"])
            .env("MILLSTREAM_TOKEN", server.admin_token())
            // No profile of whoever runs the tests.
            .env("HOME", setup.data())
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    fn next(&self) -> Value {
        let line = self.lines.recv_timeout(LIMIT).expect("a line in time");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Nothing comes any more, and the command says that all is well.
    fn ends(mut self) {
        let more = self.lines.recv_timeout(LIMIT);
        assert_eq!(more, Err(mpsc::RecvTimeoutError::Disconnected));
        assert!(self.child.wait().expect("it ends").success());
    }
}

/// The messages of an event stream: id, kind, data.
struct Messages {
    flow: Flow,
    text: String,
}

impl Messages {
    async fn open(server: &Server, path: &str, token: &str) -> Self {
        let url = format!("{}/api/v1{path}", server.base());
        let authorization = format!("Bearer {token}");
        let client = server.client();
        let flow = client
            .open(&url, &[("authorization", &authorization)])
            .await;
        let text = String::new();
        let mut messages = Self { flow, text };
        assert_eq!(messages.next().await.expect("it begins").1, "begin");
        messages
    }

    async fn next(&mut self) -> Option<(Option<u64>, String, Value)> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    let start = format!("{name}: ");
                    block
                        .lines()
                        .find_map(|line| line.strip_prefix(&start).map(str::to_owned))
                };
                if let Some(kind) = field("event") {
                    let id = field("id").map(|id| id.parse().expect("a number"));
                    let data = field("data").expect("data");
                    return Some((id, kind, serde_json::from_str(&data).expect("JSON")));
                }
                continue;
            }
            let part = self.flow.next().await?;
            self.text
                .push_str(std::str::from_utf8(&part).expect("text"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_follows_events_and_goes_on_after_a_crash() {
    let setup = Setup::new();
    let mut server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("Shop").await;
    let ingest = control.ingest(&project);
    ingest
        .send(&[track("ann-smith", "Before", json!({}))])
        .await;
    let arguments = [
        "events",
        "--project",
        "Shop",
        "--type",
        "Order",
        "--user",
        "ann-smith",
    ];
    let tail = Tail::start(
        &setup,
        &server,
        &[&arguments[..], &["--count", "3"]].concat(),
    );
    // So that nothing but the tail itself says that it has begun.
    let all = Tail::start(&setup, &server, &["events", "--after", "0"]);
    let mut number = 0;
    let first = loop {
        let order = track("ann-smith", "Order", json!({"number": number}));
        ingest
            .send(&[order, track("bob-jones", "Order", json!({}))])
            .await;
        number += 1;
        match tail.lines.recv_timeout(Duration::from_millis(100)) {
            Ok(line) => break serde_json::from_str::<Value>(&line).expect("JSON"),
            Err(_) => assert!(number < 300, "nothing comes"),
        }
    };
    assert_eq!(first["event"]["user_id"], "ann-smith");
    let seen = &first["event"]["event_properties"]["number"];
    let seen = seen.as_u64().expect("a number");
    server.kill();
    server = setup.start().await;
    ingest
        .send(&[track("ann-smith", "Order", json!({"number": number}))])
        .await;
    ingest
        .send(&[track("ann-smith", "Order", json!({"number": number + 1}))])
        .await;
    let next = [tail.next(), tail.next()];
    let numbers = next.map(|item| item["event"]["event_properties"]["number"].as_u64());
    assert_eq!(
        numbers,
        [Some(seen + 1), Some(seen + 2)],
        "none is missing, none comes twice"
    );
    tail.ends();
    // And all of them came to the one who follows all, from the first on.
    let mut expected = 1;
    while expected < 2 * number + 3 {
        assert_eq!(all.next()["offset"], expected);
        expected += 1;
    }
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_come_as_attempts_end() {
    let setup = Setup::with_config("[retry]\nattempts = 2\nfirst_delay = \"300ms\"");
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("Shop").await;
    let fine = Destination::start().await;
    let down = Destination::scripted(|_| Reply::Status(503)).await;
    control
        .create_sync(&project, "Fine", settings(&fine.url()))
        .await;
    let failing = control
        .create_sync(&project, "Down", settings(&down.url()))
        .await;
    let of_project = format!("/projects/{}/tail/outcomes", project.id);
    let token = server.admin_token();
    let mut looking_on = Messages::open(&server, &of_project, &token).await;
    let of_sync = format!("{failing}/tail");
    let mut at_sync = Messages::open(&server, &of_sync, &token).await;
    let arguments = [
        "outcomes",
        "--sync",
        "Down",
        "--outcome",
        "expired",
        "--count",
        "1",
    ];
    let tail = Tail::start(&setup, &server, &arguments);
    let ingest = control.ingest(&project);
    ingest.send(&[track("ann-smith", "Order", json!({}))]).await;
    let mut endings = Vec::new();
    for _ in 0..3 {
        let (_, kind, outcome) = looking_on.next().await.expect("an outcome");
        assert_eq!(kind, "outcome");
        assert_eq!(
            (&outcome["event_type"], &outcome["user_id"]),
            (&json!("Order"), &json!("ann-smith"))
        );
        assert!(outcome["ms"].is_u64(), "{outcome}");
        endings.push((outcome["outcome"].clone(), outcome["status"].clone()));
    }
    endings.sort_by_key(|(ending, _)| ending.to_string());
    let expected = [("delivered", 200), ("expired", 503), ("failed", 503)];
    assert_eq!(
        endings,
        expected.map(|(ending, status)| (json!(ending), json!(status)))
    );
    for ending in ["failed", "expired"] {
        let (_, _, outcome) = at_sync.next().await.expect("an outcome");
        assert_eq!(
            (&outcome["outcome"], &outcome["category"]),
            (&json!(ending), &json!("server_error"))
        );
    }
    // The command may have come too late for the first.
    let begun = Instant::now();
    let told = loop {
        match tail.lines.recv_timeout(Duration::from_secs(1)) {
            Ok(line) => break serde_json::from_str::<Value>(&line).expect("JSON"),
            Err(_) => ingest.send(&[track("ann-smith", "Order", json!({}))]).await,
        }
        assert!(begun.elapsed() < LIMIT, "nothing comes");
    };
    assert_eq!(
        (&told["outcome"], &told["attempt"]),
        (&json!("expired"), &json!(2))
    );
    tail.ends();
}

/// How many events a reader who reads nothing can't have taken: more than sockets hold.
const FLOOD: u64 = 24_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_stops_reading_costs_nothing_and_is_told_what_it_missed() {
    let setup = Setup::new();
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("Shop").await;
    let ingest = control.ingest(&project);
    let path = format!("/projects/{}/tail/events", project.id);
    let token = server.admin_token();
    let mut slow = Messages::open(&server, &path, &token).await;
    let padding = "x".repeat(2_000);
    for batch in 0..FLOOD / 1_000 {
        let events: Vec<_> = (0..1_000)
            .map(|n| track(&format!("user-{batch}-{n}"), "Flood", json!({"p": padding})))
            .collect();
        let answer = ingest.try_batch(&events).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let (mut came, mut skipped, mut next) = (0, 0, 0);
    while next < FLOOD {
        let (id, kind, data) = slow.next().await.expect("it goes on");
        match kind.as_str() {
            "event" => came += 1,
            "skipped" => skipped += data["count"].as_u64().expect("a count"),
            other => panic!("{other}: {data}"),
        }
        next = id.expect("a position") + 1;
    }
    assert!(
        skipped > 0,
        "all {came} events were kept for a reader who didn't read"
    );
    assert_eq!(came + skipped, FLOOD);
}

#[tokio::test(flavor = "multi_thread")]
async fn tails_end_with_their_token_and_with_the_server() {
    let setup = Setup::new();
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("Shop").await;
    let path = format!("/projects/{}/tail/events", project.id);
    let tokens = control.projects_path().await.replace("projects", "tokens");
    let made = control
        .granted(Method::POST, &tokens, Some(&json!({"name": "tail"})))
        .await
        .json();
    let field = |at: &str| {
        made.pointer(at)
            .and_then(Value::as_str)
            .expect("a text")
            .to_owned()
    };
    let (id, text) = (field("/token/id"), field("/text"));
    let mut theirs = Messages::open(&server, &path, &text).await;
    let own = server.admin_token();
    let mut ours = Messages::open(&server, &path, &own).await;
    control
        .granted(Method::DELETE, &format!("{tokens}/{id}"), None)
        .await;
    let last = theirs.next().await.expect("a last word");
    assert_eq!(
        (last.1.as_str(), &last.2["reason"]),
        ("ended", &json!("access_ended"))
    );
    assert!(theirs.next().await.is_none());

    let ending = tokio::spawn(async move { server.terminate(Duration::from_secs(20)).await });
    let last = ours.next().await.expect("a last word");
    assert_eq!(last.2["reason"], "server_ending");
    assert!(ours.next().await.is_none());
    let begun = Instant::now();
    ending.await.expect("it ends in order");
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "it waited for the reader"
    );
}
