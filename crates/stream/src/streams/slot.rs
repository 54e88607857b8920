//! A sync's place among the lanes, whether a lane of it runs or not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use delivery::Pace;
use journal::{Counts, TimesErased};
use model::{Offset, ReplayId, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Backfills;
use crate::lane::Wanted;
use crate::replay::Order;
use crate::view::{Glance, Health, LaneView, View};

/// Where a lane is found that is asked to send again.
pub(crate) enum Place {
    /// A sync's own.
    Own(Arc<Slot>),
    /// A backfill's, while it runs.
    Backfill(Arc<Mutex<Backfills>>, ReplayId),
}

impl Place {
    /// What the lane is asked through, if it runs.
    pub(crate) async fn orders(&self) -> Option<mpsc::Sender<Order>> {
        let slot = match self {
            Self::Own(slot) => Arc::clone(slot),
            Self::Backfill(all, id) => {
                // The map is only read, inserted into and removed from under the lock.
                let all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.get(id).map(|(_, slot)| Arc::clone(slot))?
            }
        };
        slot.orders().await
    }
}

/// A sync's place. The gate makes changes of one sync wait for each other, and for nobody else.
pub(crate) struct Slot {
    /// How many requests a minute its destination takes: also of its backfills.
    pub(crate) pace: Arc<Pace>,
    pub(super) gate: tokio::sync::Mutex<Option<Running>>,
    shown: Mutex<Shown>,
    /// What was counted of backfills that run no more.
    pub(super) of_backfills: Mutex<Counts>,
}

/// A lane that runs.
pub(super) struct Running {
    pub(super) wanted: watch::Sender<Wanted>,
    /// What it is asked to send again.
    pub(super) orders: mpsc::Sender<Order>,
    /// Where the lane ends, if it does: it stops when this is gone.
    pub(super) end: Option<watch::Sender<Offset>>,
    /// How often events of its log were erased, by now and when it last counted its retries.
    pub(super) erased: TimesErased,
    pub(super) counted_at: u64,
    /// Gives up the lane's deliveries.
    pub(super) cancel: CancellationToken,
    /// Cancelled by the lane's task when it has ended.
    pub(super) ended: CancellationToken,
}

/// What is shown of a sync.
pub(super) enum Shown {
    Lane(Arc<View>),
    Still(Still),
}

/// Why a sync has no lane that runs.
pub(super) struct Still {
    health: Health,
    reason: Option<String>,
    since: Timestamp,
}

impl Slot {
    /// The place of something that doesn't run.
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            pace: Arc::default(),
            gate: tokio::sync::Mutex::new(None),
            shown: Mutex::new(Shown::Still(Still {
                health: Health::Paused,
                reason: None,
                since: now,
            })),
            of_backfills: Mutex::default(),
        }
    }

    /// What the lane is asked through, if it runs.
    pub(crate) async fn orders(&self) -> Option<mpsc::Sender<Order>> {
        let running = self.gate.lock().await;
        running.as_ref().map(|running| running.orders.clone())
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        // What is shown is replaced as a whole.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn show(&self, shown: Shown) {
        *self.shown() = shown;
    }

    /// Shows that no lane runs; since now, unless it was so before.
    pub(super) fn still(&self, health: Health, reason: Option<String>, now: Timestamp) {
        let mut shown = self.shown();
        let since = match &*shown {
            Shown::Still(before) if before.health == health => before.since,
            _ => now,
        };
        *shown = Shown::Still(Still {
            health,
            reason,
            since,
        });
    }

    pub(super) fn glance(&self, now: Timestamp) -> Glance {
        match &*self.shown() {
            Shown::Lane(view) => view.glance(now),
            Shown::Still(still) => Glance {
                health: still.health,
                reason: still.reason.clone(),
                ..Glance::default()
            },
        }
    }

    pub(super) fn view(&self, now: Timestamp) -> LaneView {
        match &*self.shown() {
            Shown::Lane(view) => view.show(now),
            Shown::Still(still) => LaneView {
                health: still.health,
                reason: still.reason.clone(),
                since: Some(still.since),
                ..LaneView::default()
            },
        }
    }
}
