//! Messages as an event stream has them.

use model::tail::Outcome;
use serde::Serialize;
use serde_json::json;

use super::TailedOutcome;
use crate::portal::masking::Redactions;
use crate::portal::view::rfc3339;

/// After how many milliseconds a client that lost its connection comes back.
const RETRY_MILLIS: u32 = 3000;

/// What a reader sees of a tail that goes on without news.
pub(super) const HEARTBEAT: &[u8] = b": still here\n\n";

/// Why a tail ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Why {
    /// The session or token has ended, or may less than it did.
    AccessEnded,
    /// The project or the sync is gone.
    Gone,
    /// The server ends.
    ServerEnding,
    /// The journal or the database can't be read.
    Unavailable,
}

impl Why {
    fn name(self) -> &'static str {
        match self {
            Self::AccessEnded => "access_ended",
            Self::Gone => "gone",
            Self::ServerEnding => "server_ending",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Appends a message. Its data is JSON, in which no line break means anything.
pub(super) fn write(out: &mut Vec<u8>, id: Option<u64>, kind: &str, data: &[u8]) {
    if let Some(id) = id {
        out.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    out.extend_from_slice(format!("event: {kind}\ndata: ").as_bytes());
    let unbroken = data.iter().map(|byte| match byte {
        b'\n' | b'\r' => b' ',
        byte => *byte,
    });
    out.extend(unbroken);
    out.extend_from_slice(b"\n\n");
}

fn write_json(out: &mut Vec<u8>, id: Option<u64>, kind: &str, data: &impl Serialize) {
    // Texts, numbers and objects of them: always JSON.
    let data = serde_json::to_vec(data).unwrap_or_default();
    write(out, id, kind, &data);
}

/// The first message: `next` is the position of the next event, where there are positions.
pub(super) fn begin(out: &mut Vec<u8>, next: Option<u64>) {
    out.extend_from_slice(format!("retry: {RETRY_MILLIS}\n").as_bytes());
    // Who comes back before an event came has missed none.
    let id = next.and_then(|next| next.checked_sub(1));
    write_json(out, id, "begin", &json!({ "next": next }));
}

pub(super) fn skipped(out: &mut Vec<u8>, id: Option<u64>, count: u64) {
    write_json(out, id, "skipped", &json!({ "count": count }));
}

pub(super) fn ended(out: &mut Vec<u8>, why: Why) {
    write_json(out, None, "ended", &json!({ "reason": why.name() }));
}

/// An outcome, without what `redactions` take out.
pub(super) fn outcome(out: &mut Vec<u8>, told: &Outcome, redactions: Option<&Redactions>) {
    let shown = |text: String| match redactions {
        Some(redactions) => redactions.apply(told.offset, text),
        None => text,
    };
    let took = |took: std::time::Duration| u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let view = TailedOutcome {
        at: rfc3339(told.at),
        sync: told.sync.to_string(),
        outcome: told.ending,
        offset: told.offset.0,
        part: told.part,
        delivery_id: told.delivery.to_string(),
        attempt: told.attempt,
        event_type: told.event_type.clone(),
        user_id: told.user_id.clone(),
        device_id: told.device_id.clone(),
        status: told.status,
        category: told.category,
        message: told.message.clone().map(shown),
        ms: told.took.map(took),
    };
    write_json(out, None, "outcome", &view);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_with_line_breaks_stays_one_line() {
        let mut out = Vec::new();
        write(&mut out, Some(7), "event", b"{\n\"a\":\r\n1}");
        assert_eq!(out, b"id: 7\nevent: event\ndata: { \"a\":  1}\n\n");
    }

    #[test]
    fn a_tail_of_an_empty_log_has_no_event_to_go_on_behind() {
        let mut out = Vec::new();
        begin(&mut out, Some(0));
        assert_eq!(out, b"retry: 3000\nevent: begin\ndata: {\"next\":0}\n\n");
        out.clear();
        begin(&mut out, Some(3));
        assert!(out.starts_with(b"retry: 3000\nid: 2\n"));
    }
}
