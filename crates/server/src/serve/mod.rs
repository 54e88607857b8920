//! The server: opens what keeps data, starts the lanes, serves requests, and ends in order.

mod adapters;
mod admin_token;
mod first_start;
mod health;
mod listener;
mod maintenance;
mod metrics;
mod middleware;
mod providers;
mod replays;
mod signals;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use api::auth::Authority;
use api::ingest::Refusal;
use api::mail::Letters;
use api::portal::{Alerts, ApiError, Configured, Portal};
use axum::Router;
use axum::response::{IntoResponse, Response};
use delivery::egress::Guard;
use delivery::retry::Schedule;
use journal::sqlite::Sqlite;
use journal::{Journal, LaneStats};
use metrics_exporter_prometheus::PrometheusHandle;
use model::random::{Seeded, System};
use model::time::SystemClock;
use model::{Clock, Random, SyncId};
use store::Store;
use stream::Streams;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cli::{Failure, ServeOptions};
use crate::config::{self, Config, Files};
use crate::mail::{Mailer, TemplateLetters};
use crate::page;
use crate::receiver::{self, Receiver};
use crate::telemetry;

use admin_token::Replaced;
pub(crate) use admin_token::token_path;
pub(crate) use first_start::Administrator;
pub(crate) use signals::Signals;

/// How much of the time for ending is kept for closing connections and storage after the lanes; of a
/// short time no more than a quarter.
const RESERVE: Duration = Duration::from_secs(2);

/// `millstream serve`.
pub(crate) fn run(options: &ServeOptions) -> Result<(), Failure> {
    let config = config::load(options.file.config.as_deref(), Files::Checked)?.config;
    let administrator = options.administrator()?;
    telemetry::start_log(&config.log);
    let metrics = telemetry::start_metrics()?;
    let runtime = runtime()?;
    runtime.block_on(async {
        let mut signals = Signals::new().context("signals can't be received")?;
        if options.new_admin_token {
            tell(&replace_admin_token(&config).await?);
        }
        let server = Server::start(config, metrics, administrator).await?;
        tracing::info!(address = %server.address, control = %server.control_address, "ready");
        let signal = signals.next().await;
        tracing::info!(signal, "ending; a second signal ends at once");
        server.stop_unless(signals).await
    })?;
    Ok(())
}

/// The runtime of a server.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let built = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    built.context("the runtime can't be started")
}

/// Ends all sessions and links in the database that the configuration names, whose schema is brought up to
/// date before.
pub(crate) fn end_access(config: &Config) -> anyhow::Result<store::backup::Access> {
    runtime()?.block_on(async {
        let store = open_store(config, Arc::new(SystemClock)).await?;
        let ended = store.end_access().await;
        store.close().await;
        ended.context("sessions and links can't be ended")
    })
}

async fn replace_admin_token(config: &Config) -> anyhow::Result<Replaced> {
    admin_token::make_data_dir(&config.data_dir)?;
    let store = open_store(config, Arc::new(SystemClock)).await?;
    let replaced = admin_token::replace(&store, &config.data_dir).await?;
    store.close().await;
    Ok(replaced)
}

/// Says which tokens ended, and which may still do everything.
fn tell(replaced: &Replaced) {
    tracing::info!(file = %replaced.path.display(), "the admin token was replaced");
    for token in &replaced.ended {
        tracing::info!(
            token = token.id,
            name = token.name,
            "this token was revoked"
        );
    }
    for token in &replaced.left {
        tracing::warn!(
            token = token.id,
            name = token.name,
            "this token goes on: no person made it, nor the former admin token as far as is known; \
             `millstream token revoke` ends it"
        );
    }
}

async fn open_store(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Store> {
    let settings = config.store.in_folder(&config.data_dir);
    let opened = Store::open(&settings, clock, Arc::new(System)).await;
    opened.context("the store of projects and syncs can't be opened")
}

/// A server that runs.
pub(crate) struct Server {
    /// Where events are taken.
    pub(crate) address: SocketAddr,
    /// Where the control API is.
    pub(crate) control_address: SocketAddr,
    /// The lanes.
    pub(crate) streams: Arc<Streams>,
    /// The built-in receiver, where it is enabled.
    pub(crate) receiver: Option<Arc<Receiver>>,
    portal: Arc<Portal>,
    journal: Arc<dyn Journal>,
    store: Store,
    deadline: Duration,
    /// Refuses new requests.
    ending: CancellationToken,
    /// Closes connections.
    closing: CancellationToken,
    connections: TaskTracker,
    background: TaskTracker,
}

impl Server {
    /// Starts everything that the configuration asks for; when it returns, requests are served.
    ///
    /// `administrator`: the first account, which is made if there is none yet.
    pub(crate) async fn start(
        config: Config,
        metrics: PrometheusHandle,
        administrator: Option<Administrator>,
    ) -> anyhow::Result<Self> {
        // Addresses first: a second server on the same folder fails before it touches anything.
        let events_socket = bind(config.listen, "listen").await?;
        let control_socket = match config.control.listen {
            Some(address) => Some(bind(address, "control.listen").await?),
            None => None,
        };
        // Before anything is made: a first start that fails is to be repeated as a first one.
        if let Some(administrator) = &administrator
            && !config.data_dir.exists()
        {
            first_start::check(administrator)?;
        }
        admin_token::make_data_dir(&config.data_dir)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let jitter: Arc<dyn Random> = Arc::new(Seeded::from_entropy());
        let store = open_store(&config, Arc::clone(&clock)).await?;
        if let Some(path) = admin_token::ensure(&store, &config.data_dir).await? {
            tracing::info!(file = %path.display(), "the admin token was made; it is in this file");
        }
        let journal = open_journal(&config).await?;
        let guard = Guard::new(&config.egress).context("the egress guard can't be set up")?;
        let sender = sender(&config, &guard, &clock, &jitter)?;
        let courier = adapters::DeliveringCourier(Arc::clone(&sender));
        let streams = start_streams(&config, sender, &journal, &clock, &jitter);
        let lanes = adapters::ControlledLanes {
            streams: Arc::clone(&streams),
            journal: Arc::clone(&journal),
            guard,
            clock: Arc::clone(&clock),
        };
        let letters = TemplateLetters::new(&config.public_url());
        let letters: Arc<dyn Letters> =
            Arc::new(letters.context("the mail templates can't be used")?);
        let mailer = mailer(&config, &store, &clock, &jitter)?;
        let mut authority = Authority::new(
            store.clone(),
            config.access.clone(),
            config.ingest.trusted_proxies.clone(),
            Arc::clone(&clock),
            Arc::new(System),
        );
        if let Some(public_url) = config.configured_url() {
            authority = authority.reached_at(public_url);
        }
        let authority = Arc::new(authority);
        first_start::prepare(&store, &authority, &config, administrator).await?;
        let portal = Portal::new(
            store.clone(),
            Arc::new(lanes),
            Arc::new(courier),
            authority,
            Arc::clone(&letters),
            &config.public_url(),
        );
        let providers = providers::set_up(&config);
        let providers = providers.context("signing in by OpenID Connect can't be set up")?;
        let portal = match config.mail.is_set_up() {
            true => portal.with_mail_server(),
            false => portal,
        };
        let allowed = config.egress.allow.iter().map(ToString::to_string);
        let portal = portal.with_configured(Configured {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            networks_allowed: allowed.collect(),
        });
        let portal = Arc::new(portal.with_providers(providers));
        portal.start().await.context("the syncs can't be started")?;

        let closing = CancellationToken::new();
        let receiver = config
            .receiver
            .enabled
            .then(|| Receiver::new(config.receiver.clone(), Arc::clone(&clock)));
        let mut server = Self {
            address: events_socket.local_addr()?,
            control_address: match &control_socket {
                Some(socket) => socket.local_addr()?,
                None => events_socket.local_addr()?,
            },
            streams,
            receiver,
            portal,
            journal,
            store,
            deadline: config.shutdown.deadline,
            ending: CancellationToken::new(),
            closing,
            connections: TaskTracker::new(),
            background: TaskTracker::new(),
        };
        server.serve(
            &config,
            &metrics,
            &clock,
            &jitter,
            events_socket,
            control_socket,
        );
        let maintenance = maintenance::Maintenance {
            journal: Arc::clone(&server.journal),
            streams: Arc::clone(&server.streams),
            store: server.store.clone(),
            portal: Arc::clone(&server.portal),
            letters,
            audit_retention: config.access.audit_retention,
            metrics,
            clock,
        };
        server
            .background
            .spawn(maintenance.run(server.ending.clone()));
        server.background.spawn(mailer.run(server.ending.clone()));
        let alerts = Alerts::new(Arc::clone(&server.portal));
        server.background.spawn(alerts.run(server.ending.clone()));
        Ok(server)
    }

    /// Puts the routes together and serves them.
    fn serve(
        &mut self,
        config: &Config,
        metrics: &PrometheusHandle,
        clock: &Arc<dyn Clock>,
        jitter: &Arc<dyn Random>,
        events_socket: TcpListener,
        control_socket: Option<TcpListener>,
    ) {
        let events = self
            .events_routes(config, clock, jitter)
            .merge(self.health_routes(config, clock));
        let control = self.control_routes(config, metrics, clock);
        let identified = |router: Router| {
            router.layer(axum::middleware::from_fn_with_state(
                Arc::clone(jitter),
                middleware::identify,
            ))
        };
        let connection_limit = Arc::new(Semaphore::new(config.http.connection_limit));
        let listener = || listener::Listener {
            http: config.http.clone(),
            connections: Arc::clone(&connection_limit),
            tasks: self.connections.clone(),
            stopping: self.closing.clone(),
        };
        match control_socket {
            None => {
                let both = middleware::with_page_and_fallbacks(events.merge(control));
                self.background
                    .spawn(listener().run(events_socket, identified(both)));
            }
            Some(socket) => {
                let events = middleware::with_fallbacks(events);
                self.background
                    .spawn(listener().run(events_socket, identified(events)));
                let control = control.merge(self.health_routes(config, clock));
                let control = middleware::with_page_and_fallbacks(control);
                self.background
                    .spawn(listener().run(socket, identified(control)));
            }
        }
    }

    /// What clients that send events reach.
    fn events_routes(
        &self,
        config: &Config,
        clock: &Arc<dyn Clock>,
        jitter: &Arc<dyn Random>,
    ) -> Router {
        let ingest = api::ingest::Ingest::new(
            Arc::clone(&self.journal),
            Arc::new(self.store.clone()),
            Arc::clone(clock),
            Arc::clone(jitter),
            config.ingest.clone(),
        );
        let refusal = || {
            let refusal = Refusal::Unavailable {
                retry_after: Duration::from_secs(5),
                reason: "closing",
                cause: "the server is ending".into(),
            };
            refusal.into_response()
        };
        self.refusing_when_ending(api::ingest::router(Arc::new(ingest)), refusal)
    }

    /// What the operator reaches.
    fn control_routes(
        &self,
        config: &Config,
        metrics: &PrometheusHandle,
        clock: &Arc<dyn Clock>,
    ) -> Router {
        let portal = api::portal::router(Arc::clone(&self.portal));
        let figures = metrics::Sources {
            recorded: metrics.clone(),
            journal: Arc::clone(&self.journal),
            streams: Arc::clone(&self.streams),
            clock: Arc::clone(clock),
        };
        let mut routes = self
            .refusing_when_ending(portal, || ApiError::Ending.into_response())
            .merge(metrics::router(figures))
            .merge(page::router(page::BUILT));
        if let Some(receiver) = &self.receiver {
            // While lanes drain, what they send here is still taken.
            routes = routes.merge(receiver::router(Arc::clone(receiver), self.closing.clone()));
        }
        routes.layer(axum::middleware::from_fn_with_state(
            config.control.request_timeout,
            middleware::limit_time,
        ))
    }

    /// A sync's figures, as the journal has them.
    pub(crate) async fn lane_stats(&self, sync: SyncId) -> anyhow::Result<Option<LaneStats>> {
        Ok(self.journal.lane_stats(sync).await?)
    }

    fn health_routes(&self, config: &Config, clock: &Arc<dyn Clock>) -> Router {
        health::router(health::Checks {
            journal: Arc::clone(&self.journal),
            streams: Arc::clone(&self.streams),
            store: self.store.clone(),
            clock: Arc::clone(clock),
            config: config.health.clone(),
            ending: self.ending.clone(),
        })
    }

    fn refusing_when_ending(&self, router: Router, refusal: fn() -> Response) -> Router {
        let state = middleware::Ending {
            begun: self.ending.clone(),
            refusal,
        };
        router.layer(axum::middleware::from_fn_with_state(
            state,
            middleware::refuse_when_ending,
        ))
    }

    /// Ends in order: takes nothing new, lets the lanes finish and record what is under way, closes
    /// connections and storage, all within the deadline. Returns whether nothing had to be given up;
    /// what is given up is sent again at the next start.
    pub(crate) async fn stop(self) -> bool {
        self.ending.cancel();
        self.portal.finish().await;
        let reserve = RESERVE.min(self.deadline / 4);
        let drained = self.streams.shutdown(self.deadline - reserve).await;
        self.closing.cancel();
        self.connections.close();
        self.background.close();
        let closed = async {
            self.connections.wait().await;
            self.background.wait().await;
        };
        let closed = tokio::time::timeout(reserve, closed).await.is_ok();
        self.journal.close().await;
        self.store.close().await;
        drained && closed
    }

    /// Ends in order, or at once when another signal comes.
    pub(crate) async fn stop_unless(self, mut signals: Signals) -> anyhow::Result<()> {
        tokio::select! {
            complete = self.stop() => {
                if complete {
                    tracing::info!("ended");
                } else {
                    tracing::warn!("ended at the deadline; what was under way is sent again at the next start");
                }
                Ok(())
            }
            signal = signals.next() => anyhow::bail!("ended at once by a second signal ({signal})"),
        }
    }
}

async fn bind(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| match address.port() {
        0 => format!("can't listen on {address}"),
        _ => format!("can't listen on {address}; is another program there? Choose another address by `{setting}`"),
    })
}

fn mailer(
    config: &Config,
    store: &Store,
    clock: &Arc<dyn Clock>,
    jitter: &Arc<dyn Random>,
) -> anyhow::Result<Mailer> {
    let name = config.public_host();
    let (clock, jitter) = (Arc::clone(clock), Arc::clone(jitter));
    Mailer::new(&config.mail, &name, store.clone(), clock, jitter).context("mail can't be set up")
}

async fn open_journal(config: &Config) -> anyhow::Result<Arc<dyn Journal>> {
    let settings = config.journal.in_folder(&config.data_dir);
    // Opening checks the files, which may take a while.
    let opened = tokio::task::spawn_blocking(move || Sqlite::open(settings, &System)).await;
    Ok(Arc::new(opened?.context("the journal can't be opened")?))
}

/// What sends deliveries.
fn sender(
    config: &Config,
    guard: &Guard,
    clock: &Arc<dyn Clock>,
    jitter: &Arc<dyn Random>,
) -> anyhow::Result<Arc<delivery::Sender<delivery::Client>>> {
    let client = delivery::Client::new(&config.client, guard.clone())
        .context("the HTTP client can't be set up")?;
    let (clock, jitter) = (Arc::clone(clock), Arc::clone(jitter));
    Ok(Arc::new(delivery::Sender::new(
        client,
        clock,
        jitter,
        config.tries,
    )))
}

fn start_streams(
    config: &Config,
    sender: Arc<delivery::Sender<delivery::Client>>,
    journal: &Arc<dyn Journal>,
    clock: &Arc<dyn Clock>,
    jitter: &Arc<dyn Random>,
) -> Arc<Streams> {
    Arc::new(Streams::new(
        Arc::clone(journal),
        sender,
        Arc::clone(clock),
        Arc::clone(jitter),
        Schedule::new(config.retry),
        stream::Config {
            breaker: config.breaker.clone(),
            ..config.lanes.clone()
        },
    ))
}
