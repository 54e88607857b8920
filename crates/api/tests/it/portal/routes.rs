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

/// Method, path, who may, a body (where `{n}` is a new number each time), and the status that those
/// get who are let in. Where that is a refusal, it is one that only they can get.
pub(super) type Route = (&'static str, &'static str, May, &'static str, u16);

pub(super) const ACCESS: &[Route] = &[
    (
        "post",
        "/session",
        Anyone,
        r#"{"email": "nobody{n}@example.com", "password": "x"}"#,
        401,
    ),
    ("delete", "/session", Present, "", 204),
    ("get", "/session/openid", Anyone, "", 200),
    // There is no such provider.
    ("get", "/session/openid/{provider}/start", Anyone, "", 404),
    ("get", "/session/openid/callback", Anyone, "", 303),
    ("get", "/me", Known, "", 200),
    ("patch", "/me", Present, r#"{"name": "Renamed"}"#, 200),
    ("get", "/me/organisations", Known, "", 200),
    (
        "put",
        "/me/password",
        Present,
        r#"{"current": "correct horse battery", "new": "another good one"}"#,
        204,
    ),
    ("post", "/me/second-factor/offer", Present, "", 200),
    (
        "put",
        "/me/second-factor",
        Present,
        r#"{"secret": "A", "code": "1", "password": "correct horse battery"}"#,
        422,
    ),
    (
        "post",
        "/me/second-factor/remove",
        Present,
        r#"{"password": "correct horse battery"}"#,
        204,
    ),
    // It is not the password.
    (
        "post",
        "/me/delete",
        Present,
        r#"{"password": "wrong"}"#,
        422,
    ),
    ("get", "/me/sessions", Present, "", 200),
    ("delete", "/me/sessions/{session}", Present, "", 204),
    ("get", "/me/identities", Present, "", 200),
    ("delete", "/me/identities/{identity}", Present, "", 204),
    ("delete", "/me/identities/removed", Present, "", 204),
    (
        "post",
        "/invitations/look",
        Anyone,
        r#"{"token": "msi_x"}"#,
        410,
    ),
    (
        "post",
        "/invitations/accept",
        Anyone,
        r#"{"token": "msi_x"}"#,
        410,
    ),
    (
        "post",
        "/password-resets",
        Anyone,
        r#"{"email": "nobody{n}@example.com"}"#,
        202,
    ),
    (
        "post",
        "/password-resets/redeem",
        Anyone,
        r#"{"token": "msr_x", "password": "another good one"}"#,
        410,
    ),
];

pub(super) const ORGANISATIONS: &[Route] = &[
    (
        "get",
        "/organisations/{organisation}",
        Members(EVERYONE, &[P::OrganisationRead]),
        "",
        200,
    ),
    (
        "patch",
        "/organisations/{organisation}",
        Members(ADMINS, &[P::OrganisationWrite]),
        r#"{"name": "quagga {n}"}"#,
        200,
    ),
    // It has projects.
    (
        "delete",
        "/organisations/{organisation}",
        Members(OWNERS, &[P::OwnersWrite]),
        "",
        409,
    ),
    (
        "get",
        "/organisations/{organisation}/members",
        Members(EVERYONE, &[P::MembersRead]),
        "",
        200,
    ),
    (
        "get",
        "/organisations/{organisation}/members/{person}",
        Members(EVERYONE, &[P::MembersRead]),
        "",
        200,
    ),
    (
        "patch",
        "/organisations/{organisation}/members/{person}",
        Members(ADMINS, &[P::MembersWrite]),
        r#"{"role": "member"}"#,
        200,
    ),
    (
        "delete",
        "/organisations/{organisation}/members/{person}",
        Members(ADMINS, &[P::MembersWrite]),
        "",
        204,
    ),
    (
        "get",
        "/organisations/{organisation}/invitations",
        Members(EVERYONE, &[P::MembersRead]),
        "",
        200,
    ),
    (
        "post",
        "/organisations/{organisation}/invitations",
        Members(ADMINS, &[P::MembersWrite]),
        r#"{"email": "quagga{n}@example.com", "role": "viewer"}"#,
        201,
    ),
    (
        "delete",
        "/organisations/{organisation}/invitations/{invitation}",
        Members(ADMINS, &[P::MembersWrite]),
        "",
        204,
    ),
    (
        "get",
        "/organisations/{organisation}/tokens",
        Members(EVERYONE, &[P::OrganisationRead]),
        "",
        200,
    ),
    (
        "post",
        "/organisations/{organisation}/tokens",
        Members(EVERYONE, &[P::TokensCreate]),
        r#"{"name": "quagga"}"#,
        201,
    ),
    (
        "delete",
        "/organisations/{organisation}/tokens/{token}",
        Members(ADMINS, &[P::TokensWrite]),
        "",
        200,
    ),
    (
        "get",
        "/organisations/{organisation}/audit",
        Members(ADMINS, &[P::AuditRead]),
        "",
        200,
    ),
    (
        "get",
        "/organisations/{organisation}/audit/export",
        Members(ADMINS, &[P::AuditRead]),
        "",
        200,
    ),
];

pub(super) const PROJECTS: &[Route] = &[
    (
        "get",
        "/organisations/{organisation}/projects",
        Members(EVERYONE, &[P::ProjectsRead]),
        "",
        200,
    ),
    (
        "post",
        "/organisations/{organisation}/projects",
        Members(ADMINS, &[P::ProjectsWrite]),
        r#"{"name": "quagga {n}"}"#,
        201,
    ),
    (
        "get",
        "/projects/{project}",
        Members(EVERYONE, &[P::ProjectsRead]),
        "",
        200,
    ),
    (
        "patch",
        "/projects/{project}",
        Members(ADMINS, &[P::ProjectsWrite]),
        r#"{"name": "quagga {n}"}"#,
        200,
    ),
    // It has a sync.
    (
        "delete",
        "/projects/{project}",
        Members(ADMINS, &[P::ProjectsWrite]),
        "",
        409,
    ),
    (
        "post",
        "/projects/{project}/api-key/rotate",
        Members(ADMINS, &[P::ProjectsWrite]),
        r#"{"overlap_seconds": 60}"#,
        200,
    ),
    (
        "post",
        "/projects/{project}/secret-key/rotate",
        Members(ADMINS, &[P::ProjectsWrite]),
        r#"{"overlap_seconds": 60}"#,
        200,
    ),
];

pub(super) const SYNCS: &[Route] = &[
    (
        "get",
        "/projects/{project}/observed",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
    ),
    (
        "get",
        "/projects/{project}/events",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
    ),
    (
        "get",
        "/projects/{project}/syncs",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
    ),
    (
        "post",
        "/projects/{project}/syncs",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"name": "quagga {n}"}"#,
        201,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
    ),
    (
        "patch",
        "/projects/{project}/syncs/{sync}",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"name": "quagga {n}"}"#,
        200,
    ),
    (
        "delete",
        "/projects/{project}/syncs/{sync}",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        200,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/enable",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        200,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/disable",
        Members(WRITERS, &[P::SyncsWrite]),
        "",
        200,
    ),
    (
        "post",
        "/projects/{project}/syncs/{sync}/preview",
        Members(EVERYONE, &[P::SyncsRead]),
        "{}",
        200,
    ),
    // No such event can be sent.
    (
        "post",
        "/projects/{project}/syncs/{sync}/test",
        Members(WRITERS, &[P::SyncsWrite]),
        r#"{"event": []}"#,
        422,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/status",
        Members(EVERYONE, &[P::SyncsRead]),
        "",
        200,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/retries",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
    ),
    (
        "get",
        "/projects/{project}/syncs/{sync}/ended",
        Members(EVERYONE, &[P::DeliveriesRead]),
        "",
        200,
    ),
];

pub(super) const INSTALLATION: &[Route] = &[
    ("get", "/installation/organisations", Operators, "", 200),
    (
        "post",
        "/installation/organisations",
        Operators,
        r#"{"name": "new {n}"}"#,
        201,
    ),
    ("get", "/installation/audit", Operators, "", 200),
    ("get", "/installation/audit/export", Operators, "", 200),
    ("get", "/installation/secrets", Operators, "", 200),
    (
        "post",
        "/installation/secrets/rotate",
        Operators,
        r#"{"new_key": "yes"}"#,
        422,
    ),
    (
        "post",
        "/installation/secrets/remove-unused-keys",
        Operators,
        "",
        200,
    ),
    // It has an owner.
    (
        "post",
        "/installation/organisations/{organisation}/owner",
        Operators,
        r#"{"email": "quagga{n}@example.com"}"#,
        409,
    ),
    ("get", "/installation/people", Operators, "", 200),
    ("get", "/installation/people/{person}", Operators, "", 200),
    (
        "post",
        "/installation/people/{person}/lock",
        Operators,
        "",
        200,
    ),
    (
        "post",
        "/installation/people/{person}/unlock",
        Operators,
        "",
        200,
    ),
    (
        "delete",
        "/installation/people/{person}/sessions",
        Operators,
        "",
        204,
    ),
    (
        "delete",
        "/installation/people/{person}/second-factor",
        Operators,
        "",
        204,
    ),
    (
        "delete",
        "/installation/people/{person}",
        Operators,
        "",
        204,
    ),
    (
        "patch",
        "/installation/people/{person}/rights",
        Operators,
        r#"{"operator": false, "reviewer": true}"#,
        200,
    ),
    ("get", "/installation/outbox", Operators, "", 200),
    ("get", "/installation/outbox/{mail}", Operators, "", 200),
];
