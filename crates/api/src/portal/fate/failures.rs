//! A sync's failures, grouped: how many over time, and samples.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use journal::LaneOf;
use journal::fate::{Sample, SampleBody, SampleRequest, SampleResponse, SampleRow, What};
use journal::figures::{Figures, Scope};
use model::sensitive::mask;
use model::{Event, EventKind, Part, ProjectId, SyncId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::home::{Home, delivery_id};
use super::outcomes::unavailable;
use super::{AttemptOutcome, AttemptTiming};
use crate::auth::Allowed;
use crate::auth::permission::DeliveriesRead;
use crate::portal::extract::{Path, Query};
use crate::portal::figures::FiguresQuery;
use crate::portal::masking::Redactions;
use crate::portal::openapi::Refusal;
use crate::portal::sync::Ids;
use crate::portal::view::rfc3339;
use crate::portal::{ApiError, Portal, State};

/// A sync's failures over some time.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct FailuresView {
    /// From when on.
    #[schema(format = DateTime)]
    from: String,
    /// Until when.
    #[schema(format = DateTime)]
    until: String,
    /// Attempts that failed, by category, the most frequent first.
    failed: Vec<FailureGroup>,
    /// Events that no request could be made of, by reason, the most frequent first.
    discarded: Vec<FailureGroup>,
}

/// Failures of one kind.
#[derive(Debug, Serialize, ToSchema)]
struct FailureGroup {
    /// The category, or the reason.
    category: &'static str,
    /// How many.
    count: u64,
    /// The same by status; empty where there was no answer.
    by_status: Vec<FailuresOfStatus>,
    /// How many in each step that had any, in order.
    series: Vec<FailuresOfStep>,
    /// Samples that are kept, newest first; also from before the time that was asked for.
    samples: Vec<SampleSummary>,
}

/// How many failures had a status.
#[derive(Debug, Serialize, ToSchema)]
struct FailuresOfStatus {
    /// The status.
    status: u16,
    /// How many.
    count: u64,
}

/// How many failures there were in a step.
#[derive(Debug, Serialize, ToSchema)]
struct FailuresOfStep {
    /// When the step began.
    #[schema(format = DateTime)]
    at: String,
    /// How many.
    count: u64,
}

/// A sample, in short.
#[derive(Debug, Serialize, ToSchema)]
struct SampleSummary {
    /// Identifies it among the sync's samples.
    id: u64,
    /// When the attempt was over.
    #[schema(format = DateTime)]
    at: String,
    /// The event's position in the project's log.
    offset: u64,
    /// The replay of past events that it is of; null: the sync's own.
    replay: Option<String>,
    /// Whether `offset` is a position among the events of that replay, which is an import.
    imported: bool,
    /// Whether the event or its user was to be delivered.
    part: Part,
    /// Which attempt, from 1.
    attempt: u8,
    /// What came of it.
    outcome: AttemptOutcome,
}

impl SampleSummary {
    fn new(home: Home, row: &SampleRow) -> Self {
        let sample = &row.sample;
        Self {
            id: row.sequence,
            at: rfc3339(sample.at),
            offset: sample.offset.0,
            replay: home.replay(row.of),
            imported: home.is_import(row.of),
            part: sample.part,
            attempt: sample.number,
            outcome: AttemptOutcome::of(sample.what),
        }
    }
}

/// What was counted of one kind.
#[derive(Default)]
struct Counted {
    count: u64,
    by_status: BTreeMap<u16, u64>,
    series: Vec<(Timestamp, u64)>,
}

impl Counted {
    fn add(&mut self, at: Timestamp, status: Option<u16>, count: u64) {
        self.count += count;
        if let Some(status) = status {
            *self.by_status.entry(status).or_default() += count;
        }
        match self.series.last_mut() {
            Some((last, of_step)) if *last == at => *of_step += count,
            _ => self.series.push((at, count)),
        }
    }
}

/// Groups a sync's failures by category, counted over time, with samples; those of its replays of past
/// events are among them.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/failures", tag = "deliveries",
    operation_id = "sync_failures",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"), FiguresQuery),
    responses((status = 200, body = FailuresView), Refusal))]
pub(in crate::portal) async fn list(
    _: Allowed<DeliveriesRead>,
    extract::State(portal): State,
    Path((project, id)): Ids,
    Query(query): Query<FiguresQuery>,
) -> Result<Json<FailuresView>, ApiError> {
    let (from, until) = query.range(portal.authority.now())?;
    portal.store.sync(project, id).await?;
    let steps = portal
        .figures(Scope::Sync(id), query.step(), (from, until))
        .await?;
    let samples = portal.lanes.fates().samples(id, None).await;
    let samples = samples.map_err(unavailable)?;
    let (failed, discarded) = count(&steps);
    let home = Home { project, sync: id };
    let of_attempt = |what: What| !matches!(what, What::Discarded(_));
    Ok(Json(FailuresView {
        from: rfc3339(from),
        until: rfc3339(until),
        failed: groups(home, failed, &samples, of_attempt),
        discarded: groups(home, discarded, &samples, |what| !of_attempt(what)),
    }))
}

type Groups = BTreeMap<&'static str, Counted>;

/// Failed attempts by category, and discarded events by reason.
fn count(steps: &[(Timestamp, Figures)]) -> (Groups, Groups) {
    let (mut failed, mut discarded) = (Groups::new(), Groups::new());
    for (at, figures) in steps {
        for (&(category, status), &count) in &figures.details.failures {
            let group = failed.entry(category.name()).or_default();
            group.add(*at, status, count);
        }
        for (reason, &count) in &figures.details.discarded {
            discarded.entry(reason).or_default().add(*at, None, count);
        }
    }
    (failed, discarded)
}

fn groups(
    home: Home,
    counted: Groups,
    samples: &[SampleRow],
    is_of: impl Fn(What) -> bool,
) -> Vec<FailureGroup> {
    let mut groups: Vec<_> = counted
        .into_iter()
        .map(|(category, counted)| {
            let of_category = samples.iter().filter(|row| {
                let what = row.sample.what;
                is_of(what) && what.category() == Some(category)
            });
            FailureGroup {
                category,
                count: counted.count,
                by_status: counted
                    .by_status
                    .into_iter()
                    .map(|(status, count)| FailuresOfStatus { status, count })
                    .collect(),
                series: counted
                    .series
                    .into_iter()
                    .map(|(at, count)| FailuresOfStep {
                        at: rfc3339(at),
                        count,
                    })
                    .collect(),
                samples: of_category
                    .map(|row| SampleSummary::new(home, row))
                    .collect(),
            }
        })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

/// A sample of an attempt that failed, or of an event that no request could be made of. Secrets are
/// masked; so are headers of the answer that hold credentials, and values of sensitive properties.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct SampleView {
    /// Identifies it among the sync's samples.
    id: u64,
    /// The delivery, as `Millstream-Delivery-Id` carries it.
    delivery_id: String,
    /// The event's position in the project's log.
    offset: u64,
    /// The replay of past events that it is of; null: the sync's own.
    replay: Option<String>,
    /// Whether `offset` is a position among the events of that replay, which is an import.
    imported: bool,
    /// Whether the event or its user was to be delivered.
    part: Part,
    /// When the attempt was over.
    #[schema(format = DateTime)]
    at: String,
    /// Which attempt, from 1.
    attempt: u8,
    /// What came of it.
    outcome: AttemptOutcome,
    /// The failure's category, or the reason.
    category: Option<&'static str>,
    /// What happened, in words.
    message: String,
    /// When the event was received.
    #[schema(format = DateTime)]
    received_at: String,
    /// The request as it was rendered; null when none could be made, or it can't be shown.
    request: Option<SampledRequest>,
    /// The answer; null where there was none.
    response: Option<SampledResponse>,
    /// Where the time went.
    timing: AttemptTiming,
    /// The event as it was streamed; null when it is larger than 64 KiB.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<serde_json::Value>,
}

/// A request as a sample shows it.
#[derive(Debug, Serialize, ToSchema)]
struct SampledRequest {
    /// `POST`, `PUT` or `PATCH`.
    method: String,
    /// Where it went.
    url: String,
    /// Its headers, 50 at most.
    headers: Vec<SampledHeader>,
    /// The first 64 KiB of the body.
    body: String,
    /// How long the body was, in bytes.
    body_bytes: u64,
}

/// An answer as a sample shows it.
#[derive(Debug, Serialize, ToSchema)]
struct SampledResponse {
    /// The status.
    status: u16,
    /// Its headers, 50 at most.
    headers: Vec<SampledHeader>,
    /// The first 4 KiB of the body.
    body: String,
}

/// A header of a sample.
#[derive(Debug, Serialize, ToSchema)]
struct SampledHeader {
    /// The name.
    name: String,
    /// The first 512 bytes of the value.
    value: String,
}

/// Takes sensitive values out of texts that were made of the event, or answered to it.
type Shown<'a> = &'a dyn Fn(String) -> String;

fn headers(headers: Vec<(String, String)>, shown: Shown<'_>) -> Vec<SampledHeader> {
    let headers = headers.into_iter();
    headers
        .map(|(name, value)| SampledHeader {
            name: shown(name),
            value: shown(value),
        })
        .collect()
}

impl SampledRequest {
    fn new(request: SampleRequest, shown: Shown<'_>) -> Self {
        Self {
            method: request.method,
            url: shown(request.url),
            headers: headers(request.headers, shown),
            body: shown(request.body),
            body_bytes: request.body_bytes,
        }
    }
}

impl SampledResponse {
    fn new(response: SampleResponse, shown: Shown<'_>) -> Self {
        Self {
            status: response.status,
            headers: headers(response.headers, shown),
            body: shown(response.body),
        }
    }
}

/// Shows a sample: the event, the request with its secrets masked, and the answer.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/samples/{sample}", tag = "deliveries",
    operation_id = "show_sample",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("sample" = u64, Path, description = "The sample's id")),
    responses((status = 200, body = SampleView), Refusal))]
pub(in crate::portal) async fn show(
    _: Allowed<DeliveriesRead>,
    extract::State(portal): State,
    Path((project, id, sample)): Path<(ProjectId, SyncId, u64)>,
) -> Result<Response, ApiError> {
    portal.store.sync(project, id).await?;
    let found = portal.lanes.fates().sample(id, sample).await;
    let missing = || ApiError::NotFound {
        what: "such sample: only the newest of each kind are kept".into(),
    };
    let SampleRow {
        sequence,
        of,
        sample,
    } = found.map_err(unavailable)?.ok_or_else(missing)?;
    let body = SampleBody::from_json(&sample.body).unwrap_or_default();
    let (event, redactions) = portal
        .masked_sample(project, of, &sample, body.event)
        .await?;
    let shown = |text| redactions.apply(sample.offset, text);
    let home = Home { project, sync: id };
    let view = SampleView {
        id: sequence,
        delivery_id: delivery_id(of, sample.offset, sample.part),
        offset: sample.offset.0,
        replay: home.replay(of),
        imported: home.is_import(of),
        part: sample.part,
        at: rfc3339(sample.at),
        attempt: sample.number,
        outcome: AttemptOutcome::of(sample.what),
        category: sample.what.category(),
        message: shown(body.message),
        received_at: rfc3339(Timestamp(body.received_at)),
        request: body
            .request
            .map(|request| SampledRequest::new(request, &shown)),
        response: body
            .response
            .map(|response| SampledResponse::new(response, &shown)),
        timing: body.split.into(),
        // Written as the text that it is.
        event: None,
    };
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((json, written(&view, event.as_deref())?).into_response())
}

impl Portal {
    /// The event of a sample as it may be shown, and what takes the same values out of the sample's
    /// texts. The sample's own text of it counts: the journal's may be gone.
    async fn masked_sample(
        &self,
        project: ProjectId,
        of: LaneOf,
        sample: &Sample,
        event: Option<String>,
    ) -> Result<(Option<String>, Redactions), ApiError> {
        let offset = sample.offset;
        let Some(text) = event else {
            // It is too large to be kept with the sample.
            let redactions = self.redactions_in(project, of.log, [offset].into_iter());
            return Ok((None, redactions.await?));
        };
        let sensitive = self.store.project(project).await?.sensitive;
        if sensitive.is_empty() {
            return Ok((Some(text), Redactions::none()));
        }
        // Of what kind it is, and when it came, nothing of this depends on.
        let kind = EventKind::Track;
        let event = Event::new(project, offset, kind, sample.at, Bytes::from(text));
        let masked = mask(&Arc::new(event), &sensitive);
        let text = String::from_utf8_lossy(masked.event.text()).into_owned();
        Ok((Some(text), Redactions::of(offset, masked.redaction)))
    }
}

/// The sample with the event's own text: a tree of ours would write some numbers otherwise than
/// destinations get them.
fn written(view: &SampleView, event: Option<&str>) -> Result<String, ApiError> {
    let view = serde_json::to_string(view).map_err(|error| ApiError::Internal {
        source: error.into(),
    })?;
    let open = view.strip_suffix('}').unwrap_or(&view);
    Ok(format!(r#"{open},"event":{}}}"#, event.unwrap_or("null")))
}
