//! The commands of a preview, run by a real shell and a real curl: the receiver gets the same bytes as
//! from a delivery.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use delivery::egress::Guard;
use delivery::{Client, Sender, Verdict};
use millstream_pipeline::preview::{Preview, Request, Secrets, Shown, Written};
use millstream_pipeline::{Outcome, Plan};
use model::definition::Definition;
use model::random::Seeded;
use model::sync::{Settings, Sync};
use model::time::ManualClock;
use model::{Clock, Event, OutboundRequest, Part, ProjectId, Random, SyncId, Timestamp};
use serde_json::{Value, json};

use crate::support::{definition, event};

/// How many contents are tried.
const CASES: usize = 1000;
const SEED: u64 = 20_260_522;

/// What an argument of a command can't hold in most systems.
const LONG: usize = 200_000;

/// A request as it arrived; of the headers those that the sync sets.
#[derive(Debug, PartialEq, Eq)]
struct Arrived {
    method: String,
    target: String,
    headers: BTreeMap<String, Vec<u8>>,
    body: Vec<u8>,
}

/// Answers everything, and tells what arrived in its order.
fn receiver() -> (String, Receiver<Arrived>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, arrived) = channel();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let request = read(connection.unwrap());
            if sender.send(request).is_err() {
                return;
            }
        }
    });
    (address, arrived)
}

fn read(connection: TcpStream) -> Arrived {
    let mut reader = BufReader::new(connection);
    let mut line = || {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).unwrap();
        line.truncate(line.len().saturating_sub(2));
        line
    };
    let first = String::from_utf8(line()).unwrap();
    let mut first = first.split(' ').map(str::to_owned);
    let (method, target) = (first.next().unwrap(), first.next().unwrap());
    let mut headers = BTreeMap::new();
    loop {
        let line = line();
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            break;
        };
        let name = String::from_utf8(line[..colon].to_ascii_lowercase()).unwrap();
        headers.insert(name, line[colon + 1..].trim_ascii().to_vec());
    }
    let length = headers.remove("content-length").map(|value| {
        let value = String::from_utf8(value).unwrap();
        value.parse::<usize>().unwrap()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    reader.get_mut().write_all(answer).unwrap();
    for of_connection in ["host", "millstream-delivery-id", "millstream-attempt"] {
        headers.remove(of_connection);
    }
    Arrived {
        method,
        target,
        headers,
        body,
    }
}

/// Chooses hostile contents.
struct Hostile(Seeded);

impl Hostile {
    fn below(&self, bound: usize) -> usize {
        usize::try_from(self.0.next_u64() % bound as u64).unwrap()
    }

    fn one<'a>(&self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// Up to `most` of these and of single characters.
    fn text(&self, most: usize, parts: &[&str], character: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        for _ in 0..self.below(most + 1) {
            if self.below(3) > 0 {
                text.push_str(self.one(parts));
                continue;
            }
            let codes = [0x80, 0x80, 0x300, 0x3000, 0x11_0000];
            let code = self.below(codes[self.below(codes.len())]);
            let found = u32::try_from(code).ok().and_then(char::from_u32);
            text.extend(found.filter(|&c| character(c)));
        }
        text
    }

    /// For a body, which takes anything.
    fn body(&self) -> String {
        let parts = [
            "'",
            "\"",
            "\\",
            "`",
            "$",
            "$(id)",
            "${HOME}",
            "`id`",
            "!",
            "!!",
            "\n",
            "\r\n",
            "\t",
            "@",
            "@/etc/passwd",
            "%",
            "%s",
            "%n",
            "%%",
            "\\n",
            "\\0",
            "\\",
            "&",
            ";",
            "|",
            "<",
            ">",
            "#",
            "~",
            "*",
            "{a,b}",
            "[a-z]",
            "é",
            "€",
            "😀",
            "\u{202e}",
            "\0",
            "\u{1b}[31m",
            "\u{7f}",
            "EOF\n",
            "--data",
            "-",
            " ",
            "=",
            "a",
        ];
        match self.below(100) {
            0 => "'\"$\\\n".repeat(LONG / 5),
            1 => String::new(),
            2 => "@/etc/passwd".into(),
            3 => "@-".into(),
            _ => self.text(12, &parts, |_| true),
        }
    }

    /// For a header: no control characters but tabs.
    fn header(&self) -> String {
        let parts = [
            "'",
            "\"",
            "\\",
            "`",
            "$",
            "$(id)",
            "${HOME}",
            "!",
            "\t",
            "  ",
            "@",
            "@/etc/passwd",
            "%",
            ":",
            ";",
            ",",
            "#",
            "é",
            "€",
            "😀",
            "a",
            "=",
            "&",
            "|",
            "<",
            ">",
            "*",
        ];
        let text = self.text(8, &parts, |c| !c.is_ascii_control());
        text.replace(|c: char| c.is_ascii_control() && c != '\t', "")
    }

    /// For a path and query: what a URL can hold.
    fn target(&self) -> String {
        let parts = [
            "'", "$", "$(id)", "${HOME}", "`", "!", "[1-3]", "{a,b}", "*", "%20", "%00", "%2e",
            "/../", "/./", "//", "..", ".", "@", ":", ";", "&", "=", "+", ",", "|", "\\", "^", "~",
            "?", "??", "(", ")", "a",
        ];
        let path = self.text(6, &parts, |c| c.is_ascii_alphanumeric());
        match self.below(3) {
            0 => format!("/{path}"),
            1 => format!("/{path}?"),
            _ => format!(
                "/{path}?{}",
                self.text(6, &parts, |c| c.is_ascii_alphanumeric())
            ),
        }
    }

    /// For a secret, which environments can hold.
    fn secret(&self) -> String {
        let parts = [
            "'", "\"", "\\", "`", "$", "$(id)", "!", "@", "%", "/", "&", "<", "é", "k", "sk-", "=",
            "+",
        ];
        format!("s{}", self.text(6, &parts, |c| c.is_ascii_alphanumeric()))
    }
}

/// A destination that takes any content anywhere.
fn destination() -> Definition {
    let header = |name: &str, value: &str| json!({"name": name, "value": value});
    definition(json!({
        "parameters": [
            {"name": "endpoint", "display_name": "Endpoint"},
            {"name": "key", "display_name": "Key", "kind": "secret"},
        ],
        "events": {
            "method": "PUT",
            "url": "${parameters.endpoint}${input.event_properties.target}",
            "headers": [
                header("Content-Type", "text/plain"),
                header("X-Event", "${input.event_properties.header}"),
                header("X-Both", "${input.event_properties.header}${parameters.key}."),
                header("X-Made", "Basic ${parameters.key?upper_case?replace('S', '-')}"),
                header("Authorization", "Bearer ${parameters.key}"),
            ],
            "body": "${input.event_properties.body}<#if input.event_properties.keyed>\
                     ${parameters.key}|${parameters.key?url}|\
                     \"${parameters.key?json_string}\"</#if>",
        },
    }))
}

fn sync_of(definition: &Definition, settings: Value) -> Sync {
    let settings: Settings = serde_json::from_value(settings).unwrap();
    Sync {
        id: SyncId::from_bytes([3; 16]),
        project: ProjectId::from_bytes([4; 16]),
        definition: definition.id,
        definition_version: definition.version,
        name: "test".into(),
        enabled: true,
        settings,
    }
}

/// The request that is delivered, and the one that people are shown.
fn rendered(sync: &Sync, event: &Event, masked: bool) -> Option<(OutboundRequest, Request)> {
    let definition = destination();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp(0)));
    let plan = Plan::compile(&definition, sync, &clock).unwrap();
    let Outcome::Request(sent) = plan.apply(event, Part::Event) else {
        return None;
    };
    let mut secrets = Secrets::default();
    if masked {
        secrets.parameters.insert("key".into());
    }
    let preview = Preview::compile(&definition, sync, &secrets, event, &clock).unwrap();
    match preview.apply(event, Part::Event) {
        Shown::Request(shown) => Some((sent, shown)),
        other => panic!("{other:?}"),
    }
}

/// What a variable is to be set to, as its meaning says.
fn value(name: &str, key: &str, sent: &OutboundRequest) -> Vec<u8> {
    match name {
        "MILLSTREAM_KEY" => key.into(),
        "MILLSTREAM_KEY_JSON" => {
            let literal = Value::from(key).to_string();
            literal[1..literal.len() - 1].into()
        }
        "MILLSTREAM_KEY_ENCODED" => Written::Url.write(key).into(),
        "MILLSTREAM_BODY" => sent.body.to_vec(),
        "MILLSTREAM_X_MADE" => sent.headers["x-made"].as_bytes().to_vec(),
        "MILLSTREAM_X_BOTH" => sent.headers["x-both"].as_bytes().to_vec(),
        other => panic!("an unexpected variable {other}"),
    }
}

async fn deliver(requests: &[OutboundRequest]) {
    let guard = Guard::new(&delivery::config::Egress::default().with_loopback()).unwrap();
    let client = Client::new(&delivery::config::Client::default(), guard).unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp(0)));
    let tries = delivery::config::Tries::default();
    let sender = Sender::new(client, clock, Arc::new(Seeded::new(1)), tries);
    for request in requests {
        let verdict = sender
            .attempt(request, 1, &delivery::Pace::default(), &|| true)
            .await;
        assert!(matches!(verdict, Verdict::Delivered { .. }), "{verdict:?}");
    }
}

/// Runs commands one after the other.
fn run(script: &[u8]) {
    let mut shell = Command::new("sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", "/nonexistent")
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(script).unwrap();
    let output = shell.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
}

#[tokio::test]
async fn commands_send_what_deliveries_send() {
    let hostile = Hostile(Seeded::new(SEED));
    let (endpoint, arrived) = receiver();
    let (mut requests, mut commands, mut whole_bodies) = (Vec::new(), Vec::new(), 0);
    while requests.len() < CASES {
        let masked = requests.len() % 2 == 0;
        let key = hostile.secret();
        let settings = json!({"parameters": {"endpoint": endpoint, "key": key}});
        let sync = sync_of(&destination(), settings);
        let event = event(&json!({"event_type": "x", "event_properties": {
            "target": hostile.target(), "header": hostile.header(), "body": hostile.body(),
            "keyed": hostile.below(2) == 0,
        }}));
        let Some((sent, shown)) = rendered(&sync, &event, masked) else {
            continue;
        };
        // No variable of a shell can hold it.
        let as_a_whole = |name: &str| shown.variables.iter().any(|variable| variable.name == name);
        if as_a_whole("MILLSTREAM_BODY") && sent.body.contains(&0) {
            continue;
        }
        let command = shown.curl();
        assert_eq!(shown.variables.is_empty(), !masked);
        let mut script = Vec::new();
        for variable in &shown.variables {
            whole_bodies += usize::from(variable.name == "MILLSTREAM_BODY");
            let value = value(&variable.name, &key, &sent);
            let value = String::from_utf8(value).unwrap().replace('\'', r"'\''");
            let mut line = String::new();
            writeln!(line, "{}='{value}'", variable.name).unwrap();
            script.extend(line.into_bytes());
        }
        let silent = command.replacen("--include", "--silent --show-error --fail", 1);
        writeln!(script, "{silent} || exit 1").unwrap();
        commands.push(script);
        requests.push(sent);
    }
    // It happens where an escape is one that we don't write; then masking costs the whole body.
    assert!(
        whole_bodies < CASES / 10,
        "{whole_bodies} whole bodies are variables"
    );

    deliver(&requests).await;
    let limit = Duration::from_secs(10);
    let delivered: Vec<_> = requests
        .iter()
        .map(|_| arrived.recv_timeout(limit).expect("each delivery arrives"))
        .collect();
    for (position, commands) in commands.chunks(100).enumerate() {
        run(&commands.concat());
        for (offset, command) in commands.iter().enumerate() {
            let case = position * 100 + offset;
            let sent = arrived.recv_timeout(limit).expect("each command sends");
            let command = String::from_utf8_lossy(command);
            assert_eq!(
                sent, delivered[case],
                "case {case} of seed {SEED}:\n{command}"
            );
        }
    }
}
