//! The part of the table of routes that is about sending again.

use model::access::Permission as P;

use super::routes::May::Members;
use super::routes::{EVERYONE, MAKES, READS, Route, STEPS, TRIES, WRITERS};

pub(super) const REPLAYS: &[Route] = &[
    (
        "get",
        "/projects/{project}/syncs/{sync}/replays",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/replays",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"failed": {"event_types": ["quagga {n}"]}}"#,
        201,
        MAKES,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/replays/dry-run",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"failed": {}}"#,
        200,
        TRIES,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/replays/{replay}",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/replays/{replay}/ended",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
        READS,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/replays/{replay}/pause",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        200,
        STEPS,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/replays/{replay}/resume",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        200,
        STEPS,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/replays/{replay}/cancel",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        200,
        STEPS,
    ),
    // It is no import: only those who may are told so.
    (
        "post",
        "/projects/{project}/syncs/{sync}/replays/{replay}/lines",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"lines": []}"#,
        409,
        STEPS,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/replays/{replay}/complete",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        409,
        STEPS,
    ),
];
