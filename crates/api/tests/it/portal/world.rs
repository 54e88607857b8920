//! A control API on a store of its own, with lanes that only take notes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use journal::{EndedRow, LaneStats, Retry, RetryKey};
use millstream_api::auth::{self, Authority};
use millstream_api::mail::{Letter, LetterError, Letters};
use millstream_api::portal::{
    self, DroppedLane, FieldProblem, Health, LaneError, LaneStatus, Lanes, Portal,
};
use model::definition::Definition;
use model::random::System;
use model::sync::Sync;
use model::time::SystemClock;
use model::{OrganisationId, Random, SyncId};
use serde_json::{Value, json};
use store::mail::{Bodies, Draft};
use store::{Caller, Config, Store, TokenDraft};
use tempfile::TempDir;
use tower::ServiceExt;

/// What the lanes were told, and what they answer.
#[derive(Default)]
pub(crate) struct Notes {
    /// What each lane was last told to be.
    pub(crate) applied: HashMap<SyncId, Arc<Sync>>,
    pub(crate) removed: Vec<SyncId>,
    pub(crate) stats: LaneStats,
    pub(crate) retries: Vec<Retry>,
    pub(crate) ended: Vec<EndedRow>,
    /// Whether the journal fails.
    pub(crate) broken: bool,
}

#[derive(Default)]
pub(crate) struct NotingLanes(Mutex<Notes>);

impl NotingLanes {
    pub(crate) fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.0.lock().unwrap()
    }

    fn working(&self) -> Result<std::sync::MutexGuard<'_, Notes>, LaneError> {
        let notes = self.notes();
        match notes.broken {
            true => Err(LaneError::Unavailable("the disk is on fire".into())),
            false => Ok(notes),
        }
    }
}

#[async_trait]
impl Lanes for NotingLanes {
    /// A URL is needed, and no template may say `${broken}`.
    fn check(&self, sync: &Sync, _: &Definition) -> Vec<FieldProblem> {
        let mut problems = Vec::new();
        if !sync.settings.parameters.contains_key("url") {
            problems.push(FieldProblem::new("/parameters/url", "a value is required"));
        }
        let template = sync.settings.events.template.as_deref().unwrap_or_default();
        if template.contains("${broken}") {
            problems.push(FieldProblem {
                line: Some(1),
                column: Some(3),
                ..FieldProblem::new("/events/template", "unknown name")
            });
        }
        problems
    }

    async fn apply(&self, sync: Arc<Sync>, _: Arc<Definition>) -> Result<(), LaneError> {
        self.working()?.applied.insert(sync.id, sync);
        Ok(())
    }

    async fn remove(&self, sync: SyncId) -> Result<DroppedLane, LaneError> {
        let mut notes = self.working()?;
        notes.applied.remove(&sync);
        notes.removed.push(sync);
        Ok(DroppedLane::from(&notes.stats))
    }

    async fn status(&self, sync: SyncId) -> Result<LaneStatus, LaneError> {
        let notes = self.working()?;
        let enabled = notes.applied.get(&sync).is_some_and(|sync| sync.enabled);
        Ok(LaneStatus {
            health: if enabled {
                Health::Healthy
            } else {
                Health::Paused
            },
            reason: None,
            in_flight: 3,
            stats: Some(notes.stats),
        })
    }

    async fn retries(
        &self,
        _: SyncId,
        after: Option<RetryKey>,
        max: usize,
    ) -> Result<Vec<Retry>, LaneError> {
        let notes = self.working()?;
        let behind = notes
            .retries
            .iter()
            .filter(|retry| Some(retry.key()) > after);
        Ok(behind.take(max).cloned().collect())
    }

    async fn ended(
        &self,
        _: SyncId,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<EndedRow>, LaneError> {
        let notes = self.working()?;
        let older = notes.ended.iter().rev();
        let older = older.filter(|row| before.is_none_or(|before| row.sequence < before));
        Ok(older.take(max).cloned().collect())
    }
}

/// Letters that say no more than their link.
struct PlainLetters;

impl Letters for PlainLetters {
    fn write(&self, recipient: &str, letter: &Letter<'_>) -> Result<Draft, LetterError> {
        let text = match letter {
            Letter::Invitation { link, .. } | Letter::PasswordReset { link, .. } => {
                (*link).to_owned()
            }
            other => other.kind().name().to_owned(),
        };
        Ok(Draft {
            kind: letter.kind(),
            recipient: recipient.to_owned(),
            subject: letter.kind().name().to_owned(),
            bodies: Bodies {
                html: text.clone(),
                text,
            },
            expires_at: letter.expires_at(),
        })
    }
}

/// The control API, and a token for it.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) lanes: Arc<NotingLanes>,
    pub(crate) portal: Arc<Portal>,
    pub(crate) token: String,
    pub(crate) organisation: OrganisationId,
    router: Router,
    _folder: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::in_folder(folder.path());
        let clock = Arc::new(SystemClock);
        let store = Store::open(&config, clock.clone(), Arc::new(System)).await;
        let store = store.unwrap();
        let organisation = store.ensure_organisation("Test").await.unwrap().id;
        let draft = TokenDraft {
            organisation,
            person: None,
            name: "test".into(),
            scopes: None,
            expires_at: None,
        };
        let token = store.create_token(draft, &Caller::system()).await.unwrap();
        let lanes = Arc::new(NotingLanes::default());
        let config = auth::Config {
            // As cheap as hashing gets: nothing here is worth guessing.
            password_memory_kib: 8,
            password_passes: 1,
            requests_per_second: 0,
            ..auth::Config::default()
        };
        let random = Arc::new(System);
        let authority = Authority::new(store.clone(), config, Vec::new(), clock, random);
        let portal = Arc::new(Portal::new(
            store.clone(),
            lanes.clone(),
            Arc::new(authority),
            Arc::new(PlainLetters),
            "https://millstream.example.com/",
        ));
        Self {
            store,
            lanes,
            router: portal::router(portal.clone()),
            portal,
            token: token.text.expose().to_owned(),
            organisation,
            _folder: folder,
        }
    }

    /// A request with the token, not sent yet.
    pub(crate) fn call(&self, method: &str, path: &str) -> Call<'_> {
        Call {
            world: self,
            request: Request::builder()
                .method(method)
                .uri(format!("/api/v1{path}")),
            token: Some(self.token.clone()),
            body: None,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path).json(body).send().await
    }

    /// The path of the organisation's projects.
    pub(crate) fn projects(&self) -> String {
        format!("/organisations/{}/projects", self.organisation)
    }

    /// A new project's id.
    pub(crate) async fn project(&self) -> String {
        let name = format!("shop {}", System.next_u64());
        let answer = self.post(&self.projects(), json!({"name": name})).await;
        answer.json()["project"]["id"].as_str().unwrap().to_owned()
    }

    /// The path of the syncs of a new project.
    pub(crate) async fn syncs(&self) -> String {
        format!("/projects/{}/syncs", self.project().await)
    }

    /// The path of a new sync of a new project.
    pub(crate) async fn sync(&self, body: Value) -> String {
        let syncs = self.syncs().await;
        let made = self.post(&syncs, body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        format!("{syncs}/{}", made.json()["id"].as_str().unwrap())
    }
}

/// The id at the end of a sync's path.
pub(crate) fn id_in(path: &str) -> SyncId {
    path.rsplit('/').next().unwrap().parse().unwrap()
}

/// A request to be sent.
pub(crate) struct Call<'w> {
    world: &'w World,
    request: axum::http::request::Builder,
    token: Option<String>,
    body: Option<String>,
}

impl Call<'_> {
    pub(crate) fn token(mut self, token: Option<&str>) -> Self {
        self.token = token.map(str::to_owned);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn json(self, body: Value) -> Self {
        self.text("application/json", &body.to_string())
    }

    pub(crate) fn text(mut self, content_type: &str, body: &str) -> Self {
        self.request = self.request.header(header::CONTENT_TYPE, content_type);
        self.body = Some(body.to_owned());
        self
    }

    pub(crate) async fn send(mut self) -> Answer {
        if let Some(token) = &self.token {
            let value = format!("Bearer {token}");
            self.request = self.request.header(header::AUTHORIZATION, value);
        }
        let body = Body::from(self.body.unwrap_or_default());
        let request = self.request.body(body).unwrap();
        let response = self.world.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that this is problem details with this status and code.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["type"], format!("urn:millstream:problem:{code}"));
        problem
    }

    /// The pointers of the fields that were refused.
    pub(crate) fn pointers(&self) -> Vec<String> {
        let errors = self.json()["errors"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let pointers = errors
            .iter()
            .map(|error| error["pointer"].as_str().unwrap().to_owned());
        pointers.collect()
    }
}
