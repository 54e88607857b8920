//! How long the debugger's searches take over a million stored attempts, and events looked up among a
//! million: on a journal of its own, through the same calls as the control API.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use journal::fate::{Attempt, Key, OutcomePage, Outcomes, Record, Split, What};
use journal::sqlite::{Config, Sqlite};
use journal::{Batch, Fates, IncomingEvent, Journal, Settlement};
use model::outcome::Category;
use model::random::Seeded;
use model::user::PropertyUpdate;
use model::{EventKind, Offset, Part, ProjectId, SyncId, Timestamp};

const EVENTS: u64 = 500_000;

/// Two for each event.
const ATTEMPTS: u64 = 2 * EVENTS;

/// Some day in 2026.
const START: Timestamp = Timestamp(1_780_000_000_000_000);

/// How often each search is made.
const ROUNDS: usize = 20;

/// What a page of the control API has.
const PAGE: usize = 50;

/// A search with how long it took.
pub(crate) struct Searched {
    pub(crate) name: &'static str,
    pub(crate) found: usize,
    pub(crate) median: Duration,
    pub(crate) slowest: Duration,
}

fn event(number: u64) -> IncomingEvent {
    // One user in a thousand has very many.
    let user = match number % 10 {
        0 => 0,
        _ => number % 50_000,
    };
    let fields = format!(
        r#"{{"event_type":"type {}","user_id":"user {user}","device_id":"device {user}","$insert_id":"{number:032x}","event_id":{number},"event_properties":{{"n":{number}}}"#,
        number % 40
    );
    IncomingEvent {
        kind: EventKind::Track,
        user_id: Some(format!("user {user}")),
        device_id: None,
        insert_id: None,
        event_time: START,
        user_update: PropertyUpdate::none(),
        own_user_properties: None,
        groups: Vec::new(),
        group_update: PropertyUpdate::none(),
        paying: false,
        version: None,
        fields: fields.into_bytes(),
    }
}

/// Mostly 503s; the rest is spread over all that can become of an attempt.
fn attempt(number: u64, whats: &[What]) -> Attempt {
    let what = match number % 20 {
        0 => whats[(number / 20) as usize % whats.len()],
        _ => What::Failed(Category::ServerError),
    };
    let is_answered = matches!(
        what,
        What::Failed(Category::ServerError) | What::Expired(Category::ServerError)
    );
    // One status that is very rare.
    let status = match number % 250_000 {
        7 => 599,
        _ => 503,
    };
    Attempt {
        offset: Offset(number % EVENTS),
        part: Part::Event,
        at: START + Duration::from_millis(number * 100),
        number: 1 + (number / EVENTS) as u8,
        what,
        status: is_answered.then_some(status),
        event_type: format!("type {}", (number % EVENTS) % 40),
        message: String::new(),
        tries: 3,
        split: Split::default(),
    }
}

/// Fills a journal, searches it, and says how long each search took.
pub(crate) async fn measure() -> anyhow::Result<Vec<Searched>> {
    let folder = tempfile::tempdir()?;
    let config = Config::new(folder.path().join("journal"));
    let journal = Arc::new(Sqlite::open(config, &Seeded::new(1))?);
    let (project, sync) = (ProjectId::from_bytes([1; 16]), SyncId::from_bytes([2; 16]));
    fill(&journal, project, sync).await?;
    let searcher = Searcher {
        journal: Arc::clone(&journal),
        sync,
    };
    let searched = searcher.all().await;
    journal.close().await;
    searched
}

async fn fill(journal: &Sqlite, project: ProjectId, sync: SyncId) -> anyhow::Result<()> {
    const AT_ONCE: u64 = 2_000;
    journal.open_lane(project, sync).await?;
    for from in (0..EVENTS).step_by(AT_ONCE as usize) {
        let batch = Batch {
            project,
            received_at: START,
            events: (from..from + AT_ONCE).map(event).collect(),
        };
        journal.accept(batch).await?;
    }
    let whats: Vec<_> = What::all().collect();
    for from in (0..ATTEMPTS).step_by(AT_ONCE as usize) {
        let numbers = from..from + AT_ONCE;
        let settlement = Settlement {
            cursor: Offset(EVENTS),
            at: START,
            record: Record {
                attempts: numbers.map(|number| attempt(number, &whats)).collect(),
                ..Record::default()
            },
            ..Settlement::default()
        };
        journal.settle(sync, settlement).await?;
    }
    // The index follows: a search is complete when it has come near enough.
    let key = Key::InsertId(format!("{:032x}", 3));
    for _ in 0..1200 {
        if journal.find(project, key.clone(), None, 1).await?.complete {
            tokio::time::sleep(Duration::from_secs(5)).await;
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("the index of events did not catch up")
}

struct Searcher {
    journal: Arc<Sqlite>,
    sync: SyncId,
}

impl Searcher {
    async fn all(&self) -> anyhow::Result<Vec<Searched>> {
        let at = |share: u64| Some(START + Duration::from_millis(ATTEMPTS / 100 * share * 100));
        let wanted = |wanted: Outcomes| Outcomes {
            max: PAGE,
            ..wanted
        };
        let middle = (START + Duration::from_millis(ATTEMPTS / 2 * 100), 0);
        let searches = [
            ("the latest", wanted(Outcomes::default())),
            (
                "a page from the middle",
                wanted(Outcomes {
                    before: Some(middle),
                    ..Outcomes::default()
                }),
            ),
            (
                "expired, of any category",
                wanted(Outcomes {
                    whats: What::all()
                        .filter(|what| what.outcome() == "expired")
                        .collect(),
                    ..Outcomes::default()
                }),
            ),
            (
                "a rare category",
                wanted(Outcomes {
                    whats: vec![What::Failed(Category::Tls)],
                    ..Outcomes::default()
                }),
            ),
            (
                "a rare status among 950,000 others",
                wanted(Outcomes {
                    whats: vec![What::Failed(Category::ServerError)],
                    status: Some(599),
                    ..Outcomes::default()
                }),
            ),
            (
                "an event type within a hundredth of the time",
                wanted(Outcomes {
                    event_type: Some("type 7".into()),
                    from: at(40),
                    until: at(41),
                    ..Outcomes::default()
                }),
            ),
            (
                "an event type that there is none of",
                wanted(Outcomes {
                    event_type: Some("none".into()),
                    ..Outcomes::default()
                }),
            ),
        ];
        let mut searched = Vec::new();
        for (name, query) in searches {
            let search = async || Ok(self.outcomes(query.clone()).await?.rows.len());
            searched.push(timed(name, search).await?);
        }
        let by = |key: Key| async move || self.with_event(key.clone()).await;
        let last = Key::InsertId(format!("{:032x}", EVENTS - 77));
        searched.push(timed("by insert id", by(last)).await?);
        searched.push(timed("by event id", by(Key::EventId(12_345))).await?);
        searched.push(
            timed(
                "by a user with 10 events",
                by(Key::User("user 4321".into())),
            )
            .await?,
        );
        searched.push(
            timed(
                "by a user with 50,000 events",
                by(Key::User("user 0".into())),
            )
            .await?,
        );
        let fate = async || {
            let fate = self.journal.fate(self.sync, Offset(EVENTS / 3)).await?;
            Ok(fate.context("the lane is there")?.attempts.len())
        };
        searched.push(timed("one event's attempts", fate).await?);
        Ok(searched)
    }

    async fn outcomes(&self, query: Outcomes) -> anyhow::Result<OutcomePage> {
        Ok(self.journal.outcomes(self.sync, query).await?)
    }

    /// As the control API does.
    async fn with_event(&self, key: Key) -> anyhow::Result<usize> {
        let query = Outcomes {
            keys: vec![key],
            max: PAGE,
            ..Outcomes::default()
        };
        Ok(self.outcomes(query).await?.rows.len())
    }
}

async fn timed(
    name: &'static str,
    search: impl AsyncFn() -> anyhow::Result<usize>,
) -> anyhow::Result<Searched> {
    let (mut times, mut found) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        found = search().await?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(Searched {
        name,
        found,
        median: times[ROUNDS / 2],
        slowest: times[ROUNDS - 1],
    })
}
