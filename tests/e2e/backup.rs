//! Backups are taken while events flow and syncs come and go; then the server is killed, and each
//! backup is restored elsewhere and started.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use millstream_e2e::{Control, Destination, Ingest, Project, Setup, eventually, settings, track};
use model::SyncId;
use rusqlite::Connection;
use serde_json::{Value, json};

const BACKUPS: usize = 4;
const UPLOADERS: u64 = 3;
const UPLOAD: u64 = 20;
const LIMIT: Duration = Duration::from_secs(60);

/// Events are named by their uploader and their place among what it uploaded.
type Name = (u64, u64);

/// How many uploads of each uploader have been answered 200.
type Acknowledged = Arc<[AtomicU64; UPLOADERS as usize]>;

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_under_load_has_all_that_was_acknowledged_before() {
    let setup = Setup::new();
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("backup").await;
    let (sent, held) = (Destination::start().await, Destination::start().await);
    control
        .create_sync(&project, "sent", settings(&sent.url()))
        .await;
    // Delivers nothing until it is restored: what it delivers then comes from the backup alone.
    let held_sync = control
        .create_sync(&project, "held", settings(&held.url()))
        .await;
    control.disable(&held_sync).await;

    let stop = Arc::new(AtomicBool::new(false));
    let acknowledged = Acknowledged::default();
    let mut load = tokio::task::JoinSet::new();
    for uploader in 0..UPLOADERS {
        let (ingest, stop) = (control.ingest(&project), Arc::clone(&stop));
        let acknowledged = Arc::clone(&acknowledged);
        load.spawn(async move { upload(uploader, &ingest, &acknowledged, &stop).await });
    }
    load.spawn(come_and_go(
        control.clone(),
        project.clone(),
        sent.url(),
        Arc::clone(&stop),
    ));

    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut backups = Vec::new();
    for number in 0..BACKUPS {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let before = names(&acknowledged);
        let file = folder.path().join(format!("{number}.tar"));
        run(&setup, "backup", &file, setup.data(), &[]).await;
        backups.push((file, before));
    }
    stop.store(true, Ordering::Relaxed);
    let token = server.admin_token();
    server.kill();
    while let Some(ended) = load.join_next().await {
        ended.expect("the load ends");
    }
    assert!(backups[0].1.len() > 100, "there was no load");

    let mut ids = Ids::default();
    ids.note(&sent);
    for (number, (file, before)) in backups.iter().enumerate() {
        let data = folder.path().join(format!("restored-{number}"));
        let key = setup.data().join("secret.key");
        let key = ["--key-file", key.to_str().expect("a plain path")];
        run(&setup, "restore", file, &data, &key).await;
        syncs_and_lanes_fit(&data);
        std::fs::write(data.join("admin-token"), &token).expect("the folder can be written");

        let restored = Setup::new().in_folder(&data);
        let server = restored.start().await;
        let control = Control::of(&server);
        held.received().clear();
        control.enable(&held_sync).await;
        arrived(&held, before).await;
        // New events, whose ids must be new ones too.
        let new = (100 + number as u64, 0);
        control.ingest(&project).send(&[event(new)]).await;
        arrived(&held, &BTreeSet::from([new])).await;
        arrived(&sent, &BTreeSet::from([new])).await;
        nothing_is_behind(&control, &held_sync).await;
        server.kill();
        ids.note(&held);
        ids.note(&sent);
    }
}

fn event((uploader, place): Name) -> Value {
    let user = format!("user-{uploader}-{}", place % 7);
    track(
        &user,
        "Tick",
        json!({ "uploader": uploader, "place": place }),
    )
}

fn name_of(body: &Value) -> Name {
    let number = |name: &str| body["event_properties"][name].as_u64().expect("a number");
    (number("uploader"), number("place"))
}

fn names(acknowledged: &Acknowledged) -> BTreeSet<Name> {
    let of = |uploader: u64| {
        let uploads = acknowledged[uploader as usize].load(Ordering::SeqCst);
        (0..uploads * UPLOAD).map(move |place| (uploader, place))
    };
    (0..UPLOADERS).flat_map(of).collect()
}

/// Uploads until the server is gone.
async fn upload(uploader: u64, ingest: &Ingest, acknowledged: &Acknowledged, stop: &AtomicBool) {
    for number in 0.. {
        let places = number * UPLOAD..(number + 1) * UPLOAD;
        let events: Vec<_> = places.map(|place| event((uploader, place))).collect();
        match ingest.try_batch(&events).await {
            Ok(answer) => assert_eq!(answer.status, 200, "{}", answer.text()),
            Err(_) if stop.load(Ordering::Relaxed) => return,
            Err(error) => panic!("{error}"),
        }
        acknowledged[uploader as usize].fetch_add(1, Ordering::SeqCst);
    }
}

/// Makes and deletes syncs until it is told to stop.
async fn come_and_go(control: Control, project: Project, url: String, stop: Arc<AtomicBool>) {
    let mut kept = Vec::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let mut chosen = settings(&url);
        chosen["events"] =
            json!({ "send": true, "select": { "types": [{ "event_type": "Never" }] } });
        chosen["name"] = json!(format!("passing {number}"));
        chosen["enabled"] = json!(true);
        let path = format!("/projects/{}/syncs", project.id);
        // The last one may meet the kill.
        let call = |method, path: String, body: Option<Value>| {
            let control = control.clone();
            tokio::spawn(async move { control.call(method, &path, body.as_ref()).await })
        };
        let Ok(made) = call(Method::POST, path.clone(), Some(chosen)).await else {
            return;
        };
        kept.push(format!(
            "{path}/{}",
            made.json()["id"].as_str().expect("an id")
        ));
        if kept.len() > 3 {
            let path = format!("{}?confirm={}", kept.remove(0), u32::MAX);
            if call(Method::DELETE, path, None).await.is_err() {
                return;
            }
        }
    }
}

/// Runs `millstream backup` or `millstream restore`, and expects it to succeed.
async fn run(setup: &Setup, what: &str, file: &Path, data: &Path, options: &[&str]) {
    let mut command = Command::new(setup.binary());
    command
        .arg(what)
        .arg(file)
        .arg("--data-dir")
        .arg(data)
        .args(options);
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("no panic").expect("the binary runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {error}");
}

/// Every lane is of a sync that is there, and every sync but one that was just being made has one.
fn syncs_and_lanes_fit(data: &Path) {
    let open = |file: &str| Connection::open(data.join(file)).expect("a database");
    let (store, journal) = (open("control.db"), open("journal/journal.db"));
    let mut query = store.prepare("SELECT id FROM syncs").expect("syncs");
    let syncs: BTreeSet<SyncId> = query
        .query_map([], |row| row.get::<_, String>(0))
        .expect("syncs")
        .map(|id| id.expect("an id").parse().expect("an id"))
        .collect();
    let mut query = journal
        .prepare("SELECT sync FROM lanes WHERE dropped = 0")
        .expect("lanes");
    let lanes: BTreeSet<SyncId> = query
        .query_map([], |row| row.get::<_, [u8; 16]>(0))
        .expect("lanes")
        .map(|id| SyncId::from_bytes(id.expect("an id")))
        .collect();
    assert!(lanes.is_subset(&syncs), "a lane has lost its sync");
    assert!(
        lanes.len() >= 2 && lanes.len() + 1 >= syncs.len(),
        "a sync has lost its lane"
    );
}

/// Waits until all of these events have arrived.
async fn arrived(destination: &Destination, expected: &BTreeSet<Name>) {
    eventually("what was acknowledged arrives", LIMIT, async || {
        let received = destination.received();
        let names: BTreeSet<_> = received.iter().map(|one| name_of(&one.json())).collect();
        expected.is_subset(&names)
    })
    .await;
}

/// The numbers that a restored journal leaves out don't look like a backlog.
async fn nothing_is_behind(control: &Control, sync: &str) {
    eventually("the sync has nothing left", LIMIT, async || {
        let status = control.status(sync).await;
        status["backlog"] == 0 && status["in_flight"] == 0
    })
    .await;
}

/// Delivery ids: those of one sync stand for one event each, over all restored servers.
#[derive(Default)]
struct Ids {
    events: HashMap<String, Name>,
    ids: BTreeMap<(String, Name), String>,
}

impl Ids {
    fn note(&mut self, destination: &Destination) {
        let sync = destination.url();
        for one in destination.received().iter() {
            let (id, name) = (one.delivery_id().to_owned(), name_of(&one.json()));
            let event = *self.events.entry(id.clone()).or_insert(name);
            assert_eq!(event, name, "one id for two events");
            let key = (sync.clone(), name);
            let known = self.ids.entry(key).or_insert(id.clone());
            assert_eq!(*known, id, "two ids for one event");
        }
    }
}
