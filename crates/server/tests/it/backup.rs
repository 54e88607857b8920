//! `millstream backup` and `millstream restore`, but for their use under load, which is tested end
//! to end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::{Server, eventually, exchange, millstream, mode, request, text};

/// The value of a secret header, as nothing but the destination may see it.
const SECRET: &str = "hunter2-is-the-secret-of-this-test";

/// A server with a project, a sync with a secret header, and events that were delivered.
struct Shop {
    server: Server,
    /// Its receiver is the sync's destination.
    destination: Server,
    api_key: String,
    secret_key: String,
    /// The sync's path in the control API.
    sync: String,
}

impl Shop {
    fn start() -> Self {
        let server = Server::start("");
        let project = server.json(&["project", "create", "Shop"]);
        let field = |value: &Value| value.as_str().expect("a text").to_owned();
        let mut shop = Self {
            destination: Server::start(""),
            api_key: field(&project["project"]["api_key"]),
            secret_key: field(&project["secret_key"]),
            server,
            sync: String::new(),
        };
        let syncs = format!("/projects/{}/syncs", field(&project["project"]["id"]));
        let sync = json!({
            "name": "Box",
            "enabled": true,
            "url": format!("http://{}/receiver/in/box", shop.destination.address),
            "headers": [{"name": "X-Secret", "value": SECRET, "secret": true}],
        });
        let sync = shop.control("POST", &syncs, &sync);
        shop.sync = format!("{syncs}/{}", field(&sync["id"]));
        shop.send("before", 20);
        shop.delivered(20);
        shop
    }

    fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let token = fs::read_to_string(self.server.data().join("admin-token")).unwrap();
        let authorization = format!("Bearer {}", token.trim());
        let headers = [("authorization", authorization.as_str())];
        let path = format!("/api/v1{path}");
        let (head, answer) = exchange(
            self.server.address,
            method,
            &path,
            &headers,
            &body.to_string(),
        )
        .unwrap();
        assert!(head.contains(" 20"), "{head}\n{answer}");
        serde_json::from_str(&answer).unwrap_or_default()
    }

    fn send(&self, event_type: &str, count: usize) {
        let event = json!({"user_id": "user-1", "event_type": event_type});
        let body = json!({"api_key": self.api_key, "events": vec![event; count]});
        let sent = request(self.server.address, "POST", "/2/httpapi", &body.to_string());
        assert_eq!(sent.unwrap().0, 200);
    }

    fn delivered(&self, count: u64) {
        eventually("the events are delivered and settled", || {
            let status = self.control("GET", &format!("{}/status", self.sync), &Value::Null);
            status["counts"]["delivered_first"] == count && status["backlog"] == 0
        });
    }

    fn inbox(&self) -> Value {
        let inbox = request(self.destination.address, "GET", "/receiver/api/box", "").unwrap();
        serde_json::from_str(&inbox.1).expect("JSON")
    }

    /// Sends one event of a type that no other has; its delivery's id.
    fn delivery_id_of(&self, event_type: &str) -> String {
        self.send(event_type, 1);
        let mut found = None;
        eventually("the event arrives", || {
            let inbox = self.inbox();
            let mut requests = inbox["requests"].as_array().expect("a list").iter();
            let is_it = |one: &&Value| one["body"].to_string().contains(event_type);
            let one = requests.find(is_it);
            found = one.map(|one| one["delivery_id"].as_str().expect("a text").to_owned());
            found.is_some()
        });
        found.expect("it has arrived")
    }

    fn key_file(&self) -> PathBuf {
        self.server.data().join("secret.key")
    }

    /// A backup that succeeds.
    fn backup(&self, name: &str) -> PathBuf {
        let file = self.server.folder.path().join(name);
        let output = backup(&self.server.data(), &file, &[]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        file
    }
}

fn backup(data: &Path, to: &Path, options: &[&str]) -> Output {
    let mut command = millstream();
    command.arg("backup").arg(to).arg("--data-dir").arg(data);
    command.args(options).output().unwrap()
}

fn restore(from: &Path, data: &Path, options: &[&str]) -> Output {
    let mut command = millstream();
    command.arg("restore").arg(from).arg("--data-dir").arg(data);
    command.args(options).output().unwrap()
}

/// Restores, expects that to fail and nothing to appear, and returns what was said.
fn refusal(from: &Path, data: &Path, options: &[&str]) -> String {
    let existed = data.exists();
    let output = restore(from, data, options);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(data.exists(), existed, "a folder appeared");
    assert!(!data.with_extension("restoring").exists(), "a rest is left");
    text(&output.stderr)
}

fn with_key(file: &Path) -> [&str; 2] {
    ["--key-file", file.to_str().unwrap()]
}

#[test]
fn a_backup_holds_everything_but_the_keys_and_no_secret_in_the_clear() {
    let shop = Shop::start();
    let file = shop.backup("shop.tar");
    assert_eq!(mode(&file), 0o600);
    let rests = fs::read_dir(shop.server.folder.path()).unwrap();
    let rests: Vec<_> = rests.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        !rests
            .iter()
            .any(|name| name.to_string_lossy().contains("partial")),
        "{rests:?}"
    );

    let bytes = fs::read(&file).unwrap();
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(holds(&shop.api_key) && holds("journal/journal.db"));
    let token = fs::read_to_string(shop.server.data().join("admin-token")).unwrap();
    let (_, token_secret) = token.trim().rsplit_once('_').expect("prefix, id, secret");
    let key = fs::read_to_string(shop.key_file()).unwrap();
    let (key_id, key) = key.trim().split_once(':').unwrap();
    for secret in [SECRET, &shop.secret_key, token.trim(), token_secret, key] {
        assert!(
            secret.len() >= 16 && !holds(secret),
            "a secret is in the archive"
        );
    }
    assert!(holds(key_id), "the manifest says which key is needed");
}

#[test]
fn what_is_restored_goes_on_where_the_backup_was_taken() {
    let shop = Shop::start();
    let file = shop.backup("shop.tar");
    let output = backup(&shop.server.data(), &file, &["--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["manifest"]["parts"][0]["name"], "control.db");
    let lost_id = shop.delivery_id_of("lost");

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let restored = restore(&file, &data, &with_key(&shop.key_file()));
    assert!(restored.status.success(), "{}", text(&restored.stderr));
    assert!(text(&restored.stdout).contains("--new-admin-token"));
    // The admin token's: its text is lost, but it is as good as before.
    assert!(text(&restored.stdout).contains("1 API tokens are live"));
    assert_eq!(
        (mode(&data), mode(&data.join("control.db"))),
        (0o700, 0o600)
    );
    assert_eq!(mode(&data.join("secret.key")), 0o600);

    fs::copy(
        shop.server.data().join("admin-token"),
        data.join("admin-token"),
    )
    .unwrap();
    let server = Server::start_in(folder, "");
    let shop = Shop { server, ..shop };
    // The sync is there with its secret, and what had been delivered isn't sent again.
    shop.delivered(20);
    let new_id = shop.delivery_id_of("after");
    shop.delivered(21);
    assert_ne!(
        lost_id, new_id,
        "an id that was used stands for another event"
    );
    let inbox = shop.inbox();
    assert_eq!(inbox["counts"]["requests"], 22, "{inbox}");
    assert_eq!(inbox["counts"]["repeated"], 0, "{inbox}");
    for one in inbox["requests"].as_array().unwrap() {
        assert!(
            one["headers"]
                .to_string()
                .to_lowercase()
                .contains("x-secret"),
            "{one}"
        );
    }
}

#[test]
fn what_cannot_be_restored_is_refused_with_its_reason() {
    let shop = Shop::start();
    let file = shop.backup("shop.tar");
    let key = shop.key_file();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");

    let running = refusal(&file, &shop.server.data(), &with_key(&key));
    assert!(running.contains("a server is running on"), "{running}");
    let used = folder.path().join("used");
    fs::create_dir(&used).unwrap();
    fs::write(used.join("something"), "").unwrap();
    let not_empty = refusal(&file, &used, &with_key(&key));
    assert!(not_empty.contains("is not empty"), "{not_empty}");

    let key_text = fs::read_to_string(&key).unwrap();
    let (key_id, _) = key_text.split_once(':').unwrap();
    let no_key = refusal(&file, &data, &[]);
    assert!(
        no_key.contains(key_id) && no_key.contains("--key-file"),
        "{no_key}"
    );
    let other = folder.path().join("other.key");
    let zeros = "0".repeat(64);
    for (id, said) in [
        ("0123456789abcdef", "not in the key file"),
        (key_id, "doesn't open"),
    ] {
        let _ = fs::remove_file(&other);
        fs::copy(&key, &other).unwrap();
        fs::write(&other, format!("{id}:{zeros}\n")).unwrap();
        let refused = refusal(&file, &data, &with_key(&other));
        assert!(
            refused.contains(key_id) && refused.contains(said),
            "{refused}"
        );
    }
    let missing = refusal(&file, &data, &["--key-file", "/nonexistent/secret.key"]);
    assert!(missing.contains("/nonexistent/secret.key"), "{missing}");

    for (name, content) in [
        ("no-archive", "no archive at all".repeat(100)),
        ("empty", String::new()),
    ] {
        let wrong = folder.path().join(name);
        fs::write(&wrong, content).unwrap();
        let refused = refusal(&wrong, &data, &with_key(&key));
        assert!(refused.contains("this is no backup"), "{refused}");
    }
    let later = folder.path().join("later.tar");
    let bytes = fs::read(&file).unwrap();
    fs::write(
        &later,
        replaced(&bytes, b"\"format\": 1,", b"\"format\": 9,"),
    )
    .unwrap();
    let newer = refusal(&later, &data, &with_key(&key));
    assert!(newer.contains("its format is 9"), "{newer}");

    let without = restore(&file, &data, &["--without-key"]);
    assert!(without.status.success(), "{}", text(&without.stderr));
    assert!(text(&without.stdout).contains(key_id));
    assert!(!data.join("secret.key").exists());
}

/// The first occurrence of `from`, replaced by `to`.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from);
    let at = at.expect("it is there");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[test]
fn a_damaged_or_truncated_archive_is_refused_with_the_part_that_is_damaged() {
    let shop = Shop::start();
    let bytes = fs::read(shop.backup("shop.tar")).unwrap();
    let key = shop.key_file();
    let folder = tempfile::tempdir().unwrap();
    let (damaged, data) = (
        folder.path().join("damaged.tar"),
        folder.path().join("data"),
    );
    let refused = |bytes: &[u8]| {
        fs::write(&damaged, bytes).unwrap();
        refusal(&damaged, &data, &with_key(&key))
    };

    // Where each entry's header is, and its content.
    let mut entries = Vec::new();
    let mut at = 0;
    while bytes[at] != 0 {
        let field = |from: usize, to: usize| {
            let text = String::from_utf8_lossy(&bytes[at + from..at + to]).into_owned();
            text.trim_matches(['\0', ' ']).to_owned()
        };
        let size = usize::from_str_radix(&field(124, 136), 8).unwrap();
        entries.push((field(0, 100), at, at + 512, size));
        at += 512 + size.div_ceil(512) * 512;
    }
    let names: Vec<_> = entries.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "manifest.json",
            "control.db",
            "journal/journal.db",
            "SHA256SUMS"
        ]
    );
    for (name, header, content, size) in &entries {
        for place in [0, size / 2, size - 1] {
            let mut flipped = bytes.clone();
            flipped[content + place] ^= 0x10;
            let said = refused(&flipped);
            // A manifest that says something else may be refused for that.
            let named = said.contains(name) || name == "manifest.json";
            assert!(named, "{name}: {said}");
        }
        let mut flipped = bytes.clone();
        flipped[header + 30] ^= 0x01;
        assert!(refused(&flipped).contains("damaged"));
        let cut = refused(&bytes[..content + size / 2]);
        assert!(cut.contains(name), "{name}: {cut}");
        let said = refused(&bytes[..*header]);
        assert!(said.contains(name) || *header == 0, "{name}: {said}");
    }

    // Whatever bit of the file flips: it is refused, or it carried nothing.
    let mut random = 7_u64;
    for _ in 0..40 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let bit = (random >> 16) as usize % (bytes.len() * 8);
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&damaged, &flipped).unwrap();
        let output = restore(&damaged, &data, &with_key(&key));
        let carried = entries
            .iter()
            .any(|(_, header, content, size)| (*header..content + size).contains(&(bit / 8)));
        assert_eq!(
            output.status.success(),
            !carried,
            "bit {bit}: {}",
            text(&output.stderr)
        );
        let _ = fs::remove_dir_all(&data);
    }
}

#[test]
fn a_backup_that_is_killed_leaves_nothing_under_the_final_name() {
    let shop = Shop::start();
    let file = shop.backup("shop.tar");
    let before = fs::read(&file).unwrap();
    let mut interrupted = 0;
    for wait in 0..40 {
        let mut child = millstream()
            .arg("backup")
            .arg(&file)
            .arg("--data-dir")
            .arg(shop.server.data())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let partial = file.with_extension("tar.partial");
        let end = Instant::now() + Duration::from_secs(5);
        while !partial.exists() && child.try_wait().unwrap().is_none() && Instant::now() < end {
            std::hint::spin_loop();
        }
        std::thread::sleep(Duration::from_micros(wait * 100));
        child.kill().unwrap();
        let ended = child.wait().unwrap();
        interrupted += usize::from(!ended.success());
        // The one before, or a new one: whole in any case.
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let restored = restore(&file, &data, &with_key(&shop.key_file()));
        assert!(restored.status.success(), "{}", text(&restored.stderr));
    }
    assert!(
        interrupted > 0,
        "no backup was under way when it was killed"
    );
    shop.backup("shop.tar");
    assert_ne!(fs::read(&file).unwrap(), before);
    let rests = fs::read_dir(shop.server.folder.path()).unwrap();
    let mut names = rests.map(|entry| entry.unwrap().file_name());
    assert!(!names.any(|name| name.to_string_lossy().contains("partial")));
}

#[test]
fn what_cannot_be_backed_up_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nothing.tar");
    let output = backup(folder.path(), &file, &[]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(
        error.contains("there is no database") && error.contains("control.db"),
        "{error}"
    );
    assert!(!file.exists());
    let to_json = backup(folder.path(), Path::new("-"), &["--json"]);
    assert_eq!(to_json.status.code(), Some(2));
}

#[test]
fn a_backup_goes_through_a_pipe() {
    let shop = Shop::start();
    let output = backup(&shop.server.data(), Path::new("-"), &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("piped.tar");
    fs::write(&file, &output.stdout).unwrap();
    let restored = millstream()
        .args(["restore", "-", "--without-key", "--json", "--data-dir"])
        .arg(folder.path().join("data"))
        .stdin(fs::File::open(&file).unwrap())
        .output()
        .unwrap();
    assert!(restored.status.success(), "{}", text(&restored.stderr));
    let report: Value = serde_json::from_slice(&restored.stdout).unwrap();
    assert_eq!(report["tokens_live"], 1, "{report}");
    assert_eq!(report["sessions_ended"], 0, "{report}");
    assert_eq!(report["manifest"]["format"], 1);
}
