//! Every route, with every kind of caller, and with another organisation's ids in every place.

use std::collections::BTreeSet;
use std::time::Duration;

use model::access::{Permission, Role};

use super::World;
use super::alert_routes::ALERTS;
use super::call::Answer;
use super::definition_routes::{DEFINITIONS, REVIEWS};
use super::replay_routes::REPLAYS;
use super::revision_routes::REVISIONS;
use super::routes::{ACCESS, INSTALLATION, May, ORGANISATIONS, PROJECTS, Route, SYNCS};
use super::tenants::{Credential, Kind, OURS, THEIRS, Tenants, Things};

pub(super) const TABLES: [&[Route]; 10] = [
    ALERTS,
    ACCESS,
    ORGANISATIONS,
    DEFINITIONS,
    PROJECTS,
    SYNCS,
    REVISIONS,
    REPLAYS,
    INSTALLATION,
    REVIEWS,
];

#[tokio::test]
async fn the_table_holds_every_route_of_the_document() {
    let world = World::new().await;
    let document = world.get("/openapi.json").await.json();
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.strip_prefix("/api/v1").expect("all is under /api/v1");
        for method in item.as_object().unwrap().keys() {
            documented.insert((method.clone(), path.to_owned()));
        }
    }
    let routes = TABLES.into_iter().flatten();
    let listed = routes.map(|(method, path, ..)| (method.to_string(), path.to_string()));
    assert_eq!(documented, listed.collect());
}

#[tokio::test]
async fn signing_in_and_oneself_are_open_to_whom_the_table_says() {
    every_caller(ACCESS).await;
}

#[tokio::test]
async fn an_organisation_is_open_to_whom_the_table_says() {
    every_caller(ORGANISATIONS).await;
}

#[tokio::test]
async fn definitions_are_open_to_whom_the_table_says() {
    every_caller(DEFINITIONS).await;
}

#[tokio::test]
async fn reviews_are_open_to_whom_the_table_says() {
    every_caller(REVIEWS).await;
}

#[tokio::test]
async fn projects_are_open_to_whom_the_table_says() {
    every_caller(PROJECTS).await;
}

#[tokio::test]
async fn alerts_are_open_to_whom_the_table_says() {
    every_caller(ALERTS).await;
}

#[tokio::test]
async fn syncs_are_open_to_whom_the_table_says() {
    every_caller(SYNCS).await;
}

#[tokio::test]
async fn what_syncs_were_and_could_be_is_open_to_whom_the_table_says() {
    every_caller(REVISIONS).await;
}

#[tokio::test]
async fn replays_are_open_to_whom_the_table_says() {
    every_caller(REPLAYS).await;
}

#[tokio::test]
async fn the_installation_is_open_to_whom_the_table_says() {
    every_caller(INSTALLATION).await;
}

/// The status that a caller gets.
fn expected((_, _, may, _, let_in, _): &Route, kind: Kind) -> u16 {
    match (may, kind) {
        (May::Anyone, _) => *let_in,
        (_, kind) if !kind.is_known() => 401,
        (May::Known, _) => *let_in,
        (May::Present, kind) => match kind.is_present() {
            true => *let_in,
            false => 403,
        },
        (_, Kind::Installation | Kind::Enough) => *let_in,
        (_, Kind::TooLittle) => 403,
        (May::Operators, Kind::OperatorSession | Kind::OperatorToken) => *let_in,
        (May::Reviewers, Kind::ReviewerSession | Kind::ReviewerToken) => *let_in,
        (May::Operators | May::Reviewers, _) => 403,
        (May::Members(roles, _), Kind::Session(role) | Kind::Token(role)) => {
            match roles.contains(&role) {
                true => *let_in,
                false => 403,
            }
        }
        // Whoever doesn't belong to an organisation isn't told that it exists.
        (May::Members(..), _) => 404,
    }
}

pub(super) fn needs((_, _, may, ..): &Route) -> &'static [Permission] {
    match may {
        May::Members(_, permissions) => permissions,
        May::Operators => &[Permission::InstallationWrite],
        May::Reviewers => &[Permission::ReviewsWrite],
        May::Anyone | May::Known | May::Present => &[],
    }
}

async fn every_caller(routes: &[Route]) {
    let mut tenants = Tenants::new().await;
    for route in routes {
        let (method, path, may, _, let_in, _) = route;
        for &kind in Kind::ALL {
            let narrowed = matches!(kind, Kind::Enough | Kind::TooLittle);
            if narrowed && needs(route).is_empty() {
                continue;
            }
            let credential = tenants.caller(kind, needs(route)).await;
            let things = tenants.things(&credential).await;
            let before = entries(&tenants).await;
            let answer = ask(&mut tenants, route, &credential, &things).await;
            let said = format!("{method} {path} as {kind:?}: {}", answer.text);
            let expected = expected(route, kind);
            assert_eq!(answer.status.as_u16(), expected, "{said}");
            let allowed = expected == *let_in && !matches!(may, May::Anyone);
            if allowed {
                if *method != "get" {
                    tenants.used(kind);
                }
            } else {
                let code = match expected {
                    401 if matches!(may, May::Anyone) => "wrong_credentials",
                    401 => "unauthenticated",
                    403 if matches!(may, May::Present) => "session_needed",
                    403 => "forbidden",
                    404 => "not_found",
                    410 => "link_ended",
                    _ => "",
                };
                if !code.is_empty() {
                    answer.problem(expected, code);
                }
                assert_eq!(
                    entries(&tenants).await,
                    before,
                    "it changed something: {said}"
                );
                assert!(!answer.text.contains(OURS), "{said}");
            }
            let all = allowed && matches!(may, May::Operators | May::Reviewers);
            let theirs = matches!(kind, Kind::OtherSession | Kind::OtherToken);
            assert!(all || theirs || !answer.text.contains(THEIRS), "{said}");
            assert!(all || !theirs || !answer.text.contains(OURS), "{said}");
        }
    }
}

/// How the audit logs end: the newest entries of the organisation and of the installation.
pub(super) async fn entries(tenants: &Tenants) -> Vec<String> {
    let store = &tenants.world.store;
    let mut newest = Vec::new();
    for log in [Some(tenants.world.organisation), Some(tenants.other), None] {
        let filter = store::AuditFilter::default();
        let page = store.audit_log(log, &filter, None, 1).await.unwrap();
        newest.extend(page.items.into_iter().map(|entry| entry.id.to_string()));
    }
    newest
}

async fn ask(
    tenants: &mut Tenants,
    route: &Route,
    credential: &Credential,
    things: &Things,
) -> Answer {
    ask_if(tenants, route, credential, things, Some("*")).await
}

/// The same with another `If-Match`, or none.
pub(super) async fn ask_if(
    tenants: &mut Tenants,
    (method, path, _, body, ..): &Route,
    credential: &Credential,
    things: &Things,
    if_match: Option<&str>,
) -> Answer {
    let number = tenants.number();
    // So that what is changed now comes last.
    tenants.world.clock.advance(Duration::from_micros(1));
    let method = method.to_uppercase();
    let call = tenants.world.anonymous(&method, &things.fill(path));
    // Each from elsewhere: failures are counted by address.
    let address = format!("10.0.{}.{}", number / 256, number % 256);
    let call = credential.on(call.from(&address));
    let call = match if_match {
        Some(tag) => call.header("if-match", tag),
        None => call,
    };
    let call = match *body {
        "" => call,
        body => call.text(
            "application/json",
            &body.replace("{n}", &number.to_string()),
        ),
    };
    call.send().await
}

#[tokio::test]
async fn another_organisations_ids_lead_nowhere_in_any_place() {
    let mut tenants = Tenants::new().await;
    let theirs = tenants.make_things(tenants.other, THEIRS).await;
    let tables = [
        ALERTS,
        ACCESS,
        ORGANISATIONS,
        DEFINITIONS,
        PROJECTS,
        SYNCS,
        REVISIONS,
        REPLAYS,
    ];
    let callers = [
        Kind::Session(Role::Owner),
        Kind::Token(Role::Owner),
        Kind::Installation,
    ];
    for route in tables.into_iter().flatten() {
        let (method, path, may, ..) = route;
        for (name, id) in &theirs.0 {
            if !path.contains(&format!("{{{name}}}")) {
                continue;
            }
            let callers = callers
                .iter()
                .filter(|kind| !matches!(may, May::Present) || kind.is_present());
            for &kind in callers {
                let credential = tenants.caller(kind, &[]).await;
                for id in [id.as_str(), &nobodys(id), "x", "prj_1"] {
                    let things = tenants.things(&credential).await.with(name, id);
                    let before = entries(&tenants).await;
                    let answer = ask(&mut tenants, route, &credential, &things).await;
                    let said = format!("{method} {path} {name} as {kind:?}: {}", answer.text);
                    assert_eq!(answer.status.as_u16(), 404, "{said}");
                    answer.problem(404, "not_found");
                    assert!(!answer.text.contains(THEIRS), "{said}");
                    assert_eq!(entries(&tenants).await, before, "{said}");
                }
            }
        }
    }
    let operator = tenants.caller(Kind::OperatorSession, &[]).await;
    for route in INSTALLATION {
        let (method, path, ..) = route;
        for name in ["person", "mail"] {
            if path.contains(&format!("{{{name}}}")) {
                for id in [nobodys(theirs.id(name)).as_str(), "x"] {
                    let things = theirs.with(name, id);
                    let answer = ask(&mut tenants, route, &operator, &things).await;
                    assert_eq!(answer.status.as_u16(), 404, "{method} {path} {id}");
                }
            }
        }
    }
}

/// An id of the same form that nothing has.
fn nobodys(id: &str) -> String {
    let last = id.len() - 1;
    let other = if id.ends_with('0') { "8" } else { "0" };
    format!("{}{other}", &id[..last])
}
