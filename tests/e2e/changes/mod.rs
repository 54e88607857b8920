//! The server is killed while it changes things for people, one request of each kind at a time. Each
//! change has happened whole, with its entry in the audit log and its letter, or not at all; what was
//! answered has happened; and a creation that is asked for again happens once.
//!
//! `CHANGES_ROUNDS` says how many kills (10), `CHANGES_SEED` repeats a run's moments.

mod alerts;
mod definitions;
mod installation;
mod kinds;
mod oneself;
mod organisations;
mod projects;
mod revisions;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::Method;
use millstream_e2e::{Destination, Setup};
use model::Random;
use model::random::Seeded;
use serde_json::{Value, json};
use test_postgres::Database;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::people::{Administrator, LIMIT, ask};
use kinds::{Change, Sign};

/// Longest wait for the kill, in microseconds: about what carrying out a request takes.
const ONE_REQUEST: u64 = 5_000;
/// Requests that change nothing that lasts, those that need another server (a provider that people sign
/// in at, a destination that is tested), one that takes a picture and does what its removal does, and one
/// whose replay may have ended by itself; it does what resuming and cancelling do. Appended lines are events:
/// tests of their own kill the server under these.
const LEFT_OUT: [&str; 27] = [
    // What a test of an alert's channel leaves is a message, which waits.
    "test_alert_channel",
    // These need a sync in trouble, and a mail about it; tests of alerts kill the server while it tells.
    "acknowledge_incident",
    "mute_incident",
    "unsubscribe",
    // Only what a mail server refused is sent again; it is one row, changed with its entry of the log.
    "resend_mail",
    "look_at_invitation",
    "offer_second_factor",
    "remove_identity",
    "allow_removed_identities",
    "set_definition_logo",
    "preview_definition",
    "preview_review",
    "preview_sync",
    "lint_definition",
    "test_definition",
    "test_review",
    "test_sync",
    "show_sync_difference",
    "check_new_sync",
    "check_sync",
    "check_project",
    "check_draft",
    "check_draft_names",
    "dry_run_replay",
    "pause_replay",
    // Its place is the journal, whose own tests kill it.
    "erase_user",
    "append_import",
];

#[tokio::test(flavor = "multi_thread")]
async fn kills_leave_each_change_whole_or_undone_in_sqlite() {
    let setup = Setup::with_config(&settings(""));
    kills_leave_each_change_whole_or_undone(&setup).await;
    let path = setup.data().join("control.db");
    let database = rusqlite::Connection::open(path).expect("a database");
    let check = |pragma: &str| {
        let mut query = database.prepare(pragma).expect("a pragma");
        let rows = query.query_map([], |row| row.get::<_, String>(0));
        let rows: Result<Vec<_>, _> = rows.expect("rows").collect();
        rows.expect("texts")
    };
    assert_eq!(check("PRAGMA integrity_check"), ["ok"]);
    assert!(check("PRAGMA foreign_key_check").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_leave_each_change_whole_or_undone_in_postgresql() {
    let database = Database::shared(env!("CARGO_TARGET_TMPDIR"));
    let setup = Setup::with_config(&settings(&database.address()));
    kills_leave_each_change_whole_or_undone(&setup).await;
}

fn settings(database: &str) -> String {
    // Hashing passwords would take most of the time.
    format!(
        "[access]\npassword_memory_kib = 8\npassword_passes = 1\nrequests_per_second = 0\n\
         [store]\ndatabase = {database:?}\nmail_hourly = 1000\n"
    )
}

/// What became of the requests of one kind.
#[derive(Default)]
struct Tally {
    answered: usize,
    /// Not answered, but done.
    done: usize,
    /// Not answered, and not done.
    undone: usize,
}

async fn kills_leave_each_change_whole_or_undone(setup: &Setup) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let rounds: u64 = number("CHANGES_ROUNDS").unwrap_or(10);
    let seed = number("CHANGES_SEED").unwrap_or_else(|| Seeded::from_entropy().next_u64());
    println!("CHANGES_SEED={seed} CHANGES_ROUNDS={rounds}");
    let random = Seeded::new(seed);

    let mut server = setup.start().await;
    let mut admin = Administrator::of_first_start(&server).await;
    let destination = Destination::start().await;
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut projects = Vec::new();
    for round in 0..rounds {
        let (mut changes, project) = kinds::of_round(&admin, round, &destination.url()).await;
        projects.push(project);
        shuffle(&mut changes, &random);
        // The kill comes while one of the requests is carried out, and each of them in its turn.
        let enough = random.next_u64() % changes.len() as u64;
        let (answered, mut answers_seen) = watch::channel(0);
        let requests = changes.iter().map(|change| {
            let (api, request, answered) = (admin.client(), change.request(), answered.clone());
            tokio::spawn(async move {
                let answer = api.send(request).await;
                answered.send_modify(|count| *count += 1);
                answer
            })
        });
        let requests: Vec<_> = requests.collect();
        let waited = timeout(LIMIT, answers_seen.wait_for(|count| *count >= enough));
        waited.await.expect("in time").expect("the requests run");
        tokio::time::sleep(Duration::from_micros(random.next_u64() % ONE_REQUEST)).await;
        server.kill();
        let mut answers = Vec::new();
        for request in requests {
            answers.push(request.await.expect("no panic"));
        }
        server = setup.start().await;
        admin.sign_in_again().await;

        for (change, answer) in changes.iter().zip(&answers) {
            let tally = tallies.entry(change.operation).or_default();
            let done = is_done(&admin, change).await;
            match answer {
                Ok(answer) => {
                    let text = answer.text();
                    assert!(answer.status.is_success(), "{change:?}: {text}");
                    assert!(done || !change.promised, "{change:?} was lost: {text}");
                    tally.answered += 1;
                }
                Err(_) if done => tally.done += 1,
                Err(_) => tally.undone += 1,
            }
            happens_once_when_repeated(&admin, change).await;
        }
        secrets_are_sealed_with_one_key(&admin).await;
    }
    every_operation_was_tried(&tallies);
    let mut cut_short = 0;
    for (operation, tally) in &tallies {
        let Tally {
            answered,
            done,
            undone,
        } = tally;
        println!("{operation}: answered {answered}, not answered: done {done}, undone {undone}");
        cut_short += done + undone;
    }
    assert!(cut_short > 0, "every request was answered before its kill");
    syncs_deliver(&admin, &projects, &destination).await;
    server.terminate(LIMIT).await;
}

fn shuffle(changes: &mut [Change], random: &Seeded) {
    for last in (1..changes.len()).rev() {
        let other = random.next_u64() % (last as u64 + 1);
        changes.swap(last, other as usize);
    }
}

/// Whether a change has happened; all its signs have to agree.
async fn is_done(admin: &Administrator, change: &Change) -> bool {
    let mut done = None;
    for sign in &change.signs {
        let shows = shows(admin, sign).await;
        let said = *done.get_or_insert(shows);
        assert_eq!(said, shows, "{change:?}: half done, see {sign:?}");
    }
    done.expect("a change shows somewhere")
}

async fn shows(admin: &Administrator, sign: &Sign) -> bool {
    match sign {
        Sign::Reads(path, pointer, value) => admin.read(path).await.pointer(pointer) == Some(value),
        Sign::Gone(path) => match admin.call(Method::GET, path, None).await.status.as_u16() {
            200 => false,
            404 => true,
            other => panic!("{path}: {other}"),
        },
        Sign::Changed(path, pointer, was) => admin.read(path).await.pointer(pointer) != Some(was),
        Sign::Lacks(path, text) => !admin.read(path).await.to_string().contains(text),
        Sign::Listed(path, text) => {
            let count = count(admin, path, text).await;
            assert!(count <= 1, "{path} has {text} {count} times");
            count == 1
        }
        Sign::ListedTwice(path, text) => count(admin, path, text).await == 2,
        Sign::Unlisted(path, text) => count(admin, path, text).await == 0,
        Sign::SignsIn(credentials) => signs_in(admin, credentials).await,
        Sign::Refused(credentials) => !signs_in(admin, credentials).await,
        Sign::SignedOut(cookie) => {
            let answer = ask(&admin.client(), Method::GET, "/me", Some(cookie), None).await;
            answer.status == 401
        }
    }
}

/// How many items of a list contain a text.
async fn count(admin: &Administrator, path: &str, text: &str) -> usize {
    let items = admin.all(path).await;
    let with = items.iter().filter(|item| item.to_string().contains(text));
    with.count()
}

async fn signs_in(admin: &Administrator, credentials: &Value) -> bool {
    let answer = ask(
        &admin.client(),
        Method::POST,
        "/session",
        None,
        Some(credentials),
    )
    .await;
    match answer.status.as_u16() {
        200 => true,
        // A locked account has good credentials, and lets nobody in.
        401 | 403 => false,
        _ => panic!("{}", answer.text()),
    }
}

/// A creation with a key is asked for again, whether or not it had happened.
async fn happens_once_when_repeated(admin: &Administrator, change: &Change) {
    if !change.once {
        return;
    }
    let again = admin.client().send(change.request()).await;
    let again = again.expect("the server runs");
    assert!(again.status.is_success(), "{change:?}: {}", again.text());
    assert!(is_done(admin, change).await, "{change:?}");
}

/// However the kill met changing the key, beginning again ends it, and all secrets can be read.
async fn secrets_are_sealed_with_one_key(admin: &Administrator) {
    let path = "/installation/secrets";
    let body = json!({"new_key": false});
    admin
        .granted(Method::POST, &format!("{path}/rotate"), Some(&body))
        .await;
    admin.resealed().await;
    let secrets = admin.read(path).await;
    for key in secrets["keys"].as_array().expect("keys") {
        assert!(key["seals"] == true || key["values"] == 0, "{secrets}");
    }
}

/// No request that changes something is left out here.
fn every_operation_was_tried(tallies: &BTreeMap<&str, Tally>) {
    let document: Value =
        serde_json::from_str(include_str!("../../../openapi.json")).expect("JSON");
    let paths = document["paths"].as_object().expect("paths").values();
    let operations = paths
        .flat_map(|path| path.as_object().expect("methods"))
        .filter(|(method, _)| ["post", "put", "patch", "delete"].contains(&method.as_str()))
        .map(|(_, operation)| operation["operationId"].as_str().expect("an id"));
    let lasting: BTreeSet<_> = operations
        .filter(|operation| !LEFT_OUT.contains(operation))
        .collect();
    assert_eq!(lasting, tallies.keys().copied().collect());
}

/// Every sync that is enabled has its lane, and no deleted one has: each gets the event of its project
/// once.
async fn syncs_deliver(admin: &Administrator, projects: &[Value], destination: &Destination) {
    let mut expected = 0;
    for project in projects {
        let id = project["id"].as_str().expect("an id");
        let syncs = admin.all(&format!("/projects/{id}/syncs")).await;
        expected += syncs.iter().filter(|sync| sync["enabled"] == true).count();
        let event = json!({"user_id": "user-1", "event_type": "Bought"});
        let body = json!({"api_key": project["api_key"], "events": [event]});
        let url = format!("{}/2/httpapi", admin.client().base);
        let taken = admin.client().http.post_json(&url, &body).await;
        assert_eq!(taken.expect("an answer").status, 200);
    }
    assert!(expected > 0, "no sync is enabled");
    destination.wait_for(expected, LIMIT).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(destination.count(), expected);
}
