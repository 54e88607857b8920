//! What a sync makes of events that it got.

use std::sync::Arc;

use model::definition::Definition;
use model::{Clock, Event, Part};
use pipeline::preview::{Preview, Secrets, Shown};
use store::SyncRecord;

use super::view::PartView;
use crate::portal::turns::Turn;
use crate::portal::{ApiError, Portal};

pub(in crate::portal) use super::view::PartView as ExampleRequest;

/// A part of an event that the sync has selected. Sensitive values may be masked by now.
#[derive(Debug, Clone)]
pub(in crate::portal) struct Example {
    pub(in crate::portal) event: Arc<Event>,
    pub(in crate::portal) part: Part,
}

impl Portal {
    /// What a sync would send of each, with its secrets masked; `None` where its settings can't be used.
    pub(in crate::portal) async fn examples(
        &self,
        turn: &Turn,
        record: &SyncRecord,
        definition: Arc<Definition>,
        examples: Vec<Example>,
    ) -> Result<Vec<Option<PartView>>, ApiError> {
        let (record, clock) = (record.clone(), self.authority.clock.clone());
        self.labour(turn, move |abandoned| {
            let wanted = examples.iter().take_while(|_| !abandoned.is_so());
            let shown = wanted.map(|example| show(&record, &definition, example, &clock));
            shown.collect()
        })
        .await
    }
}

fn show(
    record: &SyncRecord,
    definition: &Definition,
    example: &Example,
    clock: &Arc<dyn Clock>,
) -> Option<PartView> {
    let secrets = Secrets {
        parameters: record.secret.parameters.clone(),
        headers: record.secret.headers.clone(),
        unknown_to_viewer: true,
    };
    let (event, part) = (&*example.event, example.part);
    let preview = Preview::compile(definition, &record.sync, &secrets, event, clock).ok()?;
    let shown = preview.render(event, part);
    Some(match shown {
        Shown::Request(request) => PartView::request(part, &request),
        Shown::Filtered(why) => PartView::filtered(part, &why),
        Shown::Discarded(why) => PartView::discarded(part, &why, None),
        Shown::Broken(why, body) => PartView::discarded(part, &why, None).with_body(&body),
    })
}
