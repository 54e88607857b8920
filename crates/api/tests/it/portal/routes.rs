//! The table of all routes: who may use each, and what they get.

use model::access::{Permission, Role};

use Permission as P;

/// Who may use a route.
#[derive(Debug, Clone, Copy)]
pub(super) enum May {
    /// Anyone: nobody is asked who they are.
    Anyone,
    /// Whoever we know.
    Known,
    /// People who are signed in, and no programs.
    Present,
    /// Members with one of these roles, and tokens with all of these permissions.
    Members(&'static [Role], &'static [Permission]),
    /// Operators of the installation.
    Operators,
    /// Those who release destinations for everyone.
    Reviewers,
}

use May::{Anyone, Known, Members, Operators, Present};

/// What becomes of a version that a request to a route is made from (`If-Match`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// It has to be given, or `*`: what is changed without it could be somebody's latest change.
    Needed,
    /// It counts when it is given.
    Taken,
    /// There is none to compare it with. Why:
    None(&'static str),
}

use Tag::{Needed, Taken};

pub(super) const READS: Tag = Tag::None("it reads");
pub(super) const MAKES: Tag = Tag::None("what it makes is new; `Idempotency-Key` makes that once");
pub(super) const ENDS: Tag = Tag::None("what it ends never changes before");
pub(super) const TRIES: Tag = Tag::None("it changes nothing");
pub(super) const STEPS: Tag =
    Tag::None("versions never change, and it says itself from which state");
pub(super) const KEYS: Tag = Tag::None("it does the same whatever keys there are");

pub(super) const EVERYONE: &[Role] = &[
    Role::Owner,
    Role::Admin,
    Role::Member,
    Role::Partner,
    Role::Viewer,
];
pub(super) const WRITERS: &[Role] = &[Role::Owner, Role::Admin, Role::Member];
const ADMINS: &[Role] = &[Role::Owner, Role::Admin];
const OWNERS: &[Role] = &[Role::Owner];

/// Method, path, who may, a body (where `{n}` is a new number each time), the status that those get who
/// are let in, and what becomes of `If-Match`. Where the status is a refusal, it is one that only they
/// can get.
pub(super) type Route = (&'static str, &'static str, May, &'static str, u16, Tag);

pub(super) const ACCESS: &[Route] = &[
    (
        "post",
        "/session",
        Anyone,
        r#"{"email": "nobody{n}@example.com", "password": "x"}"#,
        401,
        MAKES,
    ),
    ("delete", "/session", Present, "", 204, ENDS),
    ("get", "/session/openid", Anyone, "", 200, READS),
    // There is no such provider.
    (
        "get",
        "/session/openid/{provider}/start",
        Anyone,
        "",
        404,
        READS,
    ),
    ("get", "/session/openid/callback", Anyone, "", 303, READS),
    ("get", "/me", Known, "", 200, READS),
    (
        "patch",
        "/me",
        Present,
        r#"{"name": "Renamed"}"#,
        200,
        Needed,
    ),
    ("get", "/me/organisations", Known, "", 200, READS),
    (
        "put",
        "/me/password",
        Present,
        r#"{"current": "correct horse battery", "new": "another good one"}"#,
        204,
        Taken,
    ),
    ("post", "/me/second-factor/offer", Present, "", 200, TRIES),
    (
        "put",
        "/me/second-factor",
        Present,
        r#"{"secret": "A", "code": "1", "password": "correct horse battery"}"#,
        422,
        Taken,
    ),
    (
        "post",
        "/me/second-factor/remove",
        Present,
        r#"{"password": "correct horse battery"}"#,
        204,
        Taken,
    ),
    // It is not the password.
    (
        "post",
        "/me/delete",
        Present,
        r#"{"password": "wrong"}"#,
        422,
        Taken,
    ),
    ("get", "/me/sessions", Present, "", 200, READS),
    ("delete", "/me/sessions/{session}", Present, "", 204, ENDS),
    ("get", "/me/identities", Present, "", 200, READS),
    (
        "delete",
        "/me/identities/{identity}",
        Present,
        "",
        204,
        ENDS,
    ),
    ("delete", "/me/identities/removed", Present, "", 204, ENDS),
    (
        "post",
        "/invitations/look",
        Anyone,
        r#"{"token": "msi_x"}"#,
        410,
        TRIES,
    ),
    (
        "post",
        "/invitations/accept",
        Anyone,
        r#"{"token": "msi_x"}"#,
        410,
        MAKES,
    ),
    (
        "post",
        "/password-resets",
        Anyone,
        r#"{"email": "nobody{n}@example.com"}"#,
        202,
        MAKES,
    ),
    (
        "post",
        "/password-resets/redeem",
        Anyone,
        r#"{"token": "msr_x", "password": "another good one"}"#,
        410,
        MAKES,
    ),
];

pub(super) const ORGANISATIONS: &[Route] = &[
    (
        "get",
        "/organisations/{organisation}",
        Members(EVERYONE, &[P::OrganisationRead]),
        "",
        200,
        READS,
    ),
    (
        "patch",
        "/organisations/{organisation}",
        Members(ADMINS, &[P::OrganisationWrite]),
        r#"{"name": "quagga {n}"}"#,
        200,
        Needed,
    ),
    // It has projects.
    (
        "delete",
        "/organisations/{organisation}",
        Members(OWNERS, &[P::OwnersWrite]),
        "",
        409,
        Taken,
    ),
    (
        "get",
        "/organisations/{organisation}/members",
        Members(EVERYONE, &[P::MembersRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/organisations/{organisation}/members/{person}",
        Members(EVERYONE, &[P::MembersRead]),
        "",
        200,
        READS,
    ),
    (
        "patch",
        "/organisations/{organisation}/members/{person}",
        Members(ADMINS, &[P::MembersWrite]),
        r#"{"role": "member"}"#,
        200,
        Needed,
    ),
    (
        "delete",
        "/organisations/{organisation}/members/{person}",
        Members(ADMINS, &[P::MembersWrite]),
        "",
        204,
        Taken,
    ),
    (
        "get",
        "/organisations/{organisation}/invitations",
        Members(EVERYONE, &[P::MembersRead]),
        "",
        200,
        READS,
    ),
    (
        "post",
        "/organisations/{organisation}/invitations",
        Members(ADMINS, &[P::MembersWrite]),
        r#"{"email": "quagga{n}@example.com", "role": "viewer"}"#,
        201,
        MAKES,
    ),
    (
        "delete",
        "/organisations/{organisation}/invitations/{invitation}",
        Members(ADMINS, &[P::MembersWrite]),
        "",
        204,
        ENDS,
    ),
    (
        "get",
        "/organisations/{organisation}/tokens",
        Members(EVERYONE, &[P::OrganisationRead]),
        "",
        200,
        READS,
    ),
    (
        "post",
        "/organisations/{organisation}/tokens",
        Members(EVERYONE, &[P::TokensCreate]),
        r#"{"name": "quagga"}"#,
        201,
        MAKES,
    ),
    (
        "delete",
        "/organisations/{organisation}/tokens/{token}",
        Members(ADMINS, &[P::TokensWrite]),
        "",
        200,
        ENDS,
    ),
    (
        "get",
        "/organisations/{organisation}/audit",
        Members(ADMINS, &[P::AuditRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/organisations/{organisation}/audit/export",
        Members(ADMINS, &[P::AuditRead]),
        "",
        200,
        READS,
    ),
];

pub(super) const PROJECTS: &[Route] = &[
    (
        "get",
        "/organisations/{organisation}/projects",
        Members(EVERYONE, &[P::ProjectsRead]),
        "",
        200,
        READS,
    ),
    (
        "post",
        "/organisations/{organisation}/projects",
        Members(ADMINS, &[P::ProjectsWrite]),
        r#"{"name": "quagga {n}"}"#,
        201,
        MAKES,
    ),
    (
        "get",
        "/projects/{project}",
        Members(EVERYONE, &[P::ProjectsRead]),
        "",
        200,
        READS,
    ),
    (
        "patch",
        "/projects/{project}",
        Members(ADMINS, &[P::ProjectsWrite]),
        r#"{"name": "quagga {n}"}"#,
        200,
        Needed,
    ),
    // It has a sync.
    (
        "delete",
        "/projects/{project}",
        Members(ADMINS, &[P::ProjectsWrite]),
        "",
        409,
        Taken,
    ),
    (
        "post",
        "/projects/{project}/api-key/rotate",
        Members(ADMINS, &[P::ProjectsWrite]),
        r#"{"overlap_seconds": 60}"#,
        200,
        Taken,
    ),
    (
        "post",
        "/projects/{project}/secret-key/rotate",
        Members(ADMINS, &[P::ProjectsWrite]),
        r#"{"overlap_seconds": 60}"#,
        200,
        Taken,
    ),
];

pub(super) const SYNCS: &[Route] = &[
    (
        "get",
        "/projects/{project}/observed",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/user",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        // It doesn't say whom.
        400,
        READS,
    ),
    (
        "get",
        "/projects/{project}/retention",
        Members(EVERYONE, &[P::ProjectsRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/erasures",
        Members(ADMINS, &[P::ProjectsWrite]),
        "",
        200,
        READS,
    ),
    (
        "post",
        "/projects/{project}/erasures",
        Members(ADMINS, &[P::ProjectsWrite]),
        r#"{"user_id": "ann"}"#,
        201,
        MAKES,
    ),
    (
        "get",
        "/projects/{project}/erasures/{erasure}",
        Members(ADMINS, &[P::ProjectsWrite]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/events",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/tail/events",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/tail/outcomes",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/tail",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/syncs",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "post",
        "/projects/{project}/syncs",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"name": "quagga {n}"}"#,
        201,
        MAKES,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "patch",
        "/projects/{project}/syncs/{sync}",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"name": "quagga {n}"}"#,
        200,
        Needed,
    ),
    (
        "delete",
        "/projects/{project}/syncs/{sync}",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        200,
        Taken,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/enable",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        200,
        Taken,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/disable",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        200,
        Taken,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/resume",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"backlog": "all"}"#,
        200,
        Taken,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/preview",
        Members(EVERYONE, &[P::SyncsRead]),
        "{}",
        200,
        TRIES,
    ),
    // No such event can be sent.
    (
        "post",
        "/projects/{project}/syncs/{sync}/test",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"event": []}"#,
        422,
        TRIES,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/status",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/figures",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/health",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/figures",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/retries",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/why",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        // It doesn't say of what.
        400,
        READS,
    ),
    (
        "get",
        "/projects/{project}/refused",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/outcomes",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/deliveries/{offset}",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/failures",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/samples/{sample}",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
        READS,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/ended",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
        READS,
    ),
];

pub(super) const INSTALLATION: &[Route] = &[
    (
        "get",
        "/installation/organisations",
        Operators,
        "",
        200,
        READS,
    ),
    (
        "post",
        "/installation/organisations",
        Operators,
        r#"{"name": "new {n}"}"#,
        201,
        MAKES,
    ),
    ("get", "/installation/audit", Operators, "", 200, READS),
    (
        "get",
        "/installation/audit/export",
        Operators,
        "",
        200,
        READS,
    ),
    ("get", "/installation/secrets", Operators, "", 200, READS),
    (
        "post",
        "/installation/secrets/rotate",
        Operators,
        r#"{"new_key": "yes"}"#,
        422,
        KEYS,
    ),
    (
        "post",
        "/installation/secrets/remove-unused-keys",
        Operators,
        "",
        200,
        KEYS,
    ),
    // It has an owner.
    (
        "post",
        "/installation/organisations/{organisation}/owner",
        Operators,
        r#"{"email": "quagga{n}@example.com"}"#,
        409,
        MAKES,
    ),
    ("get", "/installation/people", Operators, "", 200, READS),
    (
        "get",
        "/installation/people/{person}",
        Operators,
        "",
        200,
        READS,
    ),
    (
        "post",
        "/installation/people/{person}/lock",
        Operators,
        "",
        200,
        Taken,
    ),
    (
        "post",
        "/installation/people/{person}/unlock",
        Operators,
        "",
        200,
        Taken,
    ),
    (
        "delete",
        "/installation/people/{person}/sessions",
        Operators,
        "",
        204,
        ENDS,
    ),
    (
        "delete",
        "/installation/people/{person}/second-factor",
        Operators,
        "",
        204,
        Taken,
    ),
    (
        "delete",
        "/installation/people/{person}",
        Operators,
        "",
        204,
        Taken,
    ),
    (
        "patch",
        "/installation/people/{person}/rights",
        Operators,
        r#"{"operator": false, "reviewer": true}"#,
        200,
        Needed,
    ),
    ("get", "/installation", Operators, "", 200, READS),
    ("get", "/installation/outbox", Operators, "", 200, READS),
    // It waits.
    (
        "post",
        "/installation/outbox/{mail}/resend",
        Operators,
        "",
        409,
        Tag::None("it says itself from which state"),
    ),
    (
        "get",
        "/installation/outbox/{mail}",
        Operators,
        "",
        200,
        READS,
    ),
];
