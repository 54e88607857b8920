//! The Amplitude-compatible ingest API: `/2/httpapi`, `/batch`, `/identify` and `/groupidentify`.
//!
//! A request is received within bounds ([`body`]), read and normalised ([`upload`], [`identify`],
//! [`normalise`]; pure), counted against its project's thresholds ([`throttle`]), and handed to the
//! journal. It is answered with 200 once all of its events are durable; otherwise nothing of it was
//! taken.
//!
//! Neither bodies nor keys are logged.

mod answer;
mod body;
mod bound;
mod config;
mod device;
mod handle;
mod identify;
mod language;
mod member;
mod normalise;
mod outage;
mod projects;
mod refused;
mod throttle;
mod upload;
mod validate;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::http::Method;
use axum::routing::{MethodRouter, any, get, post};
use journal::Journal;
use model::{ApiKey, Clock, ProjectId, Random};
use tokio::sync::Semaphore;
use tower_http::cors::{Any, CorsLayer};

pub use answer::{Problems, Refusal, Throttled};
pub use config::Config;
pub use identify::Subject;
pub use upload::{Reception, Upload};

/// What ingest needs to know of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProjectIngest {
    /// The project.
    pub project: ProjectId,
    /// Events per second that a device or user may send to `/2/httpapi`, `/identify` and
    /// `/groupidentify`, averaged over 30 seconds. 0: any number.
    pub httpapi_eps: u32,
    /// The same for `/batch`.
    pub batch_eps: u32,
}

impl ProjectIngest {
    /// With the thresholds of the original API.
    pub const fn new(project: ProjectId) -> Self {
        Self {
            project,
            httpapi_eps: 30,
            batch_eps: 1000,
        }
    }
}

/// The projects by their API keys.
#[async_trait]
pub trait Projects: Send + Sync + 'static {
    /// What is in memory of the project whose key this is. Asked for every request.
    fn known(&self, key: ApiKey) -> Known;

    /// The project whose key this is, if it takes events at present; for keys that aren't known.
    async fn read(&self, key: ApiKey) -> Result<Option<Arc<ProjectIngest>>, ReadError>;
}

/// What is known of a key.
#[derive(Debug, Clone)]
pub enum Known {
    /// Whose it is; `None`: nobody's.
    Is(Option<Arc<ProjectIngest>>),
    /// It has to be read.
    Unread,
}

/// Why a key could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the projects can't be read")]
pub struct ReadError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What the ingest API works with.
pub struct Ingest {
    journal: Arc<dyn Journal>,
    projects: Arc<dyn Projects>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    config: Config,
    throttle: throttle::Throttle,
    budget: body::Budget,
    outages: outage::Outages,
    refused: refused::Turns,
    /// How many heavy bodies are read at a time: as many as there are processors.
    readers: Arc<Semaphore>,
}

impl fmt::Debug for Ingest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ingest")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Ingest {
    /// Ingest into `journal`.
    pub fn new(
        journal: Arc<dyn Journal>,
        projects: Arc<dyn Projects>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        config: Config,
    ) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            journal,
            projects,
            clock,
            throttle: throttle::Throttle::new(config.throttle_entries, &*random),
            random,
            budget: body::Budget::new(config.buffered_body_bytes),
            outages: outage::Outages::default(),
            refused: refused::Turns::default(),
            config,
            readers: Arc::new(Semaphore::new(processors)),
        }
    }
}

/// The routes of the ingest API. They answer CORS preflights for any origin; routes that this is
/// merged with are left alone. To know uploaders' addresses, the server must be made with
/// `into_make_service_with_connect_info::<SocketAddr>()`.
pub fn router(ingest: Arc<Ingest>) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(Any)
        .max_age(std::time::Duration::from_secs(24 * 3600));
    // A layer of the method router covers its fallback too, and with it OPTIONS.
    let route = |methods: MethodRouter<Arc<Ingest>>| {
        let methods = methods.fallback(|| async { Refusal::WrongMethod });
        methods.layer(cors.clone())
    };
    let unknown = || any(|| async { Refusal::UnknownPath }).layer(cors.clone());
    Router::new()
        .route("/2/httpapi", route(post(handle::httpapi)))
        .route("/batch", route(post(handle::batch)))
        .route(
            "/identify",
            route(get(handle::identify_query).post(handle::identify)),
        )
        .route(
            "/groupidentify",
            route(get(handle::group_identify_query).post(handle::group_identify)),
        )
        .route("/2/{*rest}", unknown())
        .route("/batch/{*rest}", unknown())
        .route("/identify/{*rest}", unknown())
        .route("/groupidentify/{*rest}", unknown())
        .with_state(ingest)
}
