//! A project with a real journal, a clock that is moved by hand, and destinations that are scripted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use delivery::config::Retry;
use delivery::retry::Schedule;
use delivery::{BodyEnd, Response, Sender, Timing, Transport, TransportError};
use http::StatusCode;
use journal::figures::{Figures, Scope, Step};
use journal::sqlite::{self, Sqlite};
use journal::{Batch, IncomingEvent, Journal};
use millstream_stream::{Config, Deliver, Health, Streams};
use model::definition::Definition;
use model::random::Seeded;
use model::sync::{Settings, Sync};
use model::time::ManualClock;
use model::user::PropertyUpdate;
use model::{Clock, EventKind, ProjectId, SyncId, Timestamp};

/// 2022-02-28 20:07:01.795
pub(crate) const START: Timestamp = Timestamp(1_646_078_821_795_000);

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) at: Timestamp,
    pub(crate) path: String,
    pub(crate) delivery: String,
    pub(crate) attempt: String,
    pub(crate) body: String,
    /// The backfill's id, where it is one's.
    pub(crate) backfill: Option<String>,
}

/// What a destination answers: by path, one after the other, the last one for ever.
pub(crate) struct Destination {
    clock: Arc<ManualClock>,
    answers: Mutex<HashMap<String, Vec<Answer>>>,
    refusals: Mutex<HashMap<String, Refusal>>,
    hanging: Mutex<HashMap<String, Hanging>>,
    silences: Mutex<HashMap<String, Hanging>>,
    arrived: Mutex<Vec<Arrived>>,
    taken: Mutex<Vec<(String, String)>>,
    under_way: AtomicU64,
    pub(crate) most_under_way: AtomicU64,
    /// Requests wait until so many have been under way at once.
    pub(crate) gathers: AtomicU64,
}

/// In the place of a status: there is none in time.
pub(crate) const NO_ANSWER: u16 = 0;

/// How long an answer is waited for.
pub(crate) const SILENCE: Duration = Duration::from_secs(30);

/// The status with which a body is refused.
type Refusal = Box<dyn Fn(&str) -> Option<u16> + Send>;

/// Whether a body is answered only when it no longer is one of these.
type Hanging = Box<dyn Fn(&str) -> bool + Send>;

#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Status(u16),
    RetryAfter(u16, &'static str),
    /// No connection comes about.
    Unreachable,
    Hang,
    Panic,
}

impl Destination {
    pub(crate) fn answers(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        let mut list: Vec<_> = answers.into_iter().collect();
        list.reverse();
        self.answers.lock().unwrap().insert(path.into(), list);
    }

    /// Refuses what it is told to, whatever it would answer otherwise.
    pub(crate) fn refuses(
        &self,
        path: &str,
        refusal: impl Fn(&str) -> Option<u16> + Send + 'static,
    ) {
        let mut refusals = self.refusals.lock().unwrap();
        refusals.insert(path.into(), Box::new(refusal));
    }

    /// Leaves what it is told to without an answer, until it is told otherwise.
    pub(crate) fn hangs(&self, path: &str, hanging: impl Fn(&str) -> bool + Send + 'static) {
        let mut all = self.hanging.lock().unwrap();
        all.insert(path.into(), Box::new(hanging));
    }

    /// Lets what it is told to wait for [`SILENCE`], without an answer then.
    pub(crate) fn is_silent(&self, path: &str, silence: impl Fn(&str) -> bool + Send + 'static) {
        let mut all = self.silences.lock().unwrap();
        all.insert(path.into(), Box::new(silence));
    }

    fn is_silent_to(&self, arrived: &Arrived) -> Option<bool> {
        let silences = self.silences.lock().unwrap();
        let silence = silences.get(&arrived.path);
        silence.map(|silence| silence(&arrived.body))
    }

    fn leaves_hanging(&self, arrived: &Arrived) -> bool {
        let hanging = self.hanging.lock().unwrap();
        let hanging = hanging.get(&arrived.path);
        hanging.is_some_and(|hanging| hanging(&arrived.body))
    }

    pub(crate) fn arrived(&self, path: &str) -> Vec<Arrived> {
        self.arrived
            .lock()
            .unwrap()
            .iter()
            .filter(|one| one.path == path)
            .cloned()
            .collect()
    }
}

impl Destination {
    /// The ids of deliveries that it took, each time.
    pub(crate) fn taken(&self, path: &str) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        let taken = taken.iter().filter(|(at, _)| at == path);
        taken.map(|(_, delivery)| delivery.clone()).collect()
    }
}

impl Transport for Destination {
    async fn send(&self, request: http::Request<Bytes>) -> Result<Response, TransportError> {
        let path = request.uri().path().to_owned();
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        let arrived = Arrived {
            at: self.clock.now(),
            path: path.clone(),
            delivery: header("millstream-delivery-id"),
            attempt: header("millstream-attempt"),
            body: String::from_utf8(request.body().to_vec()).unwrap(),
            backfill: (request.headers().get("millstream-backfill"))
                .map(|mark| mark.to_str().unwrap().to_owned()),
        };
        let refused = self
            .refusals
            .lock()
            .unwrap()
            .get(&path)
            .and_then(|refusal| refusal(&arrived.body));
        self.arrived.lock().unwrap().push(arrived.clone());
        while self.leaves_hanging(&arrived) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let is_silent = self.is_silent_to(&arrived);
        if let Some(is_silent) = is_silent {
            // What is answered takes a moment, too, however fast time is moved.
            let moment = Duration::from_millis(200);
            let wait = if is_silent { SILENCE } else { moment };
            self.clock.sleep(wait).await;
        }
        if is_silent == Some(true) {
            return Err(TransportError::ResponseTimeout {
                host: "example.com".into(),
                after: SILENCE,
            });
        }
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(now, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let most = || self.most_under_way.load(Ordering::SeqCst);
        while most() < self.gathers.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let answer = {
            let mut answers = self.answers.lock().unwrap();
            match answers.get_mut(&path) {
                _ if refused.is_some() => Answer::Status(refused.unwrap_or(400)),
                None => Answer::Status(200),
                Some(list) if list.len() > 1 => list.pop().unwrap(),
                Some(list) => list[0].clone(),
            }
        };
        let (status, retry_after) = match answer {
            Answer::Status(NO_ANSWER) => {
                return Err(TransportError::ResponseTimeout {
                    host: "example.com".into(),
                    after: Duration::from_secs(30),
                });
            }
            Answer::Status(status) => (status, None),
            Answer::RetryAfter(status, value) => (status, Some(value)),
            Answer::Unreachable => {
                return Err(TransportError::Connect {
                    host: "example.com".into(),
                    source: std::io::ErrorKind::ConnectionRefused.into(),
                });
            }
            Answer::Hang => return std::future::pending().await,
            Answer::Panic => panic!("scripted"),
        };
        let mut headers = http::HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert("retry-after", value.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        if status.is_success() {
            let delivery = arrived.delivery.clone();
            self.taken.lock().unwrap().push((path, delivery));
        }
        Ok(Response {
            status,
            headers,
            body: Bytes::from_static(b"answer"),
            body_end: BodyEnd::Complete,
            timing: Timing::default(),
        })
    }
}

/// One installation over a folder; [`restart`](Self::restart) crashes it softly and opens it anew.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) destination: Arc<Destination>,
    pub(crate) project: ProjectId,
    pub(crate) journal: Arc<Sqlite>,
    pub(crate) streams: Streams,
    /// How often the lanes have asked what time it is.
    pub(crate) looks: Arc<AtomicU64>,
    folder: tempfile::TempDir,
    config: Config,
    retry: Retry,
}

/// The clock as the lanes have it.
struct Watched {
    clock: Arc<ManualClock>,
    looks: Arc<AtomicU64>,
}

impl Clock for Watched {
    fn now(&self) -> Timestamp {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.clock.now()
    }

    fn sleep_until(&self, at: Timestamp) -> model::time::Sleep {
        self.clock.sleep_until(at)
    }
}

impl World {
    pub(crate) async fn new(config: Config) -> Self {
        Self::with_retry(config, Retry::default()).await
    }

    /// One that tries again by another schedule.
    pub(crate) async fn with_retry(config: Config, retry: Retry) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let destination = Arc::new(Destination {
            clock: Arc::clone(&clock),
            answers: Mutex::default(),
            hanging: Mutex::default(),
            silences: Mutex::default(),
            refusals: Mutex::default(),
            arrived: Mutex::default(),
            taken: Mutex::default(),
            under_way: AtomicU64::new(0),
            most_under_way: AtomicU64::new(0),
            gathers: AtomicU64::new(0),
        });
        let folder = tempfile::tempdir().unwrap();
        let looks = Arc::default();
        let clocks = (&clock, &looks);
        let (journal, streams) = open(clocks, &destination, &folder, &config, retry);
        let project = ProjectId::generate(&Seeded::new(1));
        Self {
            clock,
            destination,
            project,
            journal,
            streams,
            looks,
            folder,
            config,
            retry,
        }
    }

    /// Stops without grace, as a crash would but for the files' locks, and opens everything anew.
    pub(crate) async fn restart(&mut self, syncs: &[Sync]) {
        // A journal that is closed first settles nothing more: what is under way is lost.
        self.journal.close().await;
        let down = self.streams.shutdown(Duration::from_secs(1));
        let clock = Arc::clone(&self.clock);
        tokio::select! {
            _ = down => {}
            () = async { loop { tokio::time::sleep(Duration::from_millis(1)).await; clock.advance(Duration::from_millis(100)); } } => {}
        }
        let placeholder = tempfile::tempdir().unwrap();
        // Both users of the folder must be gone before it is opened again.
        let (clock, destination) = ((&self.clock, &self.looks), &self.destination);
        let (config, retry) = (&self.config, self.retry);
        let (journal, streams) = open(clock, destination, &placeholder, config, retry);
        drop(std::mem::replace(&mut self.journal, journal));
        drop(std::mem::replace(&mut self.streams, streams));
        (self.journal, self.streams) = open(clock, destination, &self.folder, config, retry);
        for sync in syncs {
            self.apply(sync).await;
        }
    }

    pub(crate) fn sync(&self, seed: u64, path: &str) -> Sync {
        let settings = Settings {
            parameters: [("url".to_owned(), format!("https://example.com{path}"))].into(),
            ..Settings::default()
        };
        let definition = Definition::webhook();
        Sync {
            id: SyncId::generate(&Seeded::new(seed)),
            project: self.project,
            definition: definition.id,
            definition_version: definition.version,
            name: path.into(),
            enabled: true,
            settings,
        }
    }

    pub(crate) async fn apply(&self, sync: &Sync) {
        self.streams
            .apply(sync, &Definition::webhook())
            .await
            .unwrap();
    }

    /// Sends events of this type; their bodies are `{"event_type":…,"n":…,…}`.
    pub(crate) async fn send(&self, event_type: &str, numbers: impl IntoIterator<Item = u64>) {
        self.send_of(event_type, numbers, |n| n % 7).await;
    }

    /// Likewise, of other users.
    pub(crate) async fn send_of(
        &self,
        event_type: &str,
        numbers: impl IntoIterator<Item = u64>,
        user: impl Fn(u64) -> u64,
    ) {
        let event = |n| IncomingEvent {
            kind: EventKind::of_type(event_type),
            user_id: Some(format!("user-{}", user(n))),
            device_id: None,
            insert_id: None,
            event_time: self.clock.now(),
            user_update: PropertyUpdate::none(),
            own_user_properties: None,
            groups: Vec::new(),
            group_update: PropertyUpdate::none(),
            paying: false,
            version: None,
            fields: format!(r#"{{"event_type":"{event_type}","n":{n}"#).into_bytes(),
        };
        let batch = Batch {
            project: self.project,
            received_at: self.clock.now(),
            events: numbers.into_iter().map(event).collect(),
        };
        self.journal.accept(batch).await.unwrap();
    }

    /// Moves the clock from sleeper to sleeper until `reached`; in real time, waits for threads.
    pub(crate) async fn until(&self, what: &str, reached: impl Fn(&Self) -> bool) {
        for round in 0..20_000 {
            if reached(self) {
                return;
            }
            // Let everything that can run now do so before time moves on.
            tokio::time::sleep(Duration::from_micros(500)).await;
            if round % 4 == 3 && !reached(self) {
                self.clock.advance_to_next_sleeper();
            }
        }
        panic!("{what} did not happen; lanes: {:?}", self.streams.views());
    }

    /// As [`World::until`], moving the clock by less than it takes until the next attempt is due: for
    /// what must have come about before, however long the machine takes for it.
    pub(crate) async fn until_before_retry(&self, what: &str, reached: impl Fn(&Self) -> bool) {
        for _step in 0..20_000 {
            if reached(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.clock.advance(Duration::from_millis(1));
        }
        panic!("{what} did not happen; lanes: {:?}", self.streams.views());
    }

    /// Moves the clock by this, from sleeper to sleeper, in small steps: threads have work meanwhile.
    pub(crate) async fn pass(&self, by: Duration) {
        let until = self.clock.now() + by;
        let steps = async {
            while self.clock.now() < until {
                let step = self.clock.now() + Duration::from_millis(300);
                self.clock.sleep_until(step.min(until)).await;
            }
        };
        let moves = async {
            loop {
                tokio::time::sleep(Duration::from_micros(500)).await;
                self.clock.advance_to_next_sleeper();
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
            }
        };
        tokio::select! {
            () = steps => {}
            () = moves => {}
        }
    }

    pub(crate) async fn until_arrived(&self, path: &str, count: usize) -> Vec<Arrived> {
        self.until(&format!("arrival of {count} at {path}"), |world| {
            world.destination.arrived(path).len() >= count
        })
        .await;
        self.destination.arrived(path)
    }

    pub(crate) async fn until_settled(&self, sync: &Sync) {
        self.until("settling", |world| {
            let view = world.streams.view(sync.id).unwrap();
            view.unread == 0
                && view.queued == 0
                && view.in_flight == 0
                && view.oldest_undelivered.is_none()
        })
        .await;
    }

    /// A sync's figures since the world began.
    pub(crate) async fn figures(&self, sync: &Sync) -> Figures {
        let (scope, until) = (
            Scope::Sync(sync.id),
            self.clock.now() + Duration::from_secs(60),
        );
        let steps = self.journal.figures(scope, Step::Hour, START, until);
        let mut sum = Figures::default();
        for (_, figures) in steps.await.unwrap() {
            sum.add(&figures);
        }
        sum
    }

    pub(crate) fn health(&self, sync: &Sync) -> Health {
        self.streams.view(sync.id).unwrap().health
    }
}

fn open(
    (clock, looks): (&Arc<ManualClock>, &Arc<AtomicU64>),
    destination: &Arc<Destination>,
    folder: &tempfile::TempDir,
    config: &Config,
    retry: Retry,
) -> (Arc<Sqlite>, Streams) {
    let clock: Arc<dyn Clock> = Arc::new(Watched {
        clock: Arc::clone(clock),
        looks: Arc::clone(looks),
    });
    let random = Arc::new(Seeded::new(5));
    let config_of_journal = sqlite::Config::new(folder.path().join("journal"));
    let journal = Arc::new(Sqlite::open(config_of_journal, &*random).unwrap());
    let sender = Sender::new(
        Arc::clone(destination),
        Arc::clone(&clock),
        random.clone(),
        delivery::config::Tries::default(),
    );
    let deliver: Arc<dyn Deliver> = Arc::new(sender);
    let schedule = Schedule::new(retry);
    let streams = Streams::new(
        journal.clone(),
        deliver,
        clock,
        random,
        schedule,
        config.clone(),
    );
    (journal, streams)
}
