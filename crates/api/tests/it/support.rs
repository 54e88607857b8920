//! A journal that only remembers what it was given, and the API in front of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use journal::fate::{
    Fate, Found, Key, OutcomePage, Outcomes, Refused, RefusedRow, SampleRow, What,
};
use journal::figures::{Figures, Scope, Step};
use journal::hold::{Drain, Forgone, Said, Standing};
use journal::turn::{Booked, Turn, TurnHead};
use journal::{
    AcceptError, Accepted, Batch, DroppedLane, EndedRow, Fates, IncomingEvent, Journal,
    LanePosition, LaneStats, ReplayState, ReplayStep, Retired, Retry, RetryKey, Settlement, Status,
    StorageError, Stretch,
};
use millstream_api::ingest::{
    Config, Ingest, Known, ProjectIngest, Projects, ReadError, Reception, Refusal, Upload, router,
};
use model::json::{Limits, Object, Value, parse};
use model::random::Seeded;
use model::time::ManualClock;
use model::{ApiKey, Event, Offset, ProjectId, ReplayId, SyncId, Timestamp};
use tokio::sync::watch;
use tower::ServiceExt;

pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";

/// 2022-02-28 20:07:01.795
pub(crate) const NOW: i64 = 1_646_078_821_795;

/// Remembers the batches it accepted, and refuses them where it is told to.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    batches: Mutex<Vec<Batch>>,
    pub(crate) refusing: Mutex<Option<AcceptError>>,
    pub(crate) refused: Mutex<Vec<(ProjectId, Refused)>>,
}

impl Recorder {
    pub(crate) fn events(&self) -> Vec<IncomingEvent> {
        let batches = self.batches.lock().unwrap();
        batches.iter().flat_map(|b| b.events.clone()).collect()
    }
}

#[async_trait]
impl Journal for Recorder {
    async fn accept(&self, batch: Batch) -> Result<Accepted, AcceptError> {
        if let Some(error) = self.refusing.lock().unwrap().clone() {
            return Err(error);
        }
        let appended = batch.events.len();
        self.batches.lock().unwrap().push(batch);
        Ok(Accepted {
            appended,
            duplicates: 0,
            head: Offset(appended as u64),
        })
    }

    fn head(&self, _: ProjectId) -> watch::Receiver<Offset> {
        watch::channel(Offset(0)).1
    }

    async fn read(
        &self,
        _: ProjectId,
        _: Offset,
        _: usize,
    ) -> Result<Vec<Arc<Event>>, StorageError> {
        Ok(Vec::new())
    }

    async fn get(&self, _: ProjectId, _: Offset) -> Result<Option<Arc<Event>>, StorageError> {
        Ok(None)
    }

    fn keep(&self, _: std::collections::HashMap<ProjectId, journal::Keep>) {}

    fn kept_at_most(&self) -> journal::Keep {
        journal::Keep::default()
    }

    async fn received(
        &self,
        _: ProjectId,
        _: Timestamp,
    ) -> Result<journal::received::Received, StorageError> {
        Ok(journal::received::Received::default())
    }

    async fn erase(&self, _: journal::EraseRequest) -> Result<journal::Erasure, StorageError> {
        Err(StorageError::Closed)
    }

    async fn erasure(&self, _: model::ErasureId) -> Result<Option<journal::Erasure>, StorageError> {
        Ok(None)
    }

    async fn erasures(
        &self,
        _: ProjectId,
        _: Option<u64>,
        _: usize,
    ) -> Result<Vec<journal::Erasure>, StorageError> {
        Ok(Vec::new())
    }

    async fn go_on_erasing(&self, _: Timestamp) -> Result<journal::Erasing, StorageError> {
        Ok(journal::Erasing::default())
    }

    fn times_erased(&self, _: ProjectId) -> journal::TimesErased {
        journal::TimesErased::default()
    }

    async fn waiting_turns(
        &self,
        _: SyncId,
        _: Option<journal::turn::Turn>,
        _: usize,
    ) -> Result<Vec<journal::turn::Turn>, StorageError> {
        Ok(Vec::new())
    }

    async fn untold_losses(&self) -> Result<Vec<journal::hold::Untold>, StorageError> {
        Ok(Vec::new())
    }

    async fn tell_losses(&self, _: Vec<(SyncId, u64)>) -> Result<(), StorageError> {
        Ok(())
    }

    async fn own_imports(&self, _: Vec<journal::ImportLog>) -> Result<(), StorageError> {
        Ok(())
    }

    async fn held(&self, _: ProjectId) -> Result<journal::Held, StorageError> {
        Ok(journal::Held::default())
    }

    async fn open_lane(&self, _: ProjectId, _: SyncId) -> Result<LanePosition, StorageError> {
        Ok(LanePosition::default())
    }

    async fn settle(&self, _: SyncId, _: Settlement) -> Result<u64, StorageError> {
        Ok(0)
    }

    async fn retries(
        &self,
        _: SyncId,
        _: Option<RetryKey>,
        _: usize,
    ) -> Result<Vec<Retry>, StorageError> {
        Ok(Vec::new())
    }

    async fn ended(
        &self,
        _: SyncId,
        _: Option<u64>,
        _: usize,
    ) -> Result<Vec<EndedRow>, StorageError> {
        Ok(Vec::new())
    }

    async fn ended_between(
        &self,
        _: SyncId,
        _: u64,
        _: u64,
        _: usize,
    ) -> Result<Vec<EndedRow>, StorageError> {
        Ok(Vec::new())
    }

    async fn given(
        &self,
        _: SyncId,
        _: Offset,
        _: model::Part,
    ) -> Result<Option<std::sync::Arc<str>>, StorageError> {
        Ok(None)
    }

    async fn bounded_lanes(&self, _: SyncId) -> Result<Vec<journal::LaneOf>, StorageError> {
        Ok(Vec::new())
    }

    async fn open_replay(&self, _: SyncId, _: ReplayId) -> Result<ReplayState, StorageError> {
        Ok(ReplayState::default())
    }

    async fn replay_state(&self, _: ReplayId) -> Result<Option<ReplayState>, StorageError> {
        Ok(None)
    }

    async fn replay(&self, _: SyncId, _: ReplayStep) -> Result<Vec<Retry>, StorageError> {
        Ok(Vec::new())
    }

    async fn stretch(
        &self,
        _: ProjectId,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<Stretch, StorageError> {
        Ok(Stretch::default())
    }

    async fn open_bounded_lane(
        &self,
        _: ProjectId,
        _: SyncId,
        _: SyncId,
        _: std::ops::Range<Offset>,
    ) -> Result<LanePosition, StorageError> {
        Ok(LanePosition::default())
    }

    async fn lane_bounds(
        &self,
        _: SyncId,
    ) -> Result<Option<std::ops::Range<Offset>>, StorageError> {
        Ok(None)
    }

    async fn set_standing(&self, _: SyncId, _: Standing) -> Result<(), StorageError> {
        Ok(())
    }

    async fn turns(
        &self,
        _: SyncId,
        _: Option<u64>,
        _: usize,
    ) -> Result<Vec<TurnHead>, StorageError> {
        Ok(Vec::new())
    }

    async fn turn(
        &self,
        _: SyncId,
        _: u64,
    ) -> Result<Option<(Turn, Option<Booked>)>, StorageError> {
        Ok(None)
    }

    async fn has_turn(&self, _: SyncId, _: Turn) -> Result<bool, StorageError> {
        Ok(false)
    }

    async fn user_properties(&self, _: ProjectId, _: u64) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(None)
    }

    async fn set_drain(
        &self,
        _: SyncId,
        _: Option<Drain>,
        _: Option<Said>,
    ) -> Result<(), StorageError> {
        Ok(())
    }

    async fn drain(&self, _: SyncId) -> Result<Option<Drain>, StorageError> {
        Ok(None)
    }

    async fn drop_backlog(&self, _: SyncId, _: Said) -> Result<Forgone, StorageError> {
        Ok(Forgone::default())
    }

    async fn drop_lane(&self, _: SyncId, _: Timestamp) -> Result<DroppedLane, StorageError> {
        Ok(DroppedLane::default())
    }

    async fn lane_stats(&self, _: SyncId) -> Result<Option<LaneStats>, StorageError> {
        Ok(None)
    }

    async fn figures(
        &self,
        _: Scope,
        _: Step,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<Vec<(Timestamp, Figures)>, StorageError> {
        Ok(Vec::new())
    }

    async fn retire(&self, _: Timestamp) -> Result<Retired, StorageError> {
        Ok(Retired::default())
    }

    fn status(&self) -> Status {
        Status::default()
    }

    async fn close(&self) {}
}

#[async_trait]
impl Fates for Recorder {
    async fn fate(&self, _: SyncId, _: Offset) -> Result<Option<Fate>, StorageError> {
        Ok(None)
    }

    async fn outcomes(&self, _: SyncId, _: Outcomes) -> Result<OutcomePage, StorageError> {
        Ok(OutcomePage::default())
    }

    async fn samples(&self, _: SyncId, _: Option<What>) -> Result<Vec<SampleRow>, StorageError> {
        Ok(Vec::new())
    }

    async fn sample(&self, _: SyncId, _: u64) -> Result<Option<SampleRow>, StorageError> {
        Ok(None)
    }

    async fn find(
        &self,
        _: ProjectId,
        _: Key,
        _: Option<Offset>,
        _: usize,
    ) -> Result<Found, StorageError> {
        Ok(Found::default())
    }

    async fn note_refused(&self, project: ProjectId, one: Refused) -> Result<(), StorageError> {
        self.refused.lock().unwrap().push((project, one));
        Ok(())
    }

    async fn refused(&self, _: ProjectId) -> Result<Vec<RefusedRow>, StorageError> {
        Ok(Vec::new())
    }

    async fn user(
        &self,
        _: ProjectId,
        _: journal::Subject,
    ) -> Result<Option<journal::KnownUser>, StorageError> {
        Ok(None)
    }
}

/// The one project, whose key is [`KEY`].
pub(crate) struct OneProject(pub(crate) ProjectIngest);

impl OneProject {
    pub(crate) fn new() -> Self {
        Self(ProjectIngest::new(ProjectId::from_bytes([
            0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
        ])))
    }
}

#[async_trait]
impl Projects for OneProject {
    fn known(&self, key: ApiKey) -> Known {
        Known::Is((key.to_string() == KEY).then(|| Arc::new(self.0)))
    }

    async fn read(&self, _: ApiKey) -> Result<Option<Arc<ProjectIngest>>, ReadError> {
        panic!("all keys are known");
    }
}

/// Hands a body to the pure part of ingest.
pub(crate) fn read<T>(read: impl FnOnce(&Reception<'_>) -> T) -> T {
    read(&Reception {
        projects: &OneProject::new(),
        read: None,
        random: &Seeded::new(1),
        received_at: Timestamp::from_millis(NOW).unwrap(),
        uploader: Some("203.0.113.7".parse().unwrap()),
    })
}

/// An upload of these events, which are JSON.
pub(crate) fn upload_of(events: &[&str]) -> String {
    format!(r#"{{"api_key":"{KEY}","events":[{}]}}"#, events.join(","))
}

pub(crate) fn read_events(body: &str) -> Result<Upload, Refusal> {
    read(|reception| reception.events(body.as_bytes()))
}

/// The only event, which must be valid. `members` are added to those that every event needs.
pub(crate) fn accepted(members: &str) -> IncomingEvent {
    let event = event_with(members);
    let upload = read_events(&upload_of(&[&event])).unwrap_or_else(|r| panic!("{event}: {r:?}"));
    upload.events.into_iter().next().unwrap()
}

/// An event with the least it needs, and `members`.
pub(crate) fn event_with(members: &str) -> String {
    let comma = if members.is_empty() { "" } else { "," };
    format!(r#"{{"event_type":"click","user_id":"user-1"{comma}{members}}}"#)
}

/// The event as the journal would stream it, but for what the journal adds.
pub(crate) fn streamed(event: &IncomingEvent) -> serde_json::Value {
    let mut text = event.fields.clone();
    text.push(b'}');
    let value: serde_json::Value = serde_json::from_slice(&text).expect("an open object");
    // A repeated name would be lost in serde_json's map, but not in a destination's parser.
    let strict = parse(&text, &Limits::OWN).unwrap();
    let names = strict.as_object().map(Object::len);
    assert_eq!(names, value.as_object().map(serde_json::Map::len));
    value
}

/// The properties of a user who had none before the event.
pub(crate) fn user_after(event: &IncomingEvent) -> String {
    let mut properties = Object::new();
    event.user_update.apply(&mut properties);
    Value::Object(properties).to_json()
}

/// The API before a [`Recorder`].
pub(crate) struct Api {
    pub(crate) journal: Arc<Recorder>,
    pub(crate) clock: Arc<ManualClock>,
    router: Router,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }
}

impl Api {
    pub(crate) fn new() -> Self {
        Self::with(Config::default(), OneProject::new())
    }

    pub(crate) fn with(config: Config, projects: impl Projects) -> Self {
        let journal = Arc::new(Recorder::default());
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(NOW).unwrap()));
        let ingest = Ingest::new(
            Arc::clone(&journal) as Arc<dyn Journal>,
            Arc::new(projects),
            Arc::clone(&clock) as Arc<dyn model::Clock>,
            Arc::new(Seeded::new(1)),
            config,
        );
        Self {
            journal,
            clock,
            router: router(Arc::new(ingest)),
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Time passes once everything else waits for it.
    pub(crate) async fn advance(&self, by: Duration) {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        self.clock.advance(by);
    }
}
