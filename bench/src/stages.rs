//! CPU time of each stage, measured in this process by calling the crates' public functions with
//! the same events as the other parts.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use api::ingest::{Known, ProjectIngest, Projects, ReadError, Reception};
use async_trait::async_trait;
use journal::{Batch as Accepted, Journal, Settlement, sqlite};
use model::definition::Definition;
use model::random::Seeded;
use model::sync::{Settings, Sync};
use model::time::SystemClock;
use model::{ApiKey, Clock, Event, Offset, Part, ProjectId, SyncId, Timestamp};
use pipeline::{Outcome, Plan};
use serde::Serialize;

use crate::clock::now_micros;
use crate::events::{BATCH, Batch, USERS};
use crate::process::CpuTime;
use crate::run::sync_settings;

/// Uploads per stage.
const UPLOADS: usize = 600;
/// Uploads that wait for one commit together.
const UPLOADS_AT_ONCE: usize = 8;
/// Events of a stage that is measured again and again.
const SAMPLE: usize = 2_000;
/// How long such a stage is measured.
const STAGE_TIME: Duration = Duration::from_millis(500);

/// What one event costs in one stage.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    /// CPU time for each event.
    pub(crate) micros: f64,
}

struct OneProject(ApiKey, Arc<ProjectIngest>);

#[async_trait]
impl Projects for OneProject {
    fn known(&self, key: ApiKey) -> Known {
        Known::Is((key == self.0).then(|| Arc::clone(&self.1)))
    }

    async fn read(&self, _: ApiKey) -> Result<Option<Arc<ProjectIngest>>, ReadError> {
        Ok(None)
    }
}

/// Measures every stage.
pub(crate) async fn measure() -> anyhow::Result<Vec<Stage>> {
    let random = Seeded::new(1);
    let key = ApiKey::generate(&random);
    let project = ProjectId::generate(&random);
    let projects = OneProject(key, Arc::new(ProjectIngest::new(project)));
    let mut batches: Vec<Batch> = (0..USERS / BATCH)
        .map(|index| Batch::new(&key.to_string(), index, BATCH))
        .collect();
    let received_at = Timestamp(i64::try_from(now_micros())?);
    let reception = Reception {
        projects: &projects,
        read: None,
        random: &random,
        received_at,
        uploader: None,
    };

    let mut stages = Vec::new();
    let mut uploads = Vec::with_capacity(UPLOADS);
    let cpu = CpuTime::of(std::process::id())?;
    for nth in 0..UPLOADS {
        let slot = nth % batches.len();
        let body = batches[slot].numbered((nth * BATCH) as u64, 0);
        let upload = reception
            .events(body)
            .map_err(|refusal| anyhow!("{refusal:?}"))?;
        uploads.push(Accepted {
            project,
            received_at,
            events: upload.events,
        });
    }
    let events = (UPLOADS * BATCH) as u64;
    stages.push(stage("ingest: parse, validate, normalise", &cpu, events)?);

    let folder = tempfile::tempdir()?;
    let journal = Arc::new(sqlite::Sqlite::open(
        sqlite::Config::new(folder.path()),
        &random,
    )?);
    let cpu = CpuTime::of(std::process::id())?;
    let mut rest = uploads.into_iter();
    loop {
        let group = rest.by_ref().take(UPLOADS_AT_ONCE).map(|batch| {
            let journal = Arc::clone(&journal);
            tokio::spawn(async move { journal.accept(batch).await })
        });
        let group: Vec<_> = group.collect();
        if group.is_empty() {
            break;
        }
        for accepted in group {
            accepted.await??;
        }
    }
    stages.push(stage(
        "journal: dedupe, users' state, append, fsync",
        &cpu,
        events,
    )?);

    let cpu = CpuTime::of(std::process::id())?;
    let mut kept = Vec::new();
    let mut from = Offset::default();
    loop {
        let read = journal.read(project, from, 256).await?;
        let Some(last) = read.last() else { break };
        from = last.offset.next();
        if kept.len() < SAMPLE {
            kept.extend(read);
        }
    }
    stages.push(stage("journal: read", &cpu, events)?);
    stages.push(settle(&*journal, project, from).await?);
    journal.close().await;
    stages.extend(plan_stages(project, &kept)?);
    Ok(stages)
}

/// What was used since `before`, for each of so many events.
fn stage(name: &'static str, before: &CpuTime, events: u64) -> anyhow::Result<Stage> {
    let used = CpuTime::of(std::process::id())?.since(before).total();
    Ok(Stage {
        name,
        micros: used * 1e6 / events.max(1) as f64,
    })
}

/// A lane's settlements: one commit for every 256 events.
async fn settle(journal: &dyn Journal, project: ProjectId, head: Offset) -> anyhow::Result<Stage> {
    const STEP: u64 = 256;
    let sync = SyncId::from_bytes([7; 16]);
    journal.open_lane(project, sync).await?;
    let cpu = CpuTime::of(std::process::id())?;
    let rounds = 500;
    for round in 0..rounds {
        let cursor = Offset(head.0.saturating_sub(rounds - round));
        journal
            .settle(
                sync,
                Settlement {
                    cursor,
                    ..Settlement::default()
                },
            )
            .await?;
    }
    stage("journal: settle (256 events each)", &cpu, rounds * STEP)
}

fn plan_stages(project: ProjectId, events: &[Arc<Event>]) -> anyhow::Result<Vec<Stage>> {
    let definition = Definition::webhook();
    let plan = compile(project, &definition)?;
    let tracked: Vec<&Arc<Event>> = events
        .iter()
        .filter(|event| plan.matching(event).contains(Part::Event))
        .collect();
    let first = tracked.first().context("no event passes the filter")?;
    let Outcome::Request(_) = plan.render(first, Part::Event) else {
        bail!("the template failed");
    };
    Ok(vec![
        again_and_again("pipeline: parse", events, |event| {
            let fresh = Event::new(
                event.project,
                event.offset,
                event.kind,
                event.received_at,
                event.text().clone(),
            );
            black_box(fresh.root().is_ok());
        }),
        again_and_again("pipeline: one filter", events, |event| {
            black_box(plan.matching(event));
        }),
        again_and_again(
            "pipeline: the guide's template, request made and checked",
            &tracked,
            |event| {
                black_box(plan.render(event, Part::Event));
            },
        ),
    ])
}

/// One thread does nothing else, so its time is CPU time.
fn again_and_again<E: AsRef<Event>>(
    name: &'static str,
    events: &[E],
    mut work: impl FnMut(&Event),
) -> Stage {
    let started = Instant::now();
    let mut done = 0;
    while started.elapsed() < STAGE_TIME {
        for event in events {
            work(event.as_ref());
        }
        done += events.len();
    }
    Stage {
        name,
        micros: started.elapsed().as_secs_f64() * 1e6 / done.max(1) as f64,
    }
}

fn compile(project: ProjectId, definition: &Definition) -> anyhow::Result<Plan> {
    let mut chosen = sync_settings("");
    chosen["parameters"] = serde_json::json!({ "url": "http://127.0.0.1:9900/hook" });
    if let Some(fields) = chosen.as_object_mut() {
        // The control API's own name for the parameter.
        fields.remove("url");
    }
    let settings: Settings = serde_json::from_value(chosen)?;
    let sync = Sync {
        id: SyncId::from_bytes([7; 16]),
        project,
        definition: definition.id,
        definition_version: definition.version,
        name: "bench".into(),
        enabled: true,
        settings,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Plan::compile(definition, &sync, &clock).map_err(|problems| anyhow!("{problems:?}"))
}
