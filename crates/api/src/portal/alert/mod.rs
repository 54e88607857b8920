//! Alerts: the rules, where incidents are told, the incidents, and the task that looks after them.

mod channel;
mod dispatch;
mod incident;
mod masked;
mod quiet;
mod rules;
mod signature;
mod task;
mod testing;
mod unsubscribe;
mod watch;
#[cfg(test)]
mod watch_tests;
mod words;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use super::Portal;
use crate::auth::guarded;

pub use task::Alerts;

/// All routes of alerts.
pub(super) fn routes() -> OpenApiRouter<Arc<Portal>> {
    OpenApiRouter::new()
        .routes(guarded!(Arc<Portal>; rules::of_project, rules::set_of_project))
        .routes(guarded!(Arc<Portal>; rules::of_sync, rules::set_of_sync, rules::reset_of_sync))
        .routes(guarded!(Arc<Portal>; channel::list, channel::create))
        .routes(guarded!(Arc<Portal>; channel::show, channel::change, channel::delete))
        .routes(guarded!(Arc<Portal>; channel::test))
        .routes(guarded!(Arc<Portal>; incident::list))
        .routes(guarded!(Arc<Portal>; incident::show))
        .routes(guarded!(Arc<Portal>; incident::acknowledge))
        .routes(guarded!(Arc<Portal>; incident::mute))
        .routes(guarded!(Arc<Portal>; unsubscribe::look, unsubscribe::unsubscribe))
}
