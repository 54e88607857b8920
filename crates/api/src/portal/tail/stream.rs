//! A tail's answer: what comes, a sign of life where nothing does, and an end when its caller's right
//! has ended or the server ends.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use model::{ProjectId, SyncId, Timestamp};
use store::Grant;

use super::Seat;
use super::message::{self, HEARTBEAT, Why};
use super::source::Source;
use crate::auth::Principal;
use crate::portal::{ApiError, Portal};

/// How long nothing comes before a sign of life does.
const SILENCE: Duration = Duration::from_secs(15);

/// How often it is asked whether the caller may still look.
const CHECKED_EVERY: Duration = Duration::from_secs(5);

/// A tail that is open.
pub(super) struct Tail<S> {
    seat: Seat,
    /// What the caller was let in with.
    grant: Grant,
    /// What it is about.
    about: (ProjectId, Option<SyncId>),
    source: S,
    check_at: Timestamp,
    beat_at: Timestamp,
    begun: bool,
}

impl<S: Source> Tail<S> {
    /// The answer that follows `source` for a caller.
    pub(super) fn open(
        portal: &Arc<Portal>,
        principal: &Principal,
        about: (ProjectId, Option<SyncId>),
        source: S,
    ) -> Result<Response, ApiError> {
        let grant = principal.caller.grant.clone();
        let now = portal.authority.now();
        let tail = Self {
            grant: grant.ok_or(ApiError::Unauthenticated)?,
            seat: Seat::take(portal, &principal.who)?,
            about,
            source,
            check_at: now + CHECKED_EVERY,
            beat_at: now + SILENCE,
            begun: false,
        };
        let parts = stream::unfold(Some(tail), async |tail| {
            let (part, rest) = tail?.next_part().await;
            Some((Ok::<_, Infallible>(part), rest))
        });
        let headers = [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::CACHE_CONTROL, "no-store"),
            // nginx hands answers on when they are whole, unless it is told otherwise.
            (header::HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        Ok((headers, Body::from_stream(parts)).into_response())
    }

    /// The next part of the answer, and the tail if it goes on.
    async fn next_part(mut self) -> (Bytes, Option<Self>) {
        let mut out = Vec::new();
        if !self.begun {
            self.begun = true;
            message::begin(&mut out, self.source.next_position());
            return (out.into(), Some(self));
        }
        let portal = Arc::clone(&self.seat.portal);
        let clock = Arc::clone(&portal.authority.clock);
        while out.is_empty() {
            let told = tokio::select! {
                biased;
                () = portal.tails.ending.cancelled() => Err(Why::ServerEnding),
                () = clock.sleep_until(self.check_at.min(self.beat_at)) => {
                    self.on_time(clock.now(), &mut out).await
                }
                told = self.source.next(&mut out) => told,
            };
            if let Err(why) = told {
                message::ended(&mut out, why);
                return (out.into(), None);
            }
        }
        self.beat_at = clock.now() + SILENCE;
        (out.into(), Some(self))
    }

    /// Does what is due.
    async fn on_time(&mut self, now: Timestamp, out: &mut Vec<u8>) -> Result<(), Why> {
        if now >= self.check_at {
            self.check().await?;
            self.check_at = now + CHECKED_EVERY;
        }
        if now >= self.beat_at {
            out.extend_from_slice(HEARTBEAT);
        }
        Ok(())
    }

    /// Whether the caller may still look, and there is still something to look at.
    async fn check(&mut self) -> Result<(), Why> {
        let portal = &self.seat.portal;
        let idle = portal.authority.config.session_idle;
        let granted = portal.store.still_grants(&self.grant, idle).await;
        if !granted.map_err(|_| Why::Unavailable)? {
            return Err(Why::AccessEnded);
        }
        let gone = |error| match error {
            store::Error::NoProject(_) | store::Error::NoSync(_) => Why::Gone,
            _ => Why::Unavailable,
        };
        let (project, sync) = self.about;
        let found = portal.store.project(project).await.map_err(gone)?;
        if let Some(sync) = sync {
            portal.store.sync(project, sync).await.map_err(gone)?;
        }
        self.source.project_is(&found);
        Ok(())
    }
}
