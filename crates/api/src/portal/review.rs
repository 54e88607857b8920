//! The reviewers' queue: what organisations want released for everyone.

use axum::Json;
use axum::extract;
use axum::http::{HeaderName, header};
use model::DefinitionId;
use model::definition::Definition;
use pipeline::difference::{Change, DefinitionDifference, changes, definitions};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::mail::Counted;
use store::{Caller, Comment, Decision, VersionRecord};
use utoipa::ToSchema;

use super::definition::{CommentView, ContentView, ListedVersionView, ListingName, VersionView};
use super::extract::{Body, IfMatch, Path, Query, etag};
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::problem::{FieldProblem, pointer};
use super::{ApiError, Portal, State};
use crate::auth::Installed;
use crate::auth::permission::ReviewsWrite;
use crate::mail::{Letter, ReviewStep};

const NOTE_CHARACTERS: usize = 4000;
const COMMENTS: usize = 100;

/// A version to review, and what everyone has now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReviewView {
    /// What is to be decided on.
    submitted: VersionView,
    /// The newest version that was approved; null when there is none.
    approved: Option<ContentView>,
    /// How that becomes what was submitted; null when nothing was approved.
    difference: Option<ReviewDifference>,
    /// Whether new syncs may connect the definition.
    listing: ListingName,
    /// Of the definition: counts from 1 with each change; what `ETag` and the barring's `If-Match`
    /// carry as `"vN"`.
    revision: u64,
}

/// What an approval would change for everyone.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReviewDifference {
    /// What the catalog shows: the name and what is about it.
    catalog: Vec<Change>,
    /// Fields and templates.
    definition: DefinitionDifference,
}

impl ReviewDifference {
    fn between(before: &Definition, after: &Definition) -> Self {
        let shown = |definition: &Definition| {
            let shown = json!({
                "display_name": definition.display_name, "about": definition.about,
            });
            shown.to_string()
        };
        let (was, is) = (shown(before), shown(after));
        Self {
            catalog: changes(was.as_bytes(), is.as_bytes()).unwrap_or_default(),
            definition: definitions(before, after),
        }
    }
}

/// What a reviewer decides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionInput {
    /// Which way.
    decision: DecisionName,
    /// What is said of the whole; required when it is sent back without comments.
    #[serde(default)]
    #[schema(max_length = 4000)]
    note: String,
    /// What is said of single fields.
    #[serde(default)]
    #[schema(max_items = 100)]
    comments: Vec<CommentView>,
}

/// Which way a reviewer decides.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum DecisionName {
    /// Everyone can connect it from now on.
    Approve,
    /// It needs mending in a next version.
    Return,
}

/// Lists the versions that wait for a reviewer, the longest waiting first, in outline.
#[utoipa::path(get, path = "/installation/reviews", tag = "reviews",
    operation_id = "list_reviews", params(PageQuery),
    responses((status = 200, body = Page<ListedVersionView>), Refusal))]
pub(super) async fn list(
    _: Installed<ReviewsWrite>,
    extract::State(portal): State,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ListedVersionView>>, ApiError> {
    let after = query.after(|cursor| cursor.parse().ok())?;
    let page = portal.store.reviews(after.as_ref(), query.limit()?).await?;
    Ok(Json(Page::of(page, ListedVersionView::from)))
}

/// Shows a version that was submitted, beside what everyone has now.
#[utoipa::path(get, path = "/installation/reviews/{definition}/versions/{version}", tag = "reviews",
    operation_id = "show_review",
    params(("definition" = String, Path, description = "The definition's id"),
        ("version" = u32, Path, description = "The version")),
    responses((status = 200, body = ReviewView, headers(("etag" = String))), Refusal))]
pub(super) async fn show(
    _: Installed<ReviewsWrite>,
    extract::State(portal): State,
    Path((id, version)): Path<(DefinitionId, u32)>,
) -> Result<([(HeaderName, String); 1], Json<ReviewView>), ApiError> {
    let submitted = portal.store.reviewed_version(id, version).await?;
    let approved = portal.store.approved_version(id).await?;
    let definition = portal.store.reviewed_definition(id).await?;
    let difference = approved
        .as_ref()
        .map(|approved| ReviewDifference::between(approved, &submitted.definition));
    let view = ReviewView {
        difference,
        submitted: submitted.into(),
        approved: approved.map(|approved| ContentView::from((*approved).clone())),
        listing: definition.listing.into(),
        revision: definition.revision,
    };
    Ok(([(header::ETAG, etag(view.revision))], Json(view)))
}

/// Approves a version that was submitted, or sends it back with what is to mend.
#[utoipa::path(post, path = "/installation/reviews/{definition}/versions/{version}/decision",
    tag = "reviews", operation_id = "decide_review",
    params(("definition" = String, Path, description = "The definition's id"),
        ("version" = u32, Path, description = "The version")),
    request_body = DecisionInput,
    responses((status = 200, body = VersionView), Refusal))]
pub(super) async fn decide(
    reviewer: Installed<ReviewsWrite>,
    extract::State(portal): State,
    Path((id, version)): Path<(DefinitionId, u32)>,
    Body(input): Body<DecisionInput>,
) -> Result<Json<VersionView>, ApiError> {
    let store = &portal.store;
    let record = store.reviewed_version(id, version).await?;
    check(&input, &record.definition)?;
    let (decision, step) = match input.decision {
        DecisionName::Approve => {
            let listing = store.reviewed_definition(id).await?.listing;
            (Decision::Approve, ReviewStep::Approved(listing))
        }
        DecisionName::Return => (Decision::Return, ReviewStep::Returned),
    };
    let comments = input.comments.into_iter().map(|comment| Comment {
        pointer: comment.pointer,
        comment: comment.comment,
    });
    let comments: Vec<_> = comments.collect();
    let note = input.note.trim();
    let by = reviewer.caller();
    let by = portal.telling_of_review(&record, step, note, &comments, &by);
    let by = by.await?;
    let decided = store.decide_definition(id, version, decision, note, &comments, &by);
    Ok(Json(decided.await?.into()))
}

/// Whether a destination is kept from everyone's catalog.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BarringInput {
    /// Whether it is, from now on.
    barred: bool,
    /// Why, for whoever submitted it; required to bar it.
    #[serde(default)]
    #[schema(max_length = 4000)]
    note: String,
}

/// How a destination is listed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BarringView {
    /// The definition's id.
    definition: String,
    /// Whether new syncs may connect it.
    listing: ListingName,
    /// Counts from 1 with each change of the definition; what `ETag` and `If-Match` carry as `"vN"`.
    revision: u64,
}

/// Takes a destination that was submitted once from the catalog, or puts it back. Syncs that connect it
/// are not touched; whoever submitted its newest approved version is told.
#[utoipa::path(put, path = "/installation/reviews/{definition}/barring", tag = "reviews",
    operation_id = "set_definition_barring",
    params(("definition" = String, Path, description = "The definition's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` of the definition as it was seen")),
    request_body = BarringInput,
    responses((status = 200, body = BarringView, headers(("etag" = String))), Refusal))]
pub(super) async fn bar(
    reviewer: Installed<ReviewsWrite>,
    extract::State(portal): State,
    Path(id): Path<DefinitionId>,
    if_match: Option<IfMatch>,
    Body(input): Body<BarringInput>,
) -> Result<([(HeaderName, String); 1], Json<BarringView>), ApiError> {
    let (store, note) = (&portal.store, input.note.trim());
    if note.is_empty() && input.barred {
        let message = "say why, for whoever submitted it";
        return Err(ApiError::field("/note", message));
    }
    if note.chars().count() > NOTE_CHARACTERS {
        let message = format!("at most {NOTE_CHARACTERS} characters");
        return Err(ApiError::field("/note", message));
    }
    let current = store.reviewed_definition(id).await?.revision;
    let revision = IfMatch::against_maybe(if_match, current)?;
    let mut by = reviewer.caller();
    if let Some(approved) = store.approved_version(id).await? {
        let record = store.reviewed_version(id, approved.version).await?;
        let step = match input.barred {
            true => ReviewStep::Barred,
            false => ReviewStep::Admitted,
        };
        by = portal
            .telling_of_review(&record, step, note, &[], &by)
            .await?;
    }
    let barred = store.bar_definition(id, revision, input.barred, &by);
    let barred = barred.await?;
    let view = BarringView {
        definition: id.to_string(),
        listing: barred.listing.into(),
        revision: barred.revision,
    };
    Ok(([(header::ETAG, etag(view.revision))], Json(view)))
}

impl Portal {
    /// The caller of a step of a version's review, of which the one who submitted it and the reviewers are
    /// told, but for a reviewer who takes the step.
    pub(super) async fn telling_of_review(
        &self,
        record: &VersionRecord,
        step: ReviewStep,
        note: &str,
        comments: &[Comment],
        by: &Caller,
    ) -> Result<Caller, ApiError> {
        let store = &self.store;
        let Some(organisation) = record.organisation else {
            return Ok(by.clone());
        };
        let (id, version) = (record.definition.id, record.definition.version);
        let organisation = store.organisation(organisation).await?;
        let oneself = by.actor.person.as_ref().map(|person| &person.email);
        let author = match step {
            // Who submits it is its author from now on.
            ReviewStep::Submitted => oneself.cloned(),
            _ => store.author_of(id, version).await?,
        };
        let reviewers = store.reviewers().await?;
        let reviewers = reviewers.iter().filter(|&email| Some(email) != oneself);
        let reviewers = reviewers.filter(|&email| Some(email) != author.as_ref());
        let who = by.actor.who();
        let letter = |to_author, link| Letter::Review {
            step,
            destination: &record.definition.display_name,
            version,
            organisation: &organisation.name,
            by: &who,
            note,
            comments,
            to_author,
            link,
        };
        let review = format!("{}/reviews/{id}/{version}", self.public_url);
        let own = format!(
            "{}/o/{}/destinations/{id}",
            self.public_url, organisation.id
        );
        let reviewers = reviewers.map(String::as_str);
        // However often one organisation asks, reviewers hear of the others, and authors what was decided.
        let of_organisation = Counted::Of(organisation.id);
        let of_author = match step {
            ReviewStep::Submitted | ReviewStep::Withdrawn => of_organisation,
            _ => Counted::WithNone,
        };
        let to_reviewers = letter(false, &review);
        let by = self.telling_all(by, reviewers, &to_reviewers, of_organisation);
        let to_author = letter(true, &own);
        let author = author.iter().map(String::as_str);
        Ok(self.telling_all(&by, author, &to_author, of_author))
    }
}

/// Whether a pointer leads to a field of a version's content, or to one that an object or `null` in it could
/// have.
fn is_of(content: &Value, pointer: &str) -> bool {
    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    let could_have = |parent: &Value| parent.is_object() || parent.is_null();
    content.pointer(pointer).is_some()
        || (!parent.is_empty() && content.pointer(parent).is_some_and(could_have))
}

fn check(input: &DecisionInput, definition: &Definition) -> Result<(), ApiError> {
    let mut problems = Vec::new();
    let content = serde_json::to_value(ContentView::from(definition.clone())).map_err(|error| {
        ApiError::Internal {
            source: error.into(),
        }
    })?;
    let too_long = |text: &str| text.chars().count() > NOTE_CHARACTERS;
    let message = format!("at most {NOTE_CHARACTERS} characters");
    if too_long(&input.note) {
        problems.push(FieldProblem::new("/note", message.as_str()));
    }
    if input.comments.len() > COMMENTS {
        let message = format!("at most {COMMENTS} comments");
        problems.push(FieldProblem::new("/comments", message));
    }
    for (position, comment) in input.comments.iter().enumerate().take(COMMENTS) {
        let at = pointer("/comments", position);
        if comment.comment.trim().is_empty() {
            let message = "say something of this field, or leave the comment out";
            problems.push(FieldProblem::new(format!("{at}/comment"), message));
        } else if too_long(&comment.comment) {
            problems.push(FieldProblem::new(format!("{at}/comment"), message.as_str()));
        }
        if !is_of(&content, &comment.pointer) {
            let message = "the version has no such field: a JSON pointer into its content is needed, such as `/events/body`";
            problems.push(FieldProblem::new(format!("{at}/pointer"), message));
        }
    }
    let silent = input.note.trim().is_empty() && input.comments.is_empty();
    if matches!(input.decision, DecisionName::Return) && silent {
        let message = "say what is to mend, here or in comments";
        problems.push(FieldProblem::new("/note", message));
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(ApiError::Invalid(problems)),
    }
}
