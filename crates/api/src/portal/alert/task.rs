//! The task that looks at the lanes, opens and closes incidents, and has them told.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use journal::LaneStats;
use model::alert::Kind;
use model::{IncidentId, MessageId, ProjectId, SyncId, Timestamp};
use store::alert::{
    ChannelKind, Ended, Incident, IncidentFilter, NewIncident, Seen, Subject, Telling,
};
use tokio_util::sync::CancellationToken;

use super::watch::{Begun, Over, Step, Watch};
use super::words::{self, Told};
use super::{dispatch, quiet};
use crate::mail::Letter;
use crate::portal::lanes::{Glance, Health};
use crate::portal::{ApiError, Portal};

/// How often the lanes are looked at.
const LOOKED_EVERY: Duration = Duration::from_secs(10);

/// How often the incidents are read that are open: another node, or somebody, may have changed them.
const READ_EVERY: Duration = Duration::from_secs(60);

/// How long it is remembered what an alert about a sync in trouble would be about.
const REMEMBERED: Duration = Duration::from_secs(30);

/// Most syncs of which that is remembered.
const MOST_REMEMBERED: usize = 10_000;

/// Looks at the lanes and tells of trouble.
pub struct Alerts {
    portal: Arc<Portal>,
    watch: Watch,
    subjects: HashMap<SyncId, (Timestamp, Option<Arc<Subject>>)>,
    /// Incidents that are told later.
    held: Vec<Incident>,
    read_at: Option<Timestamp>,
}

impl Alerts {
    /// Of the lanes and the store of `portal`.
    pub fn new(portal: Arc<Portal>) -> Self {
        Self {
            portal,
            watch: Watch::default(),
            subjects: HashMap::new(),
            held: Vec::new(),
            read_at: None,
        }
    }

    /// Works until `stopping`.
    pub async fn run(self, stopping: CancellationToken) {
        let portal = Arc::clone(&self.portal);
        tokio::join!(
            self.look_regularly(&stopping),
            dispatch::run(&portal, &stopping)
        );
    }

    /// Sends what waits for webhooks and is due; how many messages there were.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn send(&self) -> Result<usize, ApiError> {
        self.portal.dispatch().await
    }

    async fn look_regularly(mut self, stopping: &CancellationToken) {
        let clock = Arc::clone(&self.portal.authority.clock);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = clock.sleep(LOOKED_EVERY) => {}
            }
            if let Err(error) = self.look(clock.now()).await {
                tracing::error!(%error, "the alerts can't be looked after; trying again");
            }
        }
    }

    /// One look at all lanes.
    ///
    /// # Errors
    ///
    /// When the store fails: what was not done is done with the next look.
    pub async fn look(&mut self, now: Timestamp) -> Result<(), ApiError> {
        if self.read_at.is_none_or(|at| now.since(at) >= READ_EVERY) {
            let open = self.portal.store.open_incidents().await?;
            self.watch.know(&open);
            self.held = open
                .into_iter()
                .filter(|one| one.tell_at.is_some())
                .collect();
            self.read_at = Some(now);
        }
        let untold = self.portal.lanes.untold_losses().await?;
        let untold: HashMap<_, _> = untold.iter().map(|one| (one.sync, one)).collect();
        let mut troubled = Vec::new();
        self.watch.look();
        self.portal.lanes.glance(&mut |glance| {
            if self
                .watch
                .note(now, &glance, untold.get(&glance.sync).copied())
            {
                troubled.push(glance);
            }
        });
        let mut told = Vec::new();
        for glance in troubled {
            let Some(about) = self.subject(glance.sync, now).await? else {
                continue;
            };
            for step in self.watch.judge(now, &glance, &about.rules) {
                self.take(step, &glance, &about, now).await?;
            }
            let lost = untold.get(&glance.sync);
            let lost = lost.and_then(|lost| self.watch.told(now, lost, &about.rules));
            told.extend(lost.map(|lost| (glance.sync, lost)));
        }
        if !told.is_empty() {
            // Not before the incidents are durable: who crashes between looks at them again, and finds them open.
            self.portal.lanes.tell_losses(told).await?;
        }
        self.tell_held(now).await
    }

    /// What an alert about a sync is about; `None` when the sync is gone.
    async fn subject(
        &mut self,
        sync: SyncId,
        now: Timestamp,
    ) -> Result<Option<Arc<Subject>>, ApiError> {
        if let Some((until, about)) = self.subjects.get(&sync)
            && *until > now
        {
            return Ok(about.clone());
        }
        let about = self.portal.store.alert_subject(sync).await?.map(Arc::new);
        if self.subjects.len() >= MOST_REMEMBERED {
            self.subjects.clear();
        }
        self.subjects
            .insert(sync, (now + REMEMBERED, about.clone()));
        Ok(about)
    }

    async fn take(
        &mut self,
        step: Step,
        glance: &Glance,
        about: &Subject,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        match step {
            Step::Open(kind, seen, begun) => self.open(kind, (*seen, begun), about, now).await,
            Step::Close(kind, id, why) => self.close(kind, id, why, glance, about, now).await,
        }
    }

    async fn open(
        &mut self,
        kind: Kind,
        (mut seen, begun): (Seen, Begun),
        about: &Subject,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let portal = &self.portal;
        // What is durable: the view's own counts begin anew with each start.
        let stats = portal.lanes.status(about.sync).await?.stats;
        let stats = stats.unwrap_or_default();
        // What began the incident is the incident's, too.
        seen.expired = stats.total.expired.saturating_sub(begun.expired);
        seen.discarded = stats.total.discarded;
        seen.lost = lost_of(&stats).saturating_sub(begun.lost);
        let id = IncidentId::generate(portal.authority.random.as_ref());
        let hours = about.rules.quiet_hours.as_ref();
        let tell_at = hours.and_then(|hours| quiet::until(hours, now));
        let shown = portal.as_told(about.project, &seen).await?;
        let told = told(portal, about, (id, kind, now), &shown);
        let telling = match tell_at {
            None => portal.telling_of(&told, now).await?,
            Some(_) => Telling::default(),
        };
        let needs_success = seen.needs_success;
        let new = NewIncident {
            id,
            project: about.project,
            sync: about.sync,
            kind,
            seen,
            tell_at,
        };
        let held = tell_at.is_some();
        match portal.store.open_incident(new, telling).await? {
            Ok(()) => {
                tracing::warn!(sync = %about.sync, rule = kind.name(), incident = %id, "an incident began");
                self.watch.opened(about.sync, kind, id, now, needs_success);
                if held {
                    self.read_at = None;
                }
            }
            // Another node was faster.
            Err(there) => {
                let needs_success = there.seen.needs_success;
                self.watch
                    .opened(about.sync, kind, there.id, there.opened_at, needs_success);
            }
        }
        Ok(())
    }

    async fn close(
        &mut self,
        kind: Kind,
        id: IncidentId,
        why: Over,
        glance: &Glance,
        about: &Subject,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let portal = &self.portal;
        let incident = match portal.store.incident(about.project, id).await {
            Err(store::Error::NoIncident(_)) => {
                self.watch.closed(about.sync, kind);
                return Ok(());
            }
            found => found?,
        };
        let stats = portal.lanes.status(about.sync).await?.stats;
        let end = End {
            why,
            stats: stats.unwrap_or_default(),
            backlog: glance.backlog,
            health: glance.health,
        };
        portal.close(&incident, end, about, now).await?;
        self.watch.closed(about.sync, kind);
        self.held.retain(|held| held.id != id);
        Ok(())
    }

    /// Tells of incidents that were held back until now, and are open still.
    async fn tell_held(&mut self, now: Timestamp) -> Result<(), ApiError> {
        let due = |one: &Incident| one.tell_at.is_some_and(|at| at <= now);
        let due: Vec<_> = self.held.extract_if(.., |one| due(one)).collect();
        for held in due {
            let portal = Arc::clone(&self.portal);
            // Muted, acknowledged or over by now, maybe.
            let incident = match portal.store.incident(held.project, held.id).await {
                Err(store::Error::NoIncident(_)) => continue,
                found => found?,
            };
            let muted = incident.muted_until.is_some_and(|until| until > now);
            let Some(about) = self.subject(incident.sync, now).await? else {
                continue;
            };
            if incident.closed.is_some() || muted {
                continue;
            }
            let (id, seen) = (incident.id, &incident.seen);
            let seen = portal.as_told(incident.project, seen).await?;
            let about_it = (id, incident.kind, incident.opened_at);
            let told = told(&portal, &about, about_it, &seen);
            let telling = portal.telling_of(&told, now).await?;
            portal.store.tell_incident(id, telling).await?;
        }
        Ok(())
    }
}

/// How an incident ends.
struct End {
    why: Over,
    stats: LaneStats,
    /// Events that wait.
    backlog: u64,
    /// How the sync does now.
    health: Health,
}

/// How much a lane has lost because it stood still beyond its bounds.
fn lost_of(stats: &LaneStats) -> u64 {
    stats.losses.lost.events + stats.losses.lost.retries
}

fn told<'a>(
    portal: &Portal,
    about: &'a Subject,
    (id, kind, opened_at): (IncidentId, Kind, Timestamp),
    seen: &'a Seen,
) -> Told<'a> {
    Told {
        id: id.to_string(),
        about,
        kind,
        opened_at,
        seen,
        ended: None,
        link: portal.sync_page(about.project, about.sync),
    }
}

impl Portal {
    /// Ends an incident, and tells of that whoever was told of it.
    async fn close(
        &self,
        incident: &Incident,
        end: End,
        about: &Subject,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let (id, kind, seen) = (incident.id, incident.kind, &incident.seen);
        let End { why, stats, .. } = end;
        let ended = Ended {
            why: why.name().to_owned(),
            expired: stats.total.expired.saturating_sub(seen.expired),
            discarded: stats.total.discarded.saturating_sub(seen.discarded),
            lost: lost_of(&stats).saturating_sub(seen.lost),
            health: Some(end.health.name().to_owned()),
            pending: stats.pending,
            backlog: end.backlog,
        };
        let muted = incident.muted_until.is_some_and(|until| until > now);
        let telling = match incident.told && !muted && why != Over::RuleOff {
            true => {
                let seen = self.as_told(about.project, seen).await?;
                let mut told = told(self, about, (id, kind, incident.opened_at), &seen);
                told.ended = Some((now, &ended));
                self.telling_of(&told, now).await?
            }
            false => Telling::default(),
        };
        self.store.close_incident(id, &ended, telling).await?;
        tracing::info!(sync = %about.sync, rule = kind.name(), incident = %id, why = why.name(), "an incident is over");
        Ok(())
    }

    /// Ends the open incidents of a sync that is about to be deleted: they go with it, and whoever was
    /// told of one would wait for its end.
    pub(in crate::portal) async fn close_incidents_of(
        &self,
        project: ProjectId,
        sync: SyncId,
        stats: LaneStats,
    ) -> Result<(), ApiError> {
        let filter = IncidentFilter {
            sync: Some(sync),
            open: Some(true),
        };
        let most = Kind::ALL.len() as u32;
        let open = self.store.incidents(project, filter, None, most).await?;
        if open.items.is_empty() {
            return Ok(());
        }
        let Some(about) = self.store.alert_subject(sync).await? else {
            return Ok(());
        };
        let now = self.authority.clock.now();
        let backlog = stats.head.0.saturating_sub(stats.cursor.0);
        for incident in open.items {
            let end = End {
                why: Over::Deleted,
                stats,
                backlog,
                // It is about to stand still for good.
                health: Health::Paused,
            };
            self.close(&incident, end, &about, now).await?;
        }
        Ok(())
    }

    /// The page of a sync.
    pub(super) fn sync_page(&self, project: ProjectId, sync: SyncId) -> String {
        format!("{}/p/{project}/syncs/{sync}", self.public_url)
    }

    /// What tells of an incident, and to whom.
    pub(super) async fn telling_of(
        &self,
        told: &Told<'_>,
        now: Timestamp,
    ) -> Result<Telling, ApiError> {
        let channels = self.store.channels_to_tell(told.about.project).await?;
        let mut telling = Telling::default();
        let mut named = Vec::new();
        for channel in channels {
            let body = match channel.kind {
                ChannelKind::Mail => {
                    named.push(channel.target);
                    continue;
                }
                ChannelKind::Webhook => told.webhook(now),
                ChannelKind::Slack => told.slack(),
            };
            let id = MessageId::generate(self.authority.random.as_ref());
            telling.messages.push((channel.id, id, body));
        }
        let over = told
            .ended
            .map(|(at, ended)| words::over(told.opened_at, at, ended));
        let over = over.unwrap_or_default();
        for (email, token) in self.store.alert_recipients(told.about, named).await? {
            let unsubscribe = self.unsubscribe_link(&token);
            let letter = letter(told, &over, &unsubscribe);
            match self.letters.write(&email, &letter) {
                Ok(draft) => telling.mails.push(draft),
                Err(error) => tracing::warn!(%error, "an alert could not be written"),
            }
        }
        Ok(telling)
    }

    /// Where somebody says that they want no more of a project's mail.
    pub(super) fn unsubscribe_link(&self, token: &store::Secret) -> String {
        format!(
            "{}/api/v1/alerts/unsubscribe?token={}",
            self.public_url,
            token.expose()
        )
    }
}

/// The letter of an incident.
fn letter<'a>(told: &'a Told<'a>, over: &'a str, unsubscribe: &'a str) -> Letter<'a> {
    let (sync, project) = (&told.about.sync_name, &told.about.project_name);
    match told.ended {
        None => Letter::AlertOpened {
            sync,
            project,
            what: words::what(told.kind),
            reason: &told.seen.reason,
            sample: told.seen.message.as_deref(),
            at: told.opened_at,
            link: &told.link,
            unsubscribe,
        },
        Some((at, _)) => Letter::AlertClosed {
            sync,
            project,
            what: words::what(told.kind),
            at,
            over,
            link: &told.link,
            unsubscribe,
        },
    }
}
