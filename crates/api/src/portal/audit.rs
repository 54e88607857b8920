//! The audit log.

use axum::Json;
use axum::body::Body;
use axum::extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use model::OrganisationId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{AuditEntry, AuditFilter, Cursor, Store};
use utoipa::{IntoParams, ToSchema};

use super::extract::Query;
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::view::{parse_rfc3339, rfc3339};
use super::{ApiError, State};
use crate::auth::permission::{AuditRead, InstallationWrite};
use crate::auth::{Allowed, Installed};

/// Entries that an export reads at a time.
const EXPORT_AT_ONCE: u32 = 200;

/// An entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditView {
    /// Identifies it.
    id: String,
    /// When it happened.
    #[schema(format = DateTime)]
    at: String,
    /// Who did it.
    actor: ActorView,
    /// Where the request came from; empty when it came from nowhere.
    address: String,
    /// The request's id, as `X-Request-Id` carried it.
    request_id: String,
    /// What was done.
    #[schema(example = "project.create")]
    action: String,
    /// To what.
    target: TargetView,
    /// What was changed, as it was; null where nothing was there.
    before: Option<Value>,
    /// What was changed, as it became; null where nothing is there any more.
    after: Option<Value>,
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
struct ActorView {
    /// `person`, `token` or `system`.
    kind: String,
    /// The person's or token's id.
    id: String,
    /// The person's e-mail address or the token's name at that time. A token's name is what its maker
    /// liked, such as somebody else's address: show `who`.
    name: String,
    /// Who it was, in one line: a person's address stands first where they did it, by themselves or by a
    /// token of theirs.
    #[schema(example = "ann@example.com (token \"ci\")")]
    who: String,
    /// The person, or the one whose token it was; null: the installation itself, or an entry from before
    /// this was noted.
    person: Option<PersonBehind>,
}

/// The person behind what was done.
#[derive(Debug, Serialize, ToSchema)]
struct PersonBehind {
    /// Identifies them.
    id: String,
    /// Their e-mail address at that time.
    email: String,
}

/// What something was done to.
#[derive(Debug, Serialize, ToSchema)]
struct TargetView {
    /// Its id.
    id: String,
    /// Its name at that time.
    name: String,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            at: rfc3339(entry.at),
            actor: ActorView {
                who: entry.who(),
                person: entry.actor_person.map(|person| PersonBehind {
                    id: person.id.to_string(),
                    email: person.email,
                }),
                kind: entry.actor_kind,
                id: entry.actor_id,
                name: entry.actor_name,
            },
            address: entry.address,
            request_id: entry.request_id,
            action: entry.action,
            target: TargetView {
                id: entry.target_id,
                name: entry.target_name,
            },
            before: entry.before,
            after: entry.after,
        }
    }
}

/// Which entries.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// Only of the person or token with this id, or of the person with this e-mail address.
    actor: Option<String>,
    /// Only to what has this id.
    target: Option<String>,
    /// Only this action, or those that start with it and a dot.
    #[param(example = "project")]
    action: Option<String>,
    /// Not earlier.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Earlier.
    #[param(format = DateTime)]
    until: Option<String>,
    /// `next` of the page before; absent for the first page.
    cursor: Option<String>,
    /// Most items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Which entries to export, and how.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportQuery {
    /// Only of the person or token with this id, or of the person with this e-mail address.
    actor: Option<String>,
    /// Only to what has this id.
    target: Option<String>,
    /// Only this action, or those that start with it and a dot.
    action: Option<String>,
    /// Not earlier.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Earlier.
    #[param(format = DateTime)]
    until: Option<String>,
}

impl ExportQuery {
    fn filter(self) -> Result<AuditFilter, ApiError> {
        let time = |name: &str, text: Option<String>| match text {
            None => Ok(None),
            Some(text) => parse_rfc3339(&text)
                .map(Some)
                .ok_or_else(|| ApiError::Query {
                    message: format!("{name}: a time such as 2030-01-31T12:00:00Z"),
                }),
        };
        Ok(AuditFilter {
            from: time("from", self.from)?,
            until: time("until", self.until)?,
            actor: self.actor,
            target: self.target,
            action: self.action,
        })
    }
}

impl AuditQuery {
    fn split(self) -> (ExportQuery, PageQuery) {
        let which = ExportQuery {
            actor: self.actor,
            target: self.target,
            action: self.action,
            from: self.from,
            until: self.until,
        };
        (which, PageQuery::new(self.cursor, self.limit))
    }
}

/// Whose entries an operator asks for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WhoseQuery {
    /// Those of the organisation with this id, which may be gone. Absent: those that are of the
    /// installation as a whole.
    organisation: Option<String>,
}

/// What an operator asks for, and for which page of it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InstallationAuditQuery {
    organisation: Option<String>,
    actor: Option<String>,
    target: Option<String>,
    action: Option<String>,
    from: Option<String>,
    until: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// What an operator asks for, all of it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InstallationExportQuery {
    organisation: Option<String>,
    actor: Option<String>,
    target: Option<String>,
    action: Option<String>,
    from: Option<String>,
    until: Option<String>,
}

impl WhoseQuery {
    fn organisation(self) -> Result<Option<OrganisationId>, ApiError> {
        let parsed = self.organisation.map(|id| id.parse()).transpose();
        parsed.map_err(|_| ApiError::Query {
            message: "organisation: the id of an organisation".into(),
        })
    }
}

impl InstallationAuditQuery {
    fn split(self) -> Result<(Option<OrganisationId>, AuditQuery), ApiError> {
        let organisation = self.organisation;
        let query = AuditQuery {
            actor: self.actor,
            target: self.target,
            action: self.action,
            from: self.from,
            until: self.until,
            cursor: self.cursor,
            limit: self.limit,
        };
        Ok((WhoseQuery { organisation }.organisation()?, query))
    }
}

impl InstallationExportQuery {
    fn split(self) -> Result<(Option<OrganisationId>, ExportQuery), ApiError> {
        let organisation = self.organisation;
        let query = ExportQuery {
            actor: self.actor,
            target: self.target,
            action: self.action,
            from: self.from,
            until: self.until,
        };
        Ok((WhoseQuery { organisation }.organisation()?, query))
    }
}

/// Shows what was changed in an organisation, newest first.
#[utoipa::path(get, path = "/organisations/{organisation}/audit", tag = "organisations",
    operation_id = "list_audit",
    params(("organisation" = String, Path, description = "The organisation's id"), AuditQuery),
    responses((status = 200, body = Page<AuditView>), Refusal))]
pub(super) async fn list(
    allowed: Allowed<AuditRead>,
    extract::State(portal): State,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditView>>, ApiError> {
    page(&portal.store, Some(allowed.organisation), query).await
}

/// Shows what was changed in the installation as a whole, or in an organisation that may be gone, newest
/// first.
#[utoipa::path(get, path = "/installation/audit", tag = "installation",
    operation_id = "list_installation_audit", params(WhoseQuery, AuditQuery),
    responses((status = 200, body = Page<AuditView>), Refusal))]
pub(super) async fn list_installation(
    _: Installed<InstallationWrite>,
    extract::State(portal): State,
    Query(query): Query<InstallationAuditQuery>,
) -> Result<Json<Page<AuditView>>, ApiError> {
    let (organisation, query) = query.split()?;
    page(&portal.store, organisation, query).await
}

async fn page(
    store: &Store,
    organisation: Option<OrganisationId>,
    query: AuditQuery,
) -> Result<Json<Page<AuditView>>, ApiError> {
    let (which, query) = query.split();
    let before = query.after(|cursor| cursor.parse().ok())?;
    let (filter, limit) = (which.filter()?, query.limit()?);
    let page = store
        .audit_log(organisation, &filter, before.as_ref(), limit)
        .await?;
    Ok(Json(Page::of(page, AuditView::from)))
}

/// Exports what was changed in an organisation as JSON lines, newest first, however much it is.
#[utoipa::path(get, path = "/organisations/{organisation}/audit/export", tag = "organisations",
    operation_id = "export_audit",
    params(("organisation" = String, Path, description = "The organisation's id"), ExportQuery),
    responses((status = 200, body = String, content_type = "application/x-ndjson",
        description = "An entry a line, as the list shows them."), Refusal))]
pub(super) async fn export(
    allowed: Allowed<AuditRead>,
    extract::State(portal): State,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    Export::answer(&portal.store, Some(allowed.organisation), query.filter()?)
}

/// Exports what was changed in the installation as a whole, or in an organisation that may be gone, as
/// JSON lines, newest first.
#[utoipa::path(get, path = "/installation/audit/export", tag = "installation",
    operation_id = "export_installation_audit", params(WhoseQuery, ExportQuery),
    responses((status = 200, body = String, content_type = "application/x-ndjson",
        description = "An entry a line, as the list shows them."), Refusal))]
pub(super) async fn export_installation(
    _: Installed<InstallationWrite>,
    extract::State(portal): State,
    Query(query): Query<InstallationExportQuery>,
) -> Result<Response, ApiError> {
    let (organisation, which) = query.split()?;
    Export::answer(&portal.store, organisation, which.filter()?)
}

/// An export under way: a page is read when the client has taken the one before.
struct Export {
    store: Store,
    /// `None`: the installation's own entries.
    organisation: Option<OrganisationId>,
    filter: AuditFilter,
    after: Option<Cursor>,
    ended: bool,
}

impl Export {
    /// The answer that streams all of them.
    fn answer(
        store: &Store,
        organisation: Option<OrganisationId>,
        filter: AuditFilter,
    ) -> Result<Response, ApiError> {
        let start = Self {
            store: store.clone(),
            organisation,
            filter,
            after: None,
            ended: false,
        };
        let lines = stream::try_unfold(start, Self::next);
        let headers = [
            (header::CONTENT_TYPE, "application/x-ndjson"),
            (
                header::CONTENT_DISPOSITION,
                "attachment; filename=\"audit.jsonl\"",
            ),
        ];
        Ok((headers, Body::from_stream(lines)).into_response())
    }

    async fn next(mut self) -> Result<Option<(Bytes, Self)>, store::Error> {
        if self.ended {
            return Ok(None);
        }
        let page = self
            .store
            .audit_log(
                self.organisation,
                &self.filter,
                self.after.as_ref(),
                EXPORT_AT_ONCE,
            )
            .await?;
        let mut lines = Vec::new();
        for entry in page.items {
            // Strings, numbers and objects of them: always JSON.
            if serde_json::to_writer(&mut lines, &AuditView::from(entry)).is_ok() {
                lines.push(b'\n');
            }
        }
        self.ended = page.next.is_none();
        self.after = page.next;
        Ok(Some((lines.into(), self)))
    }
}
