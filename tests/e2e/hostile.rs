//! Input that means harm, over real sockets: the right status, bounded memory, nothing kept.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use millstream_e2e::{Control, Destination, Ingest, Project, Server, Setup, settings, track};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How much the server may grow under any of this: far below what the input would inflate to.
const GROWTH_LIMIT: u64 = 160 << 20;

/// A server, a project, and a destination that must receive nothing but what is expected.
struct Fort {
    destination: Destination,
    control: Control,
    project: Project,
    ingest: Ingest,
    server: Server,
    memory_before: u64,
    // Dropped after the server: it holds the folder.
    _setup: Setup,
}

impl Fort {
    async fn new(config: &str) -> Self {
        let setup = Setup::with_config(config);
        let server = setup.start().await;
        let control = Control::of(&server);
        let project = control.create_project("fort").await;
        let ingest = control.ingest(&project);
        let destination = Destination::start().await;
        control
            .create_sync(&project, "all", settings(&destination.url()))
            .await;
        // The first event makes the server touch what it will need anyway.
        ingest
            .send(&[track("first-user", "First", json!({}))])
            .await;
        destination.wait_for(1, Duration::from_secs(10)).await;
        let memory_before = server.memory("VmRSS");
        Self {
            destination,
            control,
            project,
            ingest,
            server,
            memory_before,
            _setup: setup,
        }
    }

    /// Posts raw bytes; the status and the answer.
    async fn post(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, Value) {
        let url = format!("{}{path}", self.server.base());
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        let answer = self
            .server
            .client()
            .send(Method::POST, &url, &all, body)
            .await;
        let answer = answer.expect("an answer, however hostile the input");
        let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        (answer.status.as_u16(), body)
    }

    /// Nothing was kept since the first event, the server is well, and it has not grown.
    async fn stands(&self) {
        self.ingest
            .send(&[track("last-user", "Last", json!({}))])
            .await;
        self.destination.wait_for(2, Duration::from_secs(10)).await;
        let types: Vec<_> = {
            let received = self.destination.received();
            received
                .iter()
                .map(|request| request.json()["event_type"].clone())
                .collect()
        };
        assert_eq!(types, ["First", "Last"]);
        let accepted = self
            .control
            .metrics()
            .await
            .sum("millstream_ingest_accepted_events_total", &[]);
        assert_eq!(accepted, Some(2.0), "something was kept");
        let grown = self
            .server
            .memory("VmHWM")
            .saturating_sub(self.memory_before);
        assert!(
            grown < GROWTH_LIMIT,
            "the server grew by {} MiB",
            grown >> 20
        );
    }
}

fn gzip(write: impl Fn(&mut GzEncoder<Vec<u8>>) -> std::io::Result<()>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    write(&mut encoder).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

fn event_with(field: &str, value: Value) -> Value {
    let mut event = track("hostile-user", "Hostile", json!({}));
    event[field] = value;
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_bodies_are_refused_whole() {
    let fort = Fort::new("").await;
    let key = fort.project.api_key.clone();
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let with_properties = |properties: &str| {
        format!(
            r#"{{"api_key":"{key}","events":[{{"user_id":"hostile-user","event_type":"x","event_properties":{properties}}}]}}"#
        )
    };
    let mut invalid_utf8 = with_properties(r#"{"a":"b?"}"#).into_bytes();
    let question = invalid_utf8
        .iter()
        .rposition(|byte| *byte == b'?')
        .expect("a question mark");
    invalid_utf8[question] = 0xff;
    let with_events = |events: &str| format!(r#"{{"api_key":"{key}","events":{events}}}"#);
    for (what, body) in [
        ("empty", Vec::new()),
        ("no JSON", b"api_key=x".to_vec()),
        ("cut off", with_properties("{").into_bytes()),
        (
            "something behind",
            (with_properties("{}") + "x").into_bytes(),
        ),
        ("a list", b"[]".to_vec()),
        ("null", b"null".to_vec()),
        ("deep lists", deep(100_000).into_bytes()),
        (
            "deep properties",
            with_properties(&format!(r#"{{"a":{}}}"#, deep(100_000))).into_bytes(),
        ),
        (
            "deeper than 40",
            with_properties(&format!(r#"{{"a":{}}}"#, deep(41))).into_bytes(),
        ),
        ("invalid UTF-8", invalid_utf8),
        (
            "control character",
            with_properties("{\"a\":\"\u{1}\"}").into_bytes(),
        ),
        ("not a number", with_properties(r#"{"a":NaN}"#).into_bytes()),
        ("events not a list", with_events("{}").into_bytes()),
        (
            "events missing",
            format!(r#"{{"api_key":"{key}"}}"#).into_bytes(),
        ),
        ("an event not an object", with_events("[1]").into_bytes()),
        ("no key", br#"{"events":[]}"#.to_vec()),
        (
            "another key",
            br#"{"api_key":"no such key","events":[{"user_id":"hostile-user","event_type":"x"}]}"#
                .to_vec(),
        ),
    ] {
        for path in ["/2/httpapi", "/batch"] {
            let (status, answer) = fort.post(path, &[], body.clone()).await;
            assert_eq!(status, 400, "{what} at {path}: {answer}");
            assert_eq!(answer["code"], 400, "{what} at {path}: {answer}");
            assert!(answer["error"].is_string(), "{what} at {path}: {answer}");
        }
    }
    fort.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_and_values_that_are_never_valid_are_refused_with_their_index() {
    let fort = Fort::new("").await;
    let good = || track("hostile-user", "Good", json!({}));
    for id in [
        "anonymous",
        "nil",
        "none",
        "null",
        "n/a",
        "na",
        "undefined",
        "unknown",
        "",
        "00000000-0000-0000-0000-000000000000",
        "{}",
        "lmy47d",
        "0",
        "-1",
        "abcd",
    ] {
        let answer = fort
            .ingest
            .try_send(&[good(), track(id, "Hostile", json!({}))])
            .await
            .expect("an answer");
        assert_eq!(answer.status, 400, "{id:?}: {}", answer.text());
        let text = answer.text();
        let named = [
            "events_with_invalid_fields",
            "events_with_missing_fields",
            "events_with_invalid_id_lengths",
        ];
        let indexes: Vec<_> = named
            .iter()
            .flat_map(|name| {
                let fields = answer.json()[name].as_object().cloned().unwrap_or_default();
                fields
                    .into_iter()
                    .map(|(_, indexes)| indexes)
                    .collect::<Vec<_>>()
            })
            .collect();
        assert!(
            !indexes.is_empty() && indexes.iter().all(|i| *i == json!([1])),
            "{id:?}: {text}"
        );
    }
    for (field, value) in [
        ("time", json!("yesterday")),
        ("time", json!(1.5)),
        ("time", json!(1e300)),
        ("event_type", json!("")),
        ("event_properties", json!([])),
        ("user_properties", json!({ "$set": {}, "plain": 1 })),
        ("user_properties", json!({ "$nonsense": {} })),
        ("user_properties", json!({ "$add": { "n": "1" } })),
        ("groups", json!("org")),
        ("session_id", json!("now")),
        ("revenue", json!("much")),
    ] {
        let answer = fort
            .ingest
            .try_send(&[event_with(field, value.clone())])
            .await
            .expect("an answer");
        assert_eq!(answer.status, 400, "{field} {value}: {}", answer.text());
    }
    fort.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_over_the_limit_are_refused_before_they_cost_memory() {
    let fort = Fort::new("").await;
    let key = &fort.project.api_key;
    let bomb = gzip(|encoder| {
        write!(
            encoder,
            r#"{{"api_key":"{key}","events":[{{"user_id":"hostile-user","event_type":""#
        )?;
        let block = vec![b'x'; 1 << 20];
        (0..2_000).try_for_each(|_| encoder.write_all(&block))
    });
    assert!(bomb.len() < 4 << 20, "the bomb is {} bytes", bomb.len());
    let encoded = [("content-encoding", "gzip")];
    let started = Instant::now();
    for path in ["/2/httpapi", "/batch"] {
        let (status, answer) = fort.post(path, &encoded, bomb.clone()).await;
        assert_eq!(
            (status, &answer["code"]),
            (413, &json!(413)),
            "{path}: {answer}"
        );
    }
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "the bomb was inflated: {:?}",
        started.elapsed()
    );

    let (status, _) = fort
        .post("/2/httpapi", &[], vec![b' '; (1 << 20) + 1])
        .await;
    assert_eq!(status, 413);
    let (status, _) = fort.post("/batch", &[], vec![b' '; (20 << 20) + 1]).await;
    assert_eq!(status, 413);
    let (status, _) = fort.post("/2/httpapi", &encoded, b"no gzip".to_vec()).await;
    assert_eq!(status, 400);
    let cut = gzip(|encoder| encoder.write_all(br#"{"api_key":"#));
    let (status, _) = fort
        .post("/2/httpapi", &encoded, cut[..cut.len() - 9].to_vec())
        .await;
    assert_eq!(status, 400);
    let many = vec![track("hostile-user", "x", json!({})); 2_001];
    let answer = fort.ingest.try_send(&many).await.expect("an answer");
    assert!(
        [400, 413].contains(&answer.status.as_u16()),
        "{}",
        answer.text()
    );
    fort.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_properties_cost_no_more_than_their_bytes() {
    let fort = Fort::new("").await;
    let mut properties = String::from("{");
    for number in 0..1_000_000 {
        properties.push_str(&format!(
            "{}\"p{number}\":1",
            if number == 0 { "" } else { "," }
        ));
    }
    properties.push('}');
    let body = format!(
        r#"{{"api_key":"{}","events":[{{"user_id":"hostile-user","event_type":"Wide","time":"no","event_properties":{properties}}}]}}"#,
        fort.project.api_key
    );
    let started = Instant::now();
    let (status, answer) = fort.post("/batch", &[], body.into_bytes()).await;
    assert_eq!(status, 400, "{answer}");
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
    fort.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_byte_by_byte_is_taken() {
    let fort = Fort::new("").await;
    let body = fort
        .ingest
        .body(&[track("patient-user", "Slow", json!({}))])
        .to_string();
    let mut stream = TcpStream::connect(fort.server.address())
        .await
        .expect("a connection");
    stream.set_nodelay(true).expect("a socket option");
    let request = format!(
        "POST /2/httpapi HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    for byte in request.bytes() {
        stream.write_all(&[byte]).await.expect("the server reads");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    fort.destination.wait_for(2, Duration::from_secs(10)).await;
    assert_eq!(fort.destination.received()[1].json()["event_type"], "Slow");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_dawdle_are_shown_the_door_and_hold_nobody_up() {
    let fort = Fort::new(
        "[http]\nheader_read_timeout = \"1s\"\n[ingest]\nbody_idle_timeout = \"1s\"\nbody_total_timeout = \"3s\"",
    )
    .await;
    let address = fort.server.address();
    let head = "POST /2/httpapi HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n";
    let mut dawdlers = Vec::new();
    for nth in 0..200 {
        dawdlers.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            // One half stops in the head, the other in the body.
            let sent = if nth % 2 == 0 {
                head.to_owned()
            } else {
                format!("{head}\r\n{{")
            };
            stream
                .write_all(sent.as_bytes())
                .await
                .expect("the server reads");
            let mut answer = Vec::new();
            let ended =
                tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer))
                    .await;
            // A reset is an end as well.
            assert!(
                ended.is_ok(),
                "a dawdler may stay: {}",
                String::from_utf8_lossy(&answer)
            );
            String::from_utf8_lossy(&answer).into_owned()
        }));
    }
    // One byte now and then is no progress worth waiting for.
    let trickle = tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream
            .write_all(format!("{head}\r\n").as_bytes())
            .await
            .expect("the server reads");
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(12) {
            if stream.write_all(b" ").await.is_err() {
                return started.elapsed();
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("a trickling body is waited for without end");
    });
    let started = Instant::now();
    let answer = fort
        .ingest
        .try_send(&[json!({ "event_type": "nobody" })])
        .await
        .expect("an answer");
    assert_eq!(answer.status, 400);
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "others wait: {:?}",
        started.elapsed()
    );
    for dawdler in dawdlers {
        let answer = dawdler.await.expect("a dawdler ends");
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
    trickle.await.expect("the trickle ends");
    fort.stands().await;
}
