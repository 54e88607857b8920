//! What has to be done every now and then.

use std::sync::Arc;
use std::time::Duration;

use api::mail::{Letter, Letters};
use api::portal::Portal;
use journal::{Journal, Keep, StorageError};
use metrics_exporter_prometheus::PrometheusHandle;
use model::Clock;
use store::{ErasureReport, ExpiringToken, Store};
use stream::Streams;
use tokio_util::sync::CancellationToken;

/// How often retention runs.
const INTERVAL: Duration = Duration::from_secs(60);

/// How long before a token expires its maker is told.
const TOKEN_WARNING: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How often recorded metrics are condensed.
const METRICS_INTERVAL: Duration = Duration::from_secs(5);

/// How many steps of erasing are made in a row: each reads some MB.
const ERASING_STEPS: usize = 100;

/// What is kept in order.
pub(super) struct Maintenance {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) streams: Arc<Streams>,
    pub(super) store: Store,
    pub(super) portal: Arc<Portal>,
    pub(super) letters: Arc<dyn Letters>,
    pub(super) audit_retention: Duration,
    pub(super) metrics: PrometheusHandle,
    pub(super) clock: Arc<dyn Clock>,
}

impl Maintenance {
    /// Works until `stopping`. A step that has begun is finished.
    pub(super) async fn run(self, stopping: CancellationToken) {
        let mut due = self.clock.now();
        loop {
            if self.clock.now() >= due {
                self.retire().await;
                self.clear_expired().await;
                if let Err(error) = self.portal.settle_replays().await {
                    tracing::error!(%error, "what became of replays can't be noted");
                }
                self.portal.send_asked_resets().await;
                warn_of_expiring_tokens(&self.store, self.letters.as_ref()).await;
                due = self.clock.now() + INTERVAL;
            }
            self.erase(&stopping).await;
            self.metrics.run_upkeep();
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.clock.sleep(METRICS_INTERVAL) => {}
            }
        }
    }

    async fn clear_expired(&self) {
        match self.store.clear_expired(self.audit_retention).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "what had expired was cleared"),
            Err(error) => tracing::error!(%error, "what has expired can't be cleared"),
        }
    }

    /// Goes on erasing users, for a while, or until there is nothing more to erase at present.
    async fn erase(&self, stopping: &CancellationToken) {
        for _ in 0..ERASING_STEPS {
            if stopping.is_cancelled() {
                return;
            }
            let erasing = match self.journal.go_on_erasing(self.clock.now()).await {
                Ok(erasing) => erasing,
                Err(StorageError::Closed) => return,
                Err(error) => {
                    tracing::error!(%error, "a user can't be erased at present");
                    return;
                }
            };
            if let Some(erasure) = erasing.finished {
                self.streams.recount();
                let report = ErasureReport {
                    id: erasure.id,
                    project: erasure.project,
                    requested_at: erasure.requested_at,
                    found: &erasure.found,
                };
                if let Err(error) = self.store.log_erased(report).await {
                    tracing::error!(%error, erasure = %erasure.id, "a user was erased, which the audit log can't be told");
                }
            }
            if !erasing.more {
                return;
            }
        }
    }

    /// Says which projects keep less than others. Where that can't be read, what was said last holds.
    async fn say_what_is_kept(&self) -> Result<(), store::Error> {
        const HOUR: Duration = Duration::from_secs(60 * 60);
        let hours = |hours: Option<u32>| hours.map(|hours| HOUR * hours);
        let projects = self.store.kept_for_less().await?.into_iter();
        let projects = projects.map(|(project, retention)| {
            let keep = Keep {
                events: hours(retention.events_hours),
                ended: hours(retention.outcomes_hours),
            };
            (project, keep)
        });
        self.journal.keep(projects.collect());
        Ok(())
    }

    async fn retire(&self) {
        if let Err(error) = self.say_what_is_kept().await {
            tracing::error!(%error, "how long projects keep their events can't be read");
        }
        match self.journal.retire(self.clock.now()).await {
            Ok(retired) => {
                if retired.skipped_by_paused > 0 {
                    tracing::warn!(
                        events = retired.skipped_by_paused,
                        "disabled syncs lost events that were kept for them beyond the bounds"
                    );
                }
                if retired.events + retired.ended > 0 {
                    tracing::debug!(
                        events = retired.events,
                        ended = retired.ended,
                        "retention removed"
                    );
                }
            }
            Err(StorageError::Closed) => {}
            Err(error) => tracing::error!(%error, "retention failed"),
        }
    }
}

/// Tells people, once, that a token of theirs is about to expire.
async fn warn_of_expiring_tokens(store: &Store, letters: &dyn Letters) {
    let write = |expiring: &ExpiringToken| {
        let letter = Letter::TokenExpiring {
            organisation: &expiring.organisation,
            token: &expiring.token.name,
            expires_at: expiring.expires_at,
        };
        Ok(letters.write(&expiring.email, &letter)?)
    };
    match store.warn_of_expiring_tokens(TOKEN_WARNING, write).await {
        Ok(0) => {}
        Ok(tokens) => tracing::debug!(tokens, "people were told that their tokens expire"),
        Err(error) => tracing::error!(%error, "nobody can be told that tokens expire"),
    }
}

#[cfg(test)]
mod tests {
    use model::access::InstallationRights;
    use model::random::System;
    use model::time::ManualClock;
    use store::{Caller, Config, NewPerson, TokenDraft};

    use super::*;
    use crate::mail::TemplateLetters;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[tokio::test]
    async fn the_maker_of_a_token_is_told_a_week_before_it_expires() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(model::Timestamp(1_767_225_600_000_000)));
        let config = Config::in_folder(folder.path());
        let store = Store::open(&config, clock.clone(), Arc::new(System)).await;
        let store = store.unwrap();
        let ann = NewPerson {
            email: "ann@example.com".into(),
            name: "Ann".into(),
            password_hash: None,
            rights: InstallationRights::default(),
        };
        let ann = store.create_first_administrator("Acme", ann).await;
        let ann = ann.unwrap().expect("the first account");
        let draft = TokenDraft {
            organisation: store.ensure_organisation("Acme").await.unwrap().id,
            person: Some(ann.id),
            name: "nightly".into(),
            scopes: None,
            parent: None,
            expires_at: Some(clock.now() + 10 * DAY),
        };
        store.create_token(draft, &Caller::system()).await.unwrap();

        let letters = TemplateLetters::new("https://millstream.example.com").unwrap();
        let sent = async || {
            warn_of_expiring_tokens(&store, &letters).await;
            store.mails(None, None, 10).await.unwrap().items
        };
        clock.advance(2 * DAY);
        assert!(sent().await.is_empty(), "it is too early");
        clock.advance(2 * DAY);
        let mails = sent().await;
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].recipient, "ann@example.com");
        let (_, bodies) = store.mail(mails[0].id).await.unwrap();
        let text = bodies.expect("it waits to be sent").text;
        assert!(
            text.contains("nightly") && text.contains("11 January 2026"),
            "{text}"
        );
        assert_eq!(sent().await.len(), 1, "once is enough");
    }
}
