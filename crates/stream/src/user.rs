//! Whose an event is.

use model::Event;
use model::json::Object;

/// What stands for the event's user: its `amplitude_id`. `None` for an event without one, such as
/// `$groupidentify` without ids, and for one that can't be read.
pub(crate) fn key(event: &Event) -> Option<u64> {
    let id = root(event)?.get("amplitude_id")?.as_number()?.as_i64()?;
    u64::try_from(id).ok()
}

/// Its type.
pub(crate) fn event_type(event: &Event) -> Option<&str> {
    root(event)?.get("event_type")?.as_str()
}

fn root(event: &Event) -> Option<&Object<'_>> {
    event.root().ok()?.as_object()
}
