//! *Test connection*: sends once what would be sent, on the same way as deliveries.

mod view;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract;
use model::definition::Meaning;
use model::json;
use model::{
    Answer, Clock, DefinitionId, OrganisationId, OutboundRequest, Part, ProjectId, SyncId,
};
use pipeline::Outcome;
use pipeline::preview::{Redaction, Request, Shown};
use serde::Deserialize;
use store::{Caller, Tested};
use utoipa::ToSchema;

use super::SecretsShown;
use super::courier::Reply;
use super::given::{Events, Exact, Given, take_event};
use super::subject::Subject;
use crate::auth::failures::{Allowance, Counted};
use crate::auth::permission::{DefinitionsWrite, ReviewsWrite, SyncsWrite};
use crate::auth::{Allowed, Installed};
use crate::portal::definition::Ids;
use crate::portal::draft::SyncInput;
use crate::portal::extract::Path;
use crate::portal::openapi::Refusal;
use crate::portal::turns::Turns;
use crate::portal::{ApiError, Portal, State};
use view::TestView;

/// How many an organisation may test in each of its windows.
const OF_ORGANISATION: Allowance = Allowance {
    free: 30,
    window: Duration::from_secs(60),
};

/// Bounds how often connections are tested, so that nobody is flooded and no network is searched
/// from here.
pub(in crate::portal) struct Bounds {
    turns: Turns,
    of_organisation: Counted<OrganisationId>,
}

impl Bounds {
    pub(in crate::portal) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self {
            turns: Turns::at_connection_tests(clock),
            of_organisation: Counted::new(OF_ORGANISATION),
        }
    }
}

/// What to test a definition's connection with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct TestInput {
    /// Which version; absent: the draft.
    version: Option<u32>,
    /// What users would fill in, as for a sync.
    settings: Option<SyncInput>,
    /// The event as it is streamed, which templates see as `input`. Absent: a sample that has all
    /// common fields.
    #[schema(value_type = Option<Object>)]
    event: Option<Given>,
    /// What to send: the event, or its user. Absent: the event, where the definition takes events.
    part: Option<Part>,
}

/// What a reviewer tests a version's connection with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct ReviewTestInput {
    /// What users would fill in, as for a sync.
    settings: Option<SyncInput>,
    /// The event as it is streamed, which templates see as `input`. Absent: a sample that has all
    /// common fields.
    #[schema(value_type = Option<Object>)]
    event: Option<Given>,
    /// What to send: the event, or its user. Absent: the event, where the definition takes events.
    part: Option<Part>,
}

/// What to test a sync's connection with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct SyncTestInput {
    /// Changes that are not saved, as `PATCH` takes them. Where requests would go to another scheme,
    /// host or port, secrets have to be given again (`secrets_needed`).
    changes: Option<SyncInput>,
    /// The event as it is streamed, which templates see as `input`. Absent: a sample that has all
    /// common fields.
    #[schema(value_type = Option<Object>)]
    event: Option<Given>,
    /// What to send: the event, or its user. Absent: the event, where the destination takes events.
    part: Option<Part>,
}

impl Events for TestInput {
    fn take_exact(&mut self, body: &json::Value<'_>) {
        take_event(&mut self.event, body);
    }
}

impl Events for ReviewTestInput {
    fn take_exact(&mut self, body: &json::Value<'_>) {
        take_event(&mut self.event, body);
    }
}

impl Events for SyncTestInput {
    fn take_exact(&mut self, body: &json::Value<'_>) {
        take_event(&mut self.event, body);
    }
}

/// Sends what a definition makes of an event, once and on the same way as deliveries, and tells what
/// was answered. The audit log tells of it.
#[utoipa::path(post, path = "/organisations/{organisation}/definitions/{definition}/test",
    tag = "definitions", operation_id = "test_definition",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id")),
    request_body = TestInput,
    responses((status = 200, body = TestView), Refusal))]
pub(in crate::portal) async fn of_definition(
    allowed: Allowed<DefinitionsWrite>,
    extract::State(portal): State,
    Path((organisation, id)): Ids,
    Exact(input): Exact<TestInput>,
) -> Result<Json<TestView>, ApiError> {
    let definition = portal.content(organisation, id, input.version).await?;
    let masked = SecretsShown::Masked;
    let subject = Subject::of_definition(definition, input.settings, input.event, masked)?;
    let by = allowed.caller();
    portal
        .test(organisation, subject, Of::Definition, input.part, by)
        .await
}

/// Sends what a version that was submitted makes of an event, once and on the same way as deliveries,
/// and tells what was answered. The audit log of the organisation whose version it is tells of it.
#[utoipa::path(post, path = "/installation/reviews/{definition}/versions/{version}/test",
    tag = "reviews", operation_id = "test_review",
    params(("definition" = String, Path, description = "The definition's id"),
        ("version" = u32, Path, description = "The version")),
    request_body = ReviewTestInput,
    responses((status = 200, body = TestView), Refusal))]
pub(in crate::portal) async fn of_review(
    reviewer: Installed<ReviewsWrite>,
    extract::State(portal): State,
    Path((id, version)): Path<(DefinitionId, u32)>,
    Exact(input): Exact<ReviewTestInput>,
) -> Result<Json<TestView>, ApiError> {
    let submitted = portal.store.reviewed_version(id, version).await?;
    // What is left of a deleted organisation is in nobody's review.
    let organisation = submitted
        .organisation
        .ok_or(store::Error::NoDefinition(id))?;
    let definition = (*submitted.definition).clone();
    let masked = SecretsShown::Masked;
    let subject = Subject::of_definition(definition, input.settings, input.event, masked)?;
    let by = reviewer.caller();
    portal
        .test(organisation, subject, Of::Definition, input.part, by)
        .await
}

/// Sends what a sync makes of an event, once and on the same way as deliveries, and tells what was
/// answered. The audit log tells of it.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/test", tag = "syncs",
    operation_id = "test_sync",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id")),
    request_body = SyncTestInput,
    responses((status = 200, body = TestView), Refusal))]
pub(in crate::portal) async fn of_sync(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, id)): Path<(ProjectId, SyncId)>,
    Exact(input): Exact<SyncTestInput>,
) -> Result<Json<TestView>, ApiError> {
    let record = portal.store.sync(project, id).await?;
    let definition = portal.definition(&record.sync).await?;
    let masked = SecretsShown::Masked;
    let subject = Subject::of_sync(&record, &definition, input.changes, input.event, masked)?;
    let (organisation, by) = (allowed.organisation, allowed.caller());
    portal
        .test(organisation, subject, Of::Sync, input.part, by)
        .await
}

/// Whose connection is tested.
#[derive(Debug, Clone, Copy)]
enum Of {
    Definition,
    Sync,
}

/// What is sent, and what is shown of it.
type Rendered = Result<(OutboundRequest, Request, Option<String>), Box<TestView>>;

impl Portal {
    async fn test(
        self: &Arc<Self>,
        organisation: OrganisationId,
        subject: Subject,
        of: Of,
        part: Option<Part>,
        by: Caller,
    ) -> Result<Json<TestView>, ApiError> {
        let bounds = &self.connection_tests;
        let now = self.authority.clock.now();
        let noted = bounds.of_organisation.note(organisation, now);
        noted.map_err(|retry_after| ApiError::RateLimited { retry_after })?;
        let turn = bounds.turns.take(Some(organisation)).await?;
        let part = subject.part(part)?;
        let clock = self.authority.clock.clone();
        let (subject, rendered) = self
            .work(Some(organisation), move || {
                let rendered = subject.render(part, None, &clock);
                (subject, rendered)
            })
            .await?;
        let (request, shown, note) = match rendered? {
            Ok(rendered) => rendered,
            Err(not_sent) => return Ok(Json(*not_sent)),
        };
        let whole = Arc::clone(self);
        self.run(async move {
            // Until an answer is there, or none comes.
            let _turn = turn;
            let tested = match of {
                Of::Definition => Tested::Definition(&subject.definition),
                Of::Sync => Tested::Sync(&subject.sync),
            };
            let host = shown_host(&request, &shown);
            let logged = whole
                .store
                .log_connection_test(organisation, tested, part, host, &by);
            logged.await?;
            let trial = whole.courier.send_once(&request).await;
            let redaction = Redaction::new(&subject.secret_values(), &request, &shown);
            let tested = TestView::sent(part, &shown, &trial, &redaction).noted(note);
            match trial.reply {
                Some(reply) if trial.means == Meaning::FollowUp => {
                    whole
                        .follow(organisation, subject, (part, &reply), tested)
                        .await
                }
                _ => Ok(Json(tested)),
            }
        })
        .await
    }

    /// Sends the request that follows an answer which asks for it.
    async fn follow(
        &self,
        organisation: OrganisationId,
        subject: Subject,
        (part, reply): (Part, &Reply),
        tested: TestView,
    ) -> Result<Json<TestView>, ApiError> {
        let answer = Answer {
            status: reply.status.as_u16(),
            body: reply.body.clone(),
            complete: reply.complete,
        };
        let clock = self.authority.clock.clone();
        let (subject, rendered) = self
            .work(Some(organisation), move || {
                let rendered = subject.render(part, Some(&answer), &clock);
                (subject, rendered)
            })
            .await?;
        Ok(Json(match rendered? {
            Err(not_sent) => tested.not_followed(*not_sent),
            Ok((request, shown, _)) => {
                let trial = self.courier.send_once(&request).await;
                let redaction = Redaction::new(&subject.secret_values(), &request, &shown);
                tested.followed(part, &shown, &trial, &redaction)
            }
        }))
    }
}

/// The host, unless it is made of secrets.
fn shown_host<'r>(request: &'r OutboundRequest, shown: &Request) -> &'r str {
    let host = request.uri.host().unwrap_or_default();
    match shown.url.masked().contains(host) {
        true => host,
        false => "[secret]",
    }
}

impl Subject {
    /// The part to send.
    fn part(&self, wanted: Option<Part>) -> Result<Part, ApiError> {
        let taken: Vec<Part> = self.parts().collect();
        match wanted {
            Some(wanted) if taken.contains(&wanted) => Ok(wanted),
            None if !taken.is_empty() => Ok(taken[0]),
            _ => Err(ApiError::field(
                "/part",
                "the destination takes none of these",
            )),
        }
    }

    /// What is sent, and what is shown of it; or that nothing is sent. With an answer it is what
    /// follows.
    fn render(
        &self,
        part: Part,
        answer: Option<&Answer>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Rendered, ApiError> {
        let preview = self.compile(clock).map_err(ApiError::Invalid)?;
        let sent = pipeline::Plan::compile(&self.definition, &self.sync, clock)
            .ok()
            .map(|plan| match answer {
                None => self.sent(&plan, part),
                Some(answer) => plan.follow_up(&self.event, part, answer),
            });
        let (shown, note) = match answer {
            None => self.shown(&preview, part),
            Some(answer) => (preview.follow_up(&self.event, part, answer), None),
        };
        Ok(match (sent, shown) {
            (Some(Outcome::Request(request)), Shown::Request(shown)) => Ok((request, shown, note)),
            // With the values that are not shown it comes out otherwise: why may tell of them.
            (Some(Outcome::Request(_)), _) | (_, Shown::Request(_)) => {
                Err(Box::new(TestView::hidden(part)))
            }
            (_, shown) => {
                let view = self.part_view(part, shown, answer.is_some()).noted(note);
                Err(Box::new(TestView::not_sent(view)))
            }
        })
    }
}
