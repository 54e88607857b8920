//! What people see of a project's events: without the values of its sensitive properties.

use std::collections::HashMap;
use std::sync::Arc;

use model::json::{Limits, Object, Value, parse};
use model::sensitive::{MASK, Redaction, SensitiveProperties, mask};
use model::{Event, Offset, ProjectId};

use super::{ApiError, Portal};

/// Takes sensitive values out of texts that were made of a project's events.
#[derive(Debug)]
pub(super) struct Redactions {
    /// By the events' positions; `None`: the project has no sensitive properties.
    by_offset: Option<HashMap<Offset, Redaction>>,
}

impl Redactions {
    /// Of a project without sensitive properties.
    pub(super) fn none() -> Self {
        Self { by_offset: None }
    }

    /// Of a project with sensitive properties, where no event is known.
    pub(super) fn nothing_known() -> Self {
        Self {
            by_offset: Some(HashMap::new()),
        }
    }

    /// For texts that were made of these events: of others nothing is shown.
    pub(super) fn of_all(by_offset: HashMap<Offset, Redaction>) -> Self {
        Self {
            by_offset: Some(by_offset),
        }
    }

    /// For texts that were made of one event.
    pub(super) fn of(offset: Offset, redaction: Redaction) -> Self {
        Self {
            by_offset: Some(HashMap::from([(offset, redaction)])),
        }
    }

    /// The text as it may be shown. What was made of an event that is gone is not shown at all.
    pub(super) fn apply(&self, offset: Offset, text: String) -> String {
        let Some(by_offset) = &self.by_offset else {
            return text;
        };
        match by_offset.get(&offset) {
            Some(redaction) => redaction.apply(&text),
            None if text.is_empty() => text,
            None => MASK.to_owned(),
        }
    }
}

impl Portal {
    /// For texts that were made of the events at these positions: a page of them.
    pub(super) async fn redactions(
        &self,
        project: ProjectId,
        offsets: impl Iterator<Item = Offset>,
    ) -> Result<Redactions, ApiError> {
        self.redactions_in(project, project, offsets).await
    }

    /// The same for events in a log: the project's own, or one of its imports'.
    pub(super) async fn redactions_in(
        &self,
        project: ProjectId,
        log: ProjectId,
        offsets: impl Iterator<Item = Offset>,
    ) -> Result<Redactions, ApiError> {
        let sensitive = self.store.project(project).await?.sensitive;
        if sensitive.is_empty() {
            return Ok(Redactions::none());
        }
        let mut by_offset = HashMap::new();
        for offset in offsets {
            if by_offset.contains_key(&offset) {
                continue;
            }
            if let Some(event) = self.event_at(log, offset).await? {
                let event = self.as_sent(log, &event).await?;
                by_offset.insert(offset, mask(&event, &sensitive).redaction);
            }
        }
        Ok(Redactions {
            by_offset: Some(by_offset),
        })
    }

    /// The event at this position of a log; `None`: it is no longer kept, or erased.
    pub(super) async fn event_at(
        &self,
        log: ProjectId,
        offset: Offset,
    ) -> Result<Option<Arc<Event>>, ApiError> {
        let found = self.lanes.read(log, offset, 1).await?.into_iter().next();
        Ok(found.filter(|event| event.offset == offset && !event.is_erased()))
    }

    /// The event with the properties that its user has by now and it didn't know: where a sync has events
    /// wait for them, it may have been sent with these.
    pub(super) async fn as_sent(
        &self,
        log: ProjectId,
        event: &Arc<Event>,
    ) -> Result<Arc<Event>, ApiError> {
        let Some((user, own)) = user_of(event) else {
            return Ok(Arc::clone(event));
        };
        let Some(known) = self.lanes.user_properties(log, user).await? else {
            return Ok(Arc::clone(event));
        };
        let known = parse(&known, &Limits::OWN).ok();
        let known = known.as_ref().and_then(Value::as_object);
        let news: Vec<_> = known
            .into_iter()
            .flat_map(Object::iter)
            .filter(|(name, _)| own.is_none_or(|own| own.get(name).is_none()))
            .collect();
        let whole = event.with_user_properties(&news).map(Arc::new);
        Ok(whole.unwrap_or_else(|| Arc::clone(event)))
    }

    /// Why a lane is not healthy, in words: without what may quote an event, where the project has
    /// sensitive properties.
    pub(super) async fn shown_reason(
        &self,
        project: ProjectId,
        reason: Option<String>,
    ) -> Result<Option<String>, ApiError> {
        let Some(reason) = reason else {
            return Ok(None);
        };
        let sensitive = self.store.project(project).await?.sensitive;
        Ok(Some(reason_as_shown(reason, &sensitive)))
    }
}

/// Whose the event is, and what it shows of their properties.
fn user_of(event: &Event) -> Option<(u64, Option<&Object<'_>>)> {
    let root = event.root().ok()?;
    let user = root.get("amplitude_id")?.as_number()?.as_i64()?;
    let own = root.get("user_properties").and_then(Value::as_object);
    Some((u64::try_from(user).ok()?, own))
}

/// The same for a project with these sensitive properties.
pub(super) fn reason_as_shown(reason: String, sensitive: &SensitiveProperties) -> String {
    match sensitive.is_empty() {
        true => reason,
        false => without_quotations(&reason),
    }
}

/// Of what the lane tells of a discarded event, which template failed, and where; of what it tells of an
/// answer, the status.
fn without_quotations(reason: &str) -> String {
    const DISCARDED: &str = "discarded: ";
    const ANSWERED: &str = " answered ";
    let told = match reason.strip_prefix(DISCARDED) {
        Some(_) => DISCARDED.len(),
        None => match reason.find(ANSWERED) {
            Some(at) => at + ANSWERED.len(),
            None => return reason.to_owned(),
        },
    };
    match reason[told..].split_once(": ") {
        Some((what, _)) => {
            let told = &reason[..told];
            format!("{told}{what} (what it says is not shown: it may tell sensitive values)")
        }
        None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_keeps_its_place_and_loses_what_it_quotes() {
        let told =
            "discarded: the body template failed at line 3 column 7: no user ann@example.com";
        let shown = without_quotations(told);
        assert!(shown.starts_with("discarded: the body template failed at line 3 column 7 ("));
        assert!(!shown.contains("ann"), "{shown}");
        let told = "3 attempts in a row failed, the last one: example.com answered 200 OK: no user \
                    ann@example.com; it asked for a pause until 10:00:00 UTC";
        let shown = without_quotations(told);
        assert!(
            shown.contains("example.com answered 200 OK (what"),
            "{shown}"
        );
        assert!(!shown.contains("ann"), "{shown}");
        for plain in [
            "3 attempts in a row failed, the last one: the server answered 500",
            "discarded: the required mapping email has no value for this event",
            "example.com answered 503 Service Unavailable; it asked for a pause until 10:00:00 UTC",
        ] {
            assert_eq!(without_quotations(plain), plain);
        }
    }
}
