//! Samples of requests that were refused, so that those who look for an event can see that it never was
//! accepted, and why.
//!
//! A few of each reason and project in a while: a client that sends nothing but mistakes costs one
//! look at its API key. Of requests whose body didn't come in whole the beginning tells whose they are, if
//! the key stands there; what was refused for want of room is not written.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use journal::fate::{Refused, beginning};
use model::json::Value;
use model::{ApiKey, ProjectId, Timestamp};
use serde_json::json;

use super::answer::Refusal;
use super::body::{Beginning, Received};
use super::upload::object;
use super::{Ingest, Known};

/// So many samples of a project and reason are taken in this time at most.
const AT_ONCE: u8 = 3;
const WINDOW: Duration = Duration::from_secs(10);

/// And so many requests are looked at, whoever sends them.
const LOOKED_AT: u16 = 50;

/// More projects and reasons than are refused at a time.
const MOST_KINDS: usize = 4096;

/// Larger bodies are not read a second time.
const MOST_READ_BYTES: usize = 1 << 20;

/// Larger ones are not decoded either.
const MOST_DECODED_BYTES: usize = 4 << 20;

/// How much of a body is kept.
const KEPT_BYTES: usize = 1024;

/// How many insert ids are kept, and how long they may be.
const MOST_IDS: usize = 200;
const MOST_ID_BYTES: usize = 256;

/// What stands in place of an API key.
const MASK: &str = "[api key]";

/// The length of an API key.
const KEY_LENGTH: usize = 32;

/// Whose turn it is to be sampled.
#[derive(Debug, Default)]
pub(super) struct Turns {
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// When the present window began, and how many requests were looked at in it.
    since: Timestamp,
    looked_at: u16,
    sampled: HashMap<(ProjectId, &'static str), u8>,
}

impl Turns {
    fn taken(&self, now: Timestamp) -> std::sync::MutexGuard<'_, Taken> {
        // Nothing panics while the lock is held.
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // Also when the clock was set back.
        if now.since(taken.since) >= WINDOW || now < taken.since {
            *taken = Taken {
                since: now,
                ..Taken::default()
            };
        }
        taken
    }

    /// Whether a request is looked at.
    fn look(&self, now: Timestamp) -> bool {
        let mut taken = self.taken(now);
        taken.looked_at = taken.looked_at.saturating_add(1);
        taken.looked_at <= LOOKED_AT
    }

    /// Whether a sample is taken.
    fn sample(&self, project: ProjectId, reason: &'static str, now: Timestamp) -> bool {
        let mut taken = self.taken(now);
        if taken.sampled.len() >= MOST_KINDS {
            return false;
        }
        let count = taken.sampled.entry((project, reason)).or_default();
        *count = count.saturating_add(1);
        *count <= AT_ONCE
    }
}

/// What can be read of a body that was refused.
#[derive(Debug, Default)]
struct Read {
    key: Option<String>,
    events: Option<usize>,
    insert_ids: Vec<String>,
}

impl Ingest {
    /// Takes a sample of a refused request if it is its turn; `limit` bounds its decoded body.
    pub(super) async fn sample_refused(
        &self,
        path: &'static str,
        received: &Received,
        limit: usize,
        refusal: &Refusal,
    ) {
        let now = self.clock.now();
        // What there is no room for is not written down either.
        if matches!(refusal, Refusal::Unavailable { .. }) || !self.refused.look(now) {
            return;
        }
        let Ok(body) = received.decode(limit.min(MOST_DECODED_BYTES)) else {
            // Too large, or damaged.
            let body = received.beginning().decode();
            let read = broken_off(&body);
            return self.sample(path, &body, read, refusal, now).await;
        };
        self.sample(path, &body, read(&body), refusal, now).await;
    }

    /// The same of a request whose body did not come in whole: it was too large, too slow, or broke off.
    pub(super) async fn sample_broken_off(
        &self,
        path: &'static str,
        beginning: Beginning,
        refusal: &Refusal,
    ) {
        let now = self.clock.now();
        if matches!(refusal, Refusal::Unavailable { .. }) || !self.refused.look(now) {
            return;
        }
        let body = beginning.decode();
        let read = broken_off(&body);
        self.sample(path, &body, read, refusal, now).await;
    }

    async fn sample(
        &self,
        path: &'static str,
        body: &[u8],
        read: Read,
        refusal: &Refusal,
        now: Timestamp,
    ) {
        let key = read.key.as_ref().and_then(|key| key.parse::<ApiKey>().ok());
        let project = match key.map(|key| self.projects.known(key)) {
            Some(Known::Is(Some(project))) => project.project,
            _ => return,
        };
        if !self.refused.sample(project, refusal.reason(), now) {
            return;
        }
        let about = json!({
            "path": path,
            "status": refusal.status().as_u16(),
            "answer": refusal.answer(),
            "events": read.events,
            "bytes": body.len(),
            "beginning": shown(body, read.key.as_deref().unwrap_or_default()),
        });
        let refused = Refused {
            at: now,
            reason: refusal.reason().to_owned(),
            insert_ids: read.insert_ids,
            body: about.to_string(),
        };
        if let Err(error) = self.journal.note_refused(project, refused).await {
            tracing::debug!(%error, "a refused request could not be noted");
        }
    }
}

/// What can be read of a body, however broken it is.
fn read(body: &[u8]) -> Read {
    let parsed = (body.len() <= MOST_READ_BYTES)
        .then(|| object(body).ok())
        .flatten();
    let Some(request) = parsed else {
        return Read {
            key: searched_key(body),
            ..Read::default()
        };
    };
    let key = request.get("api_key").and_then(|key| key.as_str());
    let events = match request.get("events") {
        Some(Value::Array(events)) => Some(events),
        _ => None,
    };
    let ids = events.into_iter().flatten().filter_map(|event| {
        let id = event.get("insert_id").and_then(|id| id.as_str())?;
        (id.len() <= MOST_ID_BYTES).then(|| id.to_owned())
    });
    Read {
        key: key.map(str::to_owned),
        events: events.map(Vec::len),
        insert_ids: ids.take(MOST_IDS).collect(),
    }
}

/// The key in a text that is no JSON: what stands behind `api_key`, near the beginning or the end.
fn searched_key(body: &[u8]) -> Option<String> {
    const NEAR: usize = 4 << 10;
    let end = &body[body.len().saturating_sub(NEAR)..];
    [&body[..body.len().min(NEAR)], end]
        .into_iter()
        .find_map(|part| {
            let text = String::from_utf8_lossy(part);
            let (_, behind) = text.split_once("api_key")?;
            let key = behind.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
            let key = key.get(..KEY_LENGTH)?;
            let is_key = key.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_key.then(|| key.to_owned())
        })
}

/// What can be read of the beginning of a body.
fn broken_off(body: &[u8]) -> Read {
    Read {
        key: searched_key(body),
        events: None,
        insert_ids: searched_ids(body),
    }
}

/// The insert ids in the beginning of a text: what is no plain string isn't found.
fn searched_ids(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let mut found = Vec::new();
    for behind in text.split("\"insert_id\"").skip(1) {
        let value = behind.trim_start().strip_prefix(':').map(str::trim_start);
        let value = value.and_then(|value| value.strip_prefix('"'));
        // Without an end it was cut off.
        if let Some((id, _)) = value.and_then(|value| value.split_once('"'))
            && id.len() <= MOST_ID_BYTES
            && !id.contains('\\')
            && found.len() < MOST_IDS
        {
            found.push(id.to_owned());
        }
    }
    found
}

/// The beginning of a body as text, without the key.
fn shown(body: &[u8], key: &str) -> String {
    // Masked before it is cut: half a key is much of a key.
    let begun = &body[..body.len().min(2 * KEPT_BYTES)];
    let text = String::from_utf8_lossy(begun).replace(key_or_nothing(key), MASK);
    beginning(&text, KEPT_BYTES).to_owned()
}

/// What no body has, in place of no key.
fn key_or_nothing(key: &str) -> &str {
    match key.is_empty() {
        true => "\u{0}\u{0}",
        false => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn what_can_be_read_of_a_refused_body_is_read() {
        let text = format!(
            r#"{{"api_key":"{KEY}","events":[{{"insert_id":"a"}},{{"n":1}},{{"insert_id":"b"}}]}}"#
        );
        let found = read(text.as_bytes());
        assert_eq!(found.key.as_deref(), Some(KEY));
        assert_eq!(
            (found.events, found.insert_ids),
            (Some(3), vec!["a".into(), "b".into()])
        );
        for broken in [
            format!(r#"{{"api_key": "{KEY}", "events": [{{"insert_id":"#),
            format!("{}\"api_key\":\"{KEY}\"", "x".repeat(9000)),
            format!("api_key={KEY}&identification=%7B"),
        ] {
            assert_eq!(
                read(broken.as_bytes()).key.as_deref(),
                Some(KEY),
                "{broken}"
            );
        }
        assert_eq!(read(b"{\"api_key\": \"short").key, None);
        assert_eq!(read(&[0xff; 100]).key, None);
    }

    #[test]
    fn insert_ids_are_found_in_what_broke_off() {
        let text = r#"{"events":[{"insert_id":"a","x":1},{"insert_id" : "b"},{"insert_id":7},
            {"insert_id":"c\"d"},{"insert_id":"e"#;
        assert_eq!(searched_ids(text.as_bytes()), ["a", "b"]);
    }

    #[test]
    fn keys_are_masked_also_where_the_beginning_ends() {
        let text = format!("{}{KEY}{}", "x".repeat(KEPT_BYTES - 16), "y".repeat(4000));
        let shown = shown(text.as_bytes(), KEY);
        assert!(shown.contains(MASK) && !shown.contains("0123"), "{shown}");
        assert!(shown.len() <= KEPT_BYTES);
    }

    #[test]
    fn each_project_and_reason_has_its_turns() {
        let turns = Turns::default();
        let project = ProjectId::from_bytes;
        let at = |seconds: i64| Timestamp(seconds * 1_000_000);
        let of = |number, reason, second| turns.sample(project([number; 16]), reason, at(second));
        assert!((0..3).all(|_| of(1, "a", 20)));
        assert!(!of(1, "a", 21) && of(1, "b", 21) && of(2, "a", 21));
        assert!(of(1, "a", 30));
        let looked = (0..100).filter(|_| turns.look(at(31))).count();
        assert_eq!(looked, usize::from(LOOKED_AT));
        assert!(turns.look(at(40)));
    }
}
