//! What a project received lately, as samples for the linter.

use std::collections::HashMap;
use std::sync::Arc;

use model::sensitive::{SensitiveProperties, mask};
use model::{Event, ProjectId};

use crate::portal::{ApiError, Portal};

/// How many of the newest events are looked at.
const LOOKED_AT: usize = 500;

/// How many of one type are taken.
const OF_A_TYPE: usize = 5;

impl Portal {
    /// Up to `most` of a project's newest events, a few of each type, with its sensitive properties masked.
    pub(super) async fn samples_of(
        &self,
        project: ProjectId,
        most: usize,
    ) -> Result<Vec<Event>, ApiError> {
        let sensitive = self.store.project(project).await?.sensitive;
        let newest = self.lanes.events(project, None, LOOKED_AT).await?;
        let mut of_types: HashMap<String, usize> = HashMap::new();
        let counted = newest.iter().filter_map(|event| {
            let root = event.root().ok()?;
            let name = root.get("event_type")?.as_str()?;
            let of_type = of_types.entry(name.to_owned()).or_default();
            *of_type += 1;
            Some((*of_type, event))
        });
        let few = counted.filter(|(of_type, _)| *of_type <= OF_A_TYPE);
        let mut chosen: Vec<_> = few.collect();
        // The first ones are looked at most closely: one of each type comes before any second one.
        chosen.sort_by_key(|(of_type, _)| *of_type);
        let chosen = chosen.into_iter().take(most);
        let samples = chosen.map(|(_, event)| sample(event, &sensitive));
        Ok(samples.collect())
    }
}

/// An event of the linter's own, as it may be shown: what is masked stays of its kind.
fn sample(event: &Arc<Event>, sensitive: &SensitiveProperties) -> Event {
    let shown = mask(event, sensitive).event;
    Event::new(
        shown.project,
        shown.offset,
        shown.kind,
        shown.received_at,
        shown.text().clone(),
    )
}
