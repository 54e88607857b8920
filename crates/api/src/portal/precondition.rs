//! `If-Match` with a version, where nothing has one: refused, since whoever sends it relies on it. `*`
//! asks for no more than that the thing is there.

use std::collections::HashSet;
use std::sync::LazyLock;

use axum::extract::{MatchedPath, Request};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{ParameterIn, Paths};

use super::ApiError;

/// Method and path of what takes `If-Match`, by the document.
static VERSIONED: LazyLock<HashSet<(String, String)>> =
    LazyLock::new(|| versioned(&super::openapi::document().paths));

/// Lets a request with `If-Match` pass only to a handler that reads it.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let mut given = request.headers().get_all(header::IF_MATCH).iter();
    if !request.method().is_safe() && given.any(|value| value.as_bytes() != b"*") {
        let path = request.extensions().get::<MatchedPath>();
        // What has no path of ours is told so, whatever else it asks.
        if let Some(path) = path.filter(|path| !path.as_str().contains("{*")) {
            let target = (request.method().to_string(), path.as_str().to_owned());
            if !VERSIONED.contains(&target) {
                return ignored().into_response();
            }
        }
    }
    next.run(request).await
}

fn ignored() -> ApiError {
    ApiError::Header {
        name: "If-Match",
        message: "this has no version to compare it with: leave it out".into(),
    }
}

fn versioned(paths: &Paths) -> HashSet<(String, String)> {
    let mut versioned = HashSet::new();
    for (path, item) in &paths.paths {
        let operations = [
            ("PUT", &item.put),
            ("POST", &item.post),
            ("PATCH", &item.patch),
            ("DELETE", &item.delete),
        ];
        for (method, operation) in operations {
            let parameters = operation.iter().flat_map(|operation| &operation.parameters);
            let takes_it = parameters.flatten().any(|parameter| match parameter {
                RefOr::T(parameter) => {
                    parameter.parameter_in == ParameterIn::Header && parameter.name == "if-match"
                }
                RefOr::Ref(_) => false,
            });
            if takes_it {
                versioned.insert((method.to_owned(), path.clone()));
            }
        }
    }
    versioned
}
