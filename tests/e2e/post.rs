//! A real mail server (aiosmtpd) that keeps what it takes.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream_e2e::eventually;
use serde_json::Value;

/// How long a letter may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A mail server; killed when dropped.
pub(super) struct Post {
    child: Child,
    port: u16,
    /// What was taken, and not looked at yet.
    taken: Arc<Mutex<Vec<Value>>>,
}

impl Drop for Post {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Post {
    pub(super) fn start() -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = tests.join(".venv/bin/python");
        assert!(
            python.exists(),
            "the mail server of the tests is not installed: run tests/setup-clients"
        );
        let mut child = Command::new(python)
            .arg(tests.join("../crates/server/tests/it/smtp_server.py"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the mail server runs");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let port = lines.next().expect("a port").expect("a line");
        let port = port.parse().expect("a port");
        let taken = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&taken);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mail = serde_json::from_str(&line).expect("a mail as JSON");
                kept.lock()
                    .expect("nothing panics under the lock")
                    .push(mail);
            }
        });
        Self { child, port, taken }
    }

    /// What a server needs in its configuration to send by it.
    pub(super) fn settings(&self) -> String {
        format!(
            "[control]\npublic_url = \"https://millstream.example.com\"\n\
             [mail]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n\
             from = \"Millstream <millstream@example.com>\"\npoll_interval = \"50ms\"\n",
            self.port
        )
    }

    /// How many letters to an address have come that nobody has taken.
    pub(super) fn waiting_for(&self, address: &str) -> usize {
        let taken = self.taken.lock().expect("nothing panics under the lock");
        taken.iter().filter(|mail| mail["to"][0] == address).count()
    }

    /// The next letter to an address, whole.
    pub(super) async fn next_mail_to(&self, address: &str, limit: Duration) -> Value {
        let mut found = None;
        eventually(&format!("a letter to {address}"), limit, async || {
            let mut taken = self.taken.lock().expect("nothing panics under the lock");
            let is_to = |mail: &Value| mail["to"][0] == address;
            found = taken.iter().position(is_to).map(|at| taken.remove(at));
            found.is_some()
        })
        .await;
        found.expect("it came")
    }

    /// The next letter to an address: its subject and its text, each line break a space.
    pub(super) async fn next_to(&self, address: &str) -> (String, String) {
        let mail = self.next_mail_to(address, LIMIT).await;
        let headers = mail["headers"].as_array().expect("headers");
        let subject = headers.iter().find(|header| header[0] == "Subject");
        let subject = subject.expect("a subject")[1].as_str().expect("a text");
        let text = mail["text"].as_str().expect("a text");
        let words: Vec<_> = text.split_whitespace().collect();
        (subject.to_owned(), words.join(" "))
    }
}
