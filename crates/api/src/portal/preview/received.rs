//! What a project received lately, as samples for the linter.

use std::collections::HashMap;
use std::sync::Arc;

use journal::received::Received;
use model::sensitive::{Owner, SensitiveProperties, mask};
use model::{Event, ProjectId};
use pipeline::lint::{Seen, Type};

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

impl Portal {
    /// Which types of values the properties had of all that a project received lately.
    pub(super) async fn seen_of(&self, project: ProjectId) -> Result<Seen, ApiError> {
        let now = self.authority.clock.now();
        Ok(seen(&self.lanes.received(project, now).await?))
    }
}

fn seen(received: &Received) -> Seen {
    let mut seen = Seen::default();
    let types = received.types.iter().map(|scope| (Owner::Event, scope));
    let groups = received.groups.iter().map(|scope| (Owner::Group, scope));
    let users = [(Owner::User, &received.users)];
    for (owner, scope) in types.chain(groups).chain(users) {
        for property in &scope.properties {
            let kinds = property.kinds.iter();
            for of in kinds.filter_map(|(kind, _)| Type::named(kind)) {
                seen.note(owner, &property.name, of);
            }
        }
        if scope.seen.uncounted > 0 || scope.uncounted_properties > 0 {
            seen.note_partial(owner);
        }
    }
    let lost = [
        (Owner::Event, received.uncounted_types),
        (Owner::Group, received.uncounted_groups),
    ];
    for (owner, _) in lost.into_iter().filter(|(_, lost)| *lost > 0) {
        seen.note_partial(owner);
    }
    seen
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
