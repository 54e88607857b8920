//! The server is killed at random moments under load, again and again. Nothing that was answered
//! 200 is lost, nothing that was refused is delivered, and the users' state stays in order.
//!
//! `CRASH_ROUNDS` says how many kills (20), `CRASH_SEED` repeats a run's moments.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream_e2e::{Control, Destination, Ingest, Received, Reply, Setup, eventually, settings};
use model::Random;
use model::random::Seeded;
use serde_json::{Value, json};

/// Events that a lane may have sent without having settled them: the most that a kill repeats.
const WINDOW: usize = 256;
/// Uploaders at work at once, each with users of its own.
const UPLOADERS: u64 = 4;
/// Users of one uploader.
const USERS: u64 = 3;
/// Longest upload, in events.
const UPLOAD: u64 = 20;
/// One upload in this many has an event that can't be taken, so that all of it is refused.
const REFUSED_EVERY: u64 = 10;

/// Names an event: its user and its place among what was uploaded for that user.
type Key = (String, u64);

/// What is known of one event that was uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Answered 200.
    Acknowledged,
    /// Answered 400.
    Refused,
    /// The connection broke: nobody knows.
    Unknown,
}

/// What arrived of one event at one destination, answered 200.
#[derive(Debug)]
struct Arrived {
    counter: u64,
    delivery_id: String,
    times: usize,
}

type Arrivals = Arc<Mutex<BTreeMap<Key, Arrived>>>;

#[tokio::test(flavor = "multi_thread")]
async fn kills_under_load_lose_nothing_and_deliver_nothing_refused() {
    let rounds = env_number("CRASH_ROUNDS").unwrap_or(20);
    let seed = env_number("CRASH_SEED").unwrap_or_else(|| Seeded::from_entropy().next_u64());
    println!("CRASH_SEED={seed} CRASH_ROUNDS={rounds}");
    let random = Arc::new(Seeded::new(seed));

    let setup = Setup::with_config(&format!("[lanes]\nwindow = {WINDOW}"));
    let mut server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("crash").await;
    let (plain, plain_arrivals) = recording(|_| Reply::Status(200)).await;
    let outage = Arc::new(Outage::default());
    let told = Arc::clone(&outage);
    let (shaped, shaped_arrivals) = recording(move |request| told.reply(request)).await;
    control
        .create_sync(&project, "plain", settings(&plain.url()))
        .await;
    control
        .create_sync(&project, "shaped", shaped_settings(&shaped.url()))
        .await;

    let uploaders: Vec<_> = (0..UPLOADERS)
        .map(|nth| {
            Arc::new(Uploader::new(
                nth,
                Arc::clone(&random),
                control.ingest(&project),
            ))
        })
        .collect();
    for round in 0..rounds {
        // Retries take half a minute: none may begin so late that the test would wait for it.
        outage.active.store(round * 2 < rounds, Ordering::Relaxed);
        let stop = Arc::new(AtomicBool::new(false));
        let work = uploaders.iter().map(|uploader| {
            let (uploader, stop) = (Arc::clone(uploader), Arc::clone(&stop));
            tokio::spawn(async move { uploader.work(&stop).await })
        });
        let work: Vec<_> = work.collect();
        tokio::time::sleep(Duration::from_millis(200 + random.next_u64() % 1_300)).await;
        server.kill();
        stop.store(true, Ordering::Relaxed);
        for uploader in work {
            uploader.await.expect("an uploader ends");
        }
        server = setup.start().await;
    }
    outage.active.store(false, Ordering::Relaxed);

    let fates = uploaders
        .iter()
        .flat_map(|uploader| uploader.fates())
        .collect::<HashMap<_, _>>();
    let count = |fate| fates.values().filter(|f| **f == fate).count();
    println!(
        "acknowledged {}, refused {}, unknown {}",
        count(Fate::Acknowledged),
        count(Fate::Refused),
        count(Fate::Unknown)
    );
    assert!(count(Fate::Acknowledged) > 100 && count(Fate::Refused) > 0);
    for arrivals in [&plain_arrivals, &shaped_arrivals] {
        let acknowledged = || {
            fates
                .iter()
                .filter(|(_, fate)| **fate == Fate::Acknowledged)
        };
        let all_arrived = async || {
            let arrivals = arrivals.lock().expect("no panic");
            acknowledged().all(|(key, _)| arrivals.contains_key(key))
        };
        eventually(
            "everything acknowledged has arrived",
            Duration::from_secs(90),
            all_arrived,
        )
        .await;
    }
    let failed = outage.failed.load(Ordering::Relaxed);
    assert!(
        failed > 0 || rounds < 2,
        "no delivery had to wait for its retry"
    );
    // A repetition that is still on its way would be counted below.
    tokio::time::sleep(Duration::from_millis(500)).await;
    for (name, arrivals) in [("plain", plain_arrivals), ("shaped", shaped_arrivals)] {
        check(
            name,
            &arrivals.lock().expect("no panic"),
            &fates,
            rounds as usize,
        );
    }
    server.terminate(Duration::from_secs(30)).await;
}

fn env_number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
}

/// A template of its own and the users' state in it; every event type but one is selected.
fn shaped_settings(url: &str) -> Value {
    let mut chosen = settings(url);
    chosen["events"] = json!({
        "send": true,
        "select": { "types": [{ "event_type": "Step" }] },
        "template": r#"{"user_id":"${input.user_id}","event_properties":{"step":${input.event_properties.step}},
            "user_properties":{"counter":${input.user_properties.counter}}}"#,
    });
    chosen
}

/// For each of a few events, all tries of one attempt fail: a retry must be booked, and survive.
#[derive(Default)]
struct Outage {
    active: AtomicBool,
    failed: AtomicU64,
}

impl Outage {
    fn reply(&self, request: &Received) -> Reply {
        let unlucky = request.delivery_id().ends_with('0');
        if self.active.load(Ordering::Relaxed)
            && unlucky
            && request.header("millstream-attempt") == Some("1")
        {
            self.failed.fetch_add(1, Ordering::Relaxed);
            return Reply::Status(503);
        }
        Reply::Status(200)
    }
}

/// A destination that remembers what it took.
async fn recording(
    decide: impl Fn(&Received) -> Reply + Send + 'static,
) -> (Destination, Arrivals) {
    let arrivals = Arrivals::default();
    let seen = Arc::clone(&arrivals);
    let script = move |request: &Received| {
        let reply = decide(request);
        if matches!(reply, Reply::Status(200)) {
            let body = request.json();
            let step = body["event_properties"]["step"].as_u64().expect("a step");
            let user = body["user_id"].as_str().expect("a user").to_owned();
            let counter = body["user_properties"]["counter"]
                .as_u64()
                .expect("a counter");
            let mut arrivals = seen.lock().expect("no panic");
            let arrived = arrivals.entry((user, step)).or_insert_with(|| Arrived {
                counter,
                delivery_id: request.delivery_id().to_owned(),
                times: 0,
            });
            assert_eq!(
                arrived.delivery_id,
                request.delivery_id(),
                "a repetition has the same id"
            );
            assert_eq!(
                arrived.counter, counter,
                "a repetition has the same content"
            );
            arrived.times += 1;
        }
        reply
    };
    (Destination::scripted(script).await, arrivals)
}

/// Uploads events for its own users, one request after the other.
struct Uploader {
    name: u64,
    random: Arc<Seeded>,
    ingest: Ingest,
    /// The next step of each user.
    next: Vec<AtomicU64>,
    fates: Mutex<Vec<(Key, Fate)>>,
    /// An upload that got no answer and has to be repeated until it gets one.
    owed: tokio::sync::Mutex<Option<Vec<(Key, Value)>>>,
}

impl Uploader {
    fn new(name: u64, random: Arc<Seeded>, ingest: Ingest) -> Self {
        let next = (0..USERS).map(|_| AtomicU64::new(0)).collect();
        Self {
            name,
            random,
            ingest,
            next,
            fates: Mutex::default(),
            owed: tokio::sync::Mutex::default(),
        }
    }

    /// Even uploaders repeat what got no answer, as an SDK does; the others give it up.
    fn repeats(&self) -> bool {
        self.name.is_multiple_of(2)
    }

    fn fates(&self) -> Vec<(Key, Fate)> {
        let mut fates = self.fates.lock().expect("no panic").clone();
        if let Ok(owed) = self.owed.try_lock() {
            fates.extend(
                owed.iter()
                    .flatten()
                    .map(|(key, _)| (key.clone(), Fate::Unknown)),
            );
        }
        fates
    }

    async fn work(&self, stop: &AtomicBool) {
        let mut owed = self.owed.lock().await;
        while !stop.load(Ordering::Relaxed) {
            let upload = owed.take().unwrap_or_else(|| self.upload());
            let events: Vec<Value> = upload.iter().map(|(_, event)| event.clone()).collect();
            let fate = match self.ingest.try_batch(&events).await {
                Ok(answer) if answer.status == 200 => Fate::Acknowledged,
                Ok(answer) if answer.status == 400 => Fate::Refused,
                // Nothing was kept, and the same upload is to be sent again.
                Ok(answer) if [429, 503].contains(&answer.status.as_u16()) => {
                    *owed = Some(upload);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
                Ok(answer) => panic!("{} {}", answer.status, answer.text()),
                Err(_) if self.repeats() => {
                    *owed = Some(upload);
                    return;
                }
                Err(_) => Fate::Unknown,
            };
            let mut fates = self.fates.lock().expect("no panic");
            fates.extend(upload.into_iter().map(|(key, _)| (key, fate)));
            drop(fates);
            if fate == Fate::Unknown {
                return;
            }
        }
    }

    fn upload(&self) -> Vec<(Key, Value)> {
        let length = 1 + self.random.next_u64() % UPLOAD;
        let mut upload: Vec<_> = (0..length).map(|_| self.event()).collect();
        if self.random.next_u64().is_multiple_of(REFUSED_EVERY) {
            let spoilt = (self.random.next_u64() % length) as usize;
            upload[spoilt].1["time"] = json!("yesterday");
        }
        upload
    }

    fn event(&self) -> (Key, Value) {
        let nth = self.random.next_u64() % USERS;
        let user = format!("uploader-{}-user-{nth}", self.name);
        let step = self.next[nth as usize].fetch_add(1, Ordering::Relaxed);
        let event = json!({
            "user_id": user,
            "device_id": format!("{user}-device"),
            "event_type": "Step",
            "insert_id": format!("{user}-{step}"),
            "event_properties": { "step": step },
            "user_properties": { "$add": { "counter": 1 } },
        });
        ((user, step), event)
    }
}

fn check(name: &str, arrivals: &BTreeMap<Key, Arrived>, fates: &HashMap<Key, Fate>, kills: usize) {
    for (key, arrived) in arrivals {
        let fate = fates
            .get(key)
            .unwrap_or_else(|| panic!("{name}: {key:?} was never uploaded"));
        assert_ne!(
            *fate,
            Fate::Refused,
            "{name}: {key:?} was refused, but arrived: {arrived:?}"
        );
    }
    let ids: BTreeSet<_> = arrivals
        .values()
        .map(|arrived| &arrived.delivery_id)
        .collect();
    assert_eq!(
        ids.len(),
        arrivals.len(),
        "{name}: two events have the same delivery id"
    );

    let repeated: usize = arrivals.values().map(|arrived| arrived.times - 1).sum();
    println!(
        "{name}: {} arrived, {repeated} repetitions over {kills} kills",
        arrivals.len()
    );
    assert!(repeated <= kills * WINDOW, "{name}: {repeated} repetitions");

    // What was kept of a user's events counts from 1 without a gap, in the order of the uploads.
    let mut counted: HashMap<&str, u64> = HashMap::new();
    for ((user, step), arrived) in arrivals {
        let position = counted.entry(user).or_default();
        *position += 1;
        assert_eq!(arrived.counter, *position, "{name}: {user} at step {step}");
    }
}
