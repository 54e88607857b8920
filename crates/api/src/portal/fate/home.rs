//! Whose deliveries are shown: a sync's own, and those of its replays of past events.

use std::collections::{BTreeMap, BTreeSet};

use journal::LaneOf;
use model::replay::Replayed;
use model::{DeliveryId, Offset, Part, ProjectId, ReplayId, SyncId};

use crate::portal::masking::Redactions;
use crate::portal::{ApiError, Portal};

/// A sync, as what its deliveries are told from those of its replays by.
#[derive(Debug, Clone, Copy)]
pub(in crate::portal) struct Home {
    pub(in crate::portal) project: ProjectId,
    pub(in crate::portal) sync: SyncId,
}

impl Home {
    /// The sync's own lane.
    pub(in crate::portal) fn own(self) -> LaneOf {
        LaneOf {
            lane: self.sync,
            log: self.project,
        }
    }

    /// The replay that a lane is of; `None`: it is the sync's own.
    pub(in crate::portal) fn replay(self, of: LaneOf) -> Option<String> {
        let replay = || ReplayId::from_bytes(of.lane.to_bytes()).to_string();
        (of.lane != self.sync).then(replay)
    }

    /// Whether a lane reads an import's events, whose positions are others than those of the project's.
    pub(in crate::portal) fn is_import(self, of: LaneOf) -> bool {
        of.log != self.project
    }
}

/// A delivery as `Millstream-Delivery-Id` carries it.
pub(in crate::portal) fn delivery_id(of: LaneOf, offset: Offset, part: Part) -> String {
    DeliveryId::of(of.log, offset, of.lane, part).to_string()
}

/// Takes sensitive values out of texts that were made of events in several logs.
pub(in crate::portal) struct RedactionsOfLogs {
    by_log: BTreeMap<ProjectId, Redactions>,
    /// For all other logs.
    others: Redactions,
}

impl RedactionsOfLogs {
    /// Of a project without sensitive properties.
    pub(super) fn none() -> Self {
        Self {
            by_log: BTreeMap::new(),
            others: Redactions::none(),
        }
    }

    /// For texts that were made of events of these logs; of those of others nothing is shown.
    pub(super) fn new(by_log: impl Iterator<Item = (ProjectId, Redactions)>) -> Self {
        Self {
            by_log: by_log.collect(),
            others: Redactions::nothing_known(),
        }
    }

    /// The text as it may be shown.
    pub(in crate::portal) fn apply(&self, of: LaneOf, offset: Offset, text: String) -> String {
        let redactions = self.by_log.get(&of.log).unwrap_or(&self.others);
        redactions.apply(offset, text)
    }
}

impl Portal {
    /// For texts that were made of these events: a page of them.
    pub(in crate::portal) async fn redactions_of(
        &self,
        project: ProjectId,
        events: impl Iterator<Item = (LaneOf, Offset)>,
    ) -> Result<RedactionsOfLogs, ApiError> {
        let mut by_log = BTreeMap::<ProjectId, BTreeSet<Offset>>::new();
        for (of, offset) in events {
            by_log.entry(of.log).or_default().insert(offset);
        }
        let mut all = BTreeMap::new();
        for (log, offsets) in by_log {
            let redactions = self.redactions_in(project, log, offsets.into_iter());
            all.insert(log, redactions.await?);
        }
        Ok(RedactionsOfLogs::new(all.into_iter()))
    }

    /// The log of one of the project's imports, by its id as clients give it for the query's `name`.
    pub(in crate::portal) async fn log_of_import(
        &self,
        project: ProjectId,
        name: &str,
        import: &str,
    ) -> Result<LaneOf, ApiError> {
        let refused = || ApiError::Query {
            message: format!("{name}: not the id of one of the project's imports"),
        };
        let id: ReplayId = import.parse().map_err(|_| refused())?;
        let record = self.store.replay_by_id(id).await?.ok_or_else(refused)?;
        match record.what {
            Replayed::Import(_) if record.project == project => Ok(LaneOf {
                lane: SyncId::from_bytes(id.to_bytes()),
                log: Replayed::log_of_import(id),
            }),
            _ => Err(refused()),
        }
    }
}
