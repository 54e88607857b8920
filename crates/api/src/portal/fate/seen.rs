//! What lists show of the events that their rows are made of: what they are called, whose they are, and
//! texts without the values of sensitive properties.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use journal::LaneOf;
use journal::fate::{MOST_TYPE_BYTES, beginning};
use model::sensitive::mask;
use model::{Event, Offset, ProjectId};
use serde::Serialize;
use utoipa::ToSchema;

use super::home::RedactionsOfLogs;
use crate::portal::masking::Redactions;
use crate::portal::{ApiError, Portal};

/// What an event is called, and whose it is; all null when it is no longer kept.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(in crate::portal) struct EventNames {
    /// The event's type; its first 256 bytes.
    pub(super) event_type: Option<String>,
    /// Its user's id.
    pub(super) user_id: Option<String>,
    /// Its device's id.
    pub(super) device_id: Option<String>,
}

impl EventNames {
    fn of(event: &Event) -> Self {
        let root = event.root().ok();
        let text = |name| root.and_then(|root| root.get(name)?.as_str());
        let event_type = text("event_type").map(|text| beginning(text, MOST_TYPE_BYTES));
        Self {
            event_type: event_type.map(str::to_owned),
            user_id: text("user_id").map(str::to_owned),
            device_id: text("device_id").map(str::to_owned),
        }
    }
}

/// What is shown of the events of a page.
pub(in crate::portal) struct Seen {
    redactions: RedactionsOfLogs,
    names: HashMap<(ProjectId, Offset), EventNames>,
}

impl Seen {
    /// A text that was made of the event, as it may be shown.
    pub(in crate::portal) fn text(&self, of: LaneOf, offset: Offset, text: String) -> String {
        self.redactions.apply(of, offset, text)
    }

    /// What the event is called.
    pub(in crate::portal) fn names(&self, of: LaneOf, offset: Offset) -> EventNames {
        let known = self.names.get(&(of.log, offset));
        known.cloned().unwrap_or_default()
    }
}

impl Portal {
    /// Looks at the events of a page of rows, each once.
    pub(in crate::portal) async fn seen(
        &self,
        project: ProjectId,
        events: impl Iterator<Item = (LaneOf, Offset)>,
    ) -> Result<Seen, ApiError> {
        let sensitive = self.store.project(project).await?.sensitive;
        let places: BTreeSet<_> = events.map(|(of, offset)| (of.log, offset)).collect();
        let (mut names, mut by_log) = (HashMap::new(), BTreeMap::<_, HashMap<_, _>>::new());
        for (log, offset) in places {
            let Some(event) = self.event_at(log, offset).await? else {
                continue;
            };
            names.insert((log, offset), EventNames::of(&event));
            if !sensitive.is_empty() {
                let sent = self.as_sent(log, &event).await?;
                let redaction = mask(&sent, &sensitive).redaction;
                by_log.entry(log).or_default().insert(offset, redaction);
            }
        }
        let redactions = match sensitive.is_empty() {
            true => RedactionsOfLogs::none(),
            false => RedactionsOfLogs::new(by_log.into_iter().map(|(log, by_offset)| {
                let redactions = Redactions::of_all(by_offset);
                (log, redactions)
            })),
        };
        Ok(Seen { redactions, names })
    }
}
