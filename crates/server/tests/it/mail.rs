//! Mail from the queue to a real mail server (aiosmtpd).

#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on fails right there"
)]

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use model::MailId;
use model::random::System;
use model::time::SystemClock;
use serde_json::Value;
use store::Store;
use store::mail::{Bodies, Draft, Kind, Mail, State};

use crate::process::{Server, eventually, free_address};

/// How long a mail may take.
const LIMIT: Duration = Duration::from_secs(20);

/// What a mail's link carries.
const SECRET: &str = "findable-secret-of-a-link";

/// The user's password at the mail server.
const PASSWORD: &str = "hunter2-at-the-mail-server";

/// A mail server; killed when dropped.
struct MailServer {
    child: Child,
    port: u16,
    taken: Receiver<Value>,
}

impl MailServer {
    fn start(arguments: &[&str]) -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests");
        let python = tests.join(".venv/bin/python");
        assert!(
            python.exists(),
            "the mail server of the tests is not installed: run tests/setup-clients"
        );
        let mut child = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/smtp_server.py"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (said, taken) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if said.send(value).is_err() {
                    return;
                }
            }
        });
        let port: Value = taken.recv_timeout(LIMIT).unwrap();
        let port = port.as_u64().unwrap().try_into().unwrap();
        Self { child, port, taken }
    }

    /// The next mail that it takes.
    fn mail(&self) -> Value {
        let mail = self.taken.recv_timeout(LIMIT);
        mail.expect("a mail arrives in time")
    }

    fn took_nothing(&self) -> bool {
        self.taken.try_recv().is_err()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An authority and a certificate of its for `localhost`, as files.
struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let issuer = rcgen::Issuer::new(parameters, key);
        let server = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        let server_key = rcgen::KeyPair::generate().unwrap();
        let signed = server.signed_by(&server_key, &issuer).unwrap();
        for (name, text) in [
            ("ca.pem", certificate.pem()),
            ("server.pem", signed.pem()),
            ("server.key", server_key.serialize_pem()),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A mail server that offers TLS.
    fn server(&self, security: &str, more: &[&str]) -> MailServer {
        let (certificate, key) = (self.path("server.pem"), self.path("server.key"));
        let tls = [
            "--security",
            security,
            "--certificate",
            &certificate,
            "--key",
            &key,
        ];
        MailServer::start(&[&tls[..], more].concat())
    }
}

/// Settings that send to `localhost`, quickly.
fn settings(port: u16, security: &str) -> String {
    format!(
        "control.public_url = \"https://millstream.example.com\"\n\
         mail.host = \"localhost\"\nmail.port = {port}\nmail.security = \"{security}\"\n\
         mail.from = \"Mühle <millstream@example.com>\"\n\
         mail.poll_interval = \"50ms\"\nmail.first_delay = \"200ms\"\nmail.max_delay = \"400ms\""
    )
}

/// The store of a server that runs: as another node would, the tests put mail into its queue.
struct Outbox {
    store: Store,
    runtime: tokio::runtime::Runtime,
}

impl Outbox {
    fn of(server: &Server) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let settings = store::Config::in_folder(&server.data());
        let opened = Store::open(&settings, Arc::new(SystemClock), Arc::new(System));
        let store = runtime.block_on(opened).unwrap();
        Self { store, runtime }
    }

    fn put(&self, recipient: &str) -> MailId {
        let link = format!("https://millstream.example.com/invitation#{SECRET}");
        let draft = Draft {
            kind: Kind::Invitation,
            recipient: recipient.to_owned(),
            subject: "Jörg invites you to Mühle".to_owned(),
            bodies: Bodies {
                text: format!("Grüße!\n.\nOpen {link}\n"),
                html: format!("<p>Grüße!</p><a href=\"{link}\">Open</a>"),
                unsubscribe: None,
            },
            expires_at: None,
        };
        self.runtime
            .block_on(self.store.enqueue_mail(draft))
            .unwrap()
    }

    fn mail(&self, id: MailId) -> Mail {
        self.runtime.block_on(self.store.mail(id)).unwrap().0
    }

    fn wait_until_sent(&self, id: MailId) -> Mail {
        eventually("the mail is recorded as sent", || {
            matches!(self.mail(id).state, State::Sent { .. })
        });
        self.mail(id)
    }

    /// Waits for an attempt that fails; what went wrong.
    fn error(&self, id: MailId) -> String {
        eventually("an attempt fails", || self.mail(id).error.is_some());
        self.mail(id).error.unwrap()
    }
}

fn header<'a>(mail: &'a Value, name: &str) -> &'a str {
    let headers = mail["headers"].as_array().unwrap();
    let found = headers.iter().find(|header| header[0] == name);
    found
        .and_then(|header| header[1].as_str())
        .unwrap_or_default()
}

#[test]
fn a_mail_arrives_as_it_was_written() {
    let mail_server = MailServer::start(&[]);
    let server = Server::start(&settings(mail_server.port, "none"));
    let outbox = Outbox::of(&server);
    let id = outbox.put("ann@example.com");
    let mail = mail_server.mail();
    assert_eq!(mail["from"], "millstream@example.com");
    assert_eq!(mail["to"], serde_json::json!(["ann@example.com"]));
    assert_eq!(header(&mail, "From"), "Mühle <millstream@example.com>");
    assert_eq!(header(&mail, "To"), "ann@example.com");
    assert_eq!(header(&mail, "Subject"), "Jörg invites you to Mühle");
    assert_eq!(header(&mail, "Auto-Submitted"), "auto-generated");
    assert_eq!(header(&mail, "Message-ID"), format!("<{id}@example.com>"));
    assert_eq!(mail["hello"], "millstream.example.com");
    let text = mail["text"].as_str().unwrap().replace("\r\n", "\n");
    assert!(text.starts_with("Grüße!\n.\nOpen https://"), "{text:?}");
    assert!(mail["html"].as_str().unwrap().contains("<p>Grüße!</p>"));
    let sent = outbox.wait_until_sent(id);
    assert_eq!((sent.attempts, sent.error), (1, None));
    assert!(!server.log().contains(SECRET) && !server.log().contains("ann@example.com"));
}

#[test]
fn mails_that_wait_together_share_a_connection() {
    let address = free_address();
    let server = Server::start(&settings(address.port(), "none"));
    let outbox = Outbox::of(&server);
    let ids = [
        "a@example.com",
        "nobody@example.com",
        "b@example.com",
        "c@example.com",
    ]
    .map(|recipient| outbox.put(recipient));
    let port = address.port().to_string();
    let mail_server = MailServer::start(&["--port", &port]);
    let mut peers: Vec<_> = (0..3).map(|_| mail_server.mail()["peer"].clone()).collect();
    peers.dedup();
    assert_eq!(
        peers.len(),
        1,
        "one of them was refused, and that ended nothing"
    );
    for id in [ids[0], ids[2], ids[3]] {
        outbox.wait_until_sent(id);
    }
}

#[test]
fn a_connection_is_kept_for_a_while_and_replaced_when_it_broke() {
    let mail_server = MailServer::start(&[]);
    let port = mail_server.port.to_string();
    let server = Server::start(&format!(
        "{}\nmail.idle_timeout = \"1h\"",
        settings(mail_server.port, "none")
    ));
    let outbox = Outbox::of(&server);
    let send = |mail_server: &MailServer| {
        let id = outbox.put("ann@example.com");
        let mail = mail_server.mail();
        assert_eq!(outbox.wait_until_sent(id).error, None);
        mail["peer"].clone()
    };
    assert_eq!(send(&mail_server), send(&mail_server));
    drop(mail_server);
    let mail_server = MailServer::start(&["--port", &port]);
    send(&mail_server);

    let server = Server::start(&format!(
        "{}\nmail.idle_timeout = \"50ms\"",
        settings(mail_server.port, "none")
    ));
    let outbox = Outbox::of(&server);
    let peers = [1, 2].map(|_| {
        outbox.put("ann@example.com");
        let mail = mail_server.mail();
        std::thread::sleep(Duration::from_millis(400));
        mail["peer"].clone()
    });
    assert_ne!(peers[0], peers[1], "an unused connection is closed");
}

#[test]
fn starttls_with_a_private_authority_carries_credentials() {
    let authority = Authority::make();
    let credentials = ["--username", "mill", "--password", PASSWORD];
    let mail_server = authority.server("starttls", &credentials);
    let server = Server::start(&format!(
        "{}\nmail.ca_file = {:?}\nmail.username = \"mill\"\nmail.password = \"{PASSWORD}\"",
        settings(mail_server.port, "starttls"),
        authority.path("ca.pem")
    ));
    let outbox = Outbox::of(&server);
    let id = outbox.put("ann@example.com");
    let mail = mail_server.mail();
    assert_eq!(
        (&mail["tls"], &mail["user"]),
        (&true.into(), &"mill".into())
    );
    outbox.wait_until_sent(id);
}

#[test]
fn tls_from_the_first_byte_works_with_a_private_authority() {
    let authority = Authority::make();
    let mail_server = authority.server("tls", &[]);
    let server = Server::start(&format!(
        "{}\nmail.ca_file = {:?}",
        settings(mail_server.port, "tls"),
        authority.path("ca.pem")
    ));
    let outbox = Outbox::of(&server);
    let id = outbox.put("ann@example.com");
    assert_eq!(mail_server.mail()["tls"], true);
    outbox.wait_until_sent(id);
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused_and_nothing_is_sent() {
    for security in ["starttls", "tls"] {
        let mail_server = Authority::make().server(security, &[]);
        let server = Server::start(&settings(mail_server.port, security));
        let outbox = Outbox::of(&server);
        let error = outbox.error(outbox.put("ann@example.com"));
        assert!(error.contains("certificate"), "{security}: {error}");
        assert!(mail_server.took_nothing());
    }
}

#[test]
fn without_starttls_nothing_is_sent_where_it_is_asked_for() {
    let mail_server = MailServer::start(&[]);
    let server = Server::start(&settings(mail_server.port, "starttls"));
    let outbox = Outbox::of(&server);
    let error = outbox.error(outbox.put("ann@example.com"));
    assert!(error.contains("doesn't offer STARTTLS"), "{error}");
    assert!(mail_server.took_nothing());
}

#[test]
fn wrong_credentials_are_told_without_showing_them_and_the_mail_waits() {
    let authority = Authority::make();
    let mail_server = authority.server("starttls", &["--username", "mill", "--password", "x"]);
    let server = Server::start(&format!(
        "{}\nmail.ca_file = {:?}\nmail.username = \"mill\"\nmail.password = \"{PASSWORD}\"",
        settings(mail_server.port, "starttls"),
        authority.path("ca.pem")
    ));
    let outbox = Outbox::of(&server);
    let id = outbox.put("ann@example.com");
    let error = outbox.error(id);
    assert!(
        error.contains("refuses user name and password: 535"),
        "{error}"
    );
    assert!(matches!(outbox.mail(id).state, State::Queued { .. }));
    let shown = server.json(&["config", "show"]).to_string() + &error + &server.log();
    assert!(!shown.contains(PASSWORD), "{shown}");
}

#[test]
fn the_queue_outlives_a_mail_server_that_is_down() {
    let address = free_address();
    let server = Server::start(&settings(address.port(), "none"));
    let outbox = Outbox::of(&server);
    let id = outbox.put("ann@example.com");
    let error = outbox.error(id);
    assert!(error.contains("can't be reached"), "{error}");
    let port = address.port().to_string();
    let mail_server = MailServer::start(&["--port", &port]);
    assert_eq!(mail_server.mail()["to"][0], "ann@example.com");
    assert!(outbox.wait_until_sent(id).attempts >= 2);
}

#[test]
fn a_mail_that_is_put_off_is_sent_later_and_one_that_is_refused_is_given_up() {
    let mail_server = MailServer::start(&[]);
    let server = Server::start(&settings(mail_server.port, "none"));
    let outbox = Outbox::of(&server);
    let refused = outbox.put("nobody@example.com");
    let put_off = outbox.put("grey@example.com");
    assert_eq!(mail_server.mail()["to"][0], "grey@example.com");
    assert_eq!(outbox.wait_until_sent(put_off).attempts, 2);
    let mail = outbox.mail(refused);
    assert!(matches!(mail.state, State::Failed { .. }), "{mail:?}");
    let error = mail.error.unwrap();
    assert_eq!(
        (mail.attempts, &*error),
        (1, "550 5.1.1 there is no such person")
    );
}

#[test]
fn what_a_mail_server_quotes_of_a_mail_is_neither_kept_nor_logged() {
    let mail_server = MailServer::start(&[]);
    let server = Server::start(&settings(mail_server.port, "none"));
    let outbox = Outbox::of(&server);
    let error = outbox.error(outbox.put("quoted@example.com"));
    assert!(error.starts_with("554 5.7.1 blocked: "), "{error}");
    assert!(!error.contains(SECRET) && !server.log().contains(SECRET));
}

#[test]
fn an_address_beyond_ascii_needs_a_server_that_takes_it() {
    let recipient = "jörg@bücher.example";
    let mail_server = MailServer::start(&[]);
    let server = Server::start(&settings(mail_server.port, "none"));
    let outbox = Outbox::of(&server);
    let id = outbox.put(recipient);
    assert_eq!(mail_server.mail()["to"][0], "jörg@xn--bcher-kva.example");
    outbox.wait_until_sent(id);

    let mail_server = MailServer::start(&["--ascii"]);
    let server = Server::start(&settings(mail_server.port, "none"));
    let outbox = Outbox::of(&server);
    let error = outbox.error(outbox.put(recipient));
    assert!(error.contains("no addresses beyond ASCII"), "{error}");
    outbox.put("info@bücher.example");
    assert_eq!(mail_server.mail()["to"][0], "info@xn--bcher-kva.example");
}

#[test]
fn a_mail_server_that_says_nothing_is_given_up_on() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = silent.local_addr().unwrap();
    let server = Server::start(&format!(
        "{}\nmail.connect_timeout = \"300ms\"",
        settings(address.port(), "none")
    ));
    let outbox = Outbox::of(&server);
    let id = outbox.put("ann@example.com");
    let error = outbox.error(id);
    assert!(error.contains("did not answer within 300ms"), "{error}");
    assert!(matches!(outbox.mail(id).state, State::Queued { .. }));
    let (_folder, ended_well) = server.terminate();
    assert!(ended_well);
}

#[test]
fn a_mail_that_waits_when_the_server_is_killed_is_sent_after_the_next_start() {
    let address = free_address();
    let server = Server::start(&settings(address.port(), "none"));
    let outbox = Outbox::of(&server);
    let id = outbox.put("ann@example.com");
    outbox.error(id);
    let folder = server.kill();
    let port = address.port().to_string();
    let mail_server = MailServer::start(&["--port", &port]);
    let server = Server::start_in(folder, &settings(address.port(), "none"));
    assert_eq!(mail_server.mail()["to"][0], "ann@example.com");
    outbox.wait_until_sent(id);
    assert!(mail_server.took_nothing(), "{}", server.log());
}

#[test]
fn without_a_mail_server_mail_waits_in_the_outbox() {
    let server = Server::start("");
    let outbox = Outbox::of(&server);
    let id = outbox.put("ann@example.com");
    std::thread::sleep(Duration::from_millis(300));
    let mail = outbox.mail(id);
    assert!(matches!(mail.state, State::Queued { .. }), "{mail:?}");
    assert_eq!((mail.attempts, mail.error), (0, None));
}
