//! The part of the table of routes that is about destination definitions.

use model::access::{Permission as P, Role};

use super::routes::May::{Known, Members, Reviewers};
use super::routes::Tag::{Needed, Taken};
use super::routes::{EVERYONE, MAKES, READS, Route, STEPS, TRIES};

const DEFINERS: &[Role] = &[Role::Owner, Role::Admin, Role::Partner];

/// What the definition of the tests is: released once, and submitted.
pub(super) const DEFINITIONS: &[Route] = &[
    (
        "get",
        "/organisations/{organisation}/definitions",
        Members(EVERYONE, &[P::DefinitionsRead]),
        "",
        200,
        READS,
    ),
    (
        "post",
        "/organisations/{organisation}/definitions",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        r#"{"display_name": "quagga definition {n}"}"#,
        201,
        MAKES,
    ),
    (
        "get",
        "/organisations/{organisation}/definitions/{definition}",
        Members(EVERYONE, &[P::DefinitionsRead]),
        "",
        200,
        READS,
    ),
    (
        "patch",
        "/organisations/{organisation}/definitions/{definition}",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        r#"{"typed_properties": true}"#,
        200,
        Needed,
    ),
    // It has been released.
    (
        "delete",
        "/organisations/{organisation}/definitions/{definition}",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        "",
        409,
        Taken,
    ),
    (
        "put",
        "/organisations/{organisation}/definitions/{definition}/listing",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        r#"{"listing": "deprecated"}"#,
        200,
        Taken,
    ),
    // Only pictures are taken.
    (
        "put",
        "/organisations/{organisation}/definitions/{definition}/logo",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        "{}",
        400,
        Taken,
    ),
    (
        "delete",
        "/organisations/{organisation}/definitions/{definition}/logo",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        "",
        200,
        Taken,
    ),
    // There is no such picture.
    ("get", "/logos/{logo}", Known, "", 404, READS),
    (
        "get",
        "/organisations/{organisation}/definitions/{definition}/check",
        Members(EVERYONE, &[P::DefinitionsRead]),
        "",
        200,
        READS,
    ),
    (
        "post",
        "/organisations/{organisation}/definitions/{definition}/release",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        "",
        201,
        Needed,
    ),
    (
        "get",
        "/organisations/{organisation}/definitions/{definition}/versions",
        Members(EVERYONE, &[P::DefinitionsRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/organisations/{organisation}/definitions/{definition}/versions/{version}",
        Members(EVERYONE, &[P::DefinitionsRead]),
        "",
        200,
        READS,
    ),
    // It has been submitted.
    (
        "post",
        "/organisations/{organisation}/definitions/{definition}/versions/{version}/submit",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        "",
        409,
        STEPS,
    ),
    (
        "post",
        "/organisations/{organisation}/definitions/{definition}/versions/{version}/withdraw",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        "",
        200,
        STEPS,
    ),
    (
        "get",
        "/organisations/{organisation}/catalog",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/organisations/{organisation}/catalog/{definition}",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
];

pub(super) const REVIEWS: &[Route] = &[
    ("get", "/installation/reviews", Reviewers, "", 200, READS),
    (
        "get",
        "/installation/reviews/{definition}/versions/{version}",
        Reviewers,
        "",
        200,
        READS,
    ),
    (
        "put",
        "/installation/reviews/{definition}/barring",
        Reviewers,
        r#"{"barred": true, "note": "{n}"}"#,
        200,
        Taken,
    ),
    (
        "post",
        "/installation/reviews/{definition}/versions/{version}/decision",
        Reviewers,
        r#"{"decision": "return", "note": "{n}"}"#,
        200,
        STEPS,
    ),
    (
        "post",
        "/organisations/{organisation}/definitions/{definition}/preview",
        Members(EVERYONE, &[P::DefinitionsRead]),
        "{}",
        200,
        TRIES,
    ),
    // No such event can be sent.
    (
        "post",
        "/organisations/{organisation}/definitions/{definition}/test",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        r#"{"event": []}"#,
        422,
        TRIES,
    ),
    (
        "post",
        "/organisations/{organisation}/definitions/{definition}/lint",
        Members(EVERYONE, &[P::DefinitionsRead]),
        "{}",
        200,
        TRIES,
    ),
    (
        "post",
        "/installation/reviews/{definition}/versions/{version}/preview",
        Reviewers,
        "{}",
        200,
        TRIES,
    ),
    // No such event can be sent.
    (
        "post",
        "/installation/reviews/{definition}/versions/{version}/test",
        Reviewers,
        r#"{"event": []}"#,
        422,
        TRIES,
    ),
];
