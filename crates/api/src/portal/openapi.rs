//! The description of the control API, made from its handlers.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, RefOr, Response};
use utoipa::{IntoResponses, Modify, OpenApi};

use super::problem::Problem;
use crate::auth::SESSION_COOKIE;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Millstream control API",
        description = "Projects and the syncs that stream their events to destinations. \
                       Errors are problem details (RFC 9457) with a stable `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(Problem)),
    security(("token" = []), ("session" = [])),
    modifiers(&Credentials),
    tags(
        (name = "organisations", description = "Members, tokens, and who changed what"),
        (name = "projects", description = "Streams of events with keys of their own"),
        (name = "syncs", description = "Connections of a project to a destination"),
        (name = "catalog", description = "Destinations that projects can be connected to"),
        (name = "definitions", description = "Destinations that an organisation defines"),
        (name = "reviews", description = "What is to be released for everyone"),
        (name = "replays", description = "What is sent again"),
        (name = "deliveries", description = "What became of what was to be sent"),
        (name = "alerts", description = "Who is told of trouble, and of what"),
        (name = "access", description = "Signing in, and oneself"),
        (name = "installation", description = "For those who run it"),
    ),
)]
struct Head;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("token", scheme);
        let description = format!(
            "Set by signing in. Where the installation is reached without TLS, on the same machine, it \
             is called `{}`.",
            SESSION_COOKIE.open
        );
        let cookie = ApiKeyValue::with_description(SESSION_COOKIE.secure.to_owned(), description);
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(cookie));
        components.add_security_scheme("session", cookie);
    }
}

/// The description without the paths.
pub(super) fn head() -> utoipa::openapi::OpenApi {
    Head::openapi()
}

/// The description of the whole control API (OpenAPI 3.1).
pub fn document() -> utoipa::openapi::OpenApi {
    super::routes().into_openapi()
}

static DOCUMENT: LazyLock<Bytes> =
    LazyLock::new(|| Bytes::from(document().to_json().unwrap_or_default()));

pub(super) async fn serve() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json")],
        DOCUMENT.clone(),
    )
}

/// What every handler may answer instead of its own answer.
pub(super) struct Refusal;

impl IntoResponses for Refusal {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let problem = utoipa::openapi::Ref::from_schema_name("Problem");
        let content = Content::new(Some(RefOr::<utoipa::openapi::Schema>::Ref(problem)));
        let mut refused = Response::new("The request was refused or failed: `code` says why.");
        refused
            .content
            .insert("application/problem+json".into(), content.into());
        BTreeMap::from([("default".into(), refused.into())])
    }
}
