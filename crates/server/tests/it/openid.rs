//! Signing in at a real provider of OpenID Connect (oidc-provider for Node.js), with a browser that
//! follows redirections and keeps cookies.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_postgres::Database;

use crate::process::{Server, free_address, millstream, text};

/// Where people reach the installation, as if a proxy stood before it.
const PUBLIC_URL: &str = "https://millstream.example.com";
const CALLBACK: &str = "/api/v1/session/openid/callback";
const CLIENT_SECRET: &str = "hunter2:at+the provider%";
const SIGN_IN: &str = "__Host-millstream_sign_in";

/// How long the provider may take to start.
const LIMIT: Duration = Duration::from_secs(30);

const ANN: &str = "sub=ann&email=ann@example.com&email_verified=true&name=Ann";

/// A provider; killed when dropped.
struct Provider {
    child: Child,
    address: SocketAddr,
}

impl Provider {
    fn start() -> Self {
        Self::start_at(free_address(), "RS256")
    }

    /// With new keys.
    fn start_at(address: SocketAddr, algorithm: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/node");
        assert!(
            folder.join("node_modules/oidc-provider").exists(),
            "the provider of the tests is not installed: run tests/setup-clients"
        );
        let mut child = Command::new("node")
            .arg(folder.join("openid-provider.mjs"))
            .arg(address.port().to_string())
            .arg(format!("{PUBLIC_URL}{CALLBACK}"))
            .arg(algorithm)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node runs");
        let (said, ready) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            let lines = lines.map_while(Result::ok);
            lines.for_each(|line| drop(said.send(line)));
        });
        let provider = Self { child, address };
        while !ready
            .recv_timeout(LIMIT)
            .expect("the provider starts in time")
            .contains("issuer")
        {}
        provider
    }

    /// Another process with other keys in its place.
    fn restart(self) -> Self {
        let address = self.address;
        drop(self);
        Self::start_at(address, "RS256")
    }

    /// Settings of a server that people sign in to here.
    fn settings(&self, more: &str) -> String {
        settings(self.address, more)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn settings(provider: SocketAddr, more: &str) -> String {
    format!(
        "control.public_url = {PUBLIC_URL:?}\n[access.openid.acme]\nname = \"Acme\"\n\
         issuer = \"http://{provider}\"\nclient_id = \"millstream\"\n\
         client_secret = {CLIENT_SECRET:?}\n{more}\n"
    )
}

/// A browser, for which the public address leads to the server.
#[derive(Clone)]
struct Browser {
    server: SocketAddr,
    /// By the host and the cookie's name.
    cookies: BTreeMap<(SocketAddr, String), String>,
}

/// What it gets.
#[derive(Debug)]
struct Page {
    status: u16,
    /// Where it is sent, as an absolute address.
    location: String,
    body: String,
}

impl Browser {
    fn new(server: &Server) -> Self {
        Self {
            server: server.address,
            cookies: BTreeMap::new(),
        }
    }

    fn get(&mut self, url: &str) -> Page {
        let local = url.replace(PUBLIC_URL, &format!("http://{}", self.server));
        let rest = local.strip_prefix("http://").expect("a URL");
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let address: SocketAddr = host.parse().expect("an address of this machine");
        let sent = self.cookies.iter().filter(|((of, _), _)| *of == address);
        let sent: Vec<_> = sent
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let mut stream = TcpStream::connect(address).expect("somebody listens");
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncookie: {}\r\n\r\n",
            sent.join("; ")
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let mut location = String::new();
        for line in head.lines().skip(1) {
            let (name, value) = line.split_once(": ").unwrap_or_default();
            match name.to_ascii_lowercase().as_str() {
                "set-cookie" => self.keep(address, value),
                "location" if value.starts_with('/') => location = format!("http://{host}{value}"),
                "location" => location = value.to_owned(),
                _ => {}
            }
        }
        Page {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            location,
            body: body.to_owned(),
        }
    }

    fn keep(&mut self, host: SocketAddr, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        let key = (host, name.to_owned());
        match attributes.contains("1970") || attributes.contains("Max-Age=0") {
            true => self.cookies.remove(&key),
            false => self.cookies.insert(key, value.to_owned()),
        };
    }

    /// The address that the provider's button leads to.
    fn start(&mut self) -> String {
        let start = "/api/v1/session/openid/acme/start?return_to=/projects";
        let page = self.get(&format!("{PUBLIC_URL}{start}"));
        assert_eq!(page.status, 303, "{page:?}");
        page.location
    }

    /// Logs in at the provider, as whom the login page is told: where the provider sends the browser.
    fn log_in(&mut self, authorize: &str, person: &str) -> String {
        let login = self.get(authorize).location;
        let resume = self.get(&format!("{login}?{person}")).location;
        self.get(&resume).location
    }

    /// The whole way: where it ends.
    fn sign_in(&mut self, person: &str) -> String {
        let authorize = self.start();
        let callback = self.log_in(&authorize, person);
        self.get(&callback).location
    }

    /// Who is signed in.
    fn me(&mut self) -> Value {
        let page = self.get(&format!("{PUBLIC_URL}/api/v1/me"));
        serde_json::from_str::<Value>(&page.body).unwrap()["person"].clone()
    }

    fn cookie(&mut self, name: &str) -> &mut String {
        let key = (self.server, name.to_owned());
        self.cookies.get_mut(&key).expect("the cookie is set")
    }
}

/// Where somebody ends who was let in.
fn home() -> String {
    format!("{PUBLIC_URL}/projects")
}

/// Where somebody ends who was not.
fn refused(code: &str) -> String {
    format!("{PUBLIC_URL}/sign-in?error={code}")
}

/// A parameter of an address, as it stands there.
fn parameter<'u>(url: &'u str, name: &str) -> &'u str {
    let (_, query) = url.split_once('?').expect("a query");
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(found, _)| *found == name);
    found.unwrap_or_else(|| panic!("no {name} in {url}")).1
}

/// A server that people sign in to at a provider, with an invitation for Ann.
fn start(provider: &Provider) -> Server {
    let server = Server::start(&provider.settings(""));
    server.json(&["invitation", "create", "ann@example.com", "--role", "admin"]);
    server
}

#[test]
fn who_is_invited_signs_in_and_is_the_same_person_the_next_time() {
    let provider = Provider::start();
    let server = start(&provider);
    let mut browser = Browser::new(&server);
    let listed = browser.get(&format!("{PUBLIC_URL}/api/v1/session/openid"));
    let listed: Value = serde_json::from_str(&listed.body).unwrap();
    assert_eq!(listed["providers"], json!([{"id": "acme", "name": "Acme"}]));
    assert_eq!(browser.sign_in(ANN), home(), "{}", server.log());
    let ann = browser.me();
    assert_eq!(
        (&ann["email"], &ann["name"]),
        (&json!("ann@example.com"), &json!("Ann"))
    );
    assert_eq!(server.json(&["member", "list"])[0]["role"], "admin");
    let open = server.json(&["invitation", "list"]).to_string();
    assert!(!open.contains("ann@example.com"), "{open}");

    // Her address there has changed, and is nobody's word any more: she is who she is.
    let mut elsewhere = Browser::new(&server);
    let changed = "sub=ann&email=other@example.com&email_verified=false";
    assert_eq!(elsewhere.sign_in(changed), home());
    assert_eq!(elsewhere.me()["id"], ann["id"]);
    let identities = browser.get(&format!("{PUBLIC_URL}/api/v1/me/identities"));
    let identities: Value = serde_json::from_str(&identities.body).unwrap();
    assert_eq!(identities["items"].as_array().unwrap().len(), 1);
    assert_eq!(identities["items"][0]["provider"], "acme");
    assert!(!server.log().contains(CLIENT_SECRET));
}

#[test]
fn a_provider_with_other_signatures_and_a_shy_browser_is_no_matter() {
    let provider = Provider::start_at(free_address(), "ES256");
    let server = start(&provider);
    let mut browser = Browser::new(&server);
    assert_eq!(browser.sign_in("deny=true"), refused("provider_refused"));
    assert_eq!(browser.me(), Value::Null);
    assert_eq!(browser.sign_in(ANN), home(), "{}", server.log());
}

#[test]
fn an_answer_to_another_question_is_refused() {
    let provider = Provider::start();
    let server = start(&provider);
    let mut browser = Browser::new(&server);

    // An ID token for another sign-in.
    let authorize = browser.start();
    let other = authorize.replace(parameter(&authorize, "nonce"), &"0".repeat(64));
    let callback = browser.log_in(&other, ANN);
    let end = browser.get(&callback).location;
    assert_eq!(end, refused("provider_not_trusted"), "{}", server.log());

    // A code for another sign-in: it needs that one's verifier.
    let (mut victim, mut thief) = (Browser::new(&server), Browser::new(&server));
    let stolen = victim.start();
    let stolen = victim.log_in(&stolen, ANN);
    let own = thief.start();
    let own = thief.log_in(&own, "sub=thief");
    let injected = own.replace(parameter(&own, "code"), parameter(&stolen, "code"));
    assert_eq!(thief.get(&injected).location, refused("provider_refused"));

    // Another browser's answer.
    let mut browser = Browser::new(&server);
    let authorize = browser.start();
    let callback = browser.log_in(&authorize, ANN);
    let mut other = Browser::new(&server);
    assert_eq!(other.get(&callback).location, refused("sign_in_ended"));
    other.start();
    assert_eq!(other.get(&callback).location, refused("sign_in_ended"));

    // A changed cookie.
    let mut tampering = browser.clone();
    let cookie = tampering.cookie(SIGN_IN);
    let last = if cookie.ends_with('0') { "1" } else { "0" };
    cookie.replace_range(cookie.len() - 1.., last);
    assert_eq!(tampering.get(&callback).location, refused("sign_in_ended"));

    // The same answer twice, by a browser that keeps what it should forget.
    let mut again = browser.clone();
    assert_eq!(browser.get(&callback).location, home(), "{}", server.log());
    assert_eq!(again.get(&callback).location, refused("provider_refused"));
    assert_eq!(again.me(), Value::Null);
    assert_eq!(browser.get(&callback).location, refused("sign_in_ended"));

    assert!(!server.log().contains(parameter(&callback, "code")));
}

#[test]
fn strangers_come_in_by_their_verified_domain_only() {
    let provider = Provider::start();
    let server = start(&provider);
    let mut stranger = Browser::new(&server);
    let joe = "sub=joe&email=joe@example.com&email_verified=true";
    assert_eq!(stranger.sign_in(joe), refused("no_account"));
    assert_eq!(Browser::new(&server).sign_in(ANN), home());

    let organisation = server.json(&["organisation", "list"])[0]["id"].clone();
    let admission =
        format!("domains = \"example.com\"\norganisation = {organisation}\nrole = \"member\"");
    let server = Server::start_in(server.kill(), &provider.settings(&admission));
    for (person, code) in [
        (
            "sub=joe&email=joe@example.com&email_verified=false",
            "email_not_verified",
        ),
        ("sub=joe", "email_not_verified"),
        (
            "sub=joe&email=joe@example.org&email_verified=true",
            "domain_not_allowed",
        ),
        // Ann's address, which this one only says to have.
        (
            "sub=mallory&email=ann@example.com&email_verified=false",
            "email_not_verified",
        ),
    ] {
        let end = Browser::new(&server).sign_in(person);
        assert_eq!(end, refused(code), "{person}");
    }
    let mut browser = Browser::new(&server);
    assert_eq!(browser.sign_in(joe), home(), "{}", server.log());
    assert_eq!(browser.me()["name"], "joe@example.com");
    let members = server.json(&["member", "list"]);
    let member = members.as_array().unwrap().iter();
    let mut member = member.filter(|member| member["email"] == "joe@example.com");
    assert_eq!(member.next().expect("he has joined")["role"], "member");

    // Who was removed stays removed, whoever vouches for them.
    server.command(&["member", "remove", "joe@example.com"]);
    let mut browser = Browser::new(&server);
    assert_eq!(browser.sign_in(joe), home());
    let mine = browser.get(&format!("{PUBLIC_URL}/api/v1/me/organisations"));
    let mine: Value = serde_json::from_str(&mine.body).unwrap();
    assert_eq!(mine["items"], json!([]));
}

#[test]
fn keys_that_change_at_the_provider_are_no_matter() {
    let provider = Provider::start();
    let server = start(&provider);
    assert_eq!(Browser::new(&server).sign_in(ANN), home());
    let provider = provider.restart();
    let end = Browser::new(&server).sign_in(ANN);
    assert_eq!(end, home(), "{}", server.log());
    drop(provider);
}

#[test]
fn a_provider_that_is_away_or_silent_is_said_to_be_unavailable_in_time() {
    let provider = Provider::start();
    let server = start(&provider);
    let mut browser = Browser::new(&server);
    let authorize = browser.start();
    let callback = browser.log_in(&authorize, ANN);
    let address = provider.address;
    drop(provider);
    let unavailable = refused("provider_unavailable");
    assert_eq!(browser.get(&callback).location, unavailable);

    // From now on somebody listens there and says nothing.
    let silent = TcpListener::bind(address).expect("the port is free again");
    let mut browser = Browser::new(&server);
    let authorize = browser.start();
    let state = parameter(&authorize, "state");
    let callback = format!("{PUBLIC_URL}{CALLBACK}?code=c&state={state}");
    let begun = Instant::now();
    assert_eq!(browser.get(&callback).location, unavailable);
    assert!(begun.elapsed() < Duration::from_secs(20));
    // And another server, which has yet to find out what is there.
    let server = Server::start(&settings(address, ""));
    let begun = Instant::now();
    assert_eq!(Browser::new(&server).start(), unavailable);
    assert!(begun.elapsed() < Duration::from_secs(15));
    drop(silent);
}

#[test]
fn another_node_finishes_what_one_has_begun() {
    let provider = Provider::start();
    let database = Database::shared(env!("CARGO_TARGET_TMPDIR"));
    let shared = format!(
        "store.database = {:?}\nstore.key = \"0123456789abcdef:{}\"\n{}",
        database.address(),
        "0f".repeat(32),
        provider.settings("")
    );
    let (one, other) = (Server::start(&shared), Server::start(&shared));
    one.json(&[
        "invitation",
        "create",
        "ann@example.com",
        "--role",
        "viewer",
    ]);
    let mut browser = Browser::new(&one);
    let authorize = browser.start();
    let callback = browser.log_in(&authorize, ANN);
    let cookie = browser.cookie(SIGN_IN).clone();
    browser.server = other.address;
    let key = (other.address, SIGN_IN.to_owned());
    browser.cookies.insert(key, cookie);
    assert_eq!(browser.get(&callback).location, home(), "{}", other.log());
    assert_eq!(browser.me()["email"], "ann@example.com");
}

#[test]
fn a_providers_settings_are_checked_and_its_secret_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("millstream.toml");
    let provider: SocketAddr = "127.0.0.1:9".parse().unwrap();
    std::fs::write(&file, settings(provider, "domains = \"example.com\"")).unwrap();
    let config = |command: &str, variables: &[(&str, &str)]| {
        let output = millstream()
            .args(["config", command, "--config"])
            .arg(&file)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!said.contains(CLIENT_SECRET), "{said}");
        (output.status.success(), said)
    };
    assert!(config("check", &[]).0);
    let (_, shown) = config("show", &[]);
    for setting in ["client_secret", "issuer", "domains"] {
        let key = format!("access.openid.acme.{setting}");
        assert!(shown.contains(&key), "{shown}");
    }
    assert!(!shown.contains("NAME"), "{shown}");
    // Secrets need not be in the file.
    let variable = "MILLSTREAM_ACCESS__OPENID__ACME__CLIENT_SECRET";
    let (checked, shown) = config("show", &[(variable, "hunter3-of-the-environment")]);
    assert!(checked && shown.contains(variable), "{shown}");
    assert!(!shown.contains("hunter3"), "{shown}");

    for (setting, value, complaint) in [
        ("issuer", "http://id.example.com", "must be a URL"),
        ("role", "king", "must be \"viewer\""),
        ("role", "owner", "must be \"viewer\""),
        ("organisation", "acme", "must be an organisation's id"),
        ("domain", "example.com", "did you mean"),
    ] {
        let variable = format!(
            "MILLSTREAM_ACCESS__OPENID__ACME__{}",
            setting.to_uppercase()
        );
        let (good, said) = config("check", &[(&variable, value)]);
        assert!(!good && said.contains(complaint), "{setting}: {said}");
        assert!(said.contains(&format!("acme.{setting}")), "{said}");
    }
    let (good, said) = config("check", &[("MILLSTREAM_CONTROL__PUBLIC_URL", "")]);
    assert!(!good && said.contains("control.public_url"), "{said}");
}
