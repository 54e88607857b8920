//! The part of the table of routes that is about destination definitions.

use model::access::{Permission as P, Role};

use super::routes::May::{Known, Members, Reviewers};
use super::routes::{EVERYONE, Route};

const DEFINERS: &[Role] = &[Role::Owner, Role::Admin, Role::Partner];

/// What the definition of the tests is: released once, and submitted.
pub(super) const DEFINITIONS: &[Route] = &[
    (
        "get",
        "/organisations/{organisation}/definitions",
        Members(EVERYONE, &[P::DefinitionsRead]),
        "",
        200,
    ),
    (
        "post",
        "/organisations/{organisation}/definitions",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        r#"{"display_name": "quagga definition {n}"}"#,
        201,
    ),
    (
        "get",
        "/organisations/{organisation}/definitions/{definition}",
        Members(EVERYONE, &[P::DefinitionsRead]),
        "",
        200,
    ),
    (
        "patch",
        "/organisations/{organisation}/definitions/{definition}",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        r#"{"typed_properties": true}"#,
        200,
    ),
    // It has been released.
    (
        "delete",
        "/organisations/{organisation}/definitions/{definition}",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        "",
        409,
    ),
    (
        "put",
        "/organisations/{organisation}/definitions/{definition}/listing",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        r#"{"listing": "deprecated"}"#,
        200,
    ),
    // Only pictures are taken.
    (
        "put",
        "/organisations/{organisation}/definitions/{definition}/logo",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        "{}",
        400,
    ),
    (
        "delete",
        "/organisations/{organisation}/definitions/{definition}/logo",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        "",
        200,
    ),
    // There is no such picture.
    ("get", "/logos/{logo}", Known, "", 404),
    (
        "get",
        "/organisations/{organisation}/definitions/{definition}/check",
        Members(EVERYONE, &[P::DefinitionsRead]),
        "",
        200,
    ),
    (
        "post",
        "/organisations/{organisation}/definitions/{definition}/release",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        "",
        201,
    ),
    (
        "get",
        "/organisations/{organisation}/definitions/{definition}/versions",
        Members(EVERYONE, &[P::DefinitionsRead]),
        "",
        200,
    ),
    (
        "get",
        "/organisations/{organisation}/definitions/{definition}/versions/{version}",
        Members(EVERYONE, &[P::DefinitionsRead]),
        "",
        200,
    ),
    // It has been submitted.
    (
        "post",
        "/organisations/{organisation}/definitions/{definition}/versions/{version}/submit",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        "",
        409,
    ),
    (
        "post",
        "/organisations/{organisation}/definitions/{definition}/versions/{version}/withdraw",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        "",
        200,
    ),
    (
        "get",
        "/organisations/{organisation}/catalog",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
    ),
    (
        "get",
        "/organisations/{organisation}/catalog/{definition}",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
    ),
];

pub(super) const REVIEWS: &[Route] = &[
    ("get", "/installation/reviews", Reviewers, "", 200),
    (
        "get",
        "/installation/reviews/{definition}/versions/{version}",
        Reviewers,
        "",
        200,
    ),
    (
        "put",
        "/installation/reviews/{definition}/barring",
        Reviewers,
        r#"{"barred": true, "note": "{n}"}"#,
        200,
    ),
    (
        "post",
        "/installation/reviews/{definition}/versions/{version}/decision",
        Reviewers,
        r#"{"decision": "return", "note": "{n}"}"#,
        200,
    ),
    (
        "post",
        "/organisations/{organisation}/definitions/{definition}/preview",
        Members(EVERYONE, &[P::DefinitionsRead]),
        "{}",
        200,
    ),
    // No such event can be sent.
    (
        "post",
        "/organisations/{organisation}/definitions/{definition}/test",
        Members(DEFINERS, &[P::DefinitionsWrite]),
        r#"{"event": []}"#,
        422,
    ),
    (
        "post",
        "/organisations/{organisation}/definitions/{definition}/lint",
        Members(EVERYONE, &[P::DefinitionsRead]),
        "{}",
        200,
    ),
    (
        "post",
        "/installation/reviews/{definition}/versions/{version}/preview",
        Reviewers,
        "{}",
        200,
    ),
];
