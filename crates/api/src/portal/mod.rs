//! The control API: organisations and their people, projects, their syncs, and how these do. JSON
//! under `/api/v1`.
//!
//! A change is committed to the store first and handed to the lane then, by re-reading what is
//! committed ([`Portal::reconcile`]): of two changes at once the lane ends with the later one. Both
//! run on a task of their own, so that a client that hangs up leaves nothing half done; what a crash
//! leaves half done, [`Portal::start`] finishes.

mod alert;
mod audit;
mod catalog;
mod check;
mod definition;
mod destination;
mod draft;
mod erasure;
mod event;
mod extract;
mod fate;
mod field;
mod figures;
mod health;
mod identity;
mod installation;
mod invitation;
mod lanes;
mod markdown;
mod masking;
mod me;
mod member;
mod nearest;
mod observed;
mod openapi;
mod openid;
mod organisation;
mod outbox;
mod page;
mod password_reset;
mod person;
mod precondition;
mod presence;
mod preview;
mod problem;
mod project;
mod reconcile;
mod reference;
mod replay;
mod resume;
mod retention;
mod review;
mod revision;
mod secrets;
mod session;
mod shape;
mod status;
mod summary;
mod sync;
mod tail;
mod token;
mod turns;
mod user;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use store::mail::Counted;
use store::{Caller, Secret, Store};
use tokio::sync::{Mutex, Semaphore};
use tokio_util::task::TaskTracker;
use utoipa_axum::router::OpenApiRouter;

use crate::auth::openid::Providers;
use crate::auth::{Authority, Guarded, Public, guarded};
use crate::mail::{Letter, Letters};

pub use alert::Alerts;
pub use installation::Configured;
pub use lanes::{Backlog, DroppedLane, Glance, Health, LaneError, LaneStatus, Lanes};
pub use openapi::document;
pub use preview::{Courier, Reply, Timing, Trial};
pub use problem::{ApiError, FieldProblem};
pub use replay::{CountedEvents, CountedFailures, Progress, Replays};

/// Where the control API stands.
const ROOT: &str = "/api/v1";

/// How many locks the lanes share: more than changes are made at once.
const LANE_LOCKS: usize = 64;

/// What the control API works with.
pub struct Portal {
    store: Store,
    lanes: Arc<dyn Lanes>,
    courier: Arc<dyn Courier>,
    /// Bounds how often connections are tested.
    connection_tests: preview::connection::Bounds,
    /// At previews, and renders of as little.
    preview_turns: turns::Turns,
    /// At linters and comparisons of events.
    labour_turns: turns::Turns,
    authority: Arc<Authority>,
    letters: Arc<dyn Letters>,
    /// Whether a mail server brings letters to those whom they are for.
    sends_mail: bool,
    /// What the configuration says that operators want to see.
    configured: Configured,
    /// Where people may sign in besides.
    providers: Providers,
    /// Where people reach the installation; links in letters begin with it. Without a slash at its
    /// end.
    public_url: String,
    /// How sealing secrets again does, or ended; `None`: not since the start.
    resealing: std::sync::Mutex<Option<secrets::Resealing>>,
    /// One for each reading of figures that may run at once.
    figure_readings: Semaphore,
    /// The tails that are open.
    tails: tail::Tails,
    /// Changes under way.
    tasks: TaskTracker,
    /// One for several lanes each: held while a lane is made what the store says.
    lane_locks: [Mutex<()>; LANE_LOCKS],
}

impl std::fmt::Debug for Portal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Portal")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl Portal {
    /// The control API of what is in `store`, which `lanes` carry out; `courier` tests connections.
    /// People reach it under `public_url`.
    pub fn new(
        store: Store,
        lanes: Arc<dyn Lanes>,
        courier: Arc<dyn Courier>,
        authority: Arc<Authority>,
        letters: Arc<dyn Letters>,
        public_url: &str,
    ) -> Self {
        Self {
            store,
            lanes,
            courier,
            connection_tests: preview::connection::Bounds::new(&authority.clock),
            preview_turns: turns::Turns::at_previews(&authority.clock),
            labour_turns: turns::Turns::at_labour(&authority.clock),
            authority,
            letters,
            sends_mail: false,
            configured: Configured::default(),
            providers: Providers::default(),
            public_url: public_url.trim_end_matches('/').to_owned(),
            resealing: std::sync::Mutex::default(),
            figure_readings: Semaphore::new(figures::READINGS),
            tails: tail::Tails::default(),
            tasks: TaskTracker::new(),
            lane_locks: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// The same, where people may also sign in with these providers.
    #[must_use]
    pub fn with_providers(mut self, providers: Providers) -> Self {
        self.providers = providers;
        self
    }

    /// The same, where the configuration says this.
    #[must_use]
    pub fn with_configured(mut self, configured: Configured) -> Self {
        self.configured = configured;
        self
    }

    /// The same, where a mail server brings letters: nobody has to pass their links on.
    #[must_use]
    pub fn with_mail_server(mut self) -> Self {
        self.sends_mail = true;
        self
    }

    /// The link of an invitation or of another letter.
    fn link(&self, page: &str, token: &Secret) -> String {
        link(&self.public_url, page, token)
    }

    /// The caller of a change of which `letter` tells someone: it is queued if the change is made. One
    /// that can't be written is no reason not to make it.
    fn telling(&self, by: &Caller, email: &str, letter: &Letter<'_>) -> Caller {
        self.telling_all(by, [email], letter, Counted::default())
    }

    /// The same, for several people, and counted with those other letters.
    fn telling_all<'a>(
        &self,
        by: &Caller,
        emails: impl IntoIterator<Item = &'a str>,
        letter: &Letter<'_>,
        counted: Counted,
    ) -> Caller {
        let kind = letter.kind().name();
        let written = emails.into_iter().filter_map(|email| {
            let written = self.letters.write(email, letter).inspect_err(|error| {
                tracing::warn!(kind, %error, "a notice could not be written");
            });
            written.ok()
        });
        by.telling_counted(written.collect(), counted)
    }

    /// The answer to a link that is none, or none any more. Each counts as a failure to sign in.
    fn ended_link(&self, public: &Public) -> ApiError {
        let (failures, now) = (&self.authority.failures, self.authority.clock.now());
        match failures.note(public.address, now) {
            Ok(()) => ApiError::LinkEnded,
            Err(retry_after) => ApiError::TooManyFailures { retry_after },
        }
    }

    /// Ends the tails, and waits until the changes under way are done; to be called when no request comes
    /// in any more.
    pub async fn finish(&self) {
        self.tails.end();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// A link to a page of ours. What it carries stands behind `#`: browsers send that to no one.
pub fn link(public_url: &str, page: &str, token: &Secret) -> String {
    let base = public_url.trim_end_matches('/');
    format!("{base}/{page}#{}", token.expose())
}

impl Guarded for Arc<Portal> {
    fn authority(&self) -> &Authority {
        &self.authority
    }
}

type State = axum::extract::State<Arc<Portal>>;

/// The routes of the control API. No other origin's page may use it: there is no CORS here.
pub fn router(portal: Arc<Portal>) -> Router {
    let (routes, _) = routes().split_for_parts();
    let routes = routes
        .route("/api/v1/openapi.json", axum::routing::get(openapi::serve))
        .route(summary::PATH, axum::routing::get(summary::show))
        .route("/api/v1", axum::routing::any(unknown_path))
        .route("/api/v1/{*rest}", axum::routing::any(unknown_path))
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .layer(DefaultBodyLimit::max(extract::BODY_LIMIT_BYTES))
        .layer(axum::middleware::from_fn(precondition::check))
        .layer(axum::middleware::from_fn(crate::auth::carry));
    routes.with_state(portal).merge(reference::router())
}

async fn unknown_path() -> ApiError {
    ApiError::NotFound {
        what: "such path".into(),
    }
}

/// All routes that do something, with their description.
fn routes() -> OpenApiRouter<Arc<Portal>> {
    let guarded = OpenApiRouter::new()
        .routes(guarded!(Arc<Portal>; session::sign_in, session::sign_out))
        .routes(guarded!(Arc<Portal>; openid::providers))
        .routes(guarded!(Arc<Portal>; openid::start))
        .routes(guarded!(Arc<Portal>; openid::finish))
        .routes(guarded!(Arc<Portal>; me::show, me::change))
        .routes(guarded!(Arc<Portal>; me::organisations))
        .routes(guarded!(Arc<Portal>; me::change_password))
        .routes(guarded!(Arc<Portal>; me::offer_second_factor))
        .routes(guarded!(Arc<Portal>; me::set_second_factor))
        .routes(guarded!(Arc<Portal>; me::remove_second_factor))
        .routes(guarded!(Arc<Portal>; me::delete))
        .routes(guarded!(Arc<Portal>; me::sessions))
        .routes(guarded!(Arc<Portal>; me::end_session))
        .routes(guarded!(Arc<Portal>; identity::list))
        .routes(guarded!(Arc<Portal>; identity::remove))
        .routes(guarded!(Arc<Portal>; identity::allow_removed))
        .routes(
            guarded!(Arc<Portal>; organisation::show, organisation::change, organisation::delete),
        )
        .routes(guarded!(Arc<Portal>; member::list))
        .routes(guarded!(Arc<Portal>; member::show, member::change, member::remove))
        .routes(guarded!(Arc<Portal>; invitation::list, invitation::create))
        .routes(guarded!(Arc<Portal>; invitation::withdraw))
        .routes(guarded!(Arc<Portal>; invitation::look))
        .routes(guarded!(Arc<Portal>; invitation::accept))
        .routes(guarded!(Arc<Portal>; password_reset::ask))
        .routes(guarded!(Arc<Portal>; password_reset::redeem))
        .routes(guarded!(Arc<Portal>; token::list, token::create))
        .routes(guarded!(Arc<Portal>; token::revoke))
        .routes(guarded!(Arc<Portal>; audit::list))
        .routes(guarded!(Arc<Portal>; audit::export))
        .routes(guarded!(Arc<Portal>; organisation::list, organisation::create))
        .routes(guarded!(Arc<Portal>; audit::list_installation))
        .routes(guarded!(Arc<Portal>; audit::export_installation))
        .routes(guarded!(Arc<Portal>; organisation::invite_owner))
        .routes(guarded!(Arc<Portal>; person::list))
        .routes(guarded!(Arc<Portal>; person::show, person::delete))
        .routes(guarded!(Arc<Portal>; person::set_rights))
        .routes(guarded!(Arc<Portal>; person::lock))
        .routes(guarded!(Arc<Portal>; person::unlock))
        .routes(guarded!(Arc<Portal>; person::end_sessions))
        .routes(guarded!(Arc<Portal>; person::remove_second_factor))
        .routes(guarded!(Arc<Portal>; secrets::show))
        .routes(guarded!(Arc<Portal>; secrets::rotate))
        .routes(guarded!(Arc<Portal>; secrets::remove_unused))
        .routes(guarded!(Arc<Portal>; outbox::list))
        .routes(guarded!(Arc<Portal>; outbox::show))
        .routes(guarded!(Arc<Portal>; outbox::resend))
        .routes(guarded!(Arc<Portal>; installation::show))
        .routes(guarded!(Arc<Portal>; definition::list, definition::create))
        .routes(guarded!(Arc<Portal>; definition::show, definition::change, definition::delete))
        .routes(guarded!(Arc<Portal>; definition::set_listing))
        .routes(guarded!(Arc<Portal>; definition::logo::set, definition::logo::remove))
        .routes(guarded!(Arc<Portal>; definition::logo::show))
        .routes(guarded!(Arc<Portal>; definition::check))
        .routes(guarded!(Arc<Portal>; definition::release))
        .routes(guarded!(Arc<Portal>; preview::of_definition))
        .routes(guarded!(Arc<Portal>; preview::connection::of_definition))
        .routes(guarded!(Arc<Portal>; preview::lint::of_definition))
        .routes(guarded!(Arc<Portal>; definition::version::list))
        .routes(guarded!(Arc<Portal>; definition::version::show))
        .routes(guarded!(Arc<Portal>; definition::version::submit))
        .routes(guarded!(Arc<Portal>; definition::version::withdraw))
        .routes(guarded!(Arc<Portal>; review::list))
        .routes(guarded!(Arc<Portal>; review::show))
        .routes(guarded!(Arc<Portal>; review::decide))
        .routes(guarded!(Arc<Portal>; review::bar))
        .routes(guarded!(Arc<Portal>; preview::of_review))
        .routes(guarded!(Arc<Portal>; preview::connection::of_review))
        .routes(guarded!(Arc<Portal>; catalog::list))
        .routes(guarded!(Arc<Portal>; catalog::show))
        .routes(guarded!(Arc<Portal>; project::list, project::create))
        .routes(guarded!(Arc<Portal>; project::show, project::change, project::delete))
        .routes(guarded!(Arc<Portal>; project::rotate_api_key))
        .routes(guarded!(Arc<Portal>; project::rotate_secret_key))
        .routes(guarded!(Arc<Portal>; event::list))
        .routes(guarded!(Arc<Portal>; observed::show))
        .routes(guarded!(Arc<Portal>; tail::events))
        .routes(guarded!(Arc<Portal>; tail::outcomes_of_project))
        .routes(guarded!(Arc<Portal>; tail::outcomes_of_sync))
        .routes(guarded!(Arc<Portal>; erasure::list, erasure::create))
        .routes(guarded!(Arc<Portal>; erasure::show))
        .routes(guarded!(Arc<Portal>; retention::show))
        .routes(guarded!(Arc<Portal>; user::show))
        .merge(alert::routes())
        .routes(guarded!(Arc<Portal>; check::new_sync))
        .routes(guarded!(Arc<Portal>; check::change))
        .routes(guarded!(Arc<Portal>; check::project))
        .routes(guarded!(Arc<Portal>; check::draft))
        .routes(guarded!(Arc<Portal>; check::names))
        .routes(guarded!(Arc<Portal>; sync::list, sync::create))
        .routes(guarded!(Arc<Portal>; sync::show, sync::change, sync::delete))
        .routes(guarded!(Arc<Portal>; sync::enable))
        .routes(guarded!(Arc<Portal>; sync::disable))
        .routes(guarded!(Arc<Portal>; resume::resume))
        .routes(guarded!(Arc<Portal>; preview::of_sync))
        .routes(guarded!(Arc<Portal>; preview::connection::of_sync))
        .routes(guarded!(Arc<Portal>; revision::version::list))
        .routes(guarded!(Arc<Portal>; revision::version::show))
        .routes(guarded!(Arc<Portal>; revision::restore::show, revision::restore::restore))
        .routes(guarded!(Arc<Portal>; revision::duplicate::duplicate))
        .routes(guarded!(Arc<Portal>; revision::upgrade::show, revision::upgrade::upgrade))
        .routes(guarded!(Arc<Portal>; revision::traffic::difference))
        .routes(guarded!(Arc<Portal>; replay::list, replay::create))
        .routes(guarded!(Arc<Portal>; replay::dry_run))
        .routes(guarded!(Arc<Portal>; replay::show))
        .routes(guarded!(Arc<Portal>; replay::ended))
        .routes(guarded!(Arc<Portal>; replay::import::append))
        .routes(guarded!(Arc<Portal>; replay::import::complete))
        .routes(guarded!(Arc<Portal>; replay::pause))
        .routes(guarded!(Arc<Portal>; replay::resume))
        .routes(guarded!(Arc<Portal>; replay::cancel))
        .routes(guarded!(Arc<Portal>; fate::why::show))
        .routes(guarded!(Arc<Portal>; fate::refused::list))
        .routes(guarded!(Arc<Portal>; fate::outcomes::list))
        .routes(guarded!(Arc<Portal>; fate::delivery::show))
        .routes(guarded!(Arc<Portal>; fate::failures::list))
        .routes(guarded!(Arc<Portal>; fate::failures::show))
        .routes(guarded!(Arc<Portal>; figures::of_project))
        .routes(guarded!(Arc<Portal>; health::of_project))
        .routes(guarded!(Arc<Portal>; figures::of_sync))
        .routes(guarded!(Arc<Portal>; status::status))
        .routes(guarded!(Arc<Portal>; status::retries))
        .routes(guarded!(Arc<Portal>; status::ended));
    OpenApiRouter::with_openapi(openapi::head()).nest(ROOT, guarded)
}
