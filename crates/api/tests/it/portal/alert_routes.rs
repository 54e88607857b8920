//! The rows of the table of routes about alerts.

use model::access::Permission as P;

use super::routes::May::{Anyone, Members};
use super::routes::Tag::{self, Needed, Taken};
use super::routes::{EVERYONE, MAKES, READS, Route, TRIES, WRITERS};

const FIRST_STAYS: Tag = Tag::None("who was first stays");
const SAYS_ITSELF: Tag = Tag::None("it says itself until when");
const ENDS_ONCE: Tag = Tag::None("the second time it does nothing");

pub(super) const ALERTS: &[Route] = &[
    (
        "get",
        "/projects/{project}/alerts",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "patch",
        "/projects/{project}/alerts",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"calm_minutes": 7}"#,
        200,
        Needed,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/alerts",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "patch",
        "/projects/{project}/syncs/{sync}/alerts",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"calm_minutes": 7}"#,
        200,
        Needed,
    ),
    (
        "delete",
        "/projects/{project}/syncs/{sync}/alerts",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        200,
        Taken,
    ),
    (
        "get",
        "/projects/{project}/alert-channels",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "post",
        "/projects/{project}/alert-channels",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"kind": "slack", "name": "quagga {n}", "url": "https://hooks.example/quagga"}"#,
        201,
        MAKES,
    ),
    (
        "get",
        "/projects/{project}/alert-channels/{channel}",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "patch",
        "/projects/{project}/alert-channels/{channel}",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"name": "quagga {n}"}"#,
        200,
        Needed,
    ),
    (
        "post",
        "/projects/{project}/alert-channels/{channel}/test",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        202,
        TRIES,
    ),
    (
        "delete",
        "/projects/{project}/alert-channels/{channel}",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        204,
        Taken,
    ),
    (
        "get",
        "/projects/{project}/incidents",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/incidents/{incident}",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "post",
        "/projects/{project}/incidents/{incident}/acknowledge",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        200,
        FIRST_STAYS,
    ),
    (
        "post",
        "/projects/{project}/incidents/{incident}/mute",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"until": "2030-01-31T12:00:00Z"}"#,
        200,
        SAYS_ITSELF,
    ),
    // Without what the link carries.
    ("get", "/alerts/unsubscribe", Anyone, "", 400, READS),
    ("post", "/alerts/unsubscribe", Anyone, "", 400, ENDS_ONCE),
];
