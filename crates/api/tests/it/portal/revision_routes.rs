//! The part of the table of routes that is about what syncs were and could be.

use model::access::Permission as P;

use super::routes::May::Members;
use super::routes::{EVERYONE, Route, WRITERS};

/// The sync of the tests is a webhook's, of which there is one version.
pub(super) const REVISIONS: &[Route] = &[
    (
        "get",
        "/projects/{project}/syncs/{sync}/versions",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/versions/{version}",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/versions/{version}/restore",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        200,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/duplicate",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"name": "quagga {n}"}"#,
        201,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/upgrade",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        400,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/upgrade",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"to": 2}"#,
        422,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/difference",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"changes": {}}"#,
        200,
    ),
];
