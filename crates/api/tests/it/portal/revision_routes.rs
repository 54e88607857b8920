//! The part of the table of routes that is about what syncs were and could be.

use model::access::Permission as P;

use super::routes::May::Members;
use super::routes::Tag::Needed;
use super::routes::{EVERYONE, MAKES, READS, Route, TRIES, WRITERS};

/// The sync of the tests is a webhook's, of which there is one version.
pub(super) const REVISIONS: &[Route] = &[
    (
        "post",
        "/organisations/{organisation}/sync-check",
        Members(EVERYONE, &[P::SyncsRead]),
        r#"{"sync": {"name": "quagga"}}"#,
        204,
        TRIES,
    ),
    (
        "post",
        "/organisations/{organisation}/project-check",
        Members(EVERYONE, &[P::ProjectsRead]),
        r#"{"name": "quagga"}"#,
        204,
        TRIES,
    ),
    (
        "post",
        "/organisations/{organisation}/definition-check",
        Members(EVERYONE, &[P::DefinitionsRead]),
        r#"{"display_name": "quagga"}"#,
        204,
        TRIES,
    ),
    (
        "post",
        "/organisations/{organisation}/definition-names-check",
        Members(EVERYONE, &[P::DefinitionsRead]),
        r#"{"names": [{"display_name": "quagga {n}"}]}"#,
        204,
        TRIES,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/check",
        Members(EVERYONE, &[P::SyncsRead]),
        r#"{"changes": {"notes": "quagga"}}"#,
        200,
        TRIES,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/versions",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/versions/{version}",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/versions/{version}/restore",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/versions/{version}/restore",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        200,
        Needed,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/duplicate",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"name": "quagga {n}"}"#,
        201,
        MAKES,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/upgrade",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        400,
        READS,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/upgrade",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"to": 2}"#,
        422,
        Needed,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/difference",
        Members(EVERYONE, &[P::SyncsRead]),
        r#"{"changes": {}}"#,
        200,
        TRIES,
    ),
];
