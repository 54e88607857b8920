//! The picture on a destination's tile: given, taken away, shown.

use axum::body::Bytes;
use axum::extract;
use axum::http::{HeaderMap, HeaderName, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use store::Logo;

use super::{Ids, Tagged, tagged};
use crate::auth::permission::DefinitionsWrite;
use crate::auth::{Allowed, SignedIn};
use crate::picture::{self, Picture};
use crate::portal::extract::{IfMatch, Path};
use crate::portal::openapi::Refusal;
use crate::portal::{ApiError, Portal, State};

/// Gives a definition's draft a picture: a PNG of 16 to 512 pixels a side and at most 512 KiB. It is
/// encoded again; of an animation the first picture is taken.
#[utoipa::path(put, path = "/organisations/{organisation}/definitions/{definition}/logo",
    tag = "definitions", operation_id = "set_definition_logo",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` of the definition as it was seen")),
    request_body(content = Vec<u8>, content_type = "image/png"),
    responses((status = 200, body = super::DefinitionView, headers(("etag" = String))), Refusal))]
pub(in crate::portal) async fn set(
    allowed: Allowed<DefinitionsWrite>,
    extract::State(portal): State,
    Path((organisation, id)): Ids,
    if_match: Option<IfMatch>,
    headers: HeaderMap,
    upload: Bytes,
) -> Result<Tagged, ApiError> {
    let store = &portal.store;
    // What isn't there is said first.
    let record = store.definition_record(organisation, id).await?;
    let revision = IfMatch::against_maybe(if_match, record.revision)?;
    if headers
        .get(header::CONTENT_TYPE)
        .is_none_or(|value| value != "image/png")
    {
        return Err(ApiError::Header {
            name: "Content-Type",
            message: "a picture is an `image/png`".into(),
        });
    }
    if upload.len() > picture::MOST_BYTES {
        return Err(ApiError::TooLarge {
            limit_bytes: picture::MOST_BYTES,
        });
    }
    let picture = portal.picture("", upload.into()).await?;
    let by = allowed.caller();
    let changed = store.set_definition_logo(organisation, id, revision, Some(picture), &by);
    Ok(tagged(changed.await?))
}

/// Takes the picture from a definition's draft: its tile shows initials.
#[utoipa::path(delete, path = "/organisations/{organisation}/definitions/{definition}/logo",
    tag = "definitions", operation_id = "remove_definition_logo",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` of the definition as it was seen")),
    responses((status = 200, body = super::DefinitionView, headers(("etag" = String))), Refusal))]
pub(in crate::portal) async fn remove(
    allowed: Allowed<DefinitionsWrite>,
    extract::State(portal): State,
    Path((organisation, id)): Ids,
    if_match: Option<IfMatch>,
) -> Result<Tagged, ApiError> {
    let (store, by) = (&portal.store, allowed.caller());
    let record = store.definition_record(organisation, id).await?;
    let revision = IfMatch::against_maybe(if_match, record.revision)?;
    let changed = store.set_definition_logo(organisation, id, revision, None, &by);
    Ok(tagged(changed.await?))
}

/// Shows a destination's picture, by the `logo` of what tells of it. Whoever is signed in and knows
/// that may see it.
#[utoipa::path(get, path = "/logos/{logo}", tag = "catalog", operation_id = "show_logo",
    params(("logo" = String, Path, description = "The picture's SHA-256 in hexadecimal")),
    responses((status = 200, body = Vec<u8>, content_type = "image/png"), Refusal))]
pub(in crate::portal) async fn show(
    _: SignedIn,
    extract::State(portal): State,
    Path(hash): Path<String>,
) -> Result<([(HeaderName, &'static str); 4], Vec<u8>), ApiError> {
    let picture = portal.store.definition_logo(&hash).await?;
    let picture = picture.ok_or_else(|| ApiError::NotFound {
        what: "such picture".into(),
    })?;
    let headers = [
        (header::CONTENT_TYPE, "image/png"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ),
        // What the address names never changes.
        (
            header::CACHE_CONTROL,
            "private, max-age=31536000, immutable",
        ),
    ];
    Ok((headers, picture))
}

impl Portal {
    /// The picture that a client sent, as it is stored; `place` points to it.
    async fn picture(&self, place: &'static str, file: Vec<u8>) -> Result<Vec<u8>, ApiError> {
        let read = self.tasks.spawn_blocking(move || Picture::read(&file));
        let read = read.await.map_err(|panicked| ApiError::Internal {
            source: panicked.into(),
        })?;
        let picture = read.map_err(|message| ApiError::field(place, message))?;
        Ok(picture.png)
    }

    /// What becomes of a draft's picture by a change that may bring another, in Base64, or none.
    pub(super) async fn logo(&self, given: Option<Option<String>>) -> Result<Logo, ApiError> {
        const PLACE: &str = "/logo";
        let text = match given {
            None => return Ok(Logo::Stays),
            Some(None) => return Ok(Logo::Gone),
            Some(Some(text)) => text,
        };
        let file = STANDARD.decode(text).map_err(|error| {
            let message = format!("a picture is given in Base64: {error}");
            ApiError::field(PLACE, message)
        })?;
        self.picture(PLACE, file).await.map(Logo::Is)
    }
}
